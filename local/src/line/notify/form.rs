//! The form of a LINE Notify message.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::StatusCode;

use crate::line::answer::Answer;
use crate::line::notify::error::error;
use crate::line::text::{Digest128, digest, utf16_len};

/// A message has at most 1,000 characters. The document gives no unit; here it is UTF-16 code
/// units.
const MAX_MESSAGE_LEN: usize = 1000;

/// The fields that a message can have, apart from `imageFile`.
const FIELDS: [&str; 6] = [
    "message",
    "imageThumbnail",
    "imageFullsize",
    "stickerPackageId",
    "stickerId",
    "notificationDisabled",
];

/// A message that LINE Notify would accept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotifyForm {
    /// All text fields as JSON, for the ledger.
    pub(crate) fields: String,
    /// The digest of the fields.
    pub(crate) digest: Digest128,
    /// Whether there is an image file.
    pub(crate) has_image: bool,
}

/// Reads a form, URL-encoded or multipart. The error is LINE Notify's answer: `400`.
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
            // A part without a name is none of the fields.
            let name = part.name().unwrap_or_default().to_owned();
            if name == "imageFile" {
                let image = part.bytes().await.map_err(|_| bad("unreadable form"))?;
                has_image = is_png_or_jpeg(&image);
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
    check_fields(&fields)?;
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

fn check_fields(fields: &HashMap<String, String>) -> Result<(), Answer> {
    let field = |name: &str| fields.get(name).filter(|text| !text.is_empty());
    let message = field("message").ok_or_else(|| bad("message: must not be empty"))?;
    if utf16_len(message) > MAX_MESSAGE_LEN {
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

fn is_png_or_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}

fn bad(message: &str) -> Answer {
    error(StatusCode::BAD_REQUEST, message)
}
