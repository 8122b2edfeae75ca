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

/// What an event says of files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notices {
    /// S3, EventBridge or SNS calls the function.
    Direct(Vec<Notice>),
    /// SQS calls it, with messages that succeed or fail one by one.
    Queued(Vec<QueuedNotices>),
}

/// What one message of SQS says of files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueuedNotices {
    /// The name by which SQS is told that the message failed.
    pub(crate) message_id: String,
    pub(crate) notices: Result<Vec<Notice>, NoticeError>,
}

/// Why an event of S3 can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// A message of SQS has no name, so SQS could not be told whether it failed.
    #[error("the SQS event has a message without a `messageId`")]
    NoMessageId,
    /// A message of SQS beside events of S3 is something else.
    #[error(
        "the message `{0}` is not an event of S3, and the others of its batch are: it stays on its \
         queue"
    )]
    NotOfS3(String),
    /// The bucket or the key is not there.
    #[error("the event of S3 has no `{0}`: it names no file")]
    Missing(&'static str),
    /// The key of a notification is not text.
    #[error("the event of S3 has a key that is not UTF-8 after URL decoding")]
    Key,
}

impl Notices {
    /// The notices in an event, or `None` where it is not an event of S3. S3's test event has none.
    ///
    /// A batch of SQS is one of S3 as soon as one of its messages is. The others fail.
    pub(crate) fn all_in(event: &Value) -> Result<Option<Self>, NoticeError> {
        let records = at(event, "/Records").as_array();
        let queued = records.filter(|all| all.iter().any(is_of_sqs));
        let Some(records) = queued else {
            return Ok(notices(event, MAX_WRAPPERS)?.map(Self::Direct));
        };
        let read: Vec<_> = records
            .iter()
            .map(|record| within(at(record, "/body"), MAX_WRAPPERS - 1))
            .collect();
        if read.iter().all(|read| matches!(read, Ok(None))) {
            return Ok(None);
        }
        let messages = records.iter().zip(read).map(|(record, read)| {
            let message_id = text(at(record, "/messageId"), "messageId");
            let message_id = message_id.map_err(|_| NoticeError::NoMessageId)?.to_owned();
            let not_of_s3 = || NoticeError::NotOfS3(message_id.clone());
            let notices = read.and_then(|read| read.ok_or_else(not_of_s3));
            Ok(QueuedNotices {
                message_id,
                notices,
            })
        });
        Ok(Some(Self::Queued(messages.collect::<Result<_, _>>()?)))
    }
}

impl Notice {
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

/// Whether a record is a message of SQS: no other record has a body.
fn is_of_sqs(record: &Value) -> bool {
    record.get("body").is_some()
}

/// Whether the body of a message is an event of S3, also a broken one.
pub(crate) fn is_of_s3(body: &str) -> bool {
    !matches!(within(&Value::from(body), MAX_WRAPPERS - 1), Ok(None))
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
        } else {
            within(at(record, "/Sns/Message"), wrappers)?
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
