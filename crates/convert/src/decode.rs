//! First stage: the bytes of an object, decompressed.
//!
//! gzip is read member by member, because a file may hold several (RFC 1952, 2.2) and because only
//! then the place of damage is known.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use weir_model::raw::Compression;

use crate::error::ConvertError;
use crate::settings::{RATIO_GRACE_BYTES, Settings};

/// Bytes of the object that are read at once.
const READ_BYTES: usize = 128 << 10;
/// Bytes that tell the compression.
const MAGIC_BYTES: usize = 4;

/// Reads an object and decompresses it.
pub(crate) struct Decoder<R: Read> {
    source: Source<R>,
    compression: Compression,
    limits: Settings,
    decompressed: u64,
}

enum Source<R: Read> {
    Plain(Input<R>),
    /// Inside a member.
    Gzip(Box<GzDecoder<Input<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Input<R>>>),
    /// After the last byte.
    Done {
        consumed: u64,
    },
}

impl<R: Read> Decoder<R> {
    /// Tells the compression by the first bytes of `input`.
    pub(crate) fn new(input: R, limits: Settings) -> Result<Self, ConvertError> {
        let mut input = Retried(input);
        let mut first = Vec::with_capacity(MAGIC_BYTES);
        // A source may hand out its bytes one at a time, and one tells nothing.
        if let Err(source) = input.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut first) {
            return Err(ConvertError::Read { offset: first.len() as u64, source });
        }
        let compression = Compression::of(&first);
        let input = Counted::new(io::Cursor::new(first).chain(input));
        let source = match compression {
            Compression::None => Source::Plain(input),
            Compression::Gzip => Source::Gzip(Box::new(GzDecoder::new(input))),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(input).and_then(|mut decoder| {
                    decoder.window_log_max(limits.zstd_window_log())?;
                    Ok(decoder)
                });
                Source::Zstd(Box::new(decoder.map_err(|error| ConvertError::Defect(format!("zstd: {error}")))?))
            }
        };
        Ok(Decoder { source, compression, limits, decompressed: 0 })
    }

    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    /// Bytes of the object that were consumed.
    pub(crate) fn consumed(&self) -> u64 {
        match &self.source {
            Source::Plain(input) => input.consumed,
            Source::Gzip(decoder) => decoder.get_ref().consumed,
            Source::Zstd(decoder) => decoder.get_ref().consumed,
            Source::Done { consumed } => *consumed,
        }
    }

    pub(crate) fn decompressed(&self) -> u64 {
        self.decompressed
    }

    /// Fills `block`, unless the object ends before; returns how many bytes there are.
    pub(crate) fn fill(&mut self, block: &mut [u8]) -> Result<usize, ConvertError> {
        let mut filled = 0;
        while filled < block.len() {
            let read = match &mut self.source {
                Source::Plain(input) => input.read(&mut block[filled..]),
                Source::Gzip(decoder) => decoder.read(&mut block[filled..]),
                Source::Zstd(decoder) => decoder.read(&mut block[filled..]),
                Source::Done { .. } => break,
            };
            match read {
                Ok(0) => self.next_member()?,
                Ok(count) => {
                    filled += count;
                    self.decompressed += count as u64;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.check_size()?;
        Ok(filled)
    }

    /// Goes on with the next gzip member, or ends.
    fn next_member(&mut self) -> Result<(), ConvertError> {
        let consumed = self.consumed();
        let source = std::mem::replace(&mut self.source, Source::Done { consumed });
        let Source::Gzip(decoder) = source else { return Ok(()) };
        let mut input = decoder.into_inner();
        // Some writers pad with zeros to a block's end; gzip itself passes over them.
        loop {
            let padding = match input.fill_buf() {
                Ok([]) => {
                    self.source = Source::Done { consumed: input.consumed };
                    return Ok(());
                }
                Ok(bytes) => bytes.iter().take_while(|byte| **byte == 0).count(),
                Err(error) => return Err(ConvertError::Read { offset: consumed, source: error }),
            };
            if padding == 0 {
                break;
            }
            input.consume(padding);
        }
        self.source = Source::Gzip(Box::new(GzDecoder::new(input)));
        Ok(())
    }

    fn failed(&self, error: io::Error) -> ConvertError {
        let offset = self.consumed();
        let input_failed = match &self.source {
            Source::Plain(_) => true,
            Source::Gzip(decoder) => decoder.get_ref().failed,
            Source::Zstd(decoder) => decoder.get_ref().failed,
            Source::Done { .. } => false,
        };
        if input_failed {
            return ConvertError::Read { offset, source: error };
        }
        let compression = self.compression;
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ConvertError::Truncated { compression, offset },
            _ if error.to_string().contains("requires too much memory") => ConvertError::TooLarge {
                offset,
                decompressed: self.decompressed,
                limit: format!("a window of at most {} bytes", 1u64 << self.limits.zstd_window_log()),
                setting: "ingest.memoryMb",
            },
            _ => ConvertError::Corrupt { compression, offset, detail: error.to_string() },
        }
    }

    fn check_size(&self) -> Result<(), ConvertError> {
        let offset = self.consumed();
        let too_large = |limit: String, setting: &'static str| ConvertError::TooLarge {
            offset,
            decompressed: self.decompressed,
            limit,
            setting,
        };
        let most = self.limits.max_decompressed_bytes;
        if self.decompressed > most {
            return Err(too_large(format!("{most} bytes"), "ingest.maxDecompressedBytes"));
        }
        let ratio = self.limits.max_compression_ratio;
        if self.decompressed > offset.saturating_mul(ratio).saturating_add(RATIO_GRACE_BYTES) {
            return Err(too_large(format!("{ratio} times its size"), "ingest.maxCompressionRatio"));
        }
        Ok(())
    }
}

/// The object's bytes, of which the first were looked at.
type Input<R> = Counted<io::Chain<io::Cursor<Vec<u8>>, Retried<R>>>;

/// Reads again where a signal interrupted: not every decompressor does.
struct Retried<R>(R);

impl<R: Read> Read for Retried<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// A buffered reader that knows how much was taken from it, and whether its source failed.
struct Counted<R> {
    inner: BufReader<R>,
    consumed: u64,
    failed: bool,
}

impl<R: Read> Counted<R> {
    fn new(inner: R) -> Self {
        Counted { inner: BufReader::with_capacity(READ_BYTES, inner), consumed: 0, failed: false }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buf);
        match &result {
            Ok(count) => self.consumed += *count as u64,
            Err(_) => self.failed = true,
        }
        result
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let failed = &mut self.failed;
        self.inner.fill_buf().inspect_err(|_| *failed = true)
    }

    fn consume(&mut self, amount: usize) {
        self.consumed += amount as u64;
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, ConvertError> {
        let mut decoder = Decoder::new(bytes, Settings::default())?;
        let mut out = Vec::new();
        let mut block = vec![0; 1000];
        loop {
            let count = decoder.fill(&mut block)?;
            out.extend_from_slice(&block[..count]);
            if count < block.len() {
                assert_eq!(decoder.consumed(), bytes.len() as u64);
                return Ok(out);
            }
        }
    }

    #[test]
    fn every_member_of_a_gzip_file_is_read_and_zero_padding_passed_over() {
        let mut file = gzip(b"one,");
        file.extend(gzip(b""));
        file.extend(gzip(b"two"));
        assert_eq!(decode(&file).unwrap(), b"one,two");
        file.extend([0; 700]);
        assert_eq!(decode(&file).unwrap(), b"one,two");
    }

    #[test]
    fn a_gzip_file_cut_at_any_byte_is_truncated_and_says_where() {
        let mut file = gzip(&b"some text that repeats, ".repeat(100));
        let first = file.len();
        file.extend(gzip(b"second"));
        for cut in 2..file.len() {
            if cut == first {
                continue;
            }
            match decode(&file[..cut]) {
                Err(ConvertError::Truncated { offset, .. }) => assert_eq!(offset, cut as u64),
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_damaged_gzip_file_never_passes() {
        let text = b"some text that repeats, and some that does not: 0123456789".repeat(50);
        let file = gzip(&text);
        for at in 10..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            match decode(&damaged) {
                Err(ConvertError::Corrupt { offset, .. } | ConvertError::Truncated { offset, .. }) => {
                    assert!(offset <= file.len() as u64);
                }
                other => panic!("byte {at}: {other:?}"),
            }
        }
        let mut garbage = file.clone();
        garbage.extend(b"garbage");
        assert!(matches!(decode(&garbage), Err(ConvertError::Corrupt { .. } | ConvertError::Truncated { .. })));
    }

    #[test]
    fn zstd_frames_follow_each_other_and_a_cut_one_is_refused() {
        let mut file = zstd::encode_all(&b"one,"[..], 3).unwrap();
        file.extend(zstd::encode_all(&b"two"[..], 3).unwrap());
        assert_eq!(decode(&file).unwrap(), b"one,two");
        assert!(matches!(decode(&file[..file.len() - 2]), Err(ConvertError::Truncated { .. })));
        file[8] ^= 0xff;
        assert!(decode(&file).is_err());
    }

    #[test]
    fn a_zip_bomb_is_refused_by_its_ratio_before_it_is_read_whole() {
        let mut encoder = GzEncoder::new(Vec::new(), Level::best());
        let zeros = vec![b'0'; 1 << 20];
        for _ in 0..256 {
            encoder.write_all(&zeros).unwrap();
        }
        let file = encoder.finish().unwrap();
        match decode(&file) {
            Err(ConvertError::TooLarge { decompressed, setting, .. }) => {
                assert_eq!(setting, "ingest.maxCompressionRatio");
                assert!(decompressed < 256 << 20);
            }
            other => panic!("{:?}", other.map(|bytes| bytes.len())),
        }
    }

    #[test]
    fn a_failing_source_is_told_apart_from_damaged_data() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("network"))
            }
        }
        let file = gzip(b"text");
        for cut in 0..file.len() {
            let source = io::Cursor::new(&file[..cut]).chain(Failing);
            let failed = Decoder::new(source, Settings::default()).and_then(|mut decoder| decoder.fill(&mut [0; 10]));
            assert!(matches!(failed, Err(ConvertError::Read { .. })), "{cut}: {failed:?}");
        }
    }
}
