//! Where the members of a record stand: the envelope's own and those of the rows in it.
//!
//! One pass over the record fills it; its memory is used again for the next one. Two levels are kept
//! (three under `payload`), everything deeper is checked and passed over.

use weir_json::{Kind, Scanner, Stop, Text, Value};

/// The levels that are kept: `payload`, `after`, a column.
const LEVELS: usize = 3;

/// One member of an object.
#[derive(Debug, Clone, Copy)]
struct Member {
    key: (u32, u32),
    value: (u32, u32),
    kind: Kind,
    key_escaped: bool,
    /// Its own members, where the value is an object and its level is kept.
    children: Children,
}

/// The members of one object: a range of its level.
#[derive(Debug, Clone, Copy, Default)]
struct Children {
    from: u32,
    to: u32,
    /// One more than the index of a member whose key has stood before; 0 where all differ.
    again: u32,
}

/// The memory of a scan.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    levels: [Vec<Member>; LEVELS],
    order: Vec<u32>,
}

/// What a record is.
pub(crate) enum Root<'r> {
    Object(Object<'r>),
    Null,
    Other,
}

impl Tape {
    /// Reads the one value that `text` is; its length fits 32 bits.
    pub(crate) fn scan<'r>(&'r mut self, text: &'r [u8]) -> Result<Root<'r>, Stop> {
        self.levels.iter_mut().for_each(Vec::clear);
        let mut scanner = Scanner::new(text, 0);
        let first = scanner.next_token()?;
        let start = scanner.at();
        if first != b'{' {
            return weir_json::validate(text).map(|kind| if kind == Kind::Null { Root::Null } else { Root::Other });
        }
        let children = self.object(&mut scanner, 0, 1)?;
        // The reader keeps records far below 4 GiB.
        let place = (start as u32, scanner.at() as u32);
        if scanner.next_token().is_ok() {
            return Err(scanner.syntax("something follows the object"));
        }
        Ok(Root::Object(Object { tape: self, text, level: 0, children, place }))
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, level: usize, deepest: usize) -> Result<Children, Stop> {
        let text = scanner.text();
        let from = self.levels[level].len();
        scanner.members(level, |scanner, key| {
            let start = scanner.at();
            let mut children = Children::default();
            let kind = if level < deepest && text[start] == b'{' {
                let is_payload = level == 0 && Text::at(text, key).is(b"payload");
                children = self.object(scanner, level + 1, deepest + usize::from(is_payload))?;
                Kind::Object
            } else {
                scanner.value(level + 1)?
            };
            self.levels[level].push(Member {
                key: (key.start() as u32, key.end() as u32),
                value: (start as u32, scanner.at() as u32),
                kind,
                key_escaped: key.is_escaped(),
                children,
            });
            Ok::<(), Stop>(())
        })?;
        let members = &self.levels[level][from..];
        let again = repeated(text, members, &mut self.order).map_or(0, |index| index as u32 + 1);
        Ok(Children { from: from as u32, to: (from + members.len()) as u32, again })
    }
}

fn key<'r>(text: &'r [u8], member: &Member) -> Text<'r> {
    Text { raw: &text[member.key.0 as usize..member.key.1 as usize], escaped: member.key_escaped }
}

/// Up to so many keys are compared with each other where their hashes meet.
const FEW: usize = 24;

/// The index of a member whose key has stood before.
fn repeated(text: &[u8], members: &[Member], order: &mut Vec<u32>) -> Option<usize> {
    if members.len() <= FEW {
        let mut seen = 0u64;
        for (index, member) in members.iter().enumerate() {
            let new = key(text, member);
            // Keys with escapes are compared with all, since they hash as they are spelled.
            let bit = if new.escaped { u64::MAX } else { 1 << (hash(new.raw) % 64) };
            if seen & bit != 0 && members[..index].iter().any(|old| same(key(text, old), new)) {
                return Some(index);
            }
            seen |= bit;
        }
        return None;
    }
    if members.iter().any(|member| member.key_escaped) {
        let mut keys: Vec<_> = members.iter().enumerate().map(|(at, of)| (key(text, of).resolved(), at)).collect();
        keys.sort_unstable();
        return keys.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1);
    }
    let raw = |index: usize| key(text, &members[index]).raw;
    if members.len() > usize::from(u8::MAX) {
        order.clear();
        order.extend(0..members.len() as u32);
        order.sort_unstable_by(|a, b| raw(*a as usize).cmp(raw(*b as usize)));
        return order
            .windows(2)
            .find(|pair| raw(pair[0] as usize) == raw(pair[1] as usize))
            .map(|pair| pair[1] as usize);
    }
    // One more than the index of the member that took a place; few members, so that even keys that
    // were chosen to meet cost little.
    let mut places = [0u8; 512];
    for index in 0..members.len() {
        let key = raw(index);
        let mut place = hash(key);
        while places[place] != 0 {
            if raw(usize::from(places[place]) - 1) == key {
                return Some(index);
            }
            place = (place + 1) % places.len();
        }
        places[place] = index as u8 + 1;
    }
    None
}

fn same(a: Text<'_>, b: Text<'_>) -> bool {
    if a.escaped || b.escaped { a.resolved() == b.resolved() } else { a.raw == b.raw }
}

/// A number below 512 that keys mostly do not share: from their length, ends and middle, which needs
/// no branch on how long they are.
#[inline]
fn hash(key: &[u8]) -> usize {
    let length = key.len();
    let byte = |at: usize| key.get(at).map_or(0, |byte| u64::from(*byte));
    let ends = byte(0) | byte(length.wrapping_sub(1)) << 8 | byte(length / 2) << 16 | byte(length / 4) << 24;
    let mixed = (ends | (length as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 55) as usize
}

/// An object of the record.
#[derive(Clone, Copy)]
pub(crate) struct Object<'r> {
    tape: &'r Tape,
    text: &'r [u8],
    level: u8,
    children: Children,
    /// Where it stands, braces included.
    place: (u32, u32),
}

impl std::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the row's bytes.
        write!(f, "Object({} members)", self.len())
    }
}

impl<'r> Object<'r> {
    /// Its bytes, braces included.
    pub(crate) fn raw(&self) -> &'r [u8] {
        &self.text[self.place.0 as usize..self.place.1 as usize]
    }

    pub(crate) fn len(&self) -> usize {
        (self.children.to - self.children.from) as usize
    }

    #[inline]
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'r>> + use<'r> {
        let Object { tape, text, level, children, .. } = *self;
        let members = &tape.levels[usize::from(level)][children.from as usize..children.to as usize];
        members.iter().map(move |member| Field { tape, text, level, member })
    }

    /// The first field of that name.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'r>> {
        self.fields().find(|field| field.key().is(name.as_bytes()))
    }

    /// A field whose key has stood before.
    #[inline]
    pub(crate) fn repeated(&self) -> Option<Field<'r>> {
        let index = (self.children.again as usize).checked_sub(1)?;
        self.fields().nth(index)
    }
}

/// One field of an object.
#[derive(Clone, Copy)]
pub(crate) struct Field<'r> {
    tape: &'r Tape,
    text: &'r [u8],
    level: u8,
    member: &'r Member,
}

impl<'r> Field<'r> {
    #[inline]
    pub(crate) fn key(&self) -> Text<'r> {
        key(self.text, self.member)
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.member.kind
    }

    /// Its value's bytes, quotes and brackets included.
    #[inline]
    pub(crate) fn raw(&self) -> &'r [u8] {
        let (start, end) = self.member.value;
        &self.text[start as usize..end as usize]
    }

    #[inline]
    pub(crate) fn value(&self) -> Value<'r> {
        Value { kind: self.kind(), raw: self.raw() }
    }

    /// From the quote of the key to the end of the value, as it stands.
    pub(crate) fn whole(&self) -> &'r [u8] {
        &self.text[self.member.key.0 as usize - 1..self.member.value.1 as usize]
    }

    #[inline]
    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The object that it is; `None` for other values and below the levels that are kept.
    pub(crate) fn object(&self) -> Option<Object<'r>> {
        let Field { tape, text, member, .. } = *self;
        let level = self.level + 1;
        let is_kept = usize::from(level) < LEVELS && member.kind == Kind::Object;
        is_kept.then_some(Object { tape, text, level, children: member.children, place: member.value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repeats(text: &str) -> Option<String> {
        let mut tape = Tape::default();
        match tape.scan(text.as_bytes()).unwrap() {
            Root::Object(object) => {
                object.repeated().map(|field| String::from_utf8(field.key().resolved().into_owned()).unwrap())
            }
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn a_key_that_stands_twice_is_found_among_few_and_many(
            keys in prop::collection::hash_set("[a-z]{1,10}", 1..40),
            more in prop_oneof![Just(0usize), Just(220), Just(600)],
            again: prop::sample::Index,
            escape: bool,
        ) {
            let mut keys: Vec<String> = keys.into_iter().chain((0..more).map(|n| format!("k{n}"))).collect();
            let write = |keys: &[String]| {
                let members: Vec<String> = keys.iter().map(|key| format!("\"{key}\":1")).collect();
                format!("{{{}}}", members.join(","))
            };
            prop_assert_eq!(repeats(&write(&keys)), None);
            let twice = keys[again.index(keys.len())].clone();
            let spelled = if escape { format!("\\u{:04x}{}", twice.as_bytes()[0], &twice[1..]) } else { twice.clone() };
            keys.insert(again.index(keys.len()), spelled);
            prop_assert_eq!(repeats(&write(&keys)), Some(twice));
        }
    }

    #[test]
    fn rows_are_kept_one_level_deeper_under_payload() {
        let mut tape = Tape::default();
        let Ok(Root::Object(root)) = tape.scan(br#"{"payload":{"after":{"a":{"x":1},"b":[{}]}},"z":{"y":{"w":1}}}"#)
        else {
            panic!()
        };
        let after = root.get("payload").unwrap().object().unwrap().get("after").unwrap().object().unwrap();
        assert_eq!(after.len(), 2);
        assert_eq!(after.get("a").unwrap().whole(), br#""a":{"x":1}"#);
        assert!(after.get("a").unwrap().object().is_none());
        assert_eq!(root.get("z").unwrap().object().unwrap().get("y").unwrap().object().unwrap().len(), 0);
    }
}
