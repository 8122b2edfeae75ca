//! LINE is asked whether it would take messages, and sends nothing.

use fanline_consumer::{LineAccess, LineValidator, ValidationError};
use fanline_core::delivery::Endpoint;
use fanline_local::LineOptions;

use crate::scripted::{Scripted, said};
use crate::support::{TOKEN, World, sdk_config};

const MESSAGES: &str = r#"[{"type":"text","text":"hi"}]"#;

fn validator(url: &str) -> LineValidator {
    let access = LineAccess::from_lookup(|name| match name {
        "LINE_CHANNEL_ACCESS_TOKEN" => Some(TOKEN.into()),
        "LINE_API_BASE" => Some(url.into()),
        "REQUEST_TIMEOUT_SECONDS" => Some("5".into()),
        _ => None,
    });
    LineValidator::new(access.unwrap(), &sdk_config(url)).unwrap()
}

#[tokio::test]
async fn the_request_has_the_messages_and_the_token_and_no_retry_key() {
    let line = Scripted::start(|_| said(200, "{}")).await;
    let validator = validator(&line.url);
    for (endpoint, path) in [
        (Endpoint::Push, "/v2/bot/message/validate/push"),
        (Endpoint::Multicast, "/v2/bot/message/validate/multicast"),
    ] {
        validator.validate(endpoint, MESSAGES).await.unwrap();
        let asked = line.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", path));
        assert_eq!(asked.text(), format!("{{\"messages\":{MESSAGES}}}"));
        assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(asked.header("content-type"), "application/json");
        assert!(!asked.headers.contains_key("x-line-retry-key"));
    }
}

#[tokio::test]
async fn each_answer_of_line_has_its_meaning() {
    let refusal = r#"{"message":"The request body has 1 error(s)",
        "details":[{"message":"May not be empty","property":"messages[0].text"}]}"#;
    for (status, body, sentence) in [
        (
            400,
            refusal,
            "LINE refuses the messages: \
             The request body has 1 error(s); messages[0].text: May not be empty",
        ),
        (401, "{}", "LINE refuses the channel access token"),
        (
            429,
            r#"{"message":"slow down"}"#,
            "LINE did not say whether it takes the messages: status 429: slow down",
        ),
    ] {
        let line = Scripted::start(move |_| said(status, body)).await;
        let answer = validator(&line.url)
            .validate(Endpoint::Push, MESSAGES)
            .await;
        assert_eq!(answer.unwrap_err().to_string(), sentence);
    }
    let answer = validator("http://127.0.0.1:9")
        .validate(Endpoint::Push, MESSAGES)
        .await;
    assert!(matches!(answer, Err(ValidationError::NoAnswer(_))));
}

#[tokio::test]
async fn the_simulated_line_answers_as_line_does_and_sends_nothing() {
    let world = World::with(LineOptions::default()).await;
    let validator = validator(world.line.url());
    for endpoint in [Endpoint::Push, Endpoint::Multicast] {
        validator.validate(endpoint, MESSAGES).await.unwrap();
        let empty = r#"[{"type":"text","text":""}]"#;
        let refused = validator.validate(endpoint, empty).await.unwrap_err();
        assert!(
            matches!(&refused, ValidationError::Refused(words) if words.contains("messages[0].text")),
            "{refused}"
        );
    }
    assert_eq!(world.line.ledger().accepted_requests, 0);
}
