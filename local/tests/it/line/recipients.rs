//! Recipients who blocked the account, or whom the channel does not know.

use fanline_local::{LineOptions, UnknownInMulticast};
use serde_json::json;

use crate::line::support::{message, status_and_body, text, user, users, world};

#[tokio::test]
async fn a_request_for_blocked_users_is_accepted_and_they_get_nothing_and_cost_nothing() {
    let world = world(LineOptions {
        blocked: [user(1)].into(),
        monthly_quota: Some(10),
        ..LineOptions::default()
    })
    .await;
    let push = world.send("push", &json!({"to": user(1), "messages": text("hi")}));
    assert_eq!(status_and_body(push).await.0, 200);
    let multicast = world.send(
        "multicast",
        &json!({"to": users(3), "messages": text("hi")}),
    );
    assert_eq!(status_and_body(multicast).await.0, 200);
    assert_eq!(world.line.receipts(&user(1)), []);
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.not_delivered), (2, 2));
    assert_eq!(
        world.get("/v2/bot/message/quota/consumption").await,
        json!({"totalUsage": 2})
    );
}

#[tokio::test]
async fn the_options_decide_the_answer_to_a_multicast_with_an_unknown_user() {
    let world = world(LineOptions {
        unknown: [user(1)].into(),
        ..LineOptions::default()
    })
    .await;
    let send = || {
        world.send(
            "multicast",
            &json!({"to": users(3), "messages": text("hi")}),
        )
    };
    assert_eq!(
        status_and_body(send()).await,
        (400, message("Failed to send messages"))
    );
    assert_eq!(world.line.ledger().accepted_recipients, 0);
    world
        .line
        .change(|options| options.unknown_in_multicast = UnknownInMulticast::Skip);
    assert_eq!(status_and_body(send()).await, (200, json!({})));
    let ledger = world.line.ledger();
    assert_eq!((ledger.accepted_recipients, ledger.not_delivered), (2, 1));
}
