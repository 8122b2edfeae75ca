//! The faults of LINE: what the client sees, and what the ledger shows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fanline_local::{LineFault, LineFaults, LineOptions};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::line::support::{KEY, World, status_and_body, text, user, users, world};

/// What the client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Json(u16),
    Unreadable(u16),
    Broken,
}

async fn seen(request: RequestBuilder) -> Seen {
    let Ok(response) = request.send().await else {
        return Seen::Broken;
    };
    let status = response.status().as_u16();
    match response.json::<serde_json::Value>().await {
        Ok(_) => Seen::Json(status),
        Err(_) => Seen::Unreadable(status),
    }
}

async fn world_with(fault: LineFault) -> World {
    world(LineOptions {
        faults: LineFaults {
            rates: [(fault, 1.0)].into(),
            slow_millis: 5,
            silence_millis: 5,
            first_attempts: Some(1),
            ..LineFaults::default()
        },
        ..LineOptions::default()
    })
    .await
}

/// Each fault, what the client sees, and whether LINE has accepted the message.
const FAULTS: [(LineFault, Seen, bool); 11] = [
    (LineFault::ErrorBefore, Seen::Json(500), false),
    (LineFault::ErrorAfter, Seen::Json(500), true),
    (LineFault::SilenceBefore, Seen::Broken, false),
    (LineFault::SilenceAfter, Seen::Broken, true),
    (LineFault::ResetBefore, Seen::Broken, false),
    (LineFault::ResetAfter, Seen::Broken, true),
    (LineFault::Slow, Seen::Json(200), true),
    (LineFault::RateLimit, Seen::Json(429), false),
    (LineFault::Garbled, Seen::Unreadable(200), true),
    (LineFault::Unauthorized, Seen::Json(401), false),
    (LineFault::Forbidden, Seen::Json(403), false),
];

#[tokio::test]
async fn after_each_fault_a_retry_with_the_same_key_gives_everybody_one_message() {
    for (fault, sees, accepted) in FAULTS {
        for (endpoint, people) in [("push", 1), ("multicast", 3)] {
            let world = world_with(fault).await;
            let body = if endpoint == "push" {
                json!({"to": user(0), "messages": text("hi")})
            } else {
                json!({"to": users(people), "messages": text("hi")})
            };
            let send = || world.send(endpoint, &body).header("x-line-retry-key", KEY);
            assert_eq!(seen(send()).await, sees, "{fault}");
            let recipients = u64::from(accepted) * u64::from(people);
            let ledger = world.line.ledger();
            assert_eq!(ledger.accepted_recipients, recipients, "{fault}");
            assert_eq!(ledger.faults, BTreeMap::from([(fault.to_string(), 1)]));
            let answered = match sees {
                Seen::Json(status) | Seen::Unreadable(status) => status.to_string(),
                Seen::Broken => "unanswered".into(),
            };
            assert_eq!(ledger.requests[endpoint], BTreeMap::from([(answered, 1)]));
            let status = if accepted { 409 } else { 200 };
            assert_eq!(seen(send()).await, Seen::Json(status), "{fault}");
            let ledger = world.line.ledger();
            assert_eq!(
                (ledger.accepted_recipients, ledger.duplicates),
                (people.into(), 0)
            );
        }
    }
}

#[tokio::test]
async fn line_notify_has_no_retry_key_so_a_retry_after_acceptance_sends_twice() {
    for (fault, sees, accepted) in FAULTS {
        let world = world_with(fault).await;
        let send = || world.post("/api/notify").form(&[("message", "hi")]);
        assert_eq!(seen(send()).await, sees, "{fault}");
        assert_eq!(seen(send()).await, Seen::Json(200), "{fault}");
        assert_eq!(
            world.line.ledger().duplicates,
            u64::from(accepted),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_fault_after_acceptance_does_not_change_a_refusal() {
    let world = world_with(LineFault::ResetAfter).await;
    world.line.change(|options| options.monthly_quota = Some(0));
    let push = world.send("push", &json!({"to": user(1), "messages": text("hi")}));
    assert_eq!(status_and_body(push).await.0, 429);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults_in_any_order_of_requests() {
    let faults = LineFaults {
        seed: 42,
        rates: [
            (LineFault::ErrorBefore, 0.2),
            (LineFault::ErrorAfter, 0.2),
            (LineFault::RateLimit, 0.2),
        ]
        .into(),
        ..LineFaults::default()
    };
    let mut runs = Vec::new();
    for backwards in [false, true] {
        let world = world(LineOptions {
            faults: faults.clone(),
            ..LineOptions::default()
        })
        .await;
        let mut order: Vec<u32> = (0..60).collect();
        if backwards {
            order.reverse();
        }
        let mut answers = BTreeMap::new();
        for n in order {
            for attempt in 0..3 {
                let push = world.send("push", &json!({"to": user(n), "messages": text("hi")}));
                let key = uuid::Uuid::from_u128(n.into()).to_string();
                let (status, _) = status_and_body(push.header("x-line-retry-key", key)).await;
                answers.insert((n, attempt), status);
            }
        }
        assert!(world.line.ledger().faults.values().all(|n| *n > 10));
        assert_eq!(world.line.ledger().duplicates, 0);
        runs.push(answers);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_server_with_impossible_rates_does_not_start() {
    let faults = LineFaults {
        rates: [(LineFault::Slow, 1.5)].into(),
        ..LineFaults::default()
    };
    let options = LineOptions {
        faults,
        ..LineOptions::default()
    };
    let error = fanline_local::LineServer::start(options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rate of `slow` is not between 0 and 1"
    );
}

#[tokio::test]
async fn a_slow_answer_and_a_silence_take_their_time() {
    for fault in [LineFault::Slow, LineFault::SilenceBefore] {
        let world = world_with(fault).await;
        world.line.change(|options| {
            options.faults.slow_millis = 50;
            options.faults.silence_millis = 50;
        });
        let begun = Instant::now();
        let push = world.send("push", &json!({"to": user(1), "messages": text("hi")}));
        let met = seen(push).await;
        assert!(
            begun.elapsed() >= Duration::from_millis(50),
            "{fault}: {met:?}"
        );
    }
}
