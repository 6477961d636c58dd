//! The values of one column, parsed from the tokens of one piece of text after another.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use weir_model::contract::{ColumnType, CsvSettings, PiiAction, TimeText};
use weir_pii::{HASH_TEXT_BYTES, Hasher};

use super::ChunkFaults;
use crate::reason::Reason;
use crate::schema::data_type;
use crate::tokens::{Kind, Span, Tokens};
use crate::value::{self, ValueError, number, time};

/// Which texts of a CSV field are null.
pub(crate) struct Nulls {
    texts: Vec<Vec<u8>>,
    when_quoted: bool,
    only_empty: bool,
}

impl Nulls {
    pub(crate) fn new(csv: &CsvSettings) -> Self {
        let texts: Vec<Vec<u8>> = csv.null.iter().map(|text| text.clone().into_bytes()).collect();
        Nulls { only_empty: texts == [b""], texts, when_quoted: csv.null_when_quoted }
    }

    #[inline]
    fn is_null(&self, bytes: &[u8]) -> bool {
        if self.only_empty { bytes.is_empty() } else { self.texts.iter().any(|text| text == bytes) }
    }
}

/// One column: how it is read, and what was read.
pub(crate) struct ColumnBuilder {
    column: usize,
    column_type: ColumnType,
    required: bool,
    is_key: bool,
    redacted: bool,
    values: Values,
}

enum Values {
    Int32(Numbers<Int32Type>),
    Int64(Numbers<Int64Type>),
    Float32(Numbers<Float32Type>),
    Float64(Numbers<Float64Type>),
    Decimal { numbers: Numbers<Decimal128Type>, precision: u8, scale: u8 },
    Date { numbers: Numbers<Date32Type>, text: TimeText },
    Timestamp { numbers: Numbers<TimestampMicrosecondType>, text: TimeText, zoned: bool },
    Boolean(Booleans),
    Text(Bytes),
    Hashed { bytes: Bytes, hasher: Hasher },
    Json(Bytes),
    Binary(Bytes),
}

impl ColumnBuilder {
    /// `hasher` is needed where `action` is to hash.
    pub(crate) fn new(
        column: usize,
        column_type: &ColumnType,
        required: bool,
        is_key: bool,
        action: Option<PiiAction>,
        hasher: Option<&Hasher>,
    ) -> Self {
        let hasher = hasher.filter(|_| action == Some(PiiAction::Hash)).cloned();
        let values = match (column_type, hasher) {
            (ColumnType::String, Some(hasher)) => Values::Hashed { bytes: Bytes::default(), hasher },
            (ColumnType::String, None) => Values::Text(Bytes::default()),
            (ColumnType::Int32, _) => Values::Int32(Numbers::default()),
            (ColumnType::Int64, _) => Values::Int64(Numbers::default()),
            (ColumnType::Float32, _) => Values::Float32(Numbers::default()),
            (ColumnType::Float64, _) => Values::Float64(Numbers::default()),
            (ColumnType::Decimal { precision, scale }, _) => {
                Values::Decimal { numbers: Numbers::default(), precision: *precision, scale: *scale }
            }
            (ColumnType::Boolean, _) => Values::Boolean(Booleans::default()),
            (ColumnType::Date(text), _) => Values::Date { numbers: Numbers::default(), text: text.clone() },
            (ColumnType::Timestamp { zoned, text }, _) => {
                Values::Timestamp { numbers: Numbers::default(), text: text.clone(), zoned: *zoned }
            }
            (ColumnType::Binary, _) => Values::Binary(Bytes::default()),
            (ColumnType::Json, _) => Values::Json(Bytes::default()),
        };
        let redacted = action == Some(PiiAction::Redact);
        ColumnBuilder { column, column_type: column_type.clone(), required, is_key, redacted, values }
    }

    /// Reads the column in all records of a piece of text. `check_utf8`: the text as a whole is not
    /// UTF-8, so each value has to be looked at.
    pub(crate) fn append(
        &mut self,
        text: &[u8],
        tokens: &Tokens,
        nulls: &Nulls,
        check_utf8: bool,
        faults: &mut ChunkFaults,
    ) {
        let rule = Rule { column: self.column, required: self.required, is_key: self.is_key, nulls };
        if self.redacted {
            return self.values.redact(tokens.records().len());
        }
        let spans = tokens.column(self.column);
        match &mut self.values {
            Values::Int32(numbers) => fill(spans, text, &rule, faults, numbers, scalar(number::int32)),
            Values::Int64(numbers) => fill(spans, text, &rule, faults, numbers, scalar(number::int64)),
            Values::Float32(numbers) => fill(spans, text, &rule, faults, numbers, scalar(number::float32)),
            Values::Float64(numbers) => fill(spans, text, &rule, faults, numbers, scalar(number::float64)),
            Values::Decimal { numbers, precision, scale } => {
                fill(spans, text, &rule, faults, numbers, scalar(|text| number::decimal(text, *precision, *scale)));
            }
            Values::Date { numbers, text: form } => {
                fill(spans, text, &rule, faults, numbers, scalar(|text| time::date(text, form)));
            }
            Values::Timestamp { numbers, text: form, zoned } => {
                fill(spans, text, &rule, faults, numbers, scalar(|text| time::timestamp(text, form, *zoned)));
            }
            Values::Boolean(booleans) => fill(spans, text, &rule, faults, booleans, |booleans, bytes, kind| {
                let value = if kind == Kind::Nested { Err(ValueError::Nested) } else { trimmed(bytes, value::boolean) };
                value.map(|value| booleans.values.append(value))
            }),
            Values::Text(out) => fill(spans, text, &rule, faults, out, |out, bytes, kind| {
                as_text(bytes, kind, check_utf8).map(|bytes| out.data.extend_from_slice(bytes))
            }),
            Values::Hashed { bytes: out, hasher } => fill(spans, text, &rule, faults, out, |out, bytes, kind| {
                as_text(bytes, kind, check_utf8).map(|bytes| hasher.hash_into(bytes, &mut out.data))
            }),
            Values::Json(out) => {
                // The value's own text is kept, so a string keeps its quotes and escapes.
                let raw = |span: Span| match span.kind() {
                    Kind::String | Kind::StringEscaped => Span::with_quotes(span),
                    _ => span,
                };
                fill(spans.map(raw), text, &rule, faults, out, |out, bytes, kind| {
                    if check_utf8 && std::str::from_utf8(bytes).is_err() {
                        return Err(ValueError::Utf8);
                    }
                    if matches!(kind, Kind::Text | Kind::Quoted | Kind::QuotedEscaped) {
                        value::json(bytes)?;
                    }
                    out.data.extend_from_slice(bytes);
                    Ok(())
                });
            }
            Values::Binary(out) => fill(spans, text, &rule, faults, out, |out, bytes, kind| match kind {
                Kind::Nested => Err(ValueError::Nested),
                Kind::Number | Kind::Boolean => Err(ValueError::Form),
                _ => value::base64(bytes, &mut out.data),
            }),
        }
    }

    /// Bytes of each value that do not stand in the text; nulls take them too.
    pub(crate) fn row_bytes(&self) -> usize {
        match &self.values {
            Values::Boolean(_) => 1,
            Values::Int32(_) | Values::Float32(_) | Values::Date { .. } => 5,
            Values::Text(_) | Values::Json(_) | Values::Binary(_) => 5,
            Values::Int64(_) | Values::Float64(_) | Values::Timestamp { .. } => 9,
            Values::Decimal { .. } => 17,
            Values::Hashed { .. } => 5 + HASH_TEXT_BYTES,
        }
    }

    /// The values so far as an array; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let data_type = data_type(&self.column_type);
        Ok(match &mut self.values {
            Values::Int32(numbers) => Arc::new(numbers.finish()?),
            Values::Int64(numbers) => Arc::new(numbers.finish()?),
            Values::Float32(numbers) => Arc::new(numbers.finish()?),
            Values::Float64(numbers) => Arc::new(numbers.finish()?),
            Values::Decimal { numbers, .. } => Arc::new(numbers.finish()?.with_data_type(data_type)),
            Values::Date { numbers, .. } => Arc::new(numbers.finish()?),
            Values::Timestamp { numbers, .. } => Arc::new(numbers.finish()?.with_data_type(data_type)),
            Values::Boolean(booleans) => Arc::new(booleans.finish()),
            Values::Text(bytes) | Values::Hashed { bytes, .. } | Values::Json(bytes) => {
                let (offsets, data, nulls) = bytes.take();
                Arc::new(StringArray::try_new(offsets, data, nulls)?)
            }
            Values::Binary(bytes) => {
                let (offsets, data, nulls) = bytes.take();
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
        })
    }
}

/// What of a column decides how its values are judged.
struct Rule<'a> {
    column: usize,
    required: bool,
    is_key: bool,
    nulls: &'a Nulls,
}

/// Something that grows by one value or one null at a time.
trait Fill {
    fn end_value(&mut self);
    fn null(&mut self);
}

#[inline]
fn fill<F: Fill>(
    spans: impl Iterator<Item = Span>,
    text: &[u8],
    rule: &Rule<'_>,
    faults: &mut ChunkFaults,
    out: &mut F,
    mut push: impl FnMut(&mut F, &[u8], Kind) -> Result<(), ValueError>,
) {
    let mut scratch = Vec::new();
    for (record, span) in spans.enumerate() {
        let kind = span.kind();
        let is_null = match kind {
            Kind::Missing | Kind::Null => true,
            Kind::Text => rule.nulls.is_null(span.of(text)),
            Kind::Quoted => rule.nulls.when_quoted && rule.nulls.is_null(span.of(text)),
            _ => false,
        };
        if is_null {
            out.null();
            if rule.required {
                faults.no_value(record, rule.column, rule.is_key);
            }
            continue;
        }
        let pushed = match kind {
            Kind::QuotedEscaped | Kind::StringEscaped => {
                value::unescaped(span, text, &mut scratch).and_then(|bytes| push(out, bytes, kind))
            }
            _ => push(out, span.of(text), kind),
        };
        match pushed {
            Ok(()) => out.end_value(),
            Err(error) => {
                out.null();
                faults.bad(record, Reason::Value(error), Some(rule.column));
            }
        }
    }
}

/// Reads a value of a type that is no text: spaces around it mean nothing, and JSON may have it in quotes.
#[inline]
fn scalar<T: ArrowPrimitiveType>(
    parse: impl Fn(&[u8]) -> Result<T::Native, ValueError>,
) -> impl FnMut(&mut Numbers<T>, &[u8], Kind) -> Result<(), ValueError> {
    move |numbers, bytes, kind| match kind {
        Kind::Nested => Err(ValueError::Nested),
        Kind::Boolean => Err(ValueError::Form),
        _ => trimmed(bytes, &parse).map(|value| numbers.values.push(value)),
    }
}

#[inline]
fn trimmed<T>(bytes: &[u8], parse: impl Fn(&[u8]) -> Result<T, ValueError>) -> Result<T, ValueError> {
    parse(bytes).or_else(|error| {
        let inner = bytes.trim_ascii();
        if inner.len() == bytes.len() { Err(error) } else { parse(inner) }
    })
}

/// A JSON number or boolean in a column of text keeps its own spelling.
#[inline]
fn as_text(bytes: &[u8], kind: Kind, check_utf8: bool) -> Result<&[u8], ValueError> {
    if kind == Kind::Nested {
        return Err(ValueError::Nested);
    }
    if check_utf8 && std::str::from_utf8(bytes).is_err() {
        return Err(ValueError::Utf8);
    }
    Ok(bytes)
}

/// Takes the values out, and leaves room for as many. What grew by doubling is cut to what it holds,
/// because several batches live at once.
pub(super) fn fitted<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    let mut values = std::mem::replace(values, room);
    if values.capacity() - values.len() > values.len() / 8 {
        values.shrink_to_fit();
    }
    values
}

struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Default for Numbers<T> {
    fn default() -> Self {
        Numbers { values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn finish(&mut self) -> Result<PrimitiveArray<T>, ArrowError> {
        let values = fitted(&mut self.values);
        PrimitiveArray::try_new(ScalarBuffer::from(values), self.nulls.finish())
    }
}

impl<T: ArrowPrimitiveType> Fill for Numbers<T> {
    #[inline]
    fn end_value(&mut self) {
        self.nulls.append_non_null();
    }

    fn null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }
}

struct Booleans {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Default for Booleans {
    fn default() -> Self {
        Booleans { values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }
}

impl Booleans {
    fn finish(&mut self) -> BooleanArray {
        BooleanArray::new(self.values.finish(), self.nulls.finish())
    }
}

impl Fill for Booleans {
    #[inline]
    fn end_value(&mut self) {
        self.nulls.append_non_null();
    }

    fn null(&mut self) {
        self.values.append(false);
        self.nulls.append_null();
    }
}

struct Bytes {
    data: Vec<u8>,
    /// The end of each value in `data`, after a leading 0. Batches are far smaller than 2 GiB, which
    /// `Settings` sees to, so 32 bits suffice.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes { data: Vec::new(), offsets: vec![0], nulls: NullBufferBuilder::new(0) }
    }
}

impl Bytes {
    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer, Option<arrow_buffer::NullBuffer>) {
        let data = fitted(&mut self.data);
        let offsets = fitted(&mut self.offsets);
        self.offsets.push(0);
        // Ends only grow, because values are only appended.
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(data), self.nulls.finish())
    }
}

impl Fill for Bytes {
    #[inline]
    fn end_value(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_non_null();
    }

    fn null(&mut self) {
        // What a refused value may have left behind is no value.
        let end = self.offsets.last().copied().unwrap_or_default();
        self.data.truncate(end as usize);
        self.offsets.push(end);
        self.nulls.append_null();
    }
}

impl Values {
    fn redact(&mut self, records: usize) {
        let out: &mut dyn Fill = match self {
            Values::Int32(numbers) => numbers,
            Values::Int64(numbers) => numbers,
            Values::Float32(numbers) => numbers,
            Values::Float64(numbers) => numbers,
            Values::Decimal { numbers, .. } => numbers,
            Values::Date { numbers, .. } => numbers,
            Values::Timestamp { numbers, .. } => numbers,
            Values::Boolean(booleans) => booleans,
            Values::Text(bytes) | Values::Hashed { bytes, .. } | Values::Json(bytes) | Values::Binary(bytes) => bytes,
        };
        for _ in 0..records {
            out.null();
        }
    }
}
