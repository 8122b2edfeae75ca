//! What the consumer prints: JSON lines that name no recipient.

use fanline_local::{LineFault, LineOptions};
use serde_json::{Value, json};

use crate::runtime_api::Environment;
use crate::support::{TEXT, TOKEN, World, delivery, delivery_with, event, receive, user, users};

/// What must not be in the log.
fn secrets() -> Vec<String> {
    let mut secrets = users(0..1_000);
    secrets.extend([TOKEN, TEXT, NOTIFY_TOKEN, "good morning"].map(str::to_owned));
    secrets
}

const RUN: &str = "xmas@2026-12-25T00:00:00Z";
const NOTIFY_TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456";

pub(crate) fn assert_nobody_is_in(output: &str) {
    for secret in secrets() {
        assert!(!output.contains(&secret), "{secret} is in the log");
    }
}

/// Deliveries that come to every kind of end, whatever LINE answers.
fn bodies() -> [String; 8] {
    let notify = delivery_with(&[NOTIFY_TOKEN.into()], |body| {
        body["channel"] = json!("line-notify");
        body["messages"] = json!([{"message": TEXT}]);
    });
    [
        delivery(&[user(1)]),
        delivery(&users(20..40)),
        delivery(&[user(3)]),
        delivery_with(&[user(4)], |body| {
            body["expires_at"] = json!("2020-01-01T00:00:00Z");
        }),
        delivery_with(&[user(5)], |body| {
            body["started_at"] = json!("2020-01-01T00:00:00Z");
        }),
        delivery_with(&[user(6)], |body| {
            body["messages"] = json!([{"type": "text"}, {"type": TEXT}]);
        }),
        format!("poison of {} {TEXT}", user(7)),
        notify,
    ]
}

#[tokio::test]
async fn a_run_with_every_kind_of_failure_names_nobody() {
    let world = World::with(LineOptions {
        unknown: [user(3), user(30)].into(),
        revoked: [NOTIFY_TOKEN.to_owned()].into(),
        ..LineOptions::default()
    })
    .await;
    let mut environment = Environment::start(
        &world,
        "every-failure.log",
        &[
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
            ("REQUEST_TIMEOUT_SECONDS", "0.5"),
        ],
    )
    .await;
    let mut named = users(40..60);
    named[3] = format!("{}x", user(61));
    let bodies = bodies();
    let mut printed = 0;
    for fault in [
        None,
        Some(LineFault::ErrorAfter),
        Some(LineFault::SilenceBefore),
        Some(LineFault::ResetAfter),
        Some(LineFault::RateLimit),
        Some(LineFault::Unauthorized),
    ] {
        world.line.change(|options| {
            options.faults.rates = fault.map(|fault| (fault, 1.0)).into_iter().collect();
            options.faults.silence_millis = 1_000;
        });
        for body in &bodies {
            world.publish(body).await;
        }
        if fault.is_none() {
            world.publish(&delivery(&named)).await;
        }
        let messages = receive(&world.sqs, &world.deliveries).await;
        let batch = event(&messages, &world.arn());
        environment.invoke(&batch).await.unwrap();
        let output = environment.output();
        assert!(output.len() > printed);
        printed = output.len();
    }
    assert_a_clean_log(&environment.output());
}

fn assert_a_clean_log(output: &str) {
    assert_nobody_is_in(output);
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let (metrics, events): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| !line["_aws"].is_null());
    assert!(metrics.len() >= 6);
    for event in &events {
        assert!(
            event["timestamp"].is_string() && event["level"].is_string(),
            "{event}"
        );
    }
    assert_requests(&events);
    assert_dead_letters_and_holds(&events);
}

fn assert_requests(events: &[&Value]) {
    let requests = || {
        events
            .iter()
            .filter(|event| event["message"] == "LINE request")
    };
    assert!(requests().any(|event| event["status"] == 200));
    for event in requests() {
        assert_eq!(event["method"], "POST");
        assert!(event["endpoint"].as_str().unwrap().starts_with('/'));
        assert_eq!(event["run"], RUN);
        assert!(event["status"].is_u64() || event["failure"].is_string());
        assert!(event["latency_ms"].is_u64());
        if event["recipients"] == 1 {
            assert_eq!(event["recipient"].as_str().unwrap().len(), 16);
        }
        let is_notify = event["endpoint"] == "/api/notify";
        assert_eq!(event["retry_key"].is_string(), !is_notify, "{event}");
        if !is_notify && event["status"].is_u64() {
            assert!(event["request_id"].is_string(), "{event}");
        }
    }
}

fn assert_dead_letters_and_holds(events: &[&Value]) {
    let letters = || {
        events
            .iter()
            .filter(|event| event["message"] == "dead letter sent")
    };
    for (reason, status) in [
        ("refused", json!(400)),
        ("refused", json!(401)),
        ("expired", Value::Null),
        ("unknown", Value::Null),
        ("undecodable", Value::Null),
    ] {
        assert!(
            letters().any(|event| event["reason"] == reason && event["status"] == status),
            "{reason} {status}"
        );
    }
    for event in letters() {
        assert_eq!(event["level"], "WARN");
        assert!(event["message_id"].is_string() && event["receive_count"].is_u64());
        let has_run = event["reason"] != "undecodable";
        assert_eq!(event["run"], if has_run { json!(RUN) } else { Value::Null });
    }
    let holds: Vec<&&Value> = events
        .iter()
        .filter(|event| event["message"] == "channel on hold")
        .collect();
    assert!(!holds.is_empty());
    for event in holds {
        assert_eq!(
            (&event["level"], &event["status"]),
            (&json!("ERROR"), &json!(401))
        );
        assert_eq!(event["channel"], "line");
        assert_eq!(event["reason"], "unauthorized");
    }
}

#[tokio::test]
async fn bad_settings_end_the_cold_start_with_all_of_them_named() {
    let world = World::start().await;
    let mut environment = Environment::start(
        &world,
        "bad-settings.log",
        &[("DEAD_LETTER_QUEUE_URL", ""), ("PUSH_PER_SECOND", "fast")],
    )
    .await;
    environment.wait().await;
    let output = environment.output();
    assert!(
        output.contains("`DEAD_LETTER_QUEUE_URL` is not set"),
        "{output}"
    );
    assert!(output.contains("`PUSH_PER_SECOND`"), "{output}");
}

#[tokio::test]
async fn an_event_that_is_none_fails_as_a_whole() {
    let world = World::start().await;
    let mut environment = Environment::start(&world, "no-event.log", &[]).await;
    for event in [json!({}), json!({"Records": 5}), json!("hello")] {
        environment.invoke(&event).await.unwrap_err();
    }
    let answer = environment.invoke(&json!({"Records": []})).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}
