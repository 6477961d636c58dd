//! The rules of the emulator, over a function that speaks the protocol by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use lambda_emulator::{Builder, Emulator, FunctionError, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, RuntimeApi};

fn function() -> Builder {
    Emulator::builder(env!("CARGO_BIN_EXE_fake-function"))
}

fn error(error_type: &str, message: &str) -> FunctionError {
    FunctionError { error_type: error_type.to_owned(), message: message.to_owned() }
}

#[test]
fn every_event_is_answered_by_its_own_answer() {
    let function = function().start().unwrap();
    for number in 0..50 {
        let event = format!("\"echo {number}\"");
        assert_eq!(function.invoke(event.as_bytes()).unwrap(), event.as_bytes());
    }
}

#[test]
fn callers_at_the_same_time_wait_for_their_turn() {
    let function = function().start().unwrap();
    thread::scope(|scope| {
        for caller in 0..8 {
            let function = &function;
            scope.spawn(move || {
                for number in 0..20 {
                    let event = format!("\"echo {caller}-{number}\"");
                    assert_eq!(function.invoke(event.as_bytes()).unwrap(), event.as_bytes());
                }
            });
        }
    });
}

#[test]
fn an_answer_may_come_in_chunks() {
    let function = function().start().unwrap();
    assert_eq!(function.invoke(b"\"chunks abc\"").unwrap(), b"\"chunks abc\"");
}

#[test]
fn a_reported_error_reaches_the_caller_and_the_function_lives_on() {
    let function = function().start().unwrap();
    assert_eq!(function.invoke(b"\"error\"").unwrap_err(), error("Input.Bad", "no"));
    assert_eq!(function.invoke(b"\"echo\"").unwrap(), b"\"echo\"");
    assert_eq!(function.stdout(2)[1], r#"202 {"status":"OK"}"#);
}

#[test]
fn a_response_of_six_megabytes_passes_and_a_byte_more_is_refused_as_lambda_does() {
    let function = function().start().unwrap();
    let event = |bytes: usize| format!("\"large {bytes}\"").into_bytes();
    assert_eq!(function.invoke(&event(MAX_RESPONSE_BYTES)).unwrap().len(), MAX_RESPONSE_BYTES);
    let message = "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).";
    let refused = function.invoke(&event(MAX_RESPONSE_BYTES + 1)).unwrap_err();
    assert_eq!(refused, error("Function.ResponseSizeTooLarge", message));
    let told = r#"413 {"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}"#;
    assert_eq!(function.stdout(4)[3], told);
    assert_eq!(function.invoke(b"\"echo\"").unwrap(), b"\"echo\"");
}

#[test]
fn an_event_beyond_six_megabytes_is_refused_before_the_function_sees_it() {
    let function = function().start().unwrap();
    let refused = function.invoke(&vec![b' '; MAX_REQUEST_BYTES + 1]).unwrap_err();
    assert_eq!(refused.error_type, "RequestTooLargeException");
    assert_eq!(function.invoke(b"\"echo\"").unwrap(), b"\"echo\"");
    assert_eq!(function.stdout(1)[0], "echo");
}

#[test]
fn an_answer_for_another_invocation_is_refused() {
    let function = function().start().unwrap();
    assert_eq!(function.invoke(b"\"wrong-id\"").unwrap(), b"400");
}

#[test]
fn a_function_that_ends_fails_the_invocation_with_lambdas_own_error() {
    let function = function().start().unwrap();
    let ended = function.invoke(b"\"exit 3\"").unwrap_err();
    assert_eq!(ended.error_type, "Runtime.ExitError");
    assert!(ended.message.ends_with("Error: Runtime exited with error: exit status: 3"), "{}", ended.message);
    assert_eq!(function.invoke(b"\"echo\"").unwrap_err().error_type, "Runtime.ExitError");
}

#[test]
fn a_function_that_takes_too_long_is_killed() {
    let function = function().timeout(Duration::from_millis(300)).start().unwrap();
    let late = function.invoke(b"\"sleep\"").unwrap_err();
    assert_eq!(late.error_type, "Sandbox.Timedout");
    assert!(late.message.ends_with("Error: Task timed out after 0.30 seconds"), "{}", late.message);
    assert!(function.status().is_some());
}

#[test]
fn an_error_of_the_start_is_what_the_invocation_reports() {
    let function = function().env("FAKE_INIT_ERROR", "1").start().unwrap();
    assert_eq!(function.invoke(b"\"echo\"").unwrap_err(), error("Config.Missing", "a setting is missing"));
    assert_eq!(function.init_error().unwrap().error_type, "Config.Missing");
}

#[test]
fn a_function_has_lambdas_environment_and_what_the_test_adds_and_nothing_else() {
    let function = function().env("OWN", "1").memory_mb(256).start().unwrap();
    let text = String::from_utf8(function.invoke(b"\"environment\"").unwrap()).unwrap();
    let has = |line: &str| text.lines().any(|other| other == line);
    assert!(
        has("OWN=1") && has("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256") && has("AWS_LAMBDA_FUNCTION_NAME=fake-function")
    );
    assert!(has("AWS_LAMBDA_FUNCTION_VERSION=$LATEST") && has("TZ=:UTC"));
    assert!(!text.contains("CARGO") && !text.contains("AWS_ACCESS_KEY_ID"));
}

#[test]
fn the_start_is_measured_from_exec_to_the_first_next_and_the_first_answer() {
    let before = Instant::now();
    let function = function().start().unwrap();
    assert!(function.start_up().init.is_some());
    assert_eq!(function.start_up().first_answer, None);
    function.invoke(b"\"echo\"").unwrap();
    let start_up = function.start_up();
    assert!(start_up.init < start_up.first_answer && start_up.first_answer.unwrap() < before.elapsed());
    function.invoke(b"\"echo\"").unwrap();
    assert_eq!(function.start_up(), start_up);
}

#[cfg(target_os = "linux")]
#[test]
fn no_process_outlives_its_emulator() {
    let function = function().start().unwrap();
    function.invoke(b"\"echo\"").unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{}", function.process_id()));
    assert!(process.exists());
    drop(function);
    assert!(!process.exists());
}

#[test]
fn the_api_serves_a_function_that_runs_elsewhere_with_the_documented_headers() {
    let api = RuntimeApi::start("elsewhere", Duration::from_secs(10)).unwrap();
    let address = api.address();
    let function = thread::spawn(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        write!(connection, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut head = Vec::new();
        let mut from = BufReader::new(connection);
        loop {
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let mut body = String::new();
        from.read_to_string(&mut body).unwrap();
        let find = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let id = find("Lambda-Runtime-Aws-Request-Id: ");
        let mut connection = TcpStream::connect(address).unwrap();
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        write!(connection, "POST {path} HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}").unwrap();
        connection.read_to_string(&mut String::new()).unwrap();
        let deadline: u128 = find("Lambda-Runtime-Deadline-Ms: ").parse().unwrap();
        (id, deadline, find("Lambda-Runtime-Invoked-Function-Arn: "), find("Lambda-Runtime-Trace-Id: "), body)
    });
    assert_eq!(api.invoke(b"[1]").unwrap(), b"{}");
    let (id, deadline, arn, trace_id, body) = function.join().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    assert!(deadline > now && deadline <= now + 10_000);
    assert_eq!(arn, "arn:aws:lambda:eu-central-1:123456789012:function:elsewhere");
    assert!(trace_id.starts_with("Root=1-") && trace_id.contains(";Parent=") && trace_id.ends_with(";Sampled=0"));
    assert_eq!(body, "[1]");
}

#[test]
fn what_the_api_does_not_have_is_not_found() {
    let api = RuntimeApi::start("elsewhere", Duration::from_secs(1)).unwrap();
    let mut connection = TcpStream::connect(api.address()).unwrap();
    write!(connection, "GET /2015-03-31/functions HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 404 "), "{text}");
}
