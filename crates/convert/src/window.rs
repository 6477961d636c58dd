//! The text between the stages: what was decompressed and not yet read as records.

/// Decompressed text of which whole records are taken from the front.
#[derive(Default)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: usize,
    /// Byte of the decompressed object at which `text()` begins.
    offset: u64,
    /// Line on which `text()` begins, counted from 1.
    line: u64,
}

impl Window {
    pub(crate) fn new() -> Self {
        Window { line: 1, ..Window::default() }
    }

    /// What is left to read.
    pub(crate) fn text(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Adds text at the end; what was consumed is given up first.
    pub(crate) fn push(&mut self, block: &[u8]) {
        if self.start > 0 {
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(self.buffer.len() - self.start);
            self.start = 0;
        }
        // Doubling would hold twice the longest record.
        self.buffer.reserve_exact(block.len());
        self.buffer.extend_from_slice(block);
    }

    /// Gives up the first `count` bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        let gone = &self.buffer[self.start..self.start + count];
        self.line += memchr::memchr_iter(b'\n', gone).count() as u64;
        self.start += count;
        self.offset += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_and_line_follow_what_was_consumed() {
        let mut window = Window::new();
        window.push(b"a\nb");
        window.consume(2);
        window.push(b"c\nd");
        assert_eq!((window.text(), window.offset(), window.line()), (&b"bc\nd"[..], 2, 2));
        window.consume(4);
        assert_eq!((window.text(), window.offset(), window.line()), (&b""[..], 6, 3));
    }
}
