//! Messages that are one thing: a sticker, a picture, a film, a sound, a place, a coupon.

use std::ops::Range;

use serde_json::{Map, Value};

use super::super::text::Pattern;
use super::super::walk::Walk;
use super::super::walk::schema::{
    Shape, any_text, filled, https, number, optional, pattern, reference, required, utf16,
    whole_number,
};
use super::message;

pub(super) static STICKER: Shape = message(
    "sticker",
    reference!("sticker-message"),
    &[&[
        required("packageId", pattern(&STICKER_ID)),
        required("stickerId", pattern(&STICKER_ID)),
        optional("quoteToken", any_text()),
    ]],
);

/// <https://developers.line.biz/en/docs/messaging-api/sticker-list/>
static STICKER_ID: Pattern = Pattern::new(
    |id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()),
    "digits, as in `\"446\"`",
);

pub(super) static IMAGE: Shape = message(
    "image",
    reference!("image-message"),
    &[&[
        required("originalContentUrl", https()),
        required("previewImageUrl", https()),
    ]],
);

pub(super) static VIDEO: Shape = message(
    "video",
    reference!("video-message"),
    &[&[
        required("originalContentUrl", https()),
        required("previewImageUrl", https()),
        optional("trackingId", pattern(&TRACKING_ID)),
    ]],
)
.also(warn_of_tracking);

static TRACKING_ID: Pattern = Pattern::new(
    |id| {
        id.len() <= 100
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.=,+*()%$&;:@{}!?<>[]".contains(&b))
    },
    "up to 100 of `a-z`, `A-Z`, `0-9` and `-.=,+*()%$&;:@{}!?<>[]`",
);

fn warn_of_tracking(walk: &mut Walk<'_>, message: &Map<String, Value>, _: Range<usize>) {
    if message.get("trackingId").is_some_and(Value::is_string) {
        walk.doubt_at(
            "trackingId",
            "can't be used in a message to a group or room",
        );
    }
}

pub(super) static AUDIO: Shape = message(
    "audio",
    reference!("audio-message"),
    &[&[
        required("originalContentUrl", https()),
        required("duration", whole_number(0.0, f64::INFINITY)),
    ]],
);

pub(super) static LOCATION: Shape = message(
    "location",
    reference!("location-message"),
    &[&[
        required("title", utf16(100)),
        required("address", utf16(100)),
        required("latitude", number(-90.0, 90.0)),
        required("longitude", number(-180.0, 180.0)),
    ]],
);

pub(super) static COUPON: Shape = message(
    "coupon",
    reference!("coupon-message"),
    &[&[
        required("couponId", filled()),
        optional("deliveryTag", pattern(&DELIVERY_TAG)),
    ]],
);

static DELIVERY_TAG: Pattern = Pattern::new(
    |tag| tag.len() <= 30 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
    "up to 30 of `a-z`, `A-Z`, `0-9` and `_`",
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::table::check;

    #[test]
    fn a_sticker_has_two_numbers_in_quotes() {
        check(
            &json!({"type": "sticker", "packageId": "446", "stickerId": "1988"}),
            r#"
            /packageId  | 446  | is not a text; write it in double quotes
            /packageId  | ""   | is not what LINE takes here: digits
            /packageId  | null | is missing; LINE takes no `sticker` message without it
            /stickerId  | "a"  | is not what LINE takes here: digits
            /quoteToken | "q"  |
            "#,
        );
    }

    #[test]
    fn a_picture_has_two_https_urls() {
        let url = "https://example.com/a%20b.jpg";
        check(
            &json!({"type": "image", "originalContentUrl": url, "previewImageUrl": url}),
            r#"
            /originalContentUrl | url of 2000                      |
            /originalContentUrl | url of 2020                      | has 2020 characters; LINE takes
            /originalContentUrl | "http://example.com/a.jpg"       | is not `https://`
            /originalContentUrl | "https://example.com/早.jpg"     | is not percent-encoded
            /originalContentUrl | "https://example.com/{name}.jpg" | ?holds a character
            /originalContentUrl | ["https://example.com/a.jpg"]    | is not a text
            /previewImageUrl    | null                             | is missing; LINE takes no
            /previewImageUrl    | ""                               | is empty
            "#,
        );
    }

    #[test]
    fn a_video_may_have_a_tracking_id() {
        let url = "https://example.com/a.mp4";
        check(
            &json!({"type": "video", "originalContentUrl": url, "previewImageUrl": url}),
            r#"
            /previewImageUrl | null       | is missing
            /trackingId      | "track_id" | is not what LINE takes here: up to 100
            /trackingId      | "track-id" | ?can't be used in a message to a group or room
            /trackingId      | x*100      | ?can't be used
            /trackingId      | x*101      | is not what LINE takes here
            "#,
        );
    }

    #[test]
    fn a_sound_has_a_duration_in_numbers() {
        let url = "https://example.com/a.m4a";
        check(
            &json!({"type": "audio", "originalContentUrl": url, "duration": 60000}),
            r#"
            /duration           | "60000"               | is not a number; write it without quotes
            /duration           | 60000.0               |
            /duration           | 0.5                   | is not a whole number
            /duration           | -1                    | is out of range; LINE takes a number of 0
            /duration           | null                  | is missing
            /originalContentUrl | "ftp://example.com/a" | is not `https://`
            "#,
        );
    }

    #[test]
    fn a_place_has_a_title_an_address_and_coordinates() {
        check(
            &json!({
                "type": "location", "title": "a", "address": "b",
                "latitude": 35.6, "longitude": 139.7,
            }),
            r#"
            /title     | x*100   |
            /title     | x*101   | has 101 UTF-16 code units; LINE takes 100
            /address   | ""      | is empty
            /latitude  | -90     |
            /latitude  | 139.7   | is out of range; LINE takes a number from -90 to 90
            /longitude | 180.5   | is out of range
            /longitude | "139.7" | is not a number
            "#,
        );
    }

    #[test]
    fn a_coupon_has_an_id() {
        check(
            &json!({"type": "coupon", "couponId": "01JYNW8JMQVFBNWF1APF8Z3FS7"}),
            r#"
            /couponId    | ""            | is empty
            /couponId    | null          | is missing
            /deliveryTag | "2025_winter" |
            /deliveryTag | "2025-winter" | is not what LINE takes here: up to 30
            /deliveryTag | x*31          | is not what LINE takes here
            "#,
        );
    }
}
