//! The type of a column: logical type, physical type and options have to agree.

use super::custom::Setting;
use super::note;
use crate::contract::column_type::{
    ColumnType, EpochUnit, MAX_DECIMAL_PRECISION, PHYSICAL, Physical, PhysicalType, TimeText,
};
use crate::contract::time_pattern::TimePattern;
use crate::contract::{Unread, keys};
use crate::reader::{Fields, Reader};
use crate::yaml::Node;

pub(super) fn column_type(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    item: &Node,
    path: &str,
    epoch: Option<&Setting<'_>>,
    unread: &mut Vec<Unread>,
) -> Option<ColumnType> {
    let node = fields.need(reader, "logicalType")?;
    let logical = reader.text(node, &fields.path("logicalType"))?;
    if !keys::LOGICAL_TYPES.contains(&logical.as_str()) {
        reader.unknown(node.line, node.column, path, "logical type", &logical, keys::LOGICAL_TYPES);
        return None;
    }
    let options = TypeOptions::read(reader, fields, &logical, unread);
    let physical = physical_type(reader, fields)?;
    if let Some(epoch) = epoch
        && logical != "timestamp"
        && logical != "date"
    {
        reader.problem(epoch.node, &epoch.path, format!("'weir.epoch' contradicts logicalType '{logical}'"));
    }
    let contradiction = |reader: &mut Reader<'_>, what: &str| {
        reader.problem_with_help(
            item,
            path,
            format!("{what} contradicts logicalType '{logical}'"),
            "docs/contracts.md lists the types that go together",
        );
        None
    };
    let word = physical.as_ref().map(|(word, ..)| format!("physicalType '{word}'")).unwrap_or_default();
    let physical_kind = physical.as_ref().map(|(_, kind, _)| *kind);
    match (logical.as_str(), physical_kind) {
        ("string", None) if options.binary => Some(ColumnType::Binary),
        ("string", Some(Physical::Binary)) => Some(ColumnType::Binary),
        ("string", None | Some(Physical::String)) => Some(ColumnType::String),
        ("string" | "object" | "array", Some(Physical::Json)) | ("object" | "array", None | Some(Physical::String)) => {
            Some(ColumnType::Json)
        }
        ("boolean", None | Some(Physical::Boolean)) => Some(ColumnType::Boolean),
        ("integer", kind @ (None | Some(Physical::Int32 | Physical::Int64))) => {
            match (kind, options.format.as_deref()) {
                (Some(Physical::Int32), None | Some("i8" | "i16" | "i32" | "u8" | "u16")) => Some(ColumnType::Int32),
                (None, Some("i8" | "i16" | "i32" | "u8" | "u16")) => Some(ColumnType::Int32),
                (None | Some(Physical::Int64), None | Some("i64" | "u32")) => Some(ColumnType::Int64),
                (None, Some(format @ ("u64" | "i128" | "u128"))) => {
                    reader.problem_with_help(
                        item,
                        path,
                        format!("format '{format}' does not fit 64 bits"),
                        "use logicalType number with physicalType decimal(20,0) or decimal(38,0)",
                    );
                    None
                }
                (_, format) => contradiction(reader, &format!("{word} with format '{}'", format.unwrap_or("none"))),
            }
        }
        ("number", Some(Physical::Decimal)) if options.format.is_none() => {
            let arguments = physical.map(|(_, _, arguments)| arguments).unwrap_or_default();
            decimal(reader, item, path, &arguments)
        }
        ("number", kind @ (None | Some(Physical::Float32 | Physical::Float64))) => {
            match (kind, options.format.as_deref()) {
                (None | Some(Physical::Float32), Some("f32")) | (Some(Physical::Float32), None) => {
                    Some(ColumnType::Float32)
                }
                (None | Some(Physical::Float64), Some("f64") | None) => Some(ColumnType::Float64),
                (_, format) => contradiction(reader, &format!("{word} with format '{}'", format.unwrap_or("none"))),
            }
        }
        ("date", None | Some(Physical::Date)) => {
            let text = time_text(reader, item, path, &options, epoch);
            if let TimeText::Pattern(pattern) = &text
                && (pattern.has_time() || pattern.has_offset())
            {
                return contradiction(reader, &format!("format '{pattern}' with a time of day"));
            }
            Some(ColumnType::Date(text))
        }
        ("timestamp", None | Some(Physical::Timestamp | Physical::TimestampTz)) => {
            let zoned = match (physical_kind, options.timezone) {
                (Some(Physical::TimestampTz), Some(false)) => {
                    return contradiction(reader, "'timezone: false' with a physicalType with time zone,");
                }
                (Some(Physical::TimestampTz), _) => true,
                (Some(Physical::Timestamp), Some(true)) => {
                    return contradiction(reader, "'timezone: true' with a physicalType without time zone,");
                }
                (_, timezone) => timezone.unwrap_or(false),
            };
            let text = time_text(reader, item, path, &options, epoch);
            Some(ColumnType::Timestamp { zoned, text })
        }
        ("time", _) => {
            reader.problem_with_help(item, path, "a time of day has no column type here", "use logicalType string");
            None
        }
        _ => contradiction(reader, &word),
    }
}

fn decimal(reader: &mut Reader<'_>, item: &Node, path: &str, arguments: &[u64]) -> Option<ColumnType> {
    let (precision, scale) = match arguments {
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => {
            reader.problem(item, path, "write the digits of the decimal, as decimal(10,2)");
            return None;
        }
    };
    if precision == 0 || precision > u64::from(MAX_DECIMAL_PRECISION) || scale > precision {
        reader.problem(
            item,
            path,
            format!("decimal({precision},{scale}): from 1 to {MAX_DECIMAL_PRECISION} digits, no more of them after the point than in all"),
        );
        return None;
    }
    Some(ColumnType::Decimal { precision: precision as u8, scale: scale as u8 })
}

/// `None` after a problem, `Some(None)` where the column has no physical type.
fn physical_type(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<(String, Physical, Vec<u64>)>> {
    let Some(node) = fields.get("physicalType") else { return Some(None) };
    let path = fields.path("physicalType");
    let text = reader.text(node, &path)?;
    let Some(parsed) = PhysicalType::parse(&text) else {
        reader.problem(node, &path, format!("'{text}' is no type; write for example varchar(20) or decimal(10,2)"));
        return None;
    };
    match PHYSICAL.iter().find(|(word, _)| *word == parsed.word) {
        Some((_, kind)) => Some(Some((text, *kind, parsed.arguments))),
        None => {
            let words: Vec<&str> = PHYSICAL.iter().map(|(word, _)| *word).collect();
            reader.unknown(node.line, node.column, &path, "physical type", &parsed.word, &words);
            None
        }
    }
}

/// The options of a logical type that decide how its values are read.
#[derive(Default)]
struct TypeOptions {
    format: Option<String>,
    timezone: Option<bool>,
    binary: bool,
}

impl TypeOptions {
    fn read(reader: &mut Reader<'_>, fields: &Fields<'_>, logical: &str, unread: &mut Vec<Unread>) -> Self {
        let Some(node) = fields.get("logicalTypeOptions") else { return Self::default() };
        let path = fields.path("logicalTypeOptions");
        let known = keys::type_options(logical);
        let options = reader.map(node, &path, known);
        for key in known {
            if matches!(*key, "format" | "timezone" | "defaultTimezone") {
                continue;
            }
            if let Some(node) = options.get(key) {
                note(unread, node, &options.path(key), "not checked at ingest");
            }
        }
        if let Some(zone) = options.text(reader, "defaultTimezone")
            && !matches!(zone.as_str(), "UTC" | "Etc/UTC" | "Z")
        {
            reader.problem_with_help(
                node,
                &options.path("defaultTimezone"),
                format!("times in '{zone}' are not converted"),
                "let the source write an offset, or UTC",
            );
        }
        let format = options.text(reader, "format");
        let binary = logical == "string" && matches!(format.as_deref(), Some("binary" | "byte" | "base64"));
        TypeOptions {
            binary,
            timezone: options.boolean(reader, "timezone"),
            format: format.filter(|_| logical != "string"),
        }
    }
}

fn time_text(
    reader: &mut Reader<'_>,
    item: &Node,
    path: &str,
    options: &TypeOptions,
    epoch: Option<&Setting<'_>>,
) -> TimeText {
    match (&options.format, epoch) {
        (None, None) => TimeText::Iso,
        (Some(_), Some(epoch)) => {
            reader.problem(epoch.node, &epoch.path, "'weir.epoch' contradicts 'logicalTypeOptions.format'");
            TimeText::Iso
        }
        (Some(format), None) => match TimePattern::parse(format) {
            Ok(pattern) => TimeText::Pattern(pattern),
            Err(wrong) => {
                reader.problem(item, &format!("{path}.logicalTypeOptions.format"), format!("'{format}': {wrong}"));
                TimeText::Iso
            }
        },
        (None, Some(epoch)) => {
            TimeText::Epoch(reader.choice(epoch.node, &epoch.path, EpochUnit::WORDS).unwrap_or(EpochUnit::Seconds))
        }
    }
}
