//! The contract's types in Spark's words.

use weir_model::ColumnType;

/// The type's name in a declaration.
pub(super) fn spark(column_type: &ColumnType) -> String {
    let name = match column_type {
        ColumnType::String | ColumnType::Json => "STRING",
        ColumnType::Int32 => "INT",
        ColumnType::Int64 => "BIGINT",
        ColumnType::Float32 => "FLOAT",
        ColumnType::Float64 => "DOUBLE",
        ColumnType::Decimal { precision, scale } => return format!("DECIMAL({precision},{scale})"),
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date(_) => "DATE",
        // A bare TIMESTAMP is what the session says it is.
        ColumnType::Timestamp { zoned: true, .. } => "TIMESTAMP_LTZ",
        ColumnType::Timestamp { zoned: false, .. } => "TIMESTAMP_NTZ",
        ColumnType::Binary => "BINARY",
    };
    name.to_owned()
}

/// Whether the type has two zeros that SQL holds equal.
pub(super) fn is_float(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Float32 | ColumnType::Float64)
}
