//! Parquet files of Iceberg tables: written with what manifests say of them, and their position deletes read.
