//! The form of a LINE Notify message, read and checked.

use std::collections::HashMap;

use bytes::Bytes;
use fanline_core::text::utf16_len;
use hyper::StatusCode;

use crate::line::answer::Answer;
use crate::line::memory::ledger::{Digest, digest};
use crate::line::notify;

/// The most characters of a message; counted as UTF-16 here, since the document gives no unit.
const MAX_MESSAGE: usize = 1000;

/// The fields of a message, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotifyForm {
    /// All text fields, as JSON: what the ledger keeps.
    pub(crate) fields: String,
    /// Names them.
    pub(crate) digest: Digest,
    /// Whether it uploads a picture.
    pub(crate) has_image: bool,
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
    let fields = serde_json::Value::Object(kept).to_string();
    Ok(NotifyForm {
        digest: digest(fields.as_bytes()),
        fields,
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
    notify::answer(StatusCode::BAD_REQUEST, message)
}
