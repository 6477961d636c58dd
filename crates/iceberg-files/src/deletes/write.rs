//! Files of position deletes, each about one data file.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::Schema;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum};
use iceberg_commit::{LiveFile, Warehouse};
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;

use super::{FILE_PATH_ID, POSITION_ID, position_fields};
use crate::error::FilesError;
use crate::writer::compressed;
use crate::written::Written;

/// Writes which rows of `target` are deleted; `positions` ascend and hold the earlier ones too. The file is
/// told to `written`.
///
/// # Errors
/// [`FilesError`].
pub async fn write_deletes(
    warehouse: &Warehouse,
    location: &str,
    target: &LiveFile,
    positions: &[u64],
    written: &Written,
) -> Result<DataFile, FilesError> {
    let path = target.file.file_path();
    let (path_field, position_field) = position_fields();
    let schema = Arc::new(Schema::new(vec![path_field, position_field]));
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(path, positions.len())));
    // Positions came from rows that were counted in an i64.
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(positions.iter().map(|position| *position as i64)));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![paths, rows])?;
    // Readers tell by the bounds which file the deletes are about, so that they must not be cut.
    let properties =
        compressed(positions.len()).set_statistics_truncate_length(None).set_column_index_truncate_length(None).build();
    let parquet = |error| FilesError::Defect(format!("Parquet: {error}"));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).map_err(parquet)?;
    writer.write(&batch).map_err(parquet)?;
    writer.close().map_err(parquet)?;

    let uri = format!("{location}/data/{}-deletes.parquet", uuid::Uuid::now_v7());
    let size = bytes.len() as u64;
    let object = warehouse.path(&uri)?;
    written.begin(&uri);
    warehouse
        .store()
        .put(&object, PutPayload::from(bytes))
        .await
        .map_err(|source| FilesError::Store { what: format!("'{uri}' could not be written"), source })?;
    let count = positions.len() as u64;
    let (first, last) = (positions.first().copied().unwrap_or(0), positions.last().copied().unwrap_or(0));
    let mut builder = DataFileBuilder::default();
    builder
        .content(DataContentType::PositionDeletes)
        .file_path(uri)
        .file_format(DataFileFormat::Parquet)
        .partition(target.file.partition().clone())
        .partition_spec_id(target.spec_id)
        .record_count(count)
        .file_size_in_bytes(size)
        .value_counts([(FILE_PATH_ID, count), (POSITION_ID, count)].into())
        .null_value_counts([(FILE_PATH_ID, 0), (POSITION_ID, 0)].into())
        .lower_bounds([(FILE_PATH_ID, Datum::string(path)), (POSITION_ID, Datum::long(first as i64))].into())
        .upper_bounds([(FILE_PATH_ID, Datum::string(path)), (POSITION_ID, Datum::long(last as i64))].into())
        .referenced_data_file(Some(path.to_owned()));
    builder.build().map_err(|error| FilesError::Defect(format!("a delete file cannot be described: {error}")))
}
