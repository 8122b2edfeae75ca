//! The ledger: who got which messages, how often and when.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::line::support::{KEY, status_and_body, text, user, users, world};

#[tokio::test]
async fn the_ledger_shows_who_got_which_messages_how_often_and_when() {
    let world = world(LineOptions::default()).await;
    let push = world.send("push", &json!({"to": user(1), "messages": text("早安")}));
    let sent = push.header("x-line-retry-key", KEY).send().await.unwrap();
    let request_id = sent.headers()["x-line-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    world.clock.advance(Duration::from_secs(90));
    let multicast = world.send(
        "multicast",
        &json!({"to": users(3), "messages": text("晚安")}),
    );
    assert_eq!(status_and_body(multicast).await.0, 200);

    let receipts = world.get(&format!("/_ledger/recipients/{}", user(1))).await;
    assert_eq!(
        receipts[0],
        json!({
            "at": "2026-12-25T08:00:00Z",
            "endpoint": "push",
            "request_id": request_id,
            "retry_key": KEY,
            "messages_digest": receipts[0]["messages_digest"],
            "messages": r#"[{"text":"早安","type":"text"}]"#,
        })
    );
    assert_eq!(receipts[1]["at"], "2026-12-25T08:01:30Z");
    assert_eq!(
        receipts[1]["messages"],
        r#"[{"text":"晚安","type":"text"}]"#
    );
    assert_ne!(
        receipts[1]["messages_digest"],
        receipts[0]["messages_digest"]
    );
    assert_eq!(
        world.get(&format!("/_ledger/recipients/{}", user(9))).await,
        json!([])
    );

    let list = world
        .request(Method::GET, "/_ledger/recipients")
        .send()
        .await
        .unwrap();
    let list = list.text().await.unwrap();
    let list: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        list,
        [(0, 1), (1, 2), (2, 1)]
            .map(|(n, receipts)| json!({"recipient": user(n), "receipts": receipts}))
    );
}

#[tokio::test]
async fn the_summary_counts_requests_recipients_and_seconds() {
    let world = world(LineOptions::default()).await;
    let push = |n| world.send("push", &json!({"to": user(n), "messages": text("hi")}));
    assert_eq!(status_and_body(push(1)).await.0, 200);
    assert_eq!(
        status_and_body(push(2).header("x-line-retry-key", KEY))
            .await
            .0,
        200
    );
    assert_eq!(
        status_and_body(push(2).header("x-line-retry-key", KEY))
            .await
            .0,
        409
    );
    assert_eq!(status_and_body(world.send("push", &json!({}))).await.0, 400);
    world.clock.advance(Duration::from_secs(1));
    let multicast = world.send(
        "multicast",
        &json!({"to": users(5), "messages": text("hi")}),
    );
    assert_eq!(status_and_body(multicast).await.0, 200);
    assert_eq!(
        world.get("/_ledger").await,
        json!({
            "requests": {"push": {"200": 2, "400": 1, "409": 1}, "multicast": {"200": 1}},
            "accepted_requests": 3,
            "accepted_recipients": 7,
            "distinct_recipients": 5,
            "duplicates": 2,
            "not_delivered": 0,
            "distinct_messages": 1,
            "already_accepted": 1,
            "without_retry_key": 2,
            "changed_under_key": 0,
            "rate_limited": 0,
            "over_quota": 0,
            "faults": {},
            "seconds": [
                {"at": "2026-12-25T08:00:00Z", "requests": 2, "recipients": 2},
                {"at": "2026-12-25T08:00:01Z", "requests": 1, "recipients": 5},
            ],
        })
    );
    let forget = world.request(Method::DELETE, "/_ledger");
    assert_eq!(status_and_body(forget).await, (200, json!({})));
    assert_eq!(world.get("/_ledger").await["accepted_requests"], 0);
    // The retry keys are not part of the ledger.
    assert_eq!(
        status_and_body(push(2).header("x-line-retry-key", KEY))
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn the_ledger_counts_a_user_twice_in_a_multicast_and_a_changed_body_of_a_key() {
    let world = world(LineOptions::default()).await;
    let twice = json!({"to": [user(1), user(1)], "messages": text("hi")});
    let send = world
        .send("multicast", &twice)
        .header("x-line-retry-key", KEY);
    assert_eq!(status_and_body(send).await.0, 200);
    assert_eq!(world.line.ledger().duplicates, 1);
    let changed = json!({"to": [user(1)], "messages": text("hi")});
    let send = world
        .send("multicast", &changed)
        .header("x-line-retry-key", KEY);
    assert_eq!(status_and_body(send).await.0, 409);
    assert_eq!(world.line.ledger().changed_under_key, 1);
}

#[tokio::test]
async fn options_and_clock_can_be_changed_over_http() {
    let world = world(LineOptions::default()).await;
    let put = |body: Value| world.request(Method::PUT, "/_options").json(&body);
    let change = json!({"unknown": [user(7)], "faults": {"seed": 5, "rates": {"slow": 0.5}}});
    let (status, options) = status_and_body(put(change)).await;
    assert_eq!(
        (status, &options["faults"]["seed"], &options["rate_limits"]),
        (200, &json!(5), &json!(true))
    );
    assert_eq!(world.get("/_options").await, options);
    for bad in [
        json!({"unknown": 7}),
        json!({"nothing": true}),
        json!({"faults": {"rates": {"slow": 2}}}),
        json!({"faults": {"rates": {"oops": 0.1}}}),
        json!([]),
    ] {
        assert_eq!(status_and_body(put(bad.clone())).await.0, 400, "{bad}");
    }
    assert_eq!(world.get("/_options").await, options);
    let advance = world
        .request(Method::POST, "/_clock")
        .json(&json!({"advance_seconds": 86400}));
    assert_eq!(
        status_and_body(advance).await,
        (200, json!({"now": "2026-12-26T08:00:00Z"}))
    );
    let back = world
        .request(Method::POST, "/_clock")
        .json(&json!({"advance_seconds": -1}));
    assert_eq!(status_and_body(back).await.0, 400);
}

#[tokio::test]
async fn a_dropped_server_does_not_listen() {
    let world = world(LineOptions::default()).await;
    assert_eq!(world.get("/_ledger").await["accepted_requests"], 0);
    let address = world.line.url().trim_start_matches("http://").to_owned();
    drop(world);
    let closed = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed)
        .await
        .unwrap();
}
