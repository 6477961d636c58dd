//! A function for the emulator's own tests, which speaks the protocol by hand over `std`.
//!
//! What it does is said by the event, a JSON text: `echo …` answers itself, `chunks …` the same in
//! chunks, `error` fails, `large N` answers N bytes, `exit N` ends, `sleep` never answers, `wrong-id`
//! answers for somebody else first, `environment` answers its variables.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

const INVOCATION: &str = "/2018-06-01/runtime/invocation";

struct Api {
    host: String,
    connection: BufReader<TcpStream>,
}

struct Reply {
    status: u16,
    request_id: String,
    body: String,
}

impl Api {
    fn send(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> io::Result<Reply> {
        let host = &self.host;
        let stream = self.connection.get_mut();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n")?;
        stream.write_all(body)?;
        self.reply()
    }

    fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Reply> {
        self.send("POST", path, &format!("Content-Length: {}\r\n", body.len()), body)
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let (mut length, mut request_id) = (0, String::new());
        loop {
            line.clear();
            self.connection.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap_or(0),
                Some(("Lambda-Runtime-Aws-Request-Id", value)) => request_id = value.to_owned(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        Ok(Reply { status, request_id, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

fn main() -> io::Result<ExitCode> {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    let connection = TcpStream::connect(&host)?;
    connection.set_nodelay(true)?;
    let mut api = Api { connection: BufReader::new(connection), host };
    if std::env::var_os("FAKE_INIT_ERROR").is_some() {
        let body = br#"{"errorType": "Config.Missing", "errorMessage": "a setting is missing"}"#;
        api.post("/2018-06-01/runtime/init/error", body)?;
        return Ok(ExitCode::FAILURE);
    }
    loop {
        let event = api.send("GET", &format!("{INVOCATION}/next"), "", b"")?;
        let response = format!("{INVOCATION}/{}/response", event.request_id);
        let text = event.body.trim_matches('"').to_owned();
        println!("{}", text.split(' ').next().unwrap_or_default());
        let number = text.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
        let answered = match text.split(' ').next().unwrap_or_default() {
            "error" => {
                let body = br#"{"errorType": "Input.Bad", "errorMessage": "no", "stackTrace": []}"#;
                api.post(&format!("{INVOCATION}/{}/error", event.request_id), body)?
            }
            "chunks" => {
                let (half, rest) = event.body.split_at(event.body.len() / 2);
                let body = format!("{:x}\r\n{half}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", half.len(), rest.len());
                api.send("POST", &response, "Transfer-Encoding: chunked\r\n", body.as_bytes())?
            }
            "large" => api.post(&response, &vec![b'1'; number])?,
            "exit" => return Ok(ExitCode::from(number as u8)),
            "sleep" => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            "wrong-id" => {
                let refused = api.post(&format!("{INVOCATION}/0-0/response"), b"1")?;
                api.post(&response, refused.status.to_string().as_bytes())?
            }
            "environment" => {
                let names = std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>();
                api.post(&response, names.as_bytes())?
            }
            _ => api.post(&response, event.body.as_bytes())?,
        };
        println!("{} {}", answered.status, answered.body);
    }
}
