//! How long a function takes to start: the median of twenty runs, each a new process.
//!
//! ```text
//! cargo build --release -p firehose-transformer
//! cargo run --release -p lambda-emulator --example start_up -- \
//!     WEIR_CONTRACTS_DIR=crates/functions/firehose-transformer/tests/contracts \
//!     target/release/firehose-transformer events/firehose-transformer/kinesis-batch.json
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use lambda_emulator::Emulator;

const RUNS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let (variables, files): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.contains('='));
    let [binary, event] = files.as_slice() else { return Err("give [NAME=VALUE…] BINARY EVENT.json".into()) };
    let event = std::fs::read(event)?;
    let (mut inits, mut answers, mut next_answers) = (Vec::new(), Vec::new(), Vec::new());
    // One run more, which brings the binary into memory and is not counted.
    for run in 0..=RUNS {
        let mut function = Emulator::builder(binary);
        for (name, value) in variables.iter().filter_map(|variable| variable.split_once('=')) {
            // The function runs in its binary's folder.
            let path = Path::new(value).canonicalize().map_or(value.into(), |path| path.into_os_string());
            function = function.env(name, path);
        }
        let function = function.start()?;
        function.invoke(&event)?;
        let start_up = function.start_up();
        let again = std::time::Instant::now();
        function.invoke(&event)?;
        if run > 0 {
            inits.extend(start_up.init);
            answers.extend(start_up.first_answer);
            next_answers.push(again.elapsed());
        }
    }
    println!("{RUNS} runs, milliseconds            median     min     max");
    print("exec to the first /next     ", &mut inits);
    print("exec to the first answer    ", &mut answers);
    print("the second invocation       ", &mut next_answers);
    Ok(())
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |index: usize| times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let median = (at(times.len() / 2) + at(times.len().saturating_sub(1) / 2)) / 2.0;
    println!("{what}     {median:7.2} {:7.2} {:7.2}", at(0), at(times.len().saturating_sub(1)));
}
