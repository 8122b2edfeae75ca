//! LINE is asked about the account and whether it would take messages, and sends nothing.

use fanline_consumer::{AccountError, LineAccess, LineAccount, MonthlyQuota};
use fanline_core::delivery::Endpoint;
use fanline_local::LineOptions;

use crate::scripted::{Scripted, said};
use crate::support::{TOKEN, World, sdk_config};

const MESSAGES: &str = r#"[{"type":"text","text":"hi"}]"#;

fn account(url: &str) -> LineAccount {
    let access = LineAccess::from_lookup(|name| match name {
        "LINE_CHANNEL_ACCESS_TOKEN" => Some(TOKEN.into()),
        "LINE_API_BASE" => Some(url.into()),
        "REQUEST_TIMEOUT_SECONDS" => Some("5".into()),
        _ => None,
    });
    LineAccount::new(access.unwrap(), &sdk_config(url)).unwrap()
}

#[tokio::test]
async fn the_request_has_the_messages_and_the_token_and_no_retry_key() {
    let line = Scripted::start(|_| said(200, "{}")).await;
    let account = account(&line.url);
    for (endpoint, path) in [
        (Endpoint::Push, "/v2/bot/message/validate/push"),
        (Endpoint::Multicast, "/v2/bot/message/validate/multicast"),
    ] {
        account.validate(endpoint, MESSAGES).await.unwrap();
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
        (401, "{}", "LINE refuses the channel access token (401)"),
        (
            429,
            r#"{"message":"slow down"}"#,
            "LINE answered with status 429: slow down",
        ),
    ] {
        let line = Scripted::start(move |_| said(status, body)).await;
        let answer = account(&line.url).validate(Endpoint::Push, MESSAGES).await;
        assert_eq!(answer.unwrap_err().to_string(), sentence);
    }
    let answer = account("http://127.0.0.1:9")
        .validate(Endpoint::Push, MESSAGES)
        .await;
    assert!(matches!(answer, Err(AccountError::Unreachable { .. })));
}

#[tokio::test]
async fn the_simulated_line_answers_as_line_does_and_sends_nothing() {
    let world = World::with(LineOptions::default()).await;
    let account = account(world.line.url());
    for endpoint in [Endpoint::Push, Endpoint::Multicast] {
        account.validate(endpoint, MESSAGES).await.unwrap();
        let empty = r#"[{"type":"text","text":""}]"#;
        let refused = account.validate(endpoint, empty).await.unwrap_err();
        assert!(
            matches!(&refused, AccountError::Refused(words) if words.contains("messages[0].text")),
            "{refused}"
        );
    }
    assert_eq!(world.line.ledger().accepted_requests, 0);
}

#[tokio::test]
async fn the_account_says_its_name_and_what_is_left_of_its_month() {
    let world = World::with(LineOptions {
        display_name: "Corner shop".into(),
        monthly_quota: Some(500),
        ..LineOptions::default()
    })
    .await;
    let account = account(world.line.url());
    assert_eq!(account.info().await.unwrap().display_name, "Corner shop");
    let quota = account.quota().await.unwrap();
    let expected = MonthlyQuota {
        limit: Some(500),
        used: 0,
    };
    assert_eq!(quota, expected);
    assert_eq!(account.units().await.unwrap(), 0);
    world.line.change(|options| options.monthly_quota = None);
    assert_eq!(account.quota().await.unwrap().left(), None);
    world.line.change(|options| {
        options.revoked.insert(TOKEN.into());
    });
    let refused = account.info().await.unwrap_err();
    assert!(matches!(refused, AccountError::Token), "{refused}");
}
