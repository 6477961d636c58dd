//! As much of HTTP/1.1 as the SDK speaks to Glue.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    Html(u16, &'static str),
    Close,
    Never,
}

impl Answer {
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
        Answer::Json(status, json!({"__type": code, "Message": message}))
    }
}

/// Answers the requests of one connection, until either side has enough.
pub(crate) async fn serve(connection: TcpStream, answer: impl Fn(&str, &Value) -> Answer) {
    let mut connection = BufReader::new(connection);
    while let Some((operation, body)) = request(&mut connection).await {
        let (status, kind, text) = match answer(&operation, &body) {
            Answer::Json(status, value) => (status, "application/x-amz-json-1.1", value.to_string()),
            Answer::Html(status, text) => (status, "text/html", text.to_owned()),
            Answer::Close => return,
            Answer::Never => std::future::pending().await,
        };
        let length = text.len();
        let text = format!("HTTP/1.1 {status} Told\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}");
        if connection.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The operation and the body of the next request; `None` at the end of the connection.
async fn request(connection: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let (mut operation, mut length, mut signed) = (String::new(), 0, false);
    let mut line = String::new();
    loop {
        line.clear();
        if connection.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            assert_eq!(line, "POST / HTTP/1.1\r\n");
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.strip_prefix("AWSGlue.").unwrap().clone_into(&mut operation),
            "content-length" => length = value.parse().unwrap(),
            "authorization" => signed = value.starts_with("AWS4-HMAC-SHA256 Credential="),
            _ => {}
        }
    }
    assert!(signed, "{operation} is not signed");
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    Some((operation, serde_json::from_slice(&body).unwrap()))
}
