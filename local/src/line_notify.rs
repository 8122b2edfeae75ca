//! LINE Notify as it was until 31 March 2025: one form post, counted by the hour.

use std::collections::HashMap;

use bytes::Bytes;
use fanline_core::text::utf16_len;
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::line_answer::Answer;
use crate::line_ledger::RecipientKey;

/// Calls and images an hour and token.
/// <https://studyhost.blogspot.com/2020/03/cline-bot35-line-notify.html> quotes the official document.
const CALLS: u32 = 1000;
const IMAGES: u32 = 50;

/// The most characters of a message; counted as UTF-16 here, since the document gives no unit.
const MAX_MESSAGE: usize = 1000;

/// The fields of a message, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotifyForm {
    /// All text fields in the document's order, as JSON: what the ledger keeps.
    pub(crate) fields: String,
    /// Whether it uploads a picture.
    pub(crate) has_image: bool,
}

/// What is left of a token's hour, for the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourLeft {
    pub(crate) calls: u32,
    pub(crate) images: u32,
    pub(crate) reset: i64,
}

impl HourLeft {
    /// The headers' names and values. <https://hackmd.io/@pclin/ryoT9RHrw>
    pub(crate) fn headers(self) -> [(&'static str, i64); 5] {
        [
            ("x-ratelimit-limit", CALLS.into()),
            ("x-ratelimit-imagelimit", IMAGES.into()),
            ("x-ratelimit-remaining", self.calls.into()),
            ("x-ratelimit-imageremaining", self.images.into()),
            ("x-ratelimit-reset", self.reset),
        ]
    }
}

/// Each token's hour. An hour begins with its first call, which is this stand-in's choice: none is documented.
#[derive(Debug, Default)]
pub(crate) struct NotifyHours {
    hours: HashMap<RecipientKey, Hour>,
}

#[derive(Debug)]
struct Hour {
    began: i64,
    calls: u32,
    images: u32,
}

impl NotifyHours {
    /// Counts a call, and an image where there is one. `Err`: over the limit, and the hour as it stands.
    pub(crate) fn call(
        &mut self,
        token: RecipientKey,
        has_image: bool,
        now: Timestamp,
    ) -> (HourLeft, Result<(), Over>) {
        let fresh = Hour {
            began: now.as_second(),
            calls: 0,
            images: 0,
        };
        let hour = self.hours.entry(token).or_insert(Hour { ..fresh });
        if now.as_second() - hour.began >= 3600 {
            *hour = fresh;
        }
        let verdict = if hour.calls >= CALLS {
            Err(Over::Calls)
        } else if has_image && hour.images >= IMAGES {
            hour.calls += 1;
            Err(Over::Images)
        } else {
            hour.calls += 1;
            hour.images += u32::from(has_image);
            Ok(())
        };
        let left = HourLeft {
            calls: CALLS.saturating_sub(hour.calls),
            images: IMAGES.saturating_sub(hour.images),
            reset: hour.began + 3600,
        };
        (left, verdict)
    }
}

/// Which of the hour's limits is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Calls,
    Images,
}

impl Over {
    /// The image text is one that users recorded; the other, and both statuses, are this stand-in's choice.
    pub(crate) fn answer(self) -> Answer {
        let message = match self {
            Self::Calls => "API rate limit exceeded.",
            Self::Images => "Image rate limit exceeded.",
        };
        answer(StatusCode::TOO_MANY_REQUESTS, message)
    }
}

/// LINE Notify's body: the status again, and a message.
pub(crate) fn answer(status: StatusCode, message: &str) -> Answer {
    let body = json!({"status": status.as_u16(), "message": message});
    Answer::new(status, body.to_string())
}

/// `200` for a message taken.
pub(crate) fn ok() -> Answer {
    answer(StatusCode::OK, "ok")
}

/// `200` for a token that is valid. Whose it is, is invented.
pub(crate) fn status() -> Answer {
    Answer::json(&json!({
        "status": 200, "message": "ok", "targetType": "USER", "target": "simulated",
    }))
}

/// `401`.
pub(crate) fn unauthorized() -> Answer {
    answer(StatusCode::UNAUTHORIZED, "Invalid access token")
}

/// Reads a message's form, URL-encoded or multipart, or says what is wrong with it: `400`.
pub(crate) async fn read(content_type: &str, body: Bytes) -> Result<NotifyForm, Answer> {
    let mut fields = HashMap::new();
    let mut has_image = false;
    if let Ok(boundary) = multer::parse_boundary(content_type) {
        let whole = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
        let mut parts = multer::Multipart::new(whole, boundary);
        loop {
            let part = parts
                .next_field()
                .await
                .map_err(|_| bad("unreadable form"))?;
            let Some(part) = part else { break };
            let name = part.name().unwrap_or_default().to_owned();
            if name == "imageFile" {
                let image = part.bytes().await.map_err(|_| bad("unreadable form"))?;
                has_image = is_picture(&image);
                if !has_image {
                    return Err(bad("imageFile: must be a PNG or JPEG file"));
                }
            } else {
                let text = part.text().await.map_err(|_| bad("unreadable form"))?;
                fields.insert(name, text);
            }
        }
    } else {
        for (name, value) in form_urlencoded::parse(&body) {
            fields.insert(name.into_owned(), value.into_owned());
        }
    }
    check(&fields)?;
    let kept: serde_json::Map<_, _> = FIELDS
        .iter()
        .filter_map(|name| Some(((*name).into(), fields.get(*name)?.as_str().into())))
        .collect();
    Ok(NotifyForm {
        fields: serde_json::Value::Object(kept).to_string(),
        has_image,
    })
}

const FIELDS: [&str; 6] = [
    "message",
    "imageThumbnail",
    "imageFullsize",
    "stickerPackageId",
    "stickerId",
    "notificationDisabled",
];

fn check(fields: &HashMap<String, String>) -> Result<(), Answer> {
    let field = |name: &str| fields.get(name).filter(|text| !text.is_empty());
    let message = field("message").ok_or_else(|| bad("message: must not be empty"))?;
    if utf16_len(message) > MAX_MESSAGE {
        return Err(bad("message: must be 1000 characters or less"));
    }
    for [one, other] in [
        ["imageThumbnail", "imageFullsize"],
        ["stickerPackageId", "stickerId"],
    ] {
        if field(one).is_some() != field(other).is_some() {
            return Err(bad(&format!("{one}, {other}: must be specified together")));
        }
    }
    for name in ["imageThumbnail", "imageFullsize"] {
        // Plain HTTP ended on 17 November 2023: https://notify-bot.line.me/doc/en/
        if field(name).is_some_and(|url| !url.starts_with("https://")) {
            return Err(bad(&format!("{name}: must be an HTTPS URL")));
        }
    }
    for name in ["stickerPackageId", "stickerId"] {
        if field(name).is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
            return Err(bad(&format!("{name}: must be a number")));
        }
    }
    if field("notificationDisabled").is_some_and(|flag| flag != "true" && flag != "false") {
        return Err(bad("notificationDisabled: must be a boolean"));
    }
    Ok(())
}

fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}

fn bad(message: &str) -> Answer {
    answer(StatusCode::BAD_REQUEST, message)
}
