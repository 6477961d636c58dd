"""Reads an Iceberg table by DuckDB: `duckdb_iceberg.py METADATA.json OUT.parquet`.

Runs under a DuckDB for which its extensions are packages; nothing is downloaded.
"""

import importlib.util
import sys
from pathlib import Path

import duckdb


def main() -> None:
    """Load the extensions from their packages, and copy the table's rows."""
    metadata, target = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ["avro", "iceberg"]:
        package = importlib.util.find_spec(f"duckdb_extension_{name}")
        if package is None or package.origin is None:
            raise SystemExit(f"the package duckdb-extension-{name} is not installed")
        folder = Path(package.origin).parent
        file = next(folder.rglob("*.duckdb_extension"))
        connection.execute(f"LOAD '{file}'")
    rows = connection.sql("SELECT * FROM iceberg_scan($1)", params=[metadata])
    rows.write_parquet(target)


if __name__ == "__main__":
    main()
