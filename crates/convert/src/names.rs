//! Text of an object in messages for people: bounded, and only where it may be shown.

use weir_model::Contract;

/// The longest text of one value or record that the quarantine repeats, in bytes. The raw object
/// keeps the whole of it, at the offset that the quarantine names.
const MAX_TEXT: usize = 16 << 10;

/// Names for people: the first 20 of them, none longer than 100 bytes.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let mut list: Vec<String> =
        names.iter().take(MOST).map(|name| format!("'{}'", cut_to(name.as_bytes(), 100))).collect();
    if names.len() > MOST {
        list.push(format!("{} more", names.len() - MOST));
    }
    list.join(", ")
}

/// Names from the object that the contract does not know, for people. Data may stand in the place of
/// names (a file without its header, JSON keys that are values), so where rows hold personal data
/// they are only counted.
pub(crate) fn foreign(contract: &Contract, names: &[String]) -> String {
    if contract.has_pii() {
        format!("{} (not named here: the table holds personal data, and these may be some of it)", names.len())
    } else {
        listed(names)
    }
}

/// Text for people: at most [`MAX_TEXT`] bytes, bytes that are no UTF-8 as `\xNN`.
pub(crate) fn shorten(bytes: &[u8]) -> String {
    cut_to(bytes, MAX_TEXT)
}

fn cut_to(bytes: &[u8], most: usize) -> String {
    let cut = &bytes[..bytes.len().min(most)];
    let mut out = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if cut.len() < bytes.len() {
        out.push_str(&format!("… ({} bytes in all)", bytes.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_is_cut_and_never_half_a_character() {
        assert_eq!(shorten("aü".as_bytes()), "aü");
        assert_eq!(shorten(b"a\xffb"), "a\\xffb");
        let long = "ü".repeat(MAX_TEXT);
        let short = shorten(long.as_bytes());
        assert!(short.len() < MAX_TEXT + 40 && short.contains("bytes in all"));
    }
}
