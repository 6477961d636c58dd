//! Numbers for keys.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::codec::Keys;

/// Numbers keys from 0 in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    slots: HashTable<u32>,
    ints: Vec<i64>,
    /// The bytes of all keys, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    hasher: DefaultHashBuilder,
}

fn hash_int(value: i64) -> u64 {
    let mixed = value.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

fn slice<'b>(bytes: &'b [u8], ends: &[usize], index: u32) -> &'b [u8] {
    let index = index as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &bytes[start..ends[index]]
}

impl KeyTable {
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The number of a key, which is given one if it is new.
    pub(crate) fn insert(&mut self, keys: &Keys, index: usize) -> u32 {
        // A pass holds far fewer than 2^32 keys: each takes memory that is bounded.
        let next = self.slots.len() as u32;
        let KeyTable { slots, ints, bytes, ends, hasher } = self;
        match keys {
            Keys::Ints(values) => {
                let value = values[index];
                let entry = slots.entry(
                    hash_int(value),
                    |slot| ints[*slot as usize] == value,
                    |slot| hash_int(ints[*slot as usize]),
                );
                *entry
                    .or_insert_with(|| {
                        ints.push(value);
                        next
                    })
                    .get()
            }
            Keys::Bytes(rows) => {
                let row = rows.row(index);
                let key: &[u8] = row.as_ref();
                let hash = hasher.hash_one(key);
                if let Some(found) = slots.find(hash, |slot| slice(bytes, ends, *slot) == key) {
                    return *found;
                }
                bytes.extend_from_slice(key);
                ends.push(bytes.len());
                slots.insert_unique(hash, next, |slot| hasher.hash_one(slice(bytes, ends, *slot)));
                next
            }
        }
    }

    /// The number of a key, if it has one.
    pub(crate) fn find(&self, keys: &Keys, index: usize) -> Option<u32> {
        match keys {
            Keys::Ints(values) => {
                let value = values[index];
                self.slots.find(hash_int(value), |slot| self.ints[*slot as usize] == value).copied()
            }
            Keys::Bytes(rows) => {
                let row = rows.row(index);
                let key: &[u8] = row.as_ref();
                let hash = self.hasher.hash_one(key);
                self.slots.find(hash, |slot| slice(&self.bytes, &self.ends, *slot) == key).copied()
            }
        }
    }
}
