//! Position deletes: the rows of a data file that are no more.

mod read;
mod write;

use arrow_schema::{DataType, Field};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

pub use read::{Deletes, applying, read_positions};
pub use write::write_deletes;

/// Field ids that the specification reserves for position deletes
/// (<https://iceberg.apache.org/spec/#reserved-field-ids>).
const FILE_PATH_ID: i32 = 2_147_483_546;
const POSITION_ID: i32 = 2_147_483_545;

/// The columns of a file of position deletes.
fn position_fields() -> (Field, Field) {
    let field = |name: &str, data_type, id: i32| {
        let metadata = [(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())];
        Field::new(name, data_type, false).with_metadata(metadata.into())
    };
    (field("file_path", DataType::Utf8, FILE_PATH_ID), field("pos", DataType::Int64, POSITION_ID))
}
