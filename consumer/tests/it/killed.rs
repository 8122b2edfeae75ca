//! The consumer's own binary in processes that are killed in the middle, fed by the poller.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fanline_ledger::{CellReason, OutcomeMessage, Standing};
use fanline_local::LineOptions;
use fanline_local::{Host, HostOptions, Kills};
use fanline_poller::{Poller, PollerOptions};
use serde_json::json;

use crate::support::{World, delivery_with, receive, users};

#[tokio::test]
async fn whoever_was_in_a_killed_process_is_reached_once_all_the_same() {
    let world = World::with(LineOptions {
        rate_limits: false,
        ..LineOptions::default()
    })
    .await;
    let outcomes = world.sqs.create_queue().queue_name("outcomes");
    let outcomes = outcomes.send().await.unwrap().queue_url.unwrap();
    let everyone = users(0..200);
    for (number, one) in everyone.iter().enumerate() {
        let body = delivery_with(std::slice::from_ref(one), |body| {
            body["at"] = json!(format!("1:{number}"));
        });
        world.publish(&body).await;
    }
    let host = Host::new(options(&world, &outcomes));
    let invoked = host.clone();
    let function = move |event| {
        let host = invoked.clone();
        async move { host.invoke(&event).await.map_err(|error| error.to_string()) }
    };
    let options = PollerOptions {
        concurrency: 3,
        ..PollerOptions::new(&world.deliveries)
    };
    let mapping = Poller::start(world.sqs.clone(), options, function)
        .await
        .unwrap();
    let drained = tokio::time::timeout(Duration::from_mins(1), async {
        while world.left().await > 0 {
            world.clock.advance(Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(drained.await.is_ok(), "{} are left", world.left().await);
    mapping.stop().await;
    assert!(host.counts().killed.load(Ordering::Relaxed) > 0);
    let ledger = world.line.ledger();
    assert_eq!(ledger.distinct_recipients, everyone.len() as u64);
    assert_eq!(ledger.accepted_recipients, everyone.len() as u64);
    assert!(
        ledger.already_accepted > 0,
        "no kill came after LINE's answer"
    );
    assert_eq!(
        accepted_in(&world, &outcomes).await.len(),
        everyone.len(),
        "somebody whom LINE accepted is not in the ledger"
    );
}

/// Processes of the consumer, of which three in ten are killed early.
fn options(world: &World, outcomes: &str) -> HostOptions {
    let mut options = HostOptions::new(env!("CARGO_BIN_EXE_consumer"));
    options.environments = 3;
    options.timeout = Duration::from_secs(30);
    options.kills = Kills {
        seed: 7,
        rate: 0.3,
        within: Duration::from_millis(30),
    };
    let variables = world.variables().into_iter();
    options.variables = variables
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", world.server.url()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("PUSH_PER_SECOND", "2000"),
        ("OUTCOME_QUEUE_URL", outcomes),
    ] {
        options.variables.insert(name.to_owned(), value.to_owned());
    }
    options
}

/// The places of all deliveries that the outcome queue says were accepted.
async fn accepted_in(world: &World, outcomes: &str) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    loop {
        let messages = receive(&world.sqs, outcomes).await;
        if messages.is_empty() {
            return places;
        }
        for message in messages {
            let message = OutcomeMessage::decode(message.body.as_deref().unwrap()).unwrap();
            for outcome in message.outcomes {
                assert_eq!(outcome.reason, CellReason::Accepted);
                let Standing::At(at) = outcome.standing else {
                    panic!("without a place")
                };
                places.insert(at.to_string());
            }
        }
    }
}
