//! What the first bytes of an object tell: format, compression, and about how many rows it has.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use weir_model::Contract;
use weir_model::raw::{Compression, Format};

use crate::error::ConvertError;
use crate::json::JsonTokenizer;
use crate::records::{byte_order_mark, format_of};
use crate::settings::Settings;
use crate::tokens::Tokens;

/// Text that is looked at, however well the sample is packed.
const MAX_SAMPLE_TEXT: u64 = 4 << 20;

/// What a sample tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// By content, unless the contract says it.
    pub format: Format,
    /// By content.
    pub compression: Compression,
    /// Rows of the whole object, from the rows and bytes of the sample.
    pub estimated_rows: u64,
}

/// Looks at `first_bytes`, the beginning of an object of `size` bytes.
///
/// # Errors
/// [`ConvertError::Encoding`] for text that is not UTF-8. Damage is not looked for: whoever reads
/// the whole object finds it.
pub fn sample(first_bytes: &[u8], size: u64, contract: Option<&Contract>) -> Result<Sample, ConvertError> {
    let compression = Compression::of(first_bytes);
    let mut text = Vec::new();
    // A sample ends in the middle of its data, so the error at its end means nothing.
    let _ = match compression {
        Compression::None => first_bytes.take(MAX_SAMPLE_TEXT).read_to_end(&mut text),
        Compression::Gzip => MultiGzDecoder::new(first_bytes).take(MAX_SAMPLE_TEXT).read_to_end(&mut text),
        Compression::Zstd => zstd::stream::read::Decoder::new(first_bytes).and_then(|mut decoder| {
            decoder.window_log_max(Settings::default().zstd_window_log())?;
            decoder.take(MAX_SAMPLE_TEXT).read_to_end(&mut text)
        }),
    };
    let body = &text[byte_order_mark(&text)?..];
    let format = contract.and_then(|contract| contract.source.format).unwrap_or_else(|| format_of(body));
    let is_whole = first_bytes.len() as u64 >= size && (text.len() as u64) < MAX_SAMPLE_TEXT;
    let rows = match format {
        Format::Csv => {
            let header = contract.is_none_or(|contract| contract.source.csv.header);
            csv_records(body, is_whole).saturating_sub(u64::from(header))
        }
        Format::Json => json_objects(body, is_whole),
    };
    let estimated_rows = if is_whole {
        rows
    } else {
        // How much of the object the counted text stands for: all of the sample, unless its text
        // was cut.
        let share = sample_bytes(first_bytes, compression, text.len() as u64);
        let rows = u128::from(rows.max(1)) * u128::from(size) / u128::from(share.max(1));
        u64::try_from(rows).unwrap_or(u64::MAX)
    };
    Ok(Sample { format, compression, estimated_rows })
}

/// Bytes of the sample that its text was made from.
fn sample_bytes(first_bytes: &[u8], compression: Compression, text: u64) -> u64 {
    let cut = text >= MAX_SAMPLE_TEXT;
    match compression {
        Compression::None => text,
        Compression::Gzip if cut => {
            let mut decoder = MultiGzDecoder::new(CountingReader { inner: first_bytes, read: 0 }).take(text);
            let _ = std::io::copy(&mut decoder, &mut std::io::sink());
            decoder.get_ref().get_ref().read
        }
        _ => first_bytes.len() as u64,
    }
}

struct CountingReader<'a> {
    inner: &'a [u8],
    read: u64,
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        // Small steps, so that the count is close to what was used.
        let step = buf.len().min(4096);
        let count = self.inner.read(&mut buf[..step])?;
        self.read += count as u64;
        Ok(count)
    }
}

/// Line breaks outside quotes that end a line with something on it.
fn csv_records(text: &[u8], is_whole: bool) -> u64 {
    let (mut records, mut quoted, mut blank) = (0, false, true);
    for byte in text {
        match byte {
            b'"' => {
                quoted = !quoted;
                blank = false;
            }
            b'\n' if !quoted => {
                records += u64::from(!blank);
                blank = true;
            }
            b'\r' => {}
            _ => blank = false,
        }
    }
    records + u64::from(is_whole && !blank)
}

fn json_objects(text: &[u8], is_whole: bool) -> u64 {
    let mut tokenizer = JsonTokenizer::new(&[], usize::MAX / 2);
    let mut tokens = Tokens::new(0, MAX_SAMPLE_TEXT as usize);
    let (mut at, mut objects) = (0, 0);
    loop {
        tokens.clear();
        match tokenizer.tokenize(&text[at..], at as u64, is_whole, &mut tokens) {
            Ok(taken) if taken > 0 => {
                at += taken;
                objects += tokens.records().len() as u64;
            }
            _ => return objects,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_small_object_is_counted_exactly() {
        for (text, rows) in
            [("a,b\n1,\"x\ny\"\n\n2,z", 2), ("a,b\n", 0), ("", 0), ("{\"a\":1}{\"a\":2}\n", 2), ("[{},{}]", 2)]
        {
            let file = gzip(text.as_bytes());
            let sample = sample(&file, file.len() as u64, None).unwrap();
            assert_eq!((sample.compression, sample.estimated_rows), (Compression::Gzip, rows), "{text}");
        }
    }

    #[test]
    fn a_large_object_is_estimated_from_its_beginning() {
        let mut text = String::from("id,name\n");
        for row in 0..200_000u64 {
            text.push_str(&format!("{row},{}\n", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
        for file in [gzip(text.as_bytes()), text.clone().into_bytes(), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
            let sample = sample(&file[..file.len().min(256 << 10)], file.len() as u64, None).unwrap();
            let error = sample.estimated_rows.abs_diff(200_000);
            assert!(error < 40_000, "{sample:?}");
        }
    }

    #[test]
    fn the_content_decides_and_not_a_name() {
        assert_eq!(sample(b"  [ {", 5, None).unwrap().format, Format::Json);
        assert_eq!(sample(b"\xef\xbb\xbf{\"a\":1}", 10, None).unwrap().format, Format::Json);
        assert!(matches!(sample(b"\xff\xfea\0", 4, None), Err(ConvertError::Encoding { .. })));
    }
}
