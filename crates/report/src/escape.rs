//! Text from a lake, made harmless: names, messages and values may hold anything.

use std::fmt::{self, Display, Write};

/// Text between tags, or within a quoted attribute.
pub(crate) struct Esc<T>(pub(crate) T);

impl<T: Display> Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                // HTML has no place for them, and a parser would drop or replace them.
                '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                    self.0.write_char('\u{fffd}')?;
                }
                other => self.0.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// JSON that may stand in a `script` element: no `<` begins anything there.
pub(crate) fn json_in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            // Outside of strings JSON has none of these.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let code = u32::from(character);
                out.push_str(&format!("\\u{code:04x}"));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_text_can_begin_markup_or_end_an_attribute() {
        let hostile = "</script><script>alert('1')</script>\" onload=\"x & y\0\u{1b}";
        let text = Esc(hostile).to_string();
        assert!(!text.contains(['<', '>', '"', '\'', '\0', '\u{1b}']), "{text}");
        assert!(text.ends_with("x &amp; y\u{fffd}\u{fffd}"), "{text}");
    }

    #[test]
    fn json_in_a_script_says_the_same_without_markup() {
        let value = serde_json::json!({"</script>": "<!-- & \u{2028} ä"});
        let text = json_in_script(&value.to_string());
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back, value);
    }
}
