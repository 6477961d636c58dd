//! A contract from data: the narrowest type that holds every value that was seen, exactly.
//!
//! Only what survives the way to the type and back is taken for that type: `007` stays text, and so
//! does a number with more digits than a binary number keeps.

use std::io::{self, Read};

use weir_model::contract::{BadRowLimit, ColumnType, CsvSettings, SourceSettings, TimeText, UnknownColumns, Version};
use weir_model::raw::Format;
use weir_model::{Column, Contract};

use crate::decode::Decoder;
use crate::error::ConvertError;
use crate::records::Records;
use crate::settings::Settings;
use crate::tokens::{Kind, Span, Tokens};
use crate::value::{number, time, unescaped};
use crate::window::Window;

/// The most significant digits that a binary number of 64 bits always keeps.
const FLOAT_DIGITS: usize = 15;

/// As many columns as a contract may have.
const MAX_COLUMNS: usize = 2_000;

/// What the values of a column were so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guess {
    Nothing,
    Boolean,
    Int,
    Float,
    Date,
    LocalTime,
    ZonedTime,
    Json,
    Text,
}

impl Guess {
    /// What holds both.
    fn join(self, other: Guess) -> Guess {
        use Guess::{Date, Float, Int, Json, LocalTime, Nothing, Text, ZonedTime};
        match (self, other) {
            (a, b) if a == b => a,
            (Nothing, any) | (any, Nothing) => any,
            (Json, _) | (_, Json) => Json,
            (Int, Float) | (Float, Int) => Float,
            (Date, LocalTime) | (LocalTime, Date) => LocalTime,
            (Date, ZonedTime) | (ZonedTime, Date) => ZonedTime,
            _ => Text,
        }
    }

    fn column_type(self) -> ColumnType {
        match self {
            Guess::Boolean => ColumnType::Boolean,
            Guess::Int => ColumnType::Int64,
            Guess::Float => ColumnType::Float64,
            Guess::Date => ColumnType::Date(TimeText::Iso),
            Guess::LocalTime => ColumnType::Timestamp { zoned: false, text: TimeText::Iso },
            Guess::ZonedTime => ColumnType::Timestamp { zoned: true, text: TimeText::Iso },
            Guess::Json => ColumnType::Json,
            Guess::Nothing | Guess::Text => ColumnType::String,
        }
    }
}

/// Makes a contract for `table` from the first `most_bytes` of decompressed data, or from all of it.
///
/// `open` is called once for each pass: one that finds the columns and one that reads them.
/// Every column may be null. The contract allows no bad row and no unknown column where only a
/// part was looked at: a conversion that meets one should infer again from the whole.
///
/// # Errors
/// What keeps the data from being read at all.
pub fn infer<R: Read>(
    mut open: impl FnMut() -> io::Result<R>,
    table: &str,
    settings: Settings,
    most_bytes: Option<u64>,
) -> Result<Contract, ConvertError> {
    let mut contract = empty(table);
    if most_bytes.is_some() {
        contract.bad_row_limit = BadRowLimit::Rows(0);
    }
    contract.source.csv.delimiter = delimiter(&mut open, settings)?;
    loop {
        let (guesses, mut unknown) = scan(&mut open, &contract, settings, most_bytes)?;
        // A key that is no text, or very long, comes under a name for people, which finds nothing.
        unknown.retain(|name| contract.columns.iter().all(|column| column.source_name != *name));
        if unknown.is_empty() {
            for (column, guess) in contract.columns.iter_mut().zip(guesses) {
                column.column_type = guess.column_type();
            }
            if most_bytes.is_some() {
                contract.source.unknown_columns = UnknownColumns::Fail;
            }
            return Ok(contract);
        }
        contract.columns.extend(unknown.into_iter().map(text_column));
        if contract.columns.len() > MAX_COLUMNS {
            return Err(ConvertError::TooManyColumns { limit: MAX_COLUMNS });
        }
    }
}

fn empty(table: &str) -> Contract {
    Contract {
        id: format!("inferred-{table}"),
        version: Version { major: 1, minor: 0, patch: 0 },
        table: table.to_owned(),
        description: None,
        columns: Vec::new(),
        primary_key: Vec::new(),
        source: SourceSettings { format: None, unknown_columns: UnknownColumns::Note, csv: CsvSettings::default() },
        bad_row_limit: BadRowLimit::DEFAULT,
        generate: None,
        stream: weir_model::contract::StreamSettings::default(),
        silver: weir_model::contract::SilverSettings::default(),
        unread: Vec::new(),
        digest: "inferred".to_owned(),
    }
}

fn text_column(name: String) -> Column {
    Column {
        source_name: name.clone(),
        name,
        column_type: ColumnType::String,
        required: false,
        description: None,
        pii: None,
        generate: None,
    }
}

fn open_decoder<R: Read>(
    open: &mut impl FnMut() -> io::Result<R>,
    settings: Settings,
) -> Result<Decoder<R>, ConvertError> {
    let input = open().map_err(|source| ConvertError::Read { offset: 0, source })?;
    Decoder::new(input, settings)
}

/// The character that most often stands between the fields of the first line.
fn delimiter<R: Read>(open: &mut impl FnMut() -> io::Result<R>, settings: Settings) -> Result<u8, ConvertError> {
    let mut text = vec![0; 64 << 10];
    let length = open_decoder(open, settings)?.fill(&mut text)?;
    let line = text[..length].trim_ascii_start();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            byte if !quoted => counts.iter_mut().filter(|(d, _)| d == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    // Of equals the first, which is the comma.
    Ok(counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter))
}

/// One pass: what the columns of `contract` hold, and which others there are.
fn scan<R: Read>(
    open: &mut impl FnMut() -> io::Result<R>,
    contract: &Contract,
    settings: Settings,
    most_bytes: Option<u64>,
) -> Result<(Vec<Guess>, Vec<String>), ConvertError> {
    let mut decoder = open_decoder(open, settings)?;
    let names: Vec<String> = contract.columns.iter().map(|column| column.source_name.clone()).collect();
    let mut records = Records::new(contract, &names, settings.max_record_bytes);
    let mut guesses = vec![Guess::Nothing; names.len()];
    let mut tokens = Tokens::new(names.len(), settings.token_bytes());
    let mut window = Window::new();
    let mut block = vec![0; settings.block_bytes()];
    loop {
        let length = decoder.fill(&mut block)?;
        window.push(&block[..length]);
        let at_end = length < block.len();
        let enough = most_bytes.is_some_and(|most| decoder.decompressed() >= most);
        loop {
            tokens.clear();
            let taken = match records.take(&mut window, at_end, &mut tokens) {
                Ok(taken) => taken,
                // The array goes on after the sample.
                Err(ConvertError::Array { .. }) if enough => break,
                Err(error) => return Err(error),
            };
            if taken == 0 {
                break;
            }
            for (column, guess) in guesses.iter_mut().enumerate() {
                for span in tokens.column(column) {
                    let next = guess_of(span, window.text(), records.format());
                    *guess = guess.join(next);
                }
            }
            window.consume(taken);
        }
        let unknown = records.unknown_columns();
        // In CSV the header names all columns at once.
        if at_end || enough || records.format() == Some(Format::Csv) && !unknown.is_empty() {
            return Ok((guesses, unknown));
        }
    }
}

fn guess_of(span: Span, text: &[u8], format: Option<Format>) -> Guess {
    let mut scratch = Vec::new();
    let bytes = unescaped(span, text, &mut scratch).unwrap_or_default();
    match span.kind() {
        Kind::Missing | Kind::Null => Guess::Nothing,
        Kind::Text if bytes.is_empty() => Guess::Nothing,
        Kind::Nested => Guess::Json,
        Kind::Boolean => Guess::Boolean,
        Kind::Number | Kind::Text | Kind::Quoted | Kind::QuotedEscaped => {
            number_of(bytes).or_else(|| boolean_of(bytes)).unwrap_or_else(|| time_of(bytes))
        }
        // A number in quotes is text in JSON: whoever wrote it could have left the quotes out.
        Kind::String | Kind::StringEscaped => {
            debug_assert_eq!(format, Some(Format::Json));
            time_of(bytes)
        }
    }
}

fn boolean_of(bytes: &[u8]) -> Option<Guess> {
    (bytes.eq_ignore_ascii_case(b"true") || bytes.eq_ignore_ascii_case(b"false")).then_some(Guess::Boolean)
}

fn number_of(bytes: &[u8]) -> Option<Guess> {
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let plain = match unsigned {
        [b'0'] => bytes.len() == 1,
        [b'0', b'.' | b'e' | b'E', ..] | [b'1'..=b'9', ..] => true,
        _ => false,
    };
    if !plain {
        return None;
    }
    if unsigned.iter().all(u8::is_ascii_digit) {
        return number::int64(bytes).ok().map(|_| Guess::Int);
    }
    let mantissa = unsigned.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit()).skip_while(|byte| **byte == b'0').count();
    (digits <= FLOAT_DIGITS && number::float64(bytes).is_ok()).then_some(Guess::Float)
}

fn time_of(bytes: &[u8]) -> Guess {
    match time::iso_offset(bytes) {
        Some(_) if bytes.len() == 10 => Guess::Date,
        Some(true) => Guess::ZonedTime,
        Some(false) => Guess::LocalTime,
        None => Guess::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(text: &str) -> Vec<String> {
        let contract = infer(|| Ok(text.as_bytes()), "t", Settings::default(), None).unwrap();
        contract.columns.iter().map(|column| format!("{}:{}", column.name, column.column_type)).collect()
    }

    #[test]
    fn csv_columns_get_the_narrowest_type_that_holds_every_value() {
        assert_eq!(
            types(
                "i,f,s,b,d,t,z,n\n1,1.5,x,true,2026-01-01,2026-01-01 10:00:00,2026-01-01T10:00:00Z,\n-2,3,\"a,b\",FALSE,2026-01-02,2026-01-02,2026-01-01T10:00:00+01:00,\n"
            ),
            [
                "i:int64",
                "f:float64",
                "s:string",
                "b:boolean",
                "d:date",
                "t:timestamp",
                "z:timestamp with time zone",
                "n:string"
            ]
        );
    }

    #[test]
    fn what_a_number_would_lose_stays_text() {
        for value in ["007", "+5", "9223372036854775808", "1.2345678901234567", "-0", "1e5x", "0x1f", "NaN", "1_000"] {
            assert_eq!(types(&format!("a,b\n{value},1\n")), ["a:string", "b:int64"], "{value}");
        }
        assert_eq!(types("a,b\n1,1\n2026-01-01,1\n"), ["a:string", "b:int64"]);
    }

    #[test]
    fn json_keys_are_columns_in_the_order_in_which_they_come() {
        assert_eq!(
            types("{\"b\":1,\"a\":\"5\"}{\"c\":[1],\"b\":2.5,\"d\":\"2026-01-01\",\"e\":true}{\"c\":1}"),
            ["b:float64", "a:string", "c:json", "d:date", "e:boolean"]
        );
    }

    #[test]
    fn other_delimiters_are_told_by_the_first_line() {
        assert_eq!(types("a;b;c\n1;\"x;y\";2,5\n"), ["a:int64", "b:string", "c:string"]);
        assert_eq!(types("a\tb\n1\t2\n"), ["a:int64", "b:int64"]);
    }

    #[test]
    fn more_keys_than_one_pass_notes_are_found_all_the_same() {
        let object: Vec<String> = (0..250).map(|key| format!("\"k{key}\":{key}")).collect();
        assert_eq!(types(&format!("{{{}}}", object.join(","))).len(), 250);
    }
}
