//! The account: its name, its friends, its quota, its counts and its aggregation units.

use std::time::Duration;

use fanline_local::LineOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::line::support::{World, message, status_and_body, text, user, users, world};

const A_DAY: Duration = Duration::from_hours(24);

async fn get(world: &World, path: &str) -> (u16, Value) {
    status_and_body(world.request(Method::GET, path).bearer_auth("a-token")).await
}

async fn multicast(world: &World, unit: &str, people: u32) -> u16 {
    let body = json!({
        "to": users(people), "messages": text("hi"), "customAggregationUnits": [unit],
    });
    status_and_body(world.send("multicast", &body)).await.0
}

#[tokio::test]
async fn a_token_tells_which_account_it_is_of() {
    let world = world(LineOptions {
        display_name: "早安商店".into(),
        ..LineOptions::default()
    })
    .await;
    let info = world.get("/v2/bot/info").await;
    assert_eq!(info["displayName"], "早安商店");
    assert!(info["basicId"].as_str().unwrap().starts_with('@'));
    // The fields that LINE's OpenAPI description requires.
    for field in [
        "userId",
        "basicId",
        "displayName",
        "chatMode",
        "markAsReadMode",
    ] {
        assert!(info[field].is_string(), "{field}");
    }
    let without_token = world.request(Method::GET, "/v2/bot/info");
    assert_eq!(status_and_body(without_token).await.0, 401);
}

#[tokio::test]
async fn friends_come_in_pages_and_only_to_verified_accounts() {
    let world = world(LineOptions {
        friends: users(1500).into_iter().collect(),
        ..LineOptions::default()
    })
    .await;
    let first = world.get("/v2/bot/followers/ids").await;
    assert_eq!(first["userIds"].as_array().unwrap().len(), 300);
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let page = world
            .get(&format!("/v2/bot/followers/ids?limit=1000{next}"))
            .await;
        found.extend(page["userIds"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(start) => next = format!("&start={start}"),
            None => break,
        }
    }
    assert_eq!(found, users(1500));
    for (query, words) in [
        ("limit=1001", "Invalid limit param"),
        ("limit=none", "Invalid limit param"),
        ("start=nobody", "Invalid start param"),
    ] {
        let answer = get(&world, &format!("/v2/bot/followers/ids?{query}")).await;
        assert_eq!(answer, (400, message(words)), "{query}");
    }
    world.line.change(|options| options.verified = false);
    assert_eq!(get(&world, "/v2/bot/followers/ids").await.0, 403);
}

#[tokio::test]
async fn what_another_delivery_has_reserved_can_not_be_used() {
    let world = world(LineOptions {
        monthly_quota: Some(100),
        reserved_quota: 60,
        ..LineOptions::default()
    })
    .await;
    assert_eq!(multicast(&world, "a", 41).await, 429);
    assert_eq!(multicast(&world, "a", 40).await, 200);
    let consumption = world.get("/v2/bot/message/quota/consumption").await;
    assert_eq!(consumption, json!({"totalUsage": 40}));
    world.line.change(|options| options.reserved_quota = 0);
    assert_eq!(multicast(&world, "b", 60).await, 200);
}

#[tokio::test]
async fn the_counts_of_a_day_are_ready_on_the_next_one() {
    let world = world(LineOptions::default()).await;
    multicast(&world, "a", 30).await;
    let push = json!({"to": user(1), "messages": text("hi")});
    status_and_body(world.send("push", &push)).await;
    let of_day = "/v2/bot/insight/message/delivery?date=20261225";
    assert_eq!(world.get(of_day).await, json!({"status": "unready"}));
    world.clock.advance(A_DAY);
    let counts = json!({"status": "ready", "apiPush": 1, "apiMulticast": 30});
    assert_eq!(world.get(of_day).await, counts);
    let pushes = world
        .get("/v2/bot/message/delivery/push?date=20261225")
        .await;
    assert_eq!(pushes, json!({"status": "ready", "success": 1}));
    let invalid = message("The value for the 'date' parameter is invalid");
    for path in ["delivery/push", "delivery/multicast?date=yesterday"] {
        let answer = get(&world, &format!("/v2/bot/message/{path}")).await;
        assert_eq!(answer, (400, invalid.clone()), "{path}");
    }
}

#[tokio::test]
async fn an_aggregation_unit_tells_how_many_opened_its_messages() {
    let world = world(LineOptions::default()).await;
    multicast(&world, "xmas", 100).await;
    multicast(&world, "few", 30).await;
    let used = world.get("/v2/bot/message/aggregation/info").await;
    assert_eq!(used, json!({"numOfCustomAggregationUnits": 2}));
    let names = world.get("/v2/bot/message/aggregation/list?limit=1").await;
    assert_eq!(
        names,
        json!({"customAggregationUnits": ["few"], "next": "xmas"})
    );
    let path = "/v2/bot/insight/message/event/aggregation?from=20261225&to=20270124";
    for (unit, opened) in [
        ("xmas", json!(50)),
        ("few", Value::Null),
        ("none", Value::Null),
    ] {
        let found = world
            .get(&format!("{path}&customAggregationUnit={unit}"))
            .await;
        assert_eq!(found["overview"]["uniqueImpression"], opened, "{unit}");
    }
    let too_long = path.replace("20270124", "20270125");
    assert_eq!(
        get(&world, &format!("{too_long}&customAggregationUnit=xmas"))
            .await
            .0,
        400
    );
    world.clock.advance(A_DAY * 31);
    let used = world.get("/v2/bot/message/aggregation/info").await;
    assert_eq!(used, json!({"numOfCustomAggregationUnits": 0}));
}

#[tokio::test]
async fn the_1001st_unit_of_a_month_is_not_counted_and_its_message_is_sent() {
    let world = world(LineOptions {
        rate_limits: false,
        ..LineOptions::default()
    })
    .await;
    for unit in 0..1001 {
        assert_eq!(multicast(&world, &format!("unit_{unit}"), 1).await, 200);
    }
    let used = world.get("/v2/bot/message/aggregation/info").await;
    assert_eq!(used, json!({"numOfCustomAggregationUnits": 1000}));
}

#[tokio::test]
async fn statistics_are_asked_for_at_most_60_times_an_hour() {
    let world = world(LineOptions::default()).await;
    let path = "/v2/bot/insight/followers";
    for _ in 0..60 {
        assert_eq!(get(&world, path).await.0, 200);
    }
    assert_eq!(get(&world, path).await.0, 429);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(get(&world, path).await.0, 200);
}
