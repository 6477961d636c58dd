//! Runs the binary of a Lambda function in tests, over the Runtime API that AWS documents.
//!
//! Never restarts a function, signs nothing, and sets no credentials: one process, one invocation
//! at a time. Start with [`Emulator`]; [`RuntimeApi`] is its server without a process.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let function = lambda_emulator::Emulator::builder("target/release/firehose-transformer")
//!     .env("WEIR_CONTRACTS_DIR", "contracts")
//!     .start()?;
//! let answer = function.invoke(br#"{"invocationId": "i", "records": []}"#)?;
//! assert_eq!(answer, br#"{"records":[]}"#);
//! println!("started in {:?}", function.start_up().init);
//! # Ok(())
//! # }
//! ```

mod api;
mod emulator;
mod error;
mod http;
mod invocation;
mod output;

pub use api::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, RuntimeApi};
pub use emulator::{Builder, Emulator, StartUp};
pub use error::FunctionError;
