//! Prose that is hard on readers of CSV: quotes, commas, line breaks and letters outside ASCII.

use crate::random::Stream;

const WORDS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "almost",
    "amber",
    "and",
    "another",
    "autumn",
    "balanced",
    "barrel",
    "before",
    "bitter",
    "bread",
    "bright",
    "bronze",
    "café",
    "caramel",
    "cellar",
    "cherry",
    "clean",
    "cloudy",
    "cold",
    "crème",
    "crisp",
    "dark",
    "deep",
    "dry",
    "earthy",
    "evening",
    "every",
    "faint",
    "few",
    "finish",
    "floral",
    "foam",
    "fresh",
    "friends",
    "from",
    "garden",
    "gentle",
    "glass",
    "golden",
    "good",
    "grain",
    "grüner",
    "harvest",
    "hazy",
    "head",
    "heavy",
    "honey",
    "hop",
    "in",
    "is",
    "it",
    "jalapeño",
    "lace",
    "later",
    "lemon",
    "light",
    "little",
    "long",
    "malt",
    "mango",
    "market",
    "mellow",
    "mild",
    "morning",
    "mouth",
    "never",
    "nose",
    "nutty",
    "of",
    "often",
    "old",
    "on",
    "once",
    "orange",
    "over",
    "pale",
    "pepper",
    "pine",
    "plum",
    "pour",
    "purée",
    "quiet",
    "rather",
    "red",
    "rich",
    "river",
    "roast",
    "rosé",
    "round",
    "rye",
    "salt",
    "sharp",
    "short",
    "since",
    "smoke",
    "smooth",
    "soft",
    "some",
    "sour",
    "spice",
    "spring",
    "still",
    "straw",
    "street",
    "strong",
    "summer",
    "sweet",
    "table",
    "tart",
    "taste",
    "the",
    "then",
    "thin",
    "toast",
    "träumt",
    "under",
    "vanilla",
    "very",
    "warm",
    "was",
    "wheat",
    "when",
    "winter",
    "with",
    "wood",
    "yeast",
    "žito",
    "麦",
    "🍺",
];

/// From `least` to `most` sentences.
pub(crate) fn write(stream: &mut Stream, out: &mut Vec<u8>, least: u64, most: u64) {
    for sentence in 0..stream.between(least, most) {
        if sentence > 0 {
            out.push(if stream.below(6) == 0 { b'\n' } else { b' ' });
        }
        one_sentence(stream, out);
    }
}

fn one_sentence(stream: &mut Stream, out: &mut Vec<u8>) {
    let words = stream.between(4, 12);
    let start = out.len();
    for word in 0..words {
        // One number decides on the word and on what is set around it.
        let bits = stream.next();
        let text = WORDS[(((bits >> 32) * WORDS.len() as u64) >> 32) as usize];
        let quoted = bits & 0x1f == 0;
        if quoted {
            out.push(b'"');
        }
        out.extend_from_slice(text.as_bytes());
        if quoted {
            out.push(b'"');
        }
        if word + 1 < words {
            if bits & 0xe0 == 0 {
                out.push(b',');
            }
            out.push(b' ');
        }
    }
    out[start].make_ascii_uppercase();
    out.push(b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_quotes_commas_line_breaks_and_letters_outside_ascii() {
        let texts: Vec<String> = (0..200)
            .map(|row| {
                let mut out = Vec::new();
                write(&mut Stream::new(5, row), &mut out, 1, 4);
                String::from_utf8(out).unwrap()
            })
            .collect();
        for mark in ['"', ',', '\n'] {
            assert!(texts.iter().any(|text| text.contains(mark)), "{mark:?}");
        }
        assert!(texts.iter().any(|text| !text.is_ascii()));
        assert!(texts.iter().all(|text| text.ends_with('.')));
    }
}
