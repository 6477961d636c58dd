//! Events that tell of raw objects, in the forms in which they come.
//!
//! S3's own notification writes keys form-encoded, EventBridge's event writes them plain: the same
//! bytes mean different objects, so the form of the event decides how its key is read. Both come at
//! least once and in any order.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use thiserror::Error;
use weir_model::Timestamp;

/// A version of a raw object that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// Bucket, or the lake's name on a laptop.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Version id where the bucket has versions, else the entity tag.
    pub version: String,
    /// Bytes as stored.
    pub size_bytes: u64,
    /// When it was written.
    pub time: Timestamp,
}

/// Why an event cannot be read. It has to be looked at: an event that is dropped is a file lost.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// Neither of the forms that are known.
    #[error("this is neither an S3 notification nor an EventBridge event of S3: {0}")]
    Form(String),
    /// A key that is no UTF-8 text once it is decoded.
    #[error("the key '{0}' is not UTF-8 text once it is decoded")]
    Key(String),
    /// An object without version and entity tag cannot be told from its next version.
    #[error("the event of '{0}' has neither versionId nor eTag")]
    Version(String),
    /// A time that cannot be read.
    #[error("'{0}' is no RFC 3339 time")]
    Time(String),
}

/// The objects that an event tells of. A test event and the removal of an object tell of none.
///
/// # Errors
/// [`EventError`]; none of the event's objects is returned then, so that the sender repeats all.
pub fn parse(event: &str) -> Result<Vec<ObjectEvent>, EventError> {
    match serde_json::from_str::<Event>(event) {
        Ok(Event::Notification { records }) => {
            records.into_iter().filter(|record| record.event_name.starts_with("ObjectCreated:")).map(notified).collect()
        }
        Ok(Event::Bridge { source, detail_type, time, detail }) if source == "aws.s3" => {
            if detail_type != "Object Created" {
                return Ok(Vec::new());
            }
            let object = detail.object;
            let version = version(object.version_id, object.etag, &object.key)?;
            let time = Timestamp::parse(&time).ok_or(EventError::Time(time))?;
            let event = ObjectEvent {
                bucket: detail.bucket.name,
                key: object.key,
                version,
                size_bytes: object.size.unwrap_or(0),
                time,
            };
            Ok(vec![event])
        }
        Ok(Event::Bridge { source, .. }) => Err(EventError::Form(format!("its source is '{source}'"))),
        Ok(Event::Test { event, .. }) if event == "s3:TestEvent" => Ok(Vec::new()),
        Ok(Event::Test { event, .. }) => Err(EventError::Form(format!("its event is '{event}'"))),
        Err(error) => Err(EventError::Form(error.to_string())),
    }
}

fn notified(record: Record) -> Result<ObjectEvent, EventError> {
    let object = record.s3.object;
    let key = form_decoded(&object.key)?;
    let version = version(object.version_id, object.e_tag, &key)?;
    let time = Timestamp::parse(&record.event_time).ok_or(EventError::Time(record.event_time))?;
    Ok(ObjectEvent { bucket: record.s3.bucket.name, key, version, size_bytes: object.size.unwrap_or(0), time })
}

/// `application/x-www-form-urlencoded`: first `+` is a space, then percent-encoding.
fn form_decoded(key: &str) -> Result<String, EventError> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(|key| key.into_owned()).map_err(|_| EventError::Key(key.to_owned()))
}

fn version(version: Option<String>, tag: Option<String>, key: &str) -> Result<String, EventError> {
    // Buckets that never had versions send "null" or nothing.
    let version = version.filter(|version| !version.is_empty() && version != "null");
    let tag = tag.map(|tag| tag.trim_matches('"').to_owned()).filter(|tag| !tag.is_empty());
    version.or(tag).ok_or_else(|| EventError::Version(key.to_owned()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    Notification {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    Bridge {
        source: String,
        #[serde(rename = "detail-type")]
        detail_type: String,
        time: String,
        detail: Detail,
    },
    Test {
        #[serde(rename = "Event")]
        event: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_time: String,
    s3: NotifiedObject,
}

#[derive(Deserialize)]
struct NotifiedObject {
    bucket: BucketName,
    object: Object,
}

#[derive(Deserialize)]
struct Detail {
    bucket: BucketName,
    object: Object,
}

#[derive(Deserialize)]
struct BucketName {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    size: Option<u64>,
    #[serde(rename = "eTag")]
    e_tag: Option<String>,
    etag: Option<String>,
    #[serde(rename = "versionId", alias = "version-id")]
    version_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTIFICATION: &str = include_str!("../../../events/s3-registrar/s3-notification.json");
    const BRIDGE: &str = include_str!("../../../events/s3-registrar/eventbridge-object-created.json");
    const TEST: &str = include_str!("../../../events/s3-registrar/s3-test-event.json");

    #[test]
    fn a_key_is_decoded_by_the_kind_of_its_event() {
        let keys = |event: &str| parse(event).unwrap().into_iter().map(|event| event.key).collect::<Vec<_>>();
        assert_eq!(keys(NOTIFICATION), ["raw/review/2026/11/20/cerveja + café 100%.csv.gz", "raw/review/plain.csv.gz"]);
        // The same letters, plain: a plus is a plus.
        assert_eq!(keys(BRIDGE), ["raw/review/2026/11/20/cerveja + caf%C3%A9.csv.gz"]);
    }

    #[test]
    fn version_before_entity_tag_and_time_and_size_are_read() {
        let events = parse(NOTIFICATION).unwrap();
        assert_eq!(events[0].version, "3L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY");
        assert_eq!(events[1].version, "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(events[1].size_bytes, 0);
        assert_eq!(events[0].time.to_string(), "2026-11-20T08:30:00.123Z");
        assert_eq!(parse(BRIDGE).unwrap()[0].version, "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e");
    }

    #[test]
    fn events_without_objects_are_no_error_and_unknown_ones_are() {
        assert_eq!(parse(TEST), Ok(vec![]));
        assert_eq!(parse(&NOTIFICATION.replace("ObjectCreated:", "ObjectRemoved:")), Ok(vec![]));
        assert!(matches!(parse("{}"), Err(EventError::Form(_))));
        assert!(matches!(parse("[]"), Err(EventError::Form(_))));
        assert!(matches!(parse(&BRIDGE.replace("aws.s3", "aws.ec2")), Err(EventError::Form(_))));
        assert!(matches!(parse(&NOTIFICATION.replace("%C3%A9", "%C3")), Err(EventError::Key(_))));
    }
}
