//! The event as text: it is read once, by the use case.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use weir_pipeline::transform::BatchError;

/// The text of an event. What is not JSON is not refused here but by [`Event::batch`], since the
/// runtime gives errors of its own no stable name.
#[derive(Debug)]
pub(crate) struct Event(Result<Box<RawValue>, String>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Event(<Box<RawValue>>::deserialize(from).map_err(|error| error.to_string())))
    }
}

impl Event {
    /// What the use case is given.
    pub(crate) fn batch(self) -> Result<Box<RawValue>, BatchError> {
        self.0.map_err(|message| BatchError::from(serde_json::Error::custom(message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_event_is_kept_as_it_came() {
        let text = r#"{ "a" : 12345678901234567890123.0e+1, "a": "\u0041" }"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(event.batch().unwrap().get(), text);
    }

    #[test]
    fn what_is_not_json_has_the_stable_name_of_a_bad_batch() {
        for bytes in [&b""[..], b"{", b"nul", b"\"\xff\""] {
            let event: Event = Event::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).unwrap();
            assert_eq!(event.batch().unwrap_err().code(), "Input.Batch", "{bytes:?}");
        }
    }
}
