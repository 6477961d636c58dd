//! Prints a made-up report, to look at: `cargo run -p weir-report --example sample -- failing > report.html`.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "as in tests")]

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() {
    let report = match std::env::args().nth(1).as_deref() {
        Some("empty") => sample::empty(),
        Some("failing") => sample::failing(),
        _ => sample::well(),
    };
    print!("{}", weir_report::html(&report));
}
