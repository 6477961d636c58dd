//! What a producer may have packed into one record: gzip, and the aggregation of the Kinesis
//! Producer Library.
//!
//! The aggregated form is four magic bytes, a Protocol Buffers message and the MD5 of that message:
//! <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use md5::{Digest, Md5};
use prost::Message;
use thiserror::Error;

/// A record that unpacks to more is refused, in bytes.
pub const MAX_UNPACKED_BYTES: usize = 16 << 20;

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const MD5_BYTES: usize = 16;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why a record could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum UnpackError {
    /// Damaged gzip data.
    #[error("the record's gzip data is damaged or cut short")]
    Gzip,
    /// More than [`MAX_UNPACKED_BYTES`].
    #[error("the record unpacks to more than {MAX_UNPACKED_BYTES} bytes")]
    TooLarge,
    /// A message whose checksum is right and whose form is not.
    #[error("the aggregated record is no message of the Kinesis Producer Library")]
    Form,
}

impl UnpackError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            UnpackError::Gzip => "Record.Gzip",
            UnpackError::TooLarge => "Record.TooLarge",
            UnpackError::Form => "Record.Aggregate",
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Aggregated {
    #[prost(string, repeated, tag = "1")]
    partition_keys: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_keys: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<UserRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct UserRecord {
    #[prost(uint64, required, tag = "1")]
    partition_key_index: u64,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "vec", required, tag = "3")]
    data: Vec<u8>,
}

/// Whether a record may be packed; most are plain JSON and are read where they stand.
pub(super) fn is_packed(data: &[u8]) -> bool {
    data.starts_with(&GZIP) || data.starts_with(&MAGIC)
}

/// The records that a producer packed into `data`, in their order; mostly one.
pub(super) fn unpack(data: Vec<u8>) -> Result<Vec<Vec<u8>>, UnpackError> {
    let data = gunzip(data, MAX_UNPACKED_BYTES)?;
    let Some(message) = message(&data) else { return Ok(vec![data]) };
    let aggregated = Aggregated::decode(message).map_err(|_| UnpackError::Form)?;
    let mut left = MAX_UNPACKED_BYTES;
    aggregated
        .records
        .into_iter()
        .map(|record| {
            let data = gunzip(record.data, left)?;
            left = left.saturating_sub(data.len());
            Ok(data)
        })
        .collect()
}

/// The message of an aggregated record. Bytes that only look like one are a plain record.
fn message(data: &[u8]) -> Option<&[u8]> {
    let rest = data.strip_prefix(&MAGIC)?;
    let (message, checksum) = rest.split_at_checked(rest.len().checked_sub(MD5_BYTES)?)?;
    (Md5::digest(message)[..] == *checksum).then_some(message)
}

fn gunzip(data: Vec<u8>, most: usize) -> Result<Vec<u8>, UnpackError> {
    if !data.starts_with(&GZIP) {
        return Ok(data);
    }
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(data.as_slice()).take(limit).read_to_end(&mut out).map_err(|_| UnpackError::Gzip)?;
    if out.len() > most { Err(UnpackError::TooLarge) } else { Ok(out) }
}

/// Packs records as the Kinesis Producer Library does, for tests and for replaying streams.
#[must_use]
pub fn aggregate(records: &[&[u8]]) -> Vec<u8> {
    let aggregated = Aggregated {
        partition_keys: vec!["key".to_owned()],
        explicit_hash_keys: Vec::new(),
        records: records
            .iter()
            .map(|data| UserRecord { partition_key_index: 0, explicit_hash_key_index: None, data: data.to_vec() })
            .collect(),
    };
    let message = aggregated.encode_to_vec();
    let checksum = Md5::digest(&message);
    [&MAGIC[..], &message, &checksum[..]].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_packed_and_aggregated_records_come_out_as_they_were_put_in() {
        assert_eq!(unpack(b"{}".to_vec()), Ok(vec![b"{}".to_vec()]));
        assert_eq!(unpack(gzip(b"{}")), Ok(vec![b"{}".to_vec()]));
        let both = vec![b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec()];
        assert_eq!(unpack(aggregate(&[&both[0], &both[1]])), Ok(both.clone()));
        assert_eq!(unpack(gzip(&aggregate(&[&gzip(&both[0]), &both[1]]))), Ok(both));
    }

    /// The wire form by hand, so that `aggregate` and `unpack` cannot be wrong together.
    #[test]
    fn the_form_is_the_one_that_the_library_documents() {
        let message = [&[0x0a, 1, b'k', 0x1a, 6, 0x08, 0, 0x1a, 2][..], b"hi"].concat();
        let bytes = [&MAGIC[..], &message, &Md5::digest(&message)[..]].concat();
        assert_eq!(unpack(bytes), Ok(vec![b"hi".to_vec()]));
    }

    #[test]
    fn what_only_looks_aggregated_is_a_plain_record() {
        let mut bytes = aggregate(&[b"{}"]);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(unpack(bytes.clone()), Ok(vec![bytes]));
        assert_eq!(unpack(MAGIC.to_vec()), Ok(vec![MAGIC.to_vec()]));
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let whole = gzip(b"some text");
        assert_eq!(unpack(whole[..whole.len() - 3].to_vec()), Err(UnpackError::Gzip));
        assert_eq!(unpack(gzip(&vec![b' '; MAX_UNPACKED_BYTES + 1])), Err(UnpackError::TooLarge));
        let half = gzip(&vec![b' '; MAX_UNPACKED_BYTES / 2 + 1]);
        assert_eq!(unpack(aggregate(&[&half, &half])), Err(UnpackError::TooLarge));
        let nonsense = [0xff; 5];
        let bytes = [&MAGIC[..], &nonsense, &Md5::digest(nonsense)[..]].concat();
        assert_eq!(unpack(bytes), Err(UnpackError::Form));
    }
}
