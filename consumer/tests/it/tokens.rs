//! Where the channel access token comes from, and what a 401 does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanline_local::LineOptions;
use serde_json::json;

use crate::scripted::{Scripted, said};
use crate::support::{World, delivery, failures, in_seconds, metrics, sdk_config, user};

/// A Secrets Manager that keeps one secret.
async fn secrets(value: Arc<Mutex<&'static str>>) -> Scripted {
    Scripted::start(move |asked| {
        // A test has one endpoint for all of AWS, so requests to SQS come here too.
        if asked.header("x-amz-target") != TARGET {
            return said(400, "{}");
        }
        let body = json!({"ARN": "arn", "Name": "n", "SecretString": *value.lock().unwrap()});
        (
            200,
            vec![("content-type", "application/x-amz-json-1.1".into())],
            body.to_string().into_bytes(),
        )
    })
    .await
}

const TARGET: &str = "secretsmanager.GetSecretValue";

fn reads(secrets: &Scripted) -> usize {
    let asked = secrets.asked();
    let reads = asked
        .iter()
        .filter(|asked| asked.header("x-amz-target") == TARGET);
    reads.count()
}

const FROM_SECRET: [(&str, &str); 2] = [
    ("LINE_CHANNEL_ACCESS_TOKEN", ""),
    (
        "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN",
        "arn:aws:secretsmanager:us-east-1:1:secret:line",
    ),
];

#[tokio::test]
async fn a_rotated_secret_is_read_again_after_a_401_once() {
    let value = Arc::new(Mutex::new("old-token\n"));
    let secrets = secrets(Arc::clone(&value)).await;
    let mut world = World::with(LineOptions {
        tokens: [("new-token".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    world.config = sdk_config(&secrets.url);
    let consumer = world.consumer_with(&FROM_SECRET).await;
    assert_eq!(reads(&secrets), 1, "at the cold start");
    *value.lock().unwrap() = "new-token";
    let bodies: Vec<String> = (0..10).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    assert_eq!(world.line.ledger().accepted_recipients, 10);
    assert_eq!(reads(&secrets), 2, "once for all ten");
}

#[tokio::test]
async fn a_token_that_stays_refused_is_read_again_once_and_then_held() {
    let value = Arc::new(Mutex::new("wrong-token"));
    let secrets = secrets(Arc::clone(&value)).await;
    let mut world = World::with(LineOptions {
        tokens: [("right-token".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    world.config = sdk_config(&secrets.url);
    let consumer = world.consumer_with(&FROM_SECRET).await;
    // Long enough for a second refusal, and then not.
    for (round, seconds) in [(0, 4), (1, 1)] {
        let bodies: Vec<String> = (0..5).map(|n| delivery(&[user(round * 10 + n)])).collect();
        let handled = world.handle_for(seconds, &consumer, &bodies).await;
        assert_eq!(failures(&handled).len(), 5);
        assert_eq!(metrics(&handled)["holds"], u64::from(round == 0));
    }
    assert_eq!(reads(&secrets), 2, "the cold start, and once after");
    assert_eq!(world.line.ledger().accepted_recipients, 0);
}

#[tokio::test]
async fn a_stateless_token_is_issued_once_and_used_for_all() {
    let world = World::with(LineOptions {
        tokens: [("another".to_owned(), "channel".to_owned())].into(),
        ..LineOptions::default()
    })
    .await;
    let consumer = world
        .consumer_with(&[
            ("LINE_CHANNEL_ACCESS_TOKEN", ""),
            ("LINE_CHANNEL_ID", "1234567890"),
            ("LINE_CHANNEL_SECRET", "hush"),
        ])
        .await;
    let bodies: Vec<String> = (0..10).map(|n| delivery(&[user(n)])).collect();
    let handled = world.handle(&consumer, &bodies).await;
    assert!(failures(&handled).is_empty());
    let ledger = world.line.ledger();
    assert_eq!(ledger.accepted_recipients, 10);
}

#[tokio::test]
async fn a_stateless_token_is_renewed_before_it_ends() {
    let issued = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&issued);
    let line = Scripted::start(move |asked| {
        if asked.path != "/oauth2/v3/token" {
            return said(200, "{}");
        }
        assert!(asked.text().contains("grant_type=client_credentials"));
        let n = counted.fetch_add(1, Ordering::Relaxed);
        // It ends within the minute in which a token is renewed.
        let body =
            json!({"access_token": format!("token-{n}"), "expires_in": 30, "token_type": "Bearer"});
        said(200, &body.to_string())
    })
    .await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", &line.url),
            ("LINE_CHANNEL_ACCESS_TOKEN", ""),
            ("LINE_CHANNEL_ID", "1"),
            ("LINE_CHANNEL_SECRET", "hush"),
        ])
        .await;
    for n in 0..2 {
        let handled = world.handle(&consumer, &[delivery(&[user(n)])]).await;
        assert!(failures(&handled).is_empty());
        // The record was not deleted, and must not be in the next batch.
        world
            .sqs
            .purge_queue()
            .queue_url(&world.deliveries)
            .send()
            .await
            .ok();
        world.clock.advance(std::time::Duration::from_secs(61));
    }
    assert_eq!(
        issued.load(Ordering::Relaxed),
        3,
        "cold start, and each use"
    );
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_a_fault_and_not_a_hold() {
    let line = Scripted::start(|_| said(503, "")).await;
    let world = World::start().await;
    let consumer = world
        .consumer_with(&[
            ("LINE_API_BASE", &line.url),
            ("LINE_CHANNEL_ACCESS_TOKEN", ""),
            ("LINE_CHANNEL_ID", "1"),
            ("LINE_CHANNEL_SECRET", "hush"),
            ("RETRY_BASE_SECONDS", "0"),
        ])
        .await;
    let handled = world.handle(&consumer, &[delivery(&[user(1)])]).await;
    assert_eq!(failures(&handled).len(), 1);
    let batch = world.batch().await;
    assert_eq!(batch.records.len(), 1, "it comes again soon");
    consumer.handle(batch, in_seconds(30)).await;
    assert!(
        line.asked()
            .iter()
            .all(|asked| asked.path == "/oauth2/v3/token")
    );
}
