//! A raw object becomes a control record, once, whatever the number of its events.
//!
//! Reads at most [`SAMPLE_BYTES`] of the object: enough to tell its format and compression and to
//! estimate its rows, from which follows the engine.

use object_store::ObjectStoreExt;
use thiserror::Error;
use weir_convert::sample;
use weir_model::control::{ControlRecord, Failure, Sampled, Status};
use weir_model::keys::{KeyError, table_of};
use weir_ports::control::{ControlError, transition};
use weir_ports::control_store::{Created, StoreError};
use weir_ports::notifier::Severity;

use crate::context::Context;
use crate::event::ObjectEvent;

/// The most that is read of an object to register it, in bytes.
pub const SAMPLE_BYTES: u64 = 256 << 10;

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Registered {
    /// The object has a new record: `PENDING`, or `REJECTED` with the reason in it.
    New(ControlRecord),
    /// The object had a record; the event says nothing new.
    Known(ControlRecord),
    /// The object was rejected before, and can be ingested now: its record is `PENDING` again.
    Revived(ControlRecord),
    /// Not data: a folder marker, or a file that some tool keeps for itself.
    Ignored,
    /// The object is not there any more.
    Gone,
}

/// Why an event could not be dealt with; it has to be sent again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The object could not be read.
    #[error("'{key}' could not be read to register it: {source}")]
    Object {
        /// Its key.
        key: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The control record could not be written.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        RegisterError::Control(error.into())
    }
}

/// Deals with one event.
///
/// # Errors
/// [`RegisterError`]: nothing is lost if the event is sent again.
pub async fn register(context: &Context, event: &ObjectEvent) -> Result<Registered, RegisterError> {
    let now = context.clock.now();
    let (table, key_failure) = match table_of(&event.key) {
        Ok(table) => (table, None),
        Err(KeyError::NotData) => return Ok(Registered::Ignored),
        Err(wrong) => ("", Some(failure("Key.Invalid", format!("'{}': {wrong}", event.key)))),
    };
    let fresh =
        || ControlRecord::pending(&event.bucket, &event.key, &event.version, table, event.size_bytes, event.time, now);
    let record = fresh();
    let digest = context.contracts.get(table).map(|contract| contract.digest.clone());
    if let Some(known) = context.control.get(&record.id).await? {
        let may_revive = known.status == Status::Rejected && known.contract_digest != digest;
        if !may_revive {
            return Ok(Registered::Known(known));
        }
    }
    let judged = match key_failure {
        Some(failure) => Err(failure),
        None => match judge(context, event, table).await? {
            Some(judged) => judged,
            None => return Ok(Registered::Gone),
        },
    };
    let mut record = match judged {
        Ok(sampled) => ControlRecord { sampled: Some(sampled), ..record },
        Err(failure) => record.rejected(failure),
    };
    record.contract_digest = digest;
    match context.control.create(&record).await? {
        Created::New => {
            if let Some(failure) = &record.failure {
                let subject = format!("{} was rejected", record.key);
                // The record says the same; a notice that is not delivered loses nothing.
                let _ = context
                    .notify(Severity::Warning, &failure.code, subject, failure.message.clone(), table, &record.id)
                    .await;
            }
            Ok(Registered::New(record))
        }
        Created::Exists(known) => revive(context, *known, record).await,
    }
}

/// Gives a rejected record another chance, if the reason for its rejection is gone.
async fn revive(context: &Context, known: ControlRecord, record: ControlRecord) -> Result<Registered, RegisterError> {
    if known.status != Status::Rejected || record.status == Status::Rejected {
        return Ok(Registered::Known(known));
    }
    let now = context.clock.now();
    let (revived, ()) = transition(context.control.as_ref(), &known.id, |stored| {
        stored.retry(now)?;
        stored.sampled.clone_from(&record.sampled);
        stored.contract_digest.clone_from(&record.contract_digest);
        Ok(())
    })
    .await?;
    Ok(Registered::Revived(revived))
}

/// What the object is, or why it cannot be ingested; `None` if it is gone.
async fn judge(
    context: &Context,
    event: &ObjectEvent,
    table: &str,
) -> Result<Option<Result<Sampled, Failure>>, RegisterError> {
    let Some(contract) = context.contracts.get(table) else {
        let message = format!(
            "table '{table}' has no contract; write contracts/{table}.odcs.yaml (see docs/contracts.md), check it with `weir check`, then run `weir run` again"
        );
        return Ok(Some(Err(failure("Contract.Missing", message))));
    };
    let path = match context.raw.path(&event.key) {
        Ok(path) => path,
        Err(wrong) => return Ok(Some(Err(failure("Key.Invalid", wrong.to_string())))),
    };
    let wanted = event.size_bytes.min(SAMPLE_BYTES);
    let bytes = if wanted == 0 {
        bytes::Bytes::new()
    } else {
        match context.raw.store().get_range(&path, 0..wanted).await {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(RegisterError::Object { key: event.key.clone(), source }),
        }
    };
    let sampled = sample(&bytes, event.size_bytes, Some(contract))
        .map(|sample| Sampled {
            format: sample.format,
            compression: sample.compression,
            estimated_rows: sample.estimated_rows,
            engine: context.lake.engines.choose(sample.estimated_rows),
        })
        .map_err(|error| failure(error.code(), error.to_string()));
    Ok(Some(sampled))
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message }
}
