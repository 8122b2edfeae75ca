//! The message of a delivery, and its form in LINE Notify's names.

use std::borrow::Cow;

use fanline_core::delivery::Delivery;
use serde::Deserialize;

/// The name and value of one field.
pub(crate) type Field<'a> = (&'static str, Cow<'a, str>);

/// The message of a `line-notify` delivery.
#[derive(Debug, Deserialize)]
pub(crate) struct NotifyMessage {
    #[serde(rename = "message")]
    text: String,
    image_thumbnail: Option<String>,
    image_fullsize: Option<String>,
    /// An `s3://` URI or a path. The file is uploaded with the form.
    pub image_file: Option<String>,
    sticker_package_id: Option<Number>,
    sticker_id: Option<Number>,
}

/// The number of a sticker, written as a number or as text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Digits(u64),
    Text(String),
}

impl NotifyMessage {
    /// The one message of a delivery. `None`: it is something else.
    pub(crate) fn of(delivery: &Delivery) -> Option<Self> {
        let [message] = serde_json::from_str::<[Self; 1]>(delivery.messages().get()).ok()?;
        Some(message)
    }

    /// The fields of the form.
    pub(crate) fn fields(&self, notification_disabled: bool) -> Vec<Field<'_>> {
        let silent = notification_disabled.then_some("true".into());
        let fields = [
            ("message", Some(self.text.as_str().into())),
            ("imageThumbnail", text(self.image_thumbnail.as_deref())),
            ("imageFullsize", text(self.image_fullsize.as_deref())),
            ("stickerPackageId", number(self.sticker_package_id.as_ref())),
            ("stickerId", number(self.sticker_id.as_ref())),
            ("notificationDisabled", silent),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

fn text(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::Borrowed)
}

fn number(number: Option<&Number>) -> Option<Cow<'_, str>> {
    number.map(|number| match number {
        Number::Digits(digits) => digits.to_string().into(),
        Number::Text(text) => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(messages: &str) -> Delivery {
        Delivery::decode(&format!(
            r#"{{"v":1,"run":"r","channel":"line-notify","recipients":["t"],"messages":{messages},"started_at":"2026-01-01T00:00:00Z"}}"#
        ))
        .unwrap()
    }

    fn fields(messages: &str, notification_disabled: bool) -> Vec<(&'static str, String)> {
        NotifyMessage::of(&delivery(messages))
            .unwrap()
            .fields(notification_disabled)
            .into_iter()
            .map(|(name, value)| (name, value.into_owned()))
            .collect()
    }

    #[test]
    fn the_form_has_line_notifys_names() {
        let all = r#"[{"message":"早安","image_thumbnail":"https://a/b","image_fullsize":"https://a/c","sticker_package_id":446,"sticker_id":"1988"}]"#;
        let expected = [
            ("message", "早安"),
            ("imageThumbnail", "https://a/b"),
            ("imageFullsize", "https://a/c"),
            ("stickerPackageId", "446"),
            ("stickerId", "1988"),
            ("notificationDisabled", "true"),
        ];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(fields(all, true), expected);
        let text = fields(r#"[{"message":"hi","image_file":"s3://b/k"}]"#, false);
        assert_eq!(text, [("message", "hi".to_owned())]);
    }

    #[test]
    fn what_is_not_one_message_has_no_form() {
        for messages in [
            r#"[{"message":"a"},{"message":"b"}]"#,
            r#"[{"text":"a"}]"#,
            r#"["a"]"#,
        ] {
            assert!(
                NotifyMessage::of(&delivery(messages)).is_none(),
                "{messages}"
            );
        }
    }
}
