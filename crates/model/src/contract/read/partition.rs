//! Partition transforms, as contracts write them.

use super::custom::texts;
use super::silver::{Names, is_float};
use crate::contract::ColumnType;
use crate::contract::silver::{PartitionField, Transform};
use crate::reader::Reader;
use crate::yaml::Node;

const WORDS: &[&str] = &["identity", "year", "month", "day", "hour", "bucket", "truncate"];
/// More buckets than this are a mistake: each is at least one file.
const MAX_BUCKETS: u32 = 100_000;

/// Reads `weir.silver.partitionBy`.
pub(super) fn fields(reader: &mut Reader<'_>, node: &Node, path: &str, names: &Names<'_>) -> Vec<PartitionField> {
    let mut fields: Vec<PartitionField> = Vec::new();
    for (text, node, path) in texts(reader, node, path) {
        let Some(field) = parse(reader, node, &path, &text, names) else { continue };
        let Some(column_type) = names.get(&field.column) else {
            names.unknown(reader, node, &path, &field.column);
            continue;
        };
        if let Err((wrong, help)) = suits(&field, column_type) {
            reader.problem_with_help(node, &path, wrong, help);
        } else if let Some(other) = fields.iter().find(|other| is_redundant(other, &field)) {
            reader.problem_with_help(
                node,
                &path,
                format!("'{field}' besides '{other}' parts the same column twice"),
                "keep the finer one of the two",
            );
        } else {
            fields.push(field);
        }
    }
    fields
}

fn is_redundant(one: &PartitionField, other: &PartitionField) -> bool {
    one.column == other.column
        && (one.transform == other.transform || (one.transform.is_time() && other.transform.is_time()))
}

fn parse(reader: &mut Reader<'_>, node: &Node, path: &str, text: &str, names: &Names<'_>) -> Option<PartitionField> {
    // A column's name may itself look like a transform.
    let call = if names.get(text).is_some() { None } else { text.strip_suffix(')').and_then(|t| t.split_once('(')) };
    let Some((word, arguments)) = call else {
        return Some(PartitionField { column: text.to_owned(), transform: Transform::Identity });
    };
    let word = word.trim();
    let field = |transform, column: &str| Some(PartitionField { column: column.trim().to_owned(), transform });
    match word {
        "identity" => field(Transform::Identity, arguments),
        "year" => field(Transform::Year, arguments),
        "month" => field(Transform::Month, arguments),
        "day" => field(Transform::Day, arguments),
        "hour" => field(Transform::Hour, arguments),
        "bucket" | "truncate" => {
            let most = if word == "bucket" { MAX_BUCKETS } else { i32::MAX.unsigned_abs() };
            let parts = arguments.split_once(',').and_then(|(number, column)| {
                let number = number.trim().parse::<u32>().ok().filter(|number| (1..=most).contains(number))?;
                Some((number, column))
            });
            match parts {
                Some((number, column)) if word == "bucket" => field(Transform::Bucket(number), column),
                Some((number, column)) => field(Transform::Truncate(number), column),
                None => {
                    reader.problem_with_help(
                        node,
                        path,
                        format!("'{text}' does not say how many"),
                        format!("write {word}(16, column), with a number from 1 to {most}"),
                    );
                    None
                }
            }
        }
        _ => {
            reader.unknown(node.line, node.column, path, "partition transform", word, WORDS);
            None
        }
    }
}

fn suits(field: &PartitionField, column_type: &ColumnType) -> Result<(), (String, &'static str)> {
    use ColumnType as T;
    if is_float(column_type) {
        return Err((
            format!(
                "'{field}': the column is {column_type}, and a value that is rounded otherwise is another partition"
            ),
            "choose another column",
        ));
    }
    let (fits, help) = match field.transform {
        Transform::Identity => (!matches!(column_type, T::Json), "the same JSON value can be written in many ways"),
        Transform::Year | Transform::Month | Transform::Day => {
            (matches!(column_type, T::Date(_) | T::Timestamp { .. }), "it is for dates and timestamps")
        }
        Transform::Hour => (matches!(column_type, T::Timestamp { .. }), "it is for timestamps"),
        Transform::Bucket(_) => (
            !matches!(column_type, T::Boolean | T::Json),
            "it is for numbers, dates, timestamps, texts and binary; take a plain boolean as it is",
        ),
        Transform::Truncate(_) => (
            matches!(column_type, T::String | T::Int32 | T::Int64 | T::Decimal { .. } | T::Binary),
            "it is for whole numbers, decimals, texts and binary",
        ),
    };
    if fits { Ok(()) } else { Err((format!("'{field}': the column is {column_type}"), help)) }
}
