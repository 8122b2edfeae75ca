//! The binary as Lambda runs it.

use std::time::Duration;

use fanline_ledger::{Edit, Entry, Lane, RunState, edit_control};
use fanline_local::{Host, HostOptions};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::run::{RUN, accepted, messages, write_counts, write_lines, write_record};
use crate::support::World;

/// The binary with this world's addresses, and what it prints.
fn host(world: &World) -> (Host, mpsc::UnboundedReceiver<String>) {
    let mut options = HostOptions::new(env!("CARGO_BIN_EXE_bookkeeper"));
    options.function_name = "bookkeeper".into();
    options.timeout = Duration::from_mins(1);
    let (logs, lines) = mpsc::unbounded_channel();
    options.logs = Some(logs);
    let variables = [
        ("LEDGER_URI", "s3://bucket/stack/ledger/".to_owned()),
        ("OUTCOME_QUEUE_URL", world.queue("outcomes")),
        ("SLICE_QUEUE_URL", world.queue("slices")),
        ("DELIVERY_QUEUE_URL", world.queue("deliveries")),
        ("AWS_ENDPOINT_URL_S3", world.s3.url().to_owned()),
        ("AWS_ENDPOINT_URL_SQS", world.queues.url().to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    options.variables = variables
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    (Host::new(options), lines)
}

async fn next_metrics(lines: &mut mpsc::UnboundedReceiver<String>) -> Value {
    loop {
        let line: Value = serde_json::from_str(&lines.recv().await.unwrap()).unwrap();
        if line.get("_aws").is_some() {
            return line;
        }
    }
}

#[tokio::test]
async fn the_binary_merges_a_batch_and_closes_the_run_at_the_tick() {
    let world = World::start().await;
    let store = world.store();
    write_record(&store, &json!({})).await;
    write_lines(&store, &[("1", 10)]).await;
    write_counts(&store, &[("1", 10)]).await;
    // The binary has the machine's clock, and forgets runs that are long over.
    let now = Timestamp::now();
    let entered = edit_control(&store, |control| {
        Edit::new(control, "producer", None, now)?.enter(&Entry {
            run: RUN,
            started_at: now,
            lane: Lane::Bulk,
            has_canary: false,
        })
    });
    entered.await.unwrap();
    let (host, mut lines) = host(&world);
    let outcomes: Vec<_> = (0..10).map(|n| accepted(&format!("1:{n}"))).collect();
    let record = |id: &str, body: String| json!({"messageId": id, "body": body});
    let good = messages(RUN, &outcomes, 10).remove(0);
    let event = json!({"Records": [record("good", good), record("bad", "nonsense".into())]});
    let response = host.invoke(&event).await.unwrap();
    assert_eq!(
        response["batchItemFailures"],
        json!([{"itemIdentifier": "bad"}])
    );
    let metrics = next_metrics(&mut lines).await;
    assert_eq!(
        (&metrics["outcomes"], &metrics["undecodable"]),
        (&json!(10), &json!(1))
    );
    assert_eq!(metrics["function"], "bookkeeper");

    host.invoke(&json!({"tick": true})).await.unwrap();
    let metrics = next_metrics(&mut lines).await;
    assert_eq!(
        (&metrics["open_runs"], &metrics["imbalance"]),
        (&json!(1), &json!(0))
    );
    let control = world.control().await;
    assert_eq!(control.run(RUN).unwrap().state, RunState::Done);
    assert!(host.invoke(&json!({"unknown": 1})).await.is_err());
}
