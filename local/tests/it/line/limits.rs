//! Requests a second, and people a month.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::line::support::{KEY, World, status_and_body, text, user, users, world};

async fn accepted_of(world: &World, requests: usize, token: &str) -> usize {
    let body = json!({"to": users(2), "messages": text("hi")});
    let mut accepted = 0;
    for _ in 0..requests {
        let request = world
            .request(Method::POST, "/v2/bot/message/multicast")
            .bearer_auth(token)
            .json(&body);
        match status_and_body(request).await {
            (200, _) => accepted += 1,
            (429, body) => assert_eq!(
                body,
                json!({"message": "The API rate limit has been exceeded. Try again later."})
            ),
            other => panic!("{other:?}"),
        }
    }
    accepted
}

#[tokio::test]
async fn each_channel_has_its_own_200_multicasts_a_second() {
    let world = world(LineOptions::default()).await;
    assert_eq!(accepted_of(&world, 210, "one").await, 200);
    assert_eq!(accepted_of(&world, 5, "two").await, 5);
    world.clock.advance(Duration::from_millis(250));
    assert_eq!(accepted_of(&world, 60, "one").await, 50);
    assert_eq!(world.line.ledger().rate_limited, 20);
    world.line.change(|options| options.rate_limits = false);
    assert_eq!(accepted_of(&world, 60, "one").await, 60);
}

#[tokio::test]
async fn the_options_set_the_size_of_a_full_bucket() {
    let world = world(LineOptions {
        burst_seconds: 0.1,
        ..LineOptions::default()
    })
    .await;
    assert_eq!(accepted_of(&world, 30, "one").await, 20);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(accepted_of(&world, 30, "one").await, 20);
}

#[tokio::test]
async fn two_tokens_of_one_channel_share_its_limit_and_its_keys() {
    let tokens = ["one", "two"].map(|token| (token.to_owned(), "channel".to_owned()));
    let world = world(LineOptions {
        tokens: tokens.into(),
        ..LineOptions::default()
    })
    .await;
    let push = |token| {
        let body = json!({"to": user(1), "messages": text("hi")});
        let request = world.request(Method::POST, "/v2/bot/message/push");
        request
            .bearer_auth(token)
            .header("x-line-retry-key", KEY)
            .json(&body)
    };
    assert_eq!(status_and_body(push("one")).await.0, 200);
    assert_eq!(status_and_body(push("two")).await.0, 409);
    assert_eq!(accepted_of(&world, 150, "one").await, 150);
    assert_eq!(accepted_of(&world, 60, "two").await, 50);
}

#[tokio::test]
async fn a_request_with_more_people_than_the_month_has_left_is_refused_as_a_whole() {
    let world = world(LineOptions {
        monthly_quota: Some(10),
        group_members: 4,
        ..LineOptions::default()
    })
    .await;
    let usage = async |used: u64| {
        let consumption = world.get("/v2/bot/message/quota/consumption").await;
        assert_eq!(consumption, json!({ "totalUsage": used }));
    };
    let over = (
        429,
        json!({"message": "You have reached your monthly limit."}),
    );
    let push = |to: &str| world.send("push", &json!({"to": to, "messages": text("hi")}));
    let multicast = |n| {
        world.send(
            "multicast",
            &json!({"to": users(n), "messages": text("hi")}),
        )
    };
    assert_eq!(
        world.get("/v2/bot/message/quota").await,
        json!({"type": "limited", "value": 10})
    );
    assert_eq!(status_and_body(multicast(5)).await.0, 200);
    assert_eq!(
        status_and_body(push(&user(1).replace('U', "C"))).await.0,
        200
    );
    usage(9).await;
    assert_eq!(status_and_body(multicast(2)).await, over);
    usage(9).await;
    assert_eq!(status_and_body(push(&user(1))).await.0, 200);
    assert_eq!(status_and_body(push(&user(2))).await, over);
    assert_eq!(world.line.ledger().over_quota, 2);
    // The clock shows 25 December. Seven days later it is January.
    world.clock.advance(Duration::from_hours(7 * 24));
    usage(0).await;
    assert_eq!(status_and_body(push(&user(2))).await.0, 200);
}

#[tokio::test]
async fn a_key_that_was_refused_for_the_quota_is_accepted_after_the_quota_grows() {
    let world = world(LineOptions {
        monthly_quota: Some(0),
        ..LineOptions::default()
    })
    .await;
    let body: Value = json!({"to": user(1), "messages": text("hi")});
    let push = || world.send("push", &body).header("x-line-retry-key", KEY);
    assert_eq!(status_and_body(push()).await.0, 429);
    world.line.change(|options| options.monthly_quota = Some(1));
    assert_eq!(status_and_body(push()).await.0, 200);
    assert_eq!(status_and_body(push()).await.0, 409);
}
