//! What a Parquet file of a contract looks like.

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use weir_model::change::columns;
use weir_model::contract::ColumnType;
use weir_model::{Contract, Timestamp};

/// Which columns the output has.
#[derive(Debug, Clone)]
pub enum Layout {
    /// The contract's own.
    Table,
    /// The contract's own, then those of [`weir_model::change::columns`].
    Bronze {
        /// Id of the file's control record.
        control_id: String,
        /// When the object was written: orders the rows of plain files.
        object_time: Timestamp,
    },
}

/// The Arrow schema of a table in a layout.
///
/// In bronze only the primary key is never null, because a delete may carry nothing else.
#[must_use]
pub fn arrow_schema(contract: &Contract, layout: &Layout) -> Schema {
    let bronze = matches!(layout, Layout::Bronze { .. });
    let mut fields: Vec<Field> = Vec::with_capacity(contract.columns.len() + columns::ALL.len());
    for (index, column) in contract.columns.iter().enumerate() {
        let is_key = contract.primary_key.contains(&index);
        let nullable = if bronze { !is_key } else { !column.required };
        fields.push(Field::new(&column.name, data_type(&column.column_type), nullable));
    }
    if bronze {
        fields.push(Field::new(columns::OP, DataType::Utf8, false));
        fields.push(Field::new(columns::SEQ, DataType::Utf8, false));
        fields.push(Field::new(columns::EVENT_TIME, zoned_timestamp(), false));
        fields.push(Field::new(columns::CONTROL_ID, DataType::Utf8, false));
        fields.push(Field::new(columns::ROW, DataType::Int64, false));
        fields.push(Field::new(columns::UNCHANGED, DataType::Utf8, true));
    }
    Schema::new(fields)
}

pub(crate) fn data_type(column_type: &ColumnType) -> DataType {
    match column_type {
        ColumnType::String | ColumnType::Json => DataType::Utf8,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        // A contract's scale is at most 38.
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date(_) => DataType::Date32,
        ColumnType::Timestamp { zoned: true, .. } => zoned_timestamp(),
        ColumnType::Timestamp { zoned: false, .. } => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Binary => DataType::Binary,
    }
}

pub(crate) fn zoned_timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
