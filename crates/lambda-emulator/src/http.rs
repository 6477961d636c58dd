//! As much of HTTP/1.1 as a runtime needs: one request after the other on a connection, bodies with a
//! length or in chunks.

use std::io::{self, BufRead, Read, Write};

/// A line of a head that is longer is no runtime's.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// A request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// What came with a request.
#[derive(Default)]
pub(crate) struct Body {
    /// At most so many bytes as were asked for.
    pub(crate) bytes: Vec<u8>,
    /// How many there were.
    pub(crate) length: usize,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether the connection ends after this request.
    pub(crate) fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Reads the next request, whole, and keeps at most `keep` bytes of its body. `None` at the end.
pub(crate) fn read(from: &mut impl BufRead, keep: usize) -> io::Result<Option<Request>> {
    let Some(first) = line(from)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(bad("the request line is not one"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(bad("only HTTP/1 is spoken here"));
    }
    let headers = headers(from)?;
    let chunked = header(&headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let mut body = Body::default();
    if chunked {
        read_chunks(from, keep, &mut body)?;
    } else if let Some(length) = header(&headers, "content-length") {
        let length = length.parse().map_err(|_| bad("content-length is no number"))?;
        read_part(from, length, keep, &mut body)?;
    }
    Ok(Some(Request { method: method.to_owned(), path: path.to_owned(), headers, body }))
}

fn headers(from: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad("a header has no colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_chunks(from: &mut impl BufRead, keep: usize, body: &mut Body) -> io::Result<()> {
    loop {
        let line_of_size = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = line_of_size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| bad("a chunk has no size"))?;
        if size == 0 {
            // Trailers, up to the empty line.
            headers(from)?;
            return Ok(());
        }
        read_part(from, size, keep, body)?;
        if line(from)?.is_none_or(|rest| !rest.is_empty()) {
            return Err(bad("a chunk is longer than it says"));
        }
    }
}

fn read_part(from: &mut impl BufRead, length: usize, keep: usize, body: &mut Body) -> io::Result<()> {
    let kept = length.min(keep.saturating_sub(body.bytes.len()));
    let read = from.by_ref().take(kept as u64).read_to_end(&mut body.bytes)?;
    let passed = io::copy(&mut from.by_ref().take((length - kept) as u64), &mut io::sink())?;
    if read as u64 + passed < length as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    body.length += length;
    Ok(())
}

fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if from.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with('\n') {
        return Err(bad("a line is too long, or the connection ended within it"));
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(Some(line))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Writes an answer with a body of JSON.
pub(crate) fn write(to: &mut impl Write, status: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    write!(to, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len())?;
    for (name, value) in headers {
        write!(to, "{name}: {value}\r\n")?;
    }
    to.write_all(b"\r\n")?;
    to.write_all(body)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str, keep: usize) -> Vec<(String, String, Vec<u8>, usize)> {
        let mut from = text.as_bytes();
        let mut requests = Vec::new();
        while let Some(request) = read(&mut from, keep).unwrap() {
            requests.push((request.method, request.path, request.body.bytes, request.body.length));
        }
        requests
    }

    #[test]
    fn a_body_with_a_length_and_one_in_chunks_are_the_same() {
        let length = "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
        let chunks =
            "POST /a HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
        let expected = ("POST".to_owned(), "/a".to_owned(), b"hello".to_vec(), 5);
        assert_eq!(read_all(&format!("{length}{chunks}"), 100), [expected.clone(), expected]);
    }

    #[test]
    fn a_body_beyond_the_limit_is_read_to_its_end_and_counted() {
        let chunks = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        let requests = read_all(chunks, 4);
        assert_eq!((requests[0].2.as_slice(), requests[0].3), (&b"hell"[..], 5));
        assert_eq!(requests[1].1, "/b");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in [
            "GET\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
            "GET / HTTP/1.1\r\n",
        ] {
            assert!(read(&mut text.as_bytes(), 100).is_err(), "{text:?}");
        }
    }
}
