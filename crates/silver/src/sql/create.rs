//! The table itself, for a lake whose first merge is not Weir's own.

use weir_model::Contract;
use weir_model::contract::silver::{PartitionField, Transform, columns};

use super::merge::check;
use super::name::{column, literal, table};
use super::types::spark;
use super::{SqlError, Target};

/// What a snapshot adds to the contract's columns, in the table's order.
pub(super) const ADDED: [(&str, &str); 6] = [
    (columns::CREATED_AT, "TIMESTAMP_LTZ NOT NULL"),
    (columns::UPDATED_AT, "TIMESTAMP_LTZ NOT NULL"),
    (columns::DELETED_AT, "TIMESTAMP_LTZ"),
    (columns::OP, "STRING NOT NULL"),
    (columns::SEQ, "STRING NOT NULL"),
    (columns::CARRIED, "STRING"),
];

/// What Weir sets on its tables, so that whoever writes next writes alike.
const PROPERTIES: [(&str, &str); 5] = [
    ("format-version", "2"),
    ("write.delete.mode", "merge-on-read"),
    ("write.update.mode", "merge-on-read"),
    ("write.merge.mode", "merge-on-read"),
    ("write.parquet.compression-codec", "zstd"),
];

/// The `CREATE TABLE IF NOT EXISTS`.
pub(super) fn statement(contract: &Contract, target: &Target<'_>) -> Result<String, SqlError> {
    check(contract)?;
    let mut columns = Vec::new();
    for (index, each) in contract.columns.iter().enumerate() {
        // A tombstone has its key alone.
        let required = if contract.primary_key.contains(&index) { " NOT NULL" } else { "" };
        columns.push(format!("  {} {}{required}", column(&each.name)?, spark(&each.column_type)));
    }
    columns.extend(ADDED.iter().map(|(name, kind)| format!("  `{name}` {kind}")));
    let silver = &contract.silver;
    let by: Vec<String> = silver.partition_by.iter().map(transform).collect::<Result<_, _>>()?;
    let partitions = if by.is_empty() { String::new() } else { format!("\nPARTITIONED BY ({})", by.join(", ")) };
    let mut properties: Vec<String> =
        PROPERTIES.iter().map(|(key, value)| format!("  {} = {}", literal(key), literal(value))).collect();
    properties.push(format!("  'write.target-file-size-bytes' = '{}'", silver.target_file_bytes));
    // Weir brings what follows the contract in line at its own next merge; the kind it has to find.
    properties.push(format!("  'weir.silver.kind' = {}", literal(silver.kind.as_str())));
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nUSING iceberg{partitions}\nTBLPROPERTIES (\n{}\n)",
        table(target)?,
        columns.join(",\n"),
        properties.join(",\n"),
    ))
}

/// A partition field in Spark's words.
fn transform(field: &PartitionField) -> Result<String, SqlError> {
    let name = column(&field.column)?;
    Ok(match field.transform {
        Transform::Identity => name,
        Transform::Year => format!("years({name})"),
        Transform::Month => format!("months({name})"),
        Transform::Day => format!("days({name})"),
        Transform::Hour => format!("hours({name})"),
        Transform::Bucket(buckets) => format!("bucket({buckets}, {name})"),
        Transform::Truncate(width) => format!("truncate({width}, {name})"),
    })
}
