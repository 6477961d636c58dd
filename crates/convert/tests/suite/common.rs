//! A table in one line, and a conversion of it in one call.

use std::io::{Read, Write};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use weir_convert::{ConvertError, Layout, Report, Request, Settings, convert};
use weir_model::{Contract, Timestamp};
use weir_pii::Hasher;

/// A contract from columns such as `id:int64* name:string! note:string`, where `*` is the key and
/// `!` is required, and settings such as `weir.csv.delimiter=;`.
pub(crate) fn table(columns: &str, settings: &[&str]) -> Contract {
    let mut text = String::from(
        "apiVersion: v3.1.0\nkind: DataContract\nid: test\nversion: 1.2.3\nstatus: active\nschema:\n  - name: t\n",
    );
    if !settings.is_empty() {
        text.push_str("    customProperties:\n");
        for setting in settings {
            let (property, value) = setting.split_once('=').unwrap();
            text.push_str(&format!("      - {{property: {property}, value: {value}}}\n"));
        }
    }
    text.push_str("    properties:\n");
    for column in columns.split_whitespace() {
        let (name, rest) = column.split_once(':').unwrap();
        let (rest, extra) = match rest.split_once('/') {
            Some((rest, pii)) => (
                rest,
                format!(", customProperties: [{{property: pii, value: {{kind: email, action: {pii}, reason: a}}}}]"),
            ),
            None => (rest, String::new()),
        };
        let mark = if rest.ends_with('*') {
            ", primaryKey: true"
        } else if rest.ends_with('!') {
            ", required: true"
        } else {
            ""
        };
        let kind = rest.trim_end_matches(['*', '!']);
        let types = match kind {
            "string" => "string".to_owned(),
            "int64" => "integer".to_owned(),
            "int32" => "integer, physicalType: int".to_owned(),
            "float64" => "number".to_owned(),
            "float32" => "number, physicalType: real".to_owned(),
            "boolean" | "date" | "timestamp" => kind.to_owned(),
            "timestamptz" => "timestamp, physicalType: timestamptz".to_owned(),
            "binary" => "string, physicalType: bytea".to_owned(),
            "json" => "object".to_owned(),
            decimal => format!("number, physicalType: '{decimal}'"),
        };
        text.push_str(&format!("      - {{name: {name}, logicalType: {types}{mark}{extra}}}\n"));
    }
    Contract::parse("test.odcs.yaml", &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// What came of a conversion.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) parquet: Vec<u8>,
    /// The lines of the quarantine object.
    pub(crate) bad: Vec<Value>,
    pub(crate) quarantine: Vec<u8>,
}

impl Outcome {
    pub(crate) fn rows(&self) -> Vec<Vec<Option<String>>> {
        rows(&self.parquet)
    }

    /// The written rows, each as `a|b|-` with `-` for null.
    pub(crate) fn lines(&self) -> Vec<String> {
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
        self.rows().iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect()
    }

    /// Rows in, written, quarantined, filtered.
    pub(crate) fn counts(&self) -> [u64; 4] {
        let counts = self.report.counts;
        [counts.rows_in, counts.rows_written, counts.rows_quarantined, counts.rows_filtered]
    }

    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.bad.iter().map(|bad| bad["reason"].as_str().unwrap()).collect()
    }
}

pub(crate) fn bronze() -> Layout {
    Layout::Bronze { control_id: "c0ffee".to_owned(), object_time: Timestamp::from_micros(1_700_000_000_000_000) }
}

pub(crate) fn hasher() -> Hasher {
    Hasher::new(&[7; 32]).unwrap()
}

pub(crate) fn with_memory(memory_bytes: usize) -> Settings {
    Settings { memory_bytes, ..Settings::default() }
}

pub(crate) fn try_with(
    contract: &Contract,
    layout: Layout,
    settings: Settings,
    input: impl Read + Send,
) -> Result<Outcome, ConvertError> {
    let (mut parquet, mut quarantine) = (Vec::new(), Vec::new());
    let hasher = hasher();
    let request = Request { contract, layout, settings, hasher: Some(&hasher), progress: None };
    let report = convert(input, &mut parquet, &mut quarantine, &request)?;
    let counts = report.counts;
    assert_eq!(counts.rows_in, counts.rows_written + counts.rows_quarantined + counts.rows_filtered);
    assert_eq!(report.bytes_out, parquet.len() as u64);
    assert_eq!(rows(&parquet).len() as u64, counts.rows_written);
    let bad: Vec<Value> = quarantine
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(bad.len() as u64, counts.rows_quarantined);
    assert_eq!(report.reasons.iter().map(|reason| reason.rows).sum::<u64>(), counts.rows_quarantined);
    Ok(Outcome { report, parquet, bad, quarantine })
}

/// Converts text in the table layout.
pub(crate) fn try_run(contract: &Contract, text: impl AsRef<[u8]>) -> Result<Outcome, ConvertError> {
    try_with(contract, Layout::Table, Settings::default(), text.as_ref())
}

pub(crate) fn run(contract: &Contract, text: impl AsRef<[u8]>) -> Outcome {
    try_run(contract, text).unwrap_or_else(|error| panic!("{error}"))
}

/// The lines that come of a text.
pub(crate) fn lines(contract: &Contract, text: &str) -> Vec<String> {
    run(contract, text).lines()
}

pub(crate) fn rows(parquet: &[u8]) -> Vec<Vec<Option<String>>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(parquet)).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|array| cell(array, row)).collect());
        }
    }
    rows
}

/// A value as text: numbers exactly, times as microseconds, bytes in hexadecimal.
fn cell(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => format!("{:?}", array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Binary => array.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}")).collect(),
        other => panic!("{other}"),
    })
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Hands out its bytes in steps, and is interrupted now and then.
pub(crate) struct Stuttering<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) steps: Vec<usize>,
    pub(crate) turn: usize,
}

impl Read for Stuttering<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let step = self.steps[self.turn % self.steps.len()];
        if step == 0 && self.turn.is_multiple_of(2) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let count = step.max(1).min(buf.len()).min(self.bytes.len());
        buf[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}
