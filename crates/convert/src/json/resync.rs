//! Where reading goes on after an object that cannot be read.

/// Where the text goes on after the broken value at `start`: behind the bracket that closes it, or
/// at the next line on which another object can begin; `column` is how far right in its line the
/// value stands. `None` if `text` holds neither.
///
/// Of one object a line each broken one costs its line. Where objects spread over lines, those
/// inside a broken one stand further right than it does, so that none of them is taken for a row.
pub(super) fn next(text: &[u8], start: usize, column: usize) -> Option<usize> {
    if !matches!(text[start], b'{' | b'[') {
        return memchr::memchr(b'\n', &text[start..]).map(|line_break| start + line_break + 1);
    }
    let mut depth = 0usize;
    let mut in_string = false;
    let mut at = start;
    while at < text.len() {
        match (text[at], in_string) {
            (b'\n', _) => {
                // No string of JSON holds a line break, so a quote that is open now is astray.
                in_string = false;
                let line = &text[at + 1..];
                let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                // Without the byte after the spaces nothing is known yet.
                if line.get(indent)? == &b'{' && indent <= column {
                    return Some(at + 1);
                }
            }
            (b'\\', true) if text.get(at + 1) != Some(&b'\n') => at += 1,
            (b'"', _) => in_string = !in_string,
            (b'{' | b'[', false) => depth += 1,
            (b'}' | b']', false) => {
                // The first byte opens a bracket, and the last to close ends the search.
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_goes_on_behind_the_bracket_or_where_another_object_begins() {
        for (text, rest) in [
            (r#"{"a":01}{"b":1}"#, Some(r#"{"b":1}"#)),
            (r#"{"a":"}" x} {"#, Some(" {")),
            ("{\"a\":{1\n{\"b\":1}", Some("{\"b\":1}")),
            ("{\"a\":\"x\n{\"b\":1}", Some("{\"b\":1}")),
            ("{\n \"a\": 01,\n \"b\": [\n  {}\n ]\n}\n{}", Some("\n{}")),
            ("{\n \"a\": [01,\n {}\n", None),
            ("x y\n{}", Some("{}")),
            ("{\"a\":01", None),
            ("{\"a\":01\n  ", None),
            ("{\"a\":\"\\\n{}", Some("{}")),
        ] {
            assert_eq!(next(text.as_bytes(), 0, 0).map(|next| &text[next..]), rest, "{text}");
        }
    }
}
