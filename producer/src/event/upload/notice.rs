//! What S3 says of a file, in every form in which it can arrive. Pure.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How deep notices are wrapped: S3's in SNS's in SQS's.
const MAX_WRAPPERS: usize = 3;

/// What S3 says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) change: Change,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// The tag of what was put, without quotation marks.
    pub(crate) etag: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was put, or replaced.
    Put,
    /// Anything else: it was deleted, restored or tagged.
    Other,
}

/// Why an event of S3 can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The bucket or the key is not there.
    #[error("the event of S3 has no `{0}`: it names no file")]
    Missing(&'static str),
    /// The key of a notification is not text.
    #[error("the event of S3 has a key that is not UTF-8 after URL decoding")]
    Key,
}

impl Notice {
    /// The notices in an event, or `None` where it is not an event of S3. S3's test event has none.
    pub(crate) fn all_in(event: &Value) -> Result<Option<Vec<Self>>, NoticeError> {
        notices(event, MAX_WRAPPERS)
    }

    /// The file as people name it.
    pub(crate) fn file(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// S3's event on EventBridge. Its key is as it is.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
    fn of_bridge(event: &Value) -> Result<Self, NoticeError> {
        Ok(Self {
            change: match at(event, "/detail-type").as_str() {
                Some("Object Created") => Change::Put,
                _ => Change::Other,
            },
            bucket: text(at(event, "/detail/bucket/name"), "detail.bucket.name")?.to_owned(),
            key: text(at(event, "/detail/object/key"), "detail.object.key")?.to_owned(),
            etag: etag(at(event, "/detail/object/etag")),
        })
    }

    /// A record of S3's own notification. Its key is encoded as in a form: a plus is a space.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    fn of_record(record: &Value) -> Result<Self, NoticeError> {
        let name = at(record, "/eventName").as_str();
        let name = name.map(|name| name.strip_prefix("s3:").unwrap_or(name));
        let key = text(at(record, "/s3/object/key"), "s3.object.key")?.replace('+', " ");
        let key = percent_decode_str(&key).decode_utf8();
        Ok(Self {
            change: match name {
                Some(name) if name.starts_with("ObjectCreated:") => Change::Put,
                _ => Change::Other,
            },
            bucket: text(at(record, "/s3/bucket/name"), "s3.bucket.name")?.to_owned(),
            key: key.map_err(|_| NoticeError::Key)?.into_owned(),
            etag: etag(at(record, "/s3/object/eTag")),
        })
    }
}

/// A field within fields; nothing where there is none.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    value.pointer(path).unwrap_or(&Value::Null)
}

/// The notices in a value, which may be wrapped so many times.
fn notices(value: &Value, wrappers: usize) -> Result<Option<Vec<Notice>>, NoticeError> {
    if at(value, "/Event") == "s3:TestEvent" {
        return Ok(Some(Vec::new()));
    }
    if at(value, "/source") == "aws.s3" && value.get("detail-type").is_some() {
        return Notice::of_bridge(value).map(|notice| Some(vec![notice]));
    }
    if at(value, "/Type") == "Notification" {
        return within(at(value, "/Message"), wrappers);
    }
    let Some(records) = at(value, "/Records")
        .as_array()
        .filter(|all| !all.is_empty())
    else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for record in records {
        let of_record = if at(record, "/eventSource") == "aws:s3" {
            Some(vec![Notice::of_record(record)?])
        } else if at(record, "/EventSource") == "aws:sns" {
            within(at(record, "/Sns/Message"), wrappers)?
        } else {
            within(at(record, "/body"), wrappers)?
        };
        // One that is not S3's: the event as a whole is another one.
        let Some(of_record) = of_record else {
            return Ok(None);
        };
        found.extend(of_record);
    }
    Ok(Some(found))
}

/// The notices in a text with JSON in it.
fn within(text: &Value, wrappers: usize) -> Result<Option<Vec<Notice>>, NoticeError> {
    let (Some(text), Some(wrappers)) = (text.as_str(), wrappers.checked_sub(1)) else {
        return Ok(None);
    };
    // What is not JSON is not S3's.
    let value = serde_json::from_str(text).unwrap_or(Value::Null);
    notices(&value, wrappers)
}

fn text<'a>(value: &'a Value, field: &'static str) -> Result<&'a str, NoticeError> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.ok_or(NoticeError::Missing(field))
}

fn etag(value: &Value) -> Option<String> {
    Some(value.as_str()?.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests;
