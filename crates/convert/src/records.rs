//! From decompressed text to tokens: tells the format, reads the header, then hands out records.

use weir_model::Contract;
use weir_model::change::columns;
use weir_model::contract::UnknownColumns;
use weir_model::raw::Format;

use crate::csv::{CsvTokenizer, Header};
use crate::error::ConvertError;
use crate::json::JsonTokenizer;
use crate::names::{foreign, listed};
use crate::schema::Layout;
use crate::tokens::{MAX_TEXT, Tokens};
use crate::window::Window;

/// Hands out the records of one object.
pub(crate) struct Records<'a> {
    contract: &'a Contract,
    names: &'a [String],
    max_record_bytes: usize,
    state: State,
}

enum State {
    /// Not a byte was seen.
    Start,
    /// CSV whose header is still to come.
    Header,
    Csv(CsvTokenizer, Header),
    Json(JsonTokenizer),
}

/// The names by which the source has the columns: the contract's, and in bronze those of a change.
pub(crate) fn source_names(contract: &Contract, layout: &Layout) -> Vec<String> {
    let mut names: Vec<String> = contract.columns.iter().map(|column| column.source_name.clone()).collect();
    if matches!(layout, Layout::Bronze { .. }) {
        names.extend([columns::OP, columns::SEQ, columns::EVENT_TIME, columns::UNCHANGED].map(str::to_owned));
    }
    names
}

/// The format that content shows: JSON begins with a bracket.
pub(crate) fn format_of(text: &[u8]) -> Format {
    match text.trim_ascii_start().first() {
        Some(b'{' | b'[') => Format::Json,
        _ => Format::Csv,
    }
}

/// The length of a UTF-8 byte order mark, or an error for that of another encoding.
pub(crate) fn byte_order_mark(text: &[u8]) -> Result<usize, ConvertError> {
    match text {
        [0xef, 0xbb, 0xbf, ..] => Ok(3),
        [0xff, 0xfe, ..] => Err(ConvertError::Encoding { encoding: "UTF-16 or UTF-32 (little endian)" }),
        [0xfe, 0xff, ..] => Err(ConvertError::Encoding { encoding: "UTF-16 (big endian)" }),
        _ => Ok(0),
    }
}

impl<'a> Records<'a> {
    pub(crate) fn new(contract: &'a Contract, names: &'a [String], max_record_bytes: usize) -> Self {
        Records { contract, names, max_record_bytes: max_record_bytes.min(MAX_TEXT / 2), state: State::Start }
    }

    /// Takes records from the front of the window's text until it or `tokens` is full; returns how
    /// many bytes were taken, 0 if more text is needed. The window is moved past a header itself.
    pub(crate) fn take(
        &mut self,
        window: &mut Window,
        at_end: bool,
        tokens: &mut Tokens,
    ) -> Result<usize, ConvertError> {
        loop {
            match &mut self.state {
                State::Start => {
                    if !self.start(window, at_end)? {
                        return Ok(0);
                    }
                }
                State::Header => {
                    if !self.header(window, at_end)? {
                        return Ok(0);
                    }
                }
                State::Csv(tokenizer, _) => return Ok(tokenizer.tokenize(window.text(), at_end, tokens)),
                State::Json(tokenizer) => return tokenizer.tokenize(window.text(), window.offset(), at_end, tokens),
            }
        }
    }

    /// Passes byte order mark and white space, and tells the format; false if more text is needed.
    fn start(&mut self, window: &mut Window, at_end: bool) -> Result<bool, ConvertError> {
        if window.offset() == 0 {
            if window.text().len() < 4 && !at_end {
                return Ok(false);
            }
            let mark = byte_order_mark(window.text())?;
            window.consume(mark);
        }
        let source = &self.contract.source;
        let white = window.text().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        let lines_are_rows = !source.csv.header && source.format != Some(Format::Json);
        // Lines of white space may come before a header or an object, but where each line is a row
        // only empty ones are none.
        let blank = if lines_are_rows {
            window.text().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
        } else {
            memchr::memrchr(b'\n', &window.text()[..white]).map_or(0, |line_break| line_break + 1)
        };
        window.consume(blank);
        let indent = white - blank;
        if window.text().len() == indent && indent <= self.max_record_bytes {
            if !at_end {
                return Ok(false);
            }
            if indent == 0 || !lines_are_rows {
                window.consume(indent);
                return Ok(false);
            }
        }
        let format = match source.format {
            Some(format) => format,
            None if indent > self.max_record_bytes => Format::Csv,
            None => format_of(window.text()),
        };
        self.state = match format {
            Format::Json => State::Json(JsonTokenizer::new(self.names, self.max_record_bytes)),
            Format::Csv if self.contract.source.csv.header => State::Header,
            Format::Csv => self.csv(Header::absent(self.contract.columns.len())),
        };
        Ok(true)
    }

    fn header(&mut self, window: &mut Window, at_end: bool) -> Result<bool, ConvertError> {
        let line = window.line();
        let delimiter = self.contract.source.csv.delimiter;
        let longest = window.text().len().min(self.max_record_bytes);
        let is_cut = longest < window.text().len();
        let read = Header::read(&window.text()[..longest], delimiter, at_end && !is_cut)
            .map_err(|detail| ConvertError::Header { line, detail: format!("the header cannot be read: {detail}") })?;
        let Some((fields, next)) = read else {
            if is_cut {
                let detail = format!("the header is longer than {} bytes; is this a CSV file?", self.max_record_bytes);
                return Err(ConvertError::Header { line, detail });
            }
            return Ok(false);
        };
        let header = Header::map(self.contract, self.names, &window.text()[..next], &fields, line)?;
        window.consume(next);
        self.state = self.csv(header);
        Ok(true)
    }

    fn csv(&self, header: Header) -> State {
        let delimiter = self.contract.source.csv.delimiter;
        State::Csv(CsvTokenizer::new(delimiter, self.max_record_bytes, header.clone()), header)
    }

    /// The format that was told; `None` for an object without content.
    pub(crate) fn format(&self) -> Option<Format> {
        match &self.state {
            State::Start => None,
            State::Header | State::Csv(..) => Some(Format::Csv),
            State::Json(_) => Some(Format::Json),
        }
    }

    /// Columns of the object that the contract does not name.
    pub(crate) fn unknown_columns(&self) -> Vec<String> {
        match &self.state {
            State::Csv(_, header) => header.unknown().to_vec(),
            State::Json(tokenizer) => tokenizer.unknown().to_vec(),
            State::Start | State::Header => Vec::new(),
        }
    }

    /// What a person should know of the object, once it is read; an error if the contract forbids it.
    pub(crate) fn notes(&self) -> Result<Vec<String>, ConvertError> {
        let mut notes = Vec::new();
        let unknown = self.unknown_columns();
        if !unknown.is_empty() {
            let unknown = foreign(self.contract, &unknown);
            if self.contract.source.unknown_columns == UnknownColumns::Fail {
                return Err(ConvertError::UnknownColumns { table: self.contract.table.clone(), names: unknown });
            }
            notes.push(format!("left out columns that the contract does not name: {unknown}"));
        }
        match &self.state {
            State::Start => notes.push("the object holds no rows".to_owned()),
            State::Csv(_, header) if self.contract.source.csv.header => {
                let absent = (0..self.contract.columns.len()).filter(|column| !header.has(*column));
                let names: Vec<String> = absent.map(|column| self.names[column].clone()).collect();
                if !names.is_empty() {
                    notes.push(format!("null throughout, because the object does not have them: {}", listed(&names)));
                }
            }
            _ => {}
        }
        Ok(notes)
    }
}
