//! What bronze holds in place of personal data.
//!
//! Never keeps or prints a value or a key. Start with [`Hasher`], the one action that needs a key;
//! redaction is a null and needs nothing from here.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Length of a hash as text: 32 bytes in hexadecimal.
pub const HASH_TEXT_BYTES: usize = 64;

/// HMAC-SHA-256 (RFC 2104) under a lake's key: equal values have equal hashes, so joins still work,
/// and without the key a value can neither be read nor guessed by trying.
#[derive(Clone)]
pub struct Hasher {
    keyed: Hmac<Sha256>,
}

/// The key is too short to protect anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a masking key has at least 32 bytes")]
pub struct ShortKey;

impl Hasher {
    /// A hasher under `key`.
    ///
    /// # Errors
    /// [`ShortKey`] for fewer than 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < 32 {
            return Err(ShortKey);
        }
        Hmac::new_from_slice(key).map(|keyed| Hasher { keyed }).map_err(|_| ShortKey)
    }

    /// Appends the hash of `value` in lower-case hexadecimal.
    pub fn hash_into(&self, value: &[u8], out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut keyed = self.keyed.clone();
        keyed.update(value);
        for byte in keyed.finalize().into_bytes() {
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(key withheld)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: &[u8], value: &[u8]) -> String {
        let mut out = Vec::new();
        Hasher::new(key).unwrap().hash_into(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hashes_are_hmac_sha_256() {
        // RFC 4231, test case 6: a key of 131 bytes.
        assert_eq!(
            hash(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn equal_values_stay_equal_and_the_key_decides() {
        assert_eq!(hash(&[1; 32], b"a@example.com"), hash(&[1; 32], b"a@example.com"));
        assert_ne!(hash(&[1; 32], b"a@example.com"), hash(&[2; 32], b"a@example.com"));
        assert_eq!(hash(&[1; 32], b"").len(), HASH_TEXT_BYTES);
    }

    #[test]
    fn short_keys_are_refused_and_no_key_is_printed() {
        assert_eq!(Hasher::new(&[1; 31]).unwrap_err(), ShortKey);
        assert!(!format!("{:?}", Hasher::new(&[7; 32]).unwrap()).contains('7'));
    }
}
