//! Channel access tokens of every kind.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::line::support::{World, status_and_body, world};

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const SECRET: [(&str, &str); 3] = [GRANT, ("client_id", "165"), ("client_secret", "s")];
const ASSERTION: [(&str, &str); 3] = [
    GRANT,
    ("client_assertion_type", JWT),
    ("client_assertion", "a.b.c"),
];

async fn issue(world: &World, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    status_and_body(world.request(Method::POST, path).form(form)).await
}

async fn is_valid(world: &World, token: &str) -> bool {
    let quota = world.request(Method::GET, "/v2/bot/message/quota");
    status_and_body(quota.bearer_auth(token)).await.0 == 200
}

#[tokio::test]
async fn every_kind_of_token_is_issued_and_is_valid_for_its_documented_time() {
    let world = world(LineOptions {
        tokens: [("other".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    for (path, form, seconds) in [
        ("/oauth2/v3/token", &SECRET, 900),
        ("/oauth2/v3/token", &ASSERTION, 900),
        ("/oauth2/v2.1/token", &ASSERTION, 2_592_000),
        ("/v2/oauth/accessToken", &SECRET, 2_592_000),
    ] {
        let (status, body) = issue(&world, path, form).await;
        assert_eq!(
            (status, &body["token_type"], &body["expires_in"]),
            (200, &json!("Bearer"), &json!(seconds))
        );
        assert_eq!(body.get("key_id").is_some(), path.contains("v2.1"));
        let token = body["access_token"].as_str().unwrap();
        assert!(is_valid(&world, token).await);
        world.clock.advance(Duration::from_secs(seconds - 1));
        assert!(is_valid(&world, token).await);
        world.clock.advance(Duration::from_secs(1));
        assert!(!is_valid(&world, token).await, "{path}");
    }
}

#[tokio::test]
async fn a_bad_request_for_a_token_is_refused() {
    let world = world(LineOptions::default()).await;
    for (path, form, error) in [
        (
            "/oauth2/v3/token",
            &SECRET[..2],
            "Invalid 'client_credentials'.",
        ),
        ("/oauth2/v3/token", &SECRET[1..], "grant_type is invalid"),
        (
            "/oauth2/v2.1/token",
            &SECRET[..],
            "Invalid 'client_credentials'.",
        ),
        (
            "/v2/oauth/accessToken",
            &ASSERTION[..],
            "Invalid 'client_credentials'.",
        ),
    ] {
        let expected = json!({"error": "invalid_request", "error_description": error});
        assert_eq!(issue(&world, path, form).await, (400, expected), "{path}");
    }
}

#[tokio::test]
async fn after_thirty_tokens_one_kind_is_refused_and_the_other_ends_the_oldest() {
    let world = world(LineOptions::default()).await;
    for _ in 0..30 {
        assert_eq!(issue(&world, "/oauth2/v2.1/token", &ASSERTION).await.0, 200);
    }
    assert_eq!(
        issue(&world, "/oauth2/v2.1/token", &ASSERTION).await,
        (
            400,
            json!({"message": "The maximum number of access tokens has already been issued"})
        )
    );
    let mut tokens = Vec::new();
    for _ in 0..31 {
        let (_, body) = issue(&world, "/v2/oauth/accessToken", &SECRET).await;
        tokens.push(body["access_token"].as_str().unwrap().to_owned());
    }
    assert!(!is_valid(&world, &tokens[0]).await);
    assert!(is_valid(&world, &tokens[1]).await);
    let revoke = [("access_token", tokens[1].as_str())];
    assert_eq!(
        issue(&world, "/v2/oauth/revoke", &revoke).await,
        (200, Value::Null)
    );
    assert!(!is_valid(&world, &tokens[1]).await);
    assert_eq!(issue(&world, "/v2/oauth/revoke", &[]).await.0, 400);
}

#[tokio::test]
async fn short_lived_tokens_are_issued_370_times_a_second() {
    let world = world(LineOptions::default()).await;
    for _ in 0..370 {
        let (status, _) = issue(&world, "/v2/oauth/accessToken", &SECRET).await;
        assert_eq!(status, 200);
    }
    let (status, _) = issue(&world, "/v2/oauth/accessToken", &SECRET).await;
    assert_eq!(status, 429);
}
