//! Invented names: of people, places and things. No list here is taken from real people or brands.

use crate::decimal::{write_padded, write_u64};
use crate::random::Stream;

const ONSETS: &[&str] = &[
    "b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pr", "qu", "r",
    "s", "sk", "st", "t", "th", "tr", "v", "w", "z",
];
const VOWELS: &[&str] =
    &["a", "a", "a", "e", "e", "e", "i", "i", "i", "o", "o", "o", "u", "u", "ai", "ea", "ie", "oo", "ä", "é", "ö", "ø"];
const PLAIN_VOWELS: &[&str] = &["a", "e", "i", "o", "u", "ai", "ea", "ie", "oo"];
const CODAS: &[&str] = &["", "", "", "l", "m", "n", "nd", "r", "rn", "rt", "s", "sk", "st", "th", "x"];

const FIRST_STARTS: &[&str] =
    &["Ael", "Bri", "Cor", "Dav", "Eli", "Fen", "Gwi", "Hal", "Iso", "Jor", "Kel", "Lu", "Mar", "Nev", "Or", "Pel"];
const FIRST_ENDS: &[&str] =
    &["adan", "abeth", "enne", "ido", "imar", "indra", "iolo", "ith", "ola", "orin", "ova", "ulf", "una", "wen"];
const LAST_STARTS: &[&str] = &[
    "Ash", "Bram", "Crow", "Dun", "Elm", "Fair", "Glen", "Hart", "Iron", "Kest", "Lark", "Moss", "Nether", "Oak",
    "Quill", "Rook", "Stone", "Thorn", "Under", "Wren",
];
const LAST_ENDS: &[&str] = &[
    "acre", "barrow", "brand", "combe", "dell", "ferry", "garth", "holt", "hurst", "lock", "mere", "nock", "ridge",
    "shaw", "thwaite", "wick",
];
const PLACE_ENDS: &[&str] = &["ville", "ton", "burg", " Falls", " Springs", "field", "port", "ford", " Hollow"];
const NICKNAMES: &[&str] = &[
    "amber", "barley", "cellar", "copper", "dusty", "foam", "golden", "happy", "lazy", "malt", "mellow", "quiet",
    "rusty", "silent", "thirsty", "velvet",
];
/// Reserved for examples by RFC 2606.
const DOMAINS: &[&str] = &["example.com", "example.net", "example.org"];

/// A made-up word of two or three syllables, with a capital; `plain` keeps to ASCII.
pub(crate) fn word(stream: &mut Stream, out: &mut Vec<u8>, plain: bool) {
    let start = out.len();
    let vowels = if plain { PLAIN_VOWELS } else { VOWELS };
    for _ in 0..stream.between(2, 3) {
        out.extend_from_slice(stream.pick(ONSETS).as_bytes());
        out.extend_from_slice(stream.pick(vowels).as_bytes());
    }
    out.extend_from_slice(stream.pick(CODAS).as_bytes());
    out[start].make_ascii_uppercase();
}

/// A person's first name.
pub(crate) fn first(stream: &mut Stream, out: &mut Vec<u8>) {
    out.extend_from_slice(stream.pick(FIRST_STARTS).as_bytes());
    out.extend_from_slice(stream.pick(FIRST_ENDS).as_bytes());
}

/// A person's last name; one in eight has two.
pub(crate) fn last(stream: &mut Stream, out: &mut Vec<u8>) {
    let double = stream.below(8) == 0;
    for index in 0..=u8::from(double) {
        if index == 1 {
            out.push(b'-');
        }
        out.extend_from_slice(stream.pick(LAST_STARTS).as_bytes());
        out.extend_from_slice(stream.pick(LAST_ENDS).as_bytes());
    }
}

/// A name that somebody chose for a web site.
pub(crate) fn username(stream: &mut Stream, out: &mut Vec<u8>) {
    out.extend_from_slice(stream.pick(NICKNAMES).as_bytes());
    let start = out.len();
    word(stream, out, true);
    out[start].make_ascii_lowercase();
    if stream.below(3) > 0 {
        let number = stream.below(10_000);
        write_u64(out, number);
    }
}

/// An address at a domain that nobody can own.
pub(crate) fn email(stream: &mut Stream, out: &mut Vec<u8>) {
    let start = out.len();
    first(stream, out);
    out.push(b'.');
    last(stream, out);
    out[start..].make_ascii_lowercase();
    write_u64(out, stream.below(1_000));
    out.push(b'@');
    out.extend_from_slice(stream.pick(DOMAINS).as_bytes());
}

/// A telephone number of the range that North America reserves for fiction: 555-0100 to 555-0199.
pub(crate) fn phone(stream: &mut Stream, out: &mut Vec<u8>) {
    out.extend_from_slice(b"+1-");
    write_u64(out, stream.between(201, 989));
    out.extend_from_slice(b"-555-01");
    write_padded(out, stream.below(100), 2);
}

/// A town.
pub(crate) fn city(stream: &mut Stream, out: &mut Vec<u8>) {
    word(stream, out, false);
    out.extend_from_slice(stream.pick(PLACE_ENDS).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(write: impl Fn(&mut Stream, &mut Vec<u8>)) -> Vec<String> {
        (0..500)
            .map(|row| {
                let mut out = Vec::new();
                write(&mut Stream::new(3, row), &mut out);
                String::from_utf8(out).unwrap()
            })
            .collect()
    }

    #[test]
    fn addresses_and_numbers_belong_to_nobody() {
        for email in make(email) {
            assert!(email.is_ascii() && DOMAINS.contains(&email.split_once('@').unwrap().1), "{email}");
        }
        for phone in make(phone) {
            assert!(phone.len() == 15 && phone.contains("-555-01"), "{phone}");
        }
    }

    #[test]
    fn names_begin_with_a_capital_and_some_are_not_ascii() {
        let words = make(|stream, out| word(stream, out, false));
        assert!(words.iter().all(|word| word.starts_with(char::is_uppercase)));
        assert!(words.iter().any(|word| !word.is_ascii()));
        assert!(make(username).iter().all(|name| name.is_ascii()));
    }
}
