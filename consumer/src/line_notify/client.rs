//! The LINE Notify protocol: one form for one token.
//!
//! LINE's own service ended on 2025-03-31; servers that speak its protocol remain.

use std::collections::HashMap;

use bytes::Bytes;
use fanline_core::delivery::Delivery;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::channel::classify::Route;
use crate::channel::http;
use crate::channel::response::{Answer, Failure, Reply};

/// What LINE Notify calls the limits' period; used where an answer doesn't say when it ends.
const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The message of a `line-notify` delivery.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    #[serde(rename = "message")]
    text: String,
    image_thumbnail: Option<String>,
    image_fullsize: Option<String>,
    /// An `s3://` URI or a path: uploaded with the form.
    pub image_file: Option<String>,
    sticker_package_id: Option<Number>,
    sticker_id: Option<Number>,
}

/// A sticker's number, written as a number or as a text of digits.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Digits(u64),
    Text(String),
}

impl Message {
    /// The one message of a delivery; `None` where it is something else.
    pub(crate) fn of(delivery: &Delivery) -> Option<Self> {
        let [message] = serde_json::from_str::<[Self; 1]>(delivery.messages().get()).ok()?;
        Some(message)
    }

    /// The fields of the form, in LINE Notify's names.
    pub(crate) fn fields(&self, notification_disabled: bool) -> Vec<(&'static str, String)> {
        let number = |number: &Number| match number {
            Number::Digits(digits) => digits.to_string(),
            Number::Text(text) => text.clone(),
        };
        let mut fields = vec![("message", self.text.clone())];
        let optional = [
            ("imageThumbnail", self.image_thumbnail.clone()),
            ("imageFullsize", self.image_fullsize.clone()),
            (
                "stickerPackageId",
                self.sticker_package_id.as_ref().map(number),
            ),
            ("stickerId", self.sticker_id.as_ref().map(number)),
            (
                "notificationDisabled",
                notification_disabled.then(|| "true".to_owned()),
            ),
        ];
        fields.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        fields
    }
}

/// An image that is uploaded with a message.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The file.
    pub bytes: Bytes,
    /// `image/png` or `image/jpeg`: what LINE Notify takes.
    pub kind: &'static str,
}

/// A LINE Notify server at one base URL, and which tokens must wait there.
pub(crate) struct Notify {
    http: Client,
    base: String,
    spent: Mutex<HashMap<Spent, Timestamp>>,
}

/// A token that has no calls, or no image uploads, left. The token itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spent {
    token: [u8; 32],
    images: bool,
}

impl Spent {
    fn new(token: &str, images: bool) -> Self {
        Self {
            token: Sha256::digest(token).into(),
            images,
        }
    }
}

impl Notify {
    /// The server at `base`.
    pub(crate) fn new(http: Client, base: String) -> Self {
        Self {
            http,
            base,
            spent: Mutex::default(),
        }
    }

    /// Sends one message to the holder of `token`.
    pub(crate) async fn send(
        &self,
        token: &str,
        fields: &[(&'static str, String)],
        image: Option<&Image>,
    ) -> Answer {
        let Some((name, value)) = http::bearer(token) else {
            return Answer::Unanswered(Failure::NotConnected);
        };
        let request = self
            .http
            .post(format!("{}{}", self.base, Route::Notify.path()))
            .header(name, value);
        http::send(match image.map(part) {
            None => request.form(fields),
            Some(Ok(file)) => {
                let form = fields.iter().fold(Form::new(), |form, (name, value)| {
                    form.text(*name, value.clone())
                });
                request.multipart(form.part("imageFile", file))
            }
            Some(Err(_)) => return Answer::Unanswered(Failure::NotConnected),
        })
        .await
    }

    /// Until when this token must wait, with or without an image.
    pub(crate) fn waits_until(
        &self,
        token: &str,
        image: bool,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let spent = self.spent.lock();
        let calls = spent.get(&Spent::new(token, false));
        let images = spent.get(&Spent::new(token, true)).filter(|_| image);
        calls.max(images).copied().filter(|reset| *reset > now)
    }

    /// Keeps what an answer says is left. Each token has 1,000 calls and 50 images an hour of its own.
    pub(crate) fn note(&self, token: &str, reply: &Reply, now: Timestamp) {
        let allowance = reply.allowance;
        let no_calls = allowance.calls == Some(0);
        let no_images = allowance.images == Some(0);
        if !no_calls && !no_images && reply.status != 429 {
            return;
        }
        let reset = allowance.reset.filter(|reset| *reset > now);
        let mut spent = self.spent.lock();
        spent.retain(|_, reset| *reset > now);
        if no_calls || (reply.status == 429 && reset.is_some() && !no_images) {
            let until = reset.unwrap_or_else(|| now.saturating_add(AN_HOUR).unwrap_or(now));
            spent.insert(Spent::new(token, false), until);
        }
        if no_images {
            let until = reset.unwrap_or_else(|| now.saturating_add(AN_HOUR).unwrap_or(now));
            spent.insert(Spent::new(token, true), until);
        }
    }
}

fn part(image: &Image) -> Result<Part, reqwest::Error> {
    let length = u64::try_from(image.bytes.len()).unwrap_or(u64::MAX);
    let name = image.kind.replace('/', ".");
    Part::stream_with_length(Body::from(image.bytes.clone()), length)
        .file_name(name)
        .mime_str(image.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::response::Allowance;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn notify() -> Notify {
        let http = http::client(std::time::Duration::from_secs(1)).unwrap();
        Notify::new(http, "http://127.0.0.1:9".into())
    }

    fn reply(status: u16, calls: Option<u64>, images: Option<u64>, reset: Option<i64>) -> Reply {
        Reply {
            status,
            allowance: Allowance {
                calls,
                images,
                reset: reset.map(at),
            },
            ..Reply::default()
        }
    }

    #[test]
    fn a_spent_token_waits_until_the_reset_and_others_go_on() {
        let notify = notify();
        notify.note("a", &reply(200, Some(0), Some(50), Some(3_000)), at(10));
        assert_eq!(notify.waits_until("a", false, at(20)), Some(at(3_000)));
        assert_eq!(notify.waits_until("a", false, at(3_000)), None);
        assert_eq!(notify.waits_until("b", false, at(20)), None);
    }

    #[test]
    fn a_token_without_images_left_still_takes_texts() {
        let notify = notify();
        notify.note("a", &reply(400, Some(900), Some(0), Some(3_000)), at(10));
        assert_eq!(notify.waits_until("a", false, at(20)), None);
        assert_eq!(notify.waits_until("a", true, at(20)), Some(at(3_000)));
    }

    #[test]
    fn a_429_waits_until_its_reset_and_without_one_backs_off() {
        let notify = notify();
        notify.note("a", &reply(429, None, None, Some(3_000)), at(10));
        assert_eq!(notify.waits_until("a", false, at(20)), Some(at(3_000)));
        notify.note("b", &reply(429, None, None, None), at(10));
        assert_eq!(notify.waits_until("b", false, at(20)), None);
    }

    #[test]
    fn the_form_has_line_notifys_names() {
        let delivery = Delivery::decode(
            r#"{"v":1,"run":"r","channel":"line-notify","recipients":["t"],"messages":[{"message":"早安","image_thumbnail":"https://a/b","image_fullsize":"https://a/c","sticker_package_id":446,"sticker_id":"1988"}],"started_at":"2026-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let fields = Message::of(&delivery).unwrap().fields(true);
        let names: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("message", "早安"),
                ("imageThumbnail", "https://a/b"),
                ("imageFullsize", "https://a/c"),
                ("stickerPackageId", "446"),
                ("stickerId", "1988"),
                ("notificationDisabled", "true"),
            ]
        );
    }
}
