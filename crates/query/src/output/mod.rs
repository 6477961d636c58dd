//! Answers as text and as files.
//!
//! No value is rounded: whole numbers and decimals are written with all their digits, times in UTC, bytes as base64. What
//! has no number in JSON (`NaN`, infinities) is text there.

mod cells;

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;

use self::cells::{Cells, json, text};
use crate::error::QueryError;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object: `columns`, `rows`, `row_count`.
    Json,
    /// One JSON object a row, one row a line.
    Jsonl,
    /// RFC 4180 with a header. Null is nothing, and an empty text is `""`.
    Csv,
    /// Apache Parquet, packed with Zstandard.
    Parquet,
}

/// Writes rows as they come.
pub struct RowWriter<W: Write + Send> {
    inner: Inner<W>,
    names: Vec<String>,
    rows: u64,
}

enum Inner<W: Write + Send> {
    Text(Format, W, Vec<u8>),
    Parquet(Box<ArrowWriter<W>>, SchemaRef),
}

impl<W: Write + Send> RowWriter<W> {
    /// Begins to write rows of these columns.
    ///
    /// # Errors
    /// [`QueryError::Write`]; [`QueryError::Execution`] where the format has no such type.
    pub fn new(format: Format, schema: &SchemaRef, out: W) -> Result<Self, QueryError> {
        let names = names(schema);
        let inner = match format {
            Format::Parquet => {
                let schema = stored(schema, &names);
                let level = ZstdLevel::try_new(1).map_err(unfit)?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                // Other programs need no hint of how rows lay in memory here.
                let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
                let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options).map_err(unfit)?;
                Inner::Parquet(Box::new(writer), schema)
            }
            Format::Csv => {
                let mut line = Vec::new();
                for (index, name) in names.iter().enumerate() {
                    if index > 0 {
                        line.push(b',');
                    }
                    field(&mut line, name.as_bytes(), false);
                }
                line.push(b'\n');
                Inner::Text(format, out, line)
            }
            Format::Json => {
                let columns: Vec<_> = names
                    .iter()
                    .zip(schema.fields())
                    .map(|(name, field)| serde_json::json!({"name": name, "type": type_name(field.data_type())}))
                    .collect();
                let head = format!("{{\"columns\":{},\"rows\":[", serde_json::Value::Array(columns));
                Inner::Text(format, out, head.into_bytes())
            }
            Format::Jsonl => Inner::Text(format, out, Vec::new()),
        };
        Ok(RowWriter { inner, names, rows: 0 })
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// [`QueryError::Write`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        match &mut self.inner {
            Inner::Parquet(writer, schema) => {
                let batch = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
                    .map_err(|error| QueryError::Defect(format!("the answer's columns changed: {error}")))?;
                writer.write(&batch).map_err(unfit)?;
            }
            Inner::Text(format, out, buffer) => {
                let of = if *format == Format::Csv { text } else { json };
                let cells: Vec<Cells<'_>> =
                    batch.columns().iter().map(|array| of(array.as_ref())).collect::<Result<_, _>>()?;
                for row in 0..batch.num_rows() {
                    match format {
                        Format::Csv => csv_row(buffer, &cells, batch, row),
                        Format::Json | Format::Jsonl | Format::Parquet => {
                            if *format == Format::Json && self.rows + row as u64 > 0 {
                                buffer.push(b',');
                            }
                            json_row(buffer, &cells, &self.names, row)?;
                            if *format == Format::Jsonl {
                                buffer.push(b'\n');
                            }
                        }
                    }
                    if buffer.len() > 1 << 16 {
                        out.write_all(buffer).map_err(unwritten)?;
                        buffer.clear();
                    }
                }
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes what is left, and tells how many rows there were.
    ///
    /// # Errors
    /// [`QueryError::Write`].
    pub fn finish(self) -> Result<(u64, W), QueryError> {
        match self.inner {
            Inner::Parquet(writer, _) => {
                let mut out = writer.into_inner().map_err(unfit)?;
                out.flush().map_err(unwritten)?;
                Ok((self.rows, out))
            }
            Inner::Text(format, mut out, mut buffer) => {
                if format == Format::Json {
                    buffer.extend_from_slice(format!("],\"row_count\":{}}}\n", self.rows).as_bytes());
                }
                out.write_all(&buffer).and_then(|()| out.flush()).map_err(unwritten)?;
                Ok((self.rows, out))
            }
        }
    }
}

/// The rows of a batch as text for people, `None` for null.
///
/// # Errors
/// [`QueryError::Execution`] where a type has no text.
pub fn text_rows(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, QueryError> {
    let cells: Vec<Cells<'_>> = batch.columns().iter().map(|array| text(array.as_ref())).collect::<Result<_, _>>()?;
    let cell = |cells: &Cells<'_>, column: usize, row: usize| {
        (!is_null(batch, column, row)).then(|| {
            let mut bytes = Vec::new();
            cells(row, &mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let row = |row| cells.iter().enumerate().map(|(column, cells)| cell(cells, column, row)).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

/// Whether a column is one of numbers, which stand to the right.
#[must_use]
pub fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// A type in the words of SQL.
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "binary".to_owned()
        }
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::List(item) | DataType::LargeList(item) => format!("array({})", type_name(item.data_type())),
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string().to_lowercase(),
    }
}

/// The columns' names, each once: `x`, `x_2`.
#[must_use]
pub fn names(schema: &Schema) -> Vec<String> {
    let all: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut unique = |name: &String| {
        let mut given = name.clone();
        let mut count = 1;
        while taken.contains(&given) || (count > 1 && all.contains(given.as_str())) {
            count += 1;
            given = format!("{name}_{count}");
        }
        taken.insert(given.clone());
        given
    };
    schema.fields().iter().map(|field| unique(field.name())).collect()
}

/// The columns as a file has them: other programs have no use for the field ids of the tables they came from.
fn stored(schema: &Schema, names: &[String]) -> SchemaRef {
    let field =
        |(field, name): (&Arc<Field>, &String)| Field::new(name, field.data_type().clone(), field.is_nullable());
    Arc::new(Schema::new(schema.fields().iter().zip(names).map(field).collect::<Vec<_>>()))
}

fn is_null(batch: &RecordBatch, column: usize, row: usize) -> bool {
    let array = batch.column(column);
    array.data_type() == &DataType::Null || array.is_null(row)
}

fn csv_row(out: &mut Vec<u8>, cells: &[Cells<'_>], batch: &RecordBatch, row: usize) {
    let mut cell = Vec::new();
    for (column, cells) in cells.iter().enumerate() {
        if column > 0 {
            out.push(b',');
        }
        if !is_null(batch, column, row) {
            cell.clear();
            cells(row, &mut cell);
            field(out, &cell, true);
        }
    }
    out.push(b'\n');
}

fn field(out: &mut Vec<u8>, value: &[u8], quote_empty: bool) {
    let quoted =
        (value.is_empty() && quote_empty) || value.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for byte in value {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

fn json_row(out: &mut Vec<u8>, cells: &[Cells<'_>], names: &[String], row: usize) -> Result<(), QueryError> {
    out.push(b'{');
    for (index, (cells, name)) in cells.iter().zip(names).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name).map_err(|error| QueryError::Defect(error.to_string()))?;
        out.push(b':');
        cells(row, out);
    }
    out.push(b'}');
    Ok(())
}

fn unwritten(source: io::Error) -> QueryError {
    QueryError::Write { what: "the answer cannot be written".to_owned(), source }
}

fn unfit(error: ParquetError) -> QueryError {
    match error {
        ParquetError::External(inner) if inner.is::<io::Error>() => match inner.downcast::<io::Error>() {
            Ok(source) => unwritten(*source),
            Err(other) => QueryError::Execution(other.to_string()),
        },
        other => QueryError::Execution(format!(
            "the answer cannot be written as Parquet ({other}); cast the column that Parquet has no type for, or take another format"
        )),
    }
}

#[cfg(test)]
mod tests;
