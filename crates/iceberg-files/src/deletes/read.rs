//! The rows of a data file that are deleted already.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use futures::StreamExt;
use iceberg::spec::{DataContentType, DataFileFormat, PrimitiveLiteral};
use iceberg_commit::{Live, LiveFile, Warehouse};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::async_reader::ParquetObjectReader;

use super::{FILE_PATH_ID, position_fields};
use crate::error::FilesError;

/// The rows of a data file that are deleted already, and the files that say so.
#[derive(Debug, Default)]
pub struct Deletes {
    /// Ascending, without doubles.
    pub positions: Vec<u64>,
    /// The delete files that are about this data file alone.
    pub scoped: Vec<Arc<LiveFile>>,
}

impl Deletes {
    /// Reads what is deleted of a data file.
    ///
    /// # Errors
    /// [`FilesError::Foreign`] where some of it is deleted in a way that is not read here, or a file cannot be read.
    pub async fn load(warehouse: &Warehouse, live: &Live, file: &LiveFile) -> Result<Self, FilesError> {
        let path = file.file.file_path();
        let applying = applying(live, file)?;
        let positions = read_positions(warehouse, &applying, path).await?;
        let scoped = applying.into_iter().filter(|delete| is_scoped(delete, path)).collect();
        Ok(Deletes { positions, scoped })
    }

    /// Whether the row at a place of the data file is deleted.
    #[must_use]
    pub fn contains(&self, position: u64) -> bool {
        self.positions.binary_search(&position).is_ok()
    }
}

/// The positions in one data file that some delete files name: ascending, without doubles.
///
/// # Errors
/// [`FilesError::Foreign`] where one of them holds other deletes or is no Parquet file, or it cannot be read.
pub async fn read_positions(
    warehouse: &Warehouse,
    deletes: &[Arc<LiveFile>],
    data_file: &str,
) -> Result<Vec<u64>, FilesError> {
    let mut positions = Vec::new();
    for delete in deletes {
        if delete.file.content_type() == DataContentType::EqualityDeletes {
            return Err(equality_deletes());
        }
        if delete.file.file_format() != DataFileFormat::Parquet {
            let detail = format!(
                "'{}' is no Parquet file of position deletes; compact the table with the engine that wrote it",
                delete.file.file_path()
            );
            return Err(FilesError::Foreign { detail });
        }
        read(warehouse, delete, data_file, &mut positions).await?;
    }
    positions.sort_unstable();
    positions.dedup();
    Ok(positions)
}

fn equality_deletes() -> FilesError {
    let detail = "another engine wrote equality deletes, which most readers refuse; compact the table with that engine \
                  (rewrite_data_files)";
    FilesError::Foreign { detail: detail.to_owned() }
}

/// Whether a delete file is about one data file alone, and that is the one.
fn is_scoped(delete: &LiveFile, path: &str) -> bool {
    if let Some(referenced) = delete.file.referenced_data_file() {
        return referenced == path;
    }
    bounds(delete).is_some_and(|(lower, upper)| lower == path && upper == path)
}

fn bounds(delete: &LiveFile) -> Option<(&str, &str)> {
    let lower = delete.file.lower_bounds().get(&FILE_PATH_ID)?;
    let upper = delete.file.upper_bounds().get(&FILE_PATH_ID)?;
    match (lower.literal(), upper.literal()) {
        (PrimitiveLiteral::String(lower), PrimitiveLiteral::String(upper)) => Some((lower, upper)),
        _ => None,
    }
}

/// The delete files that may be about a data file.
///
/// # Errors
/// [`FilesError::Foreign`] where equality deletes are among them.
pub fn applying(live: &Live, file: &LiveFile) -> Result<Vec<Arc<LiveFile>>, FilesError> {
    let path = file.file.file_path();
    let mut found = Vec::new();
    for delete in &live.deletes {
        let is_older = delete.sequence_number < file.sequence_number;
        let same_partition = delete.spec_id == file.spec_id && delete.file.partition() == file.file.partition();
        match delete.file.content_type() {
            DataContentType::EqualityDeletes => {
                let applies = delete.sequence_number > file.sequence_number
                    && (same_partition || delete.file.partition().fields().is_empty());
                if applies {
                    return Err(equality_deletes());
                }
            }
            DataContentType::PositionDeletes if !is_older => {
                let may = match (delete.file.referenced_data_file(), bounds(delete)) {
                    (Some(referenced), _) => referenced == path,
                    // Upper bounds may be cut, so that the path begins with them.
                    (None, Some((lower, upper))) => {
                        same_partition && lower <= path && (path <= upper || path.starts_with(upper))
                    }
                    (None, None) => same_partition,
                };
                if may {
                    found.push(Arc::clone(delete));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

async fn read(
    warehouse: &Warehouse,
    delete: &LiveFile,
    path: &str,
    positions: &mut Vec<u64>,
) -> Result<(), FilesError> {
    let uri = delete.file.file_path();
    let object = warehouse.path(uri)?;
    let failed = |source| FilesError::Parquet {
        path: uri.to_owned(),
        source,
        advice: "bring the file back, or go back to an older snapshot of the table",
    };
    let reader = ParquetObjectReader::new(Arc::clone(warehouse.store()), object)
        .with_file_size(delete.file.file_size_in_bytes());
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(failed)?;
    let mut stream = builder.build().map_err(failed)?;
    let (path_field, position_field) = position_fields();
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(failed)?;
        let wrong = || FilesError::Defect(format!("'{uri}' is no file of position deletes"));
        let paths = batch.column_by_name(path_field.name()).ok_or_else(wrong)?;
        let paths = arrow_cast::cast(paths, &arrow_schema::DataType::Utf8)?;
        let rows = batch.column_by_name(position_field.name()).ok_or_else(wrong)?;
        let rows = rows.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let same = paths.as_string::<i32>().iter().zip(rows.values()).filter(|(other, _)| *other == Some(path));
        positions.extend(same.map(|(_, row)| row.unsigned_abs()));
    }
    Ok(())
}
