//! LINE Notify, as the last copies of its document describe it.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::line::support::{World, status_and_body, world};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0rest";

fn ok() -> (u16, Value) {
    (200, json!({"status": 200, "message": "ok"}))
}

fn bad(message: &str) -> (u16, Value) {
    (400, json!({"status": 400, "message": message}))
}

fn notify(world: &World, token: &str) -> RequestBuilder {
    world
        .request(Method::POST, "/api/notify")
        .bearer_auth(token)
}

fn with_image(message: &str, image: &'static [u8]) -> Form {
    Form::new()
        .text("message", message.to_owned())
        .part("imageFile", Part::bytes(image).file_name("a.jpg"))
}

const URL: &str = "https://example.com/a.jpg";

type Fields<'a> = Vec<(&'a str, &'a str)>;

#[tokio::test]
async fn a_good_form_is_accepted() {
    let world = world(LineOptions::default()).await;
    let longest = "早".repeat(1000);
    let forms: [Fields<'_>; 4] = [
        vec![("message", "早安 & +1")],
        vec![("message", &longest), ("notificationDisabled", "true")],
        vec![
            ("message", "a"),
            ("imageThumbnail", URL),
            ("imageFullsize", URL),
        ],
        vec![
            ("message", "a"),
            ("stickerPackageId", "446"),
            ("stickerId", "1988"),
        ],
    ];
    for form in forms {
        let answer = status_and_body(notify(&world, "t").form(&form)).await;
        assert_eq!(answer, ok(), "{form:?}");
    }
    let receipts = world.line.receipts("t");
    assert_eq!(receipts.len(), 4);
    assert_eq!(
        receipts[0].messages.as_deref(),
        Some(r#"{"message":"早安 & +1"}"#)
    );
    assert_eq!(receipts[0].endpoint, "notify");
}

#[tokio::test]
async fn a_form_that_line_notify_refused_is_refused() {
    let world = world(LineOptions::default()).await;
    let too_long = "x".repeat(1001);
    let together = |a, b| format!("{a}, {b}: must be specified together");
    let image = |url| {
        vec![
            ("message", "a"),
            ("imageThumbnail", URL),
            ("imageFullsize", url),
        ]
    };
    let sticker = |id| {
        vec![
            ("message", "a"),
            ("stickerPackageId", id),
            ("stickerId", "1"),
        ]
    };
    let table: [(Fields<'_>, String); 8] = [
        (vec![], "message: must not be empty".to_owned()),
        (
            vec![("message", "")],
            "message: must not be empty".to_owned(),
        ),
        (
            vec![("message", &too_long)],
            "message: must be 1000 characters or less".to_owned(),
        ),
        (
            vec![("message", "a"), ("imageThumbnail", URL)],
            together("imageThumbnail", "imageFullsize"),
        ),
        (
            vec![("message", "a"), ("stickerId", "1")],
            together("stickerPackageId", "stickerId"),
        ),
        (
            image("http://example.com/a.jpg"),
            "imageFullsize: must be an HTTPS URL".to_owned(),
        ),
        (
            sticker("x"),
            "stickerPackageId: must be a number".to_owned(),
        ),
        (
            vec![("message", "a"), ("notificationDisabled", "yes")],
            "notificationDisabled: must be a boolean".to_owned(),
        ),
    ];
    for (form, expected) in table {
        let answer = status_and_body(notify(&world, "t").form(&form)).await;
        assert_eq!(answer, bad(&expected), "{form:?}");
    }
    assert_eq!(world.line.receipts("t"), []);
}

#[tokio::test]
async fn a_picture_is_uploaded_as_multipart() {
    let world = world(LineOptions::default()).await;
    let send = |form| status_and_body(notify(&world, "t").multipart(form));
    assert_eq!(send(with_image("早安", JPEG)).await, ok());
    assert_eq!(send(with_image("a", b"\x89PNG\r\n\x1a\n...")).await, ok());
    assert_eq!(
        send(with_image("a", b"GIF89a")).await,
        bad("imageFile: must be a PNG or JPEG file")
    );
    assert_eq!(send(Form::new().text("message", "no picture")).await, ok());
    assert_eq!(
        send(Form::new().text("message", "")).await,
        bad("message: must not be empty")
    );
    let broken = notify(&world, "t")
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\nnonsense");
    assert_eq!(status_and_body(broken).await, bad("unreadable form"));
    assert_eq!(world.line.ledger().accepted_requests, 3);
}

#[tokio::test]
async fn every_call_counts_in_the_hour_of_its_token_and_the_answer_shows_what_is_left() {
    let world = world(LineOptions::default()).await;
    let left = async |request: RequestBuilder| {
        let response = request.send().await.unwrap();
        let header = |name: &str| -> i64 {
            let value = response.headers().get(name).unwrap();
            value.to_str().unwrap().parse().unwrap()
        };
        assert_eq!(
            (
                header("x-ratelimit-limit"),
                header("x-ratelimit-imagelimit")
            ),
            (1000, 50)
        );
        let reset = header("x-ratelimit-reset");
        (
            response.status().as_u16(),
            header("x-ratelimit-remaining"),
            header("x-ratelimit-imageremaining"),
            reset,
        )
    };
    let plain = || notify(&world, "t").form(&[("message", "a")]);
    let status = || world.request(Method::GET, "/api/status").bearer_auth("t");
    // 2026-12-25T09:00:00Z: an hour after the first call.
    let reset = 1_798_189_200;
    assert_eq!(left(plain()).await, (200, 999, 50, reset));
    assert_eq!(left(status()).await, (200, 998, 50, reset));
    assert_eq!(
        left(notify(&world, "t").form(&[("message", "")])).await,
        (400, 997, 50, reset)
    );
    for n in 1..=50 {
        let image = notify(&world, "t").multipart(with_image("a", JPEG));
        assert_eq!(left(image).await, (200, 997 - n, 50 - n, reset));
    }
    let image = || notify(&world, "t").multipart(with_image("a", JPEG));
    assert_eq!(
        status_and_body(image()).await,
        (
            429,
            json!({"status": 429, "message": "Image rate limit exceeded."})
        )
    );
    assert_eq!(left(plain()).await, (200, 945, 0, reset));
    for n in 1..=945 {
        assert_eq!(left(status()).await, (200, 945 - n, 0, reset));
    }
    assert_eq!(left(plain()).await, (429, 0, 0, reset));
    assert_eq!(
        left(notify(&world, "other").form(&[("message", "a")]))
            .await
            .0,
        200
    );
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(left(plain()).await, (200, 999, 50, reset + 3600));
}

#[tokio::test]
async fn a_token_is_valid_until_it_is_revoked() {
    let world = world(LineOptions::default()).await;
    let call = |method, path| world.request(method, path).bearer_auth("t");
    assert_eq!(
        status_and_body(call(Method::GET, "/api/status")).await,
        (
            200,
            json!({"status": 200, "message": "ok", "targetType": "USER", "target": "simulated"})
        )
    );
    assert_eq!(
        status_and_body(call(Method::POST, "/api/revoke")).await,
        ok()
    );
    let invalid = (
        401,
        json!({"status": 401, "message": "Invalid access token"}),
    );
    for request in [
        call(Method::GET, "/api/status"),
        call(Method::POST, "/api/revoke"),
        call(Method::POST, "/api/notify").form(&[("message", "a")]),
        world
            .request(Method::POST, "/api/notify")
            .form(&[("message", "a")]),
    ] {
        assert_eq!(status_and_body(request).await, invalid);
    }
}
