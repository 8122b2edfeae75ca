//! What makes two firings the same: the messages and the list.

use fanline_core::channel::Channel;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A list, and the version of it that the run reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVersion {
    /// Where it is: `s3://BUCKET/KEY`, a path, or `inline`.
    pub uri: String,
    /// The store's mark of its content.
    pub etag: String,
    /// The version in a bucket with versions: with it the run can be read again after the list was
    /// replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its length.
    pub bytes: u64,
}

impl ListVersion {
    /// The version of rows that stand in the campaign itself.
    pub fn inline(rows: &Value) -> Self {
        let json = rows.to_string();
        Self {
            uri: INLINE.into(),
            etag: sha_256(json.as_bytes()),
            version_id: None,
            bytes: json.len() as u64,
        }
    }

    /// Whether the rows stand in the campaign. A run's record leaves them out, so nobody can read
    /// them again from there.
    pub fn is_inline(&self) -> bool {
        self.uri == INLINE
    }
}

/// What stands for inline rows.
pub(super) const INLINE: &str = "inline";

/// SHA-256 of what a run sends and of whom it sends it to, so that another text or another list is
/// noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Of the channel, the messages, `notification_disabled` and `statistics`: what goes into
    /// LINE's requests.
    pub messages: String,
    /// Of the list's version.
    pub list: String,
}

impl Content {
    /// The content of a campaign as it was given, sent to this version of its list.
    pub fn new(channel: Channel, campaign: &Value, list: &ListVersion) -> Self {
        let is_set = |field: &str| campaign.get(field).and_then(Value::as_bool) == Some(true);
        let mut messages = json!({
            "channel": channel.as_str(),
            "messages": campaign.get("messages"),
            "notification_disabled": is_set("notification_disabled"),
        });
        // The digests of runs without it are those of builds that did not know it.
        if let (true, Some(fields)) = (is_set("statistics"), messages.as_object_mut()) {
            fields.insert("statistics".to_owned(), true.into());
        }
        Self {
            // A map's keys are written in their order, so equal campaigns have equal text.
            messages: sha_256(messages.to_string().as_bytes()),
            list: sha_256(format!("{}\n{}", list.etag, list.bytes).as_bytes()),
        }
    }
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha_256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let text = String::with_capacity(bytes.len() * 2);
    bytes
        .iter()
        .fold(text, |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sent_and_to_whom_is_in_it() {
        let list = ListVersion {
            uri: "s3://b/list.csv".into(),
            etag: "\"abc\"".into(),
            version_id: None,
            bytes: 100,
        };
        let campaign = json!({
            "campaign": "xmas", "channel": "line", "recipients": "s3://b/list.csv",
            "messages": [{"type": "text", "text": "hi"}],
        });
        let content =
            |campaign: &Value, list: &ListVersion| Content::new(Channel::Line, campaign, list);
        let one = content(&campaign, &list);
        // A changed number would refuse every second firing across a deployment.
        assert_eq!(
            one.messages,
            "d07fc2dd1fdec4cfd42382d37b1e86d3e04b8589a6d7db1cdeccb2da9812bebc"
        );
        assert_eq!(
            one.list,
            "8fd44379d377663117375b1759761925e5c3552ee84a8d143c89b1e89310da86"
        );
        let with = |field: &str, value: Value| {
            let mut other = campaign.clone();
            other[field] = value;
            content(&other, &list)
        };
        for (field, value) in [
            ("expires_at", json!("2026-12-25T12:00:00+08:00")),
            ("max_bad_rows", json!(5)),
            ("notification_disabled", json!(false)),
            ("statistics", json!(false)),
            ("messages", json!([{"text": "hi", "type": "text"}])),
        ] {
            assert_eq!(with(field, value), one, "{field}");
        }
        for (field, value) in [
            ("notification_disabled", json!(true)),
            ("statistics", json!(true)),
            ("messages", json!([{"type": "text", "text": "ho"}])),
        ] {
            let other = with(field, value);
            assert_ne!(other.messages, one.messages, "{field}");
            assert_eq!(other.list, one.list, "{field}");
        }
        let mut moved = list.clone();
        moved.uri = "s3://b/copy.csv".into();
        assert_eq!(content(&campaign, &moved), one);
        moved.bytes = 101;
        assert_ne!(content(&campaign, &moved).list, one.list);
        moved = list.clone();
        moved.etag = "\"xyz\"".into();
        assert_ne!(content(&campaign, &moved).list, one.list);
    }
}
