//! Both lanes at one consumer: a record goes back to the queue that it came from, and the lanes
//! share LINE's limit.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_core::campaign::Lane;
use fanline_local::{LineFault, LineFaults, LineOptions};
use fanline_poller::{Gate, Poller, PollerOptions};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::support::{World, delivery, event, failures, in_seconds, receive, user};

/// A world with an urgent queue, whose URL is given too.
async fn with_urgent_queue(options: LineOptions) -> (World, String) {
    let world = World::with(options).await;
    let created = world.sqs.create_queue().queue_name("urgent").send().await;
    let urgent = created.unwrap().queue_url.unwrap();
    (world, urgent)
}

async fn publish(world: &World, queue: &str, people: std::ops::Range<usize>) {
    for first in people.clone().step_by(10) {
        let entries = (first..people.end.min(first + 10)).map(|n| {
            SendMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .message_body(delivery(&[user(n)]))
                .build()
                .unwrap()
        });
        let request = world.sqs.send_message_batch().queue_url(queue);
        let request = request.set_entries(Some(entries.collect()));
        request.send().await.unwrap();
    }
}

#[tokio::test]
async fn an_urgent_record_that_must_come_again_comes_again_on_the_urgent_queue() {
    let faults = LineFaults {
        rates: [(LineFault::ErrorBefore, 1.0)].into(),
        first_attempts: Some(1),
        ..LineFaults::default()
    };
    let (world, urgent) = with_urgent_queue(LineOptions {
        faults,
        ..LineOptions::default()
    })
    .await;
    let lanes = [
        ("DELIVERY_QUEUE_URL", world.deliveries.as_str()),
        ("URGENT_QUEUE_URL", &urgent),
        ("RETRY_BASE_SECONDS", "2"),
    ];
    let consumer = world.consumer_with(&lanes).await;
    publish(&world, &urgent, 0..1).await;
    let arn = "arn:aws:sqs:us-east-1:000000000000:urgent";
    let take = async || {
        let messages = receive(&world.sqs, &urgent).await;
        let batch = serde_json::from_value(event(&messages, arn)).unwrap();
        let handled = consumer.handle(batch, in_seconds(10)).await;
        (messages.len(), failures(&handled).len())
    };
    assert_eq!(take().await, (1, 1));
    // The queue itself would hide it for half a minute.
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(take().await, (1, 0));
    assert_eq!(world.line.ledger().accepted_recipients, 1);
}

/// The share of an environment in the next test, in pushes a second, and how many there are.
const SHARE: f64 = 40.0;
const BULK: usize = 4;
const URGENT: usize = 2;

/// How long the bulk lane's share takes for so many pushes. Where a machine is busy, both lanes are
/// slower than that, so this tells more than a clock.
fn bulk_seconds(pushes: usize) -> f64 {
    f64::from(u32::try_from(pushes).unwrap()) / (SHARE * 4.0)
}

/// An environment that a mapping of one lane calls.
async fn poll(world: &World, lane: Lane, urgent: &str) -> Poller {
    let limit = SHARE * 6.0;
    let consumer = world
        .consumer_with(&[
            ("DELIVERY_QUEUE_URL", &world.deliveries),
            ("URGENT_QUEUE_URL", urgent),
            ("LINE_PUSH_LIMIT", &limit.to_string()),
            ("ENVIRONMENTS", &BULK.to_string()),
            ("URGENT_ENVIRONMENTS", &URGENT.to_string()),
        ])
        .await;
    let taker = consumer.clone();
    let queue = match lane {
        Lane::Bulk => &world.deliveries,
        Lane::Urgent => urgent,
    };
    let options = PollerOptions {
        concurrency: 1,
        gate: Gate::from_fn(move || taker.takes_more(lane)),
        ..PollerOptions::new(queue)
    };
    let poller = Poller::start(world.sqs.clone(), options, move |event| {
        let consumer = consumer.clone();
        async move {
            let event = serde_json::from_value(event).unwrap();
            let handled = consumer.handle(event, in_seconds(20)).await;
            Ok(serde_json::to_value(handled.response).unwrap())
        }
    });
    poller.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_urgent_run_starts_beside_a_backlog_and_the_sum_keeps_the_limit() {
    let (world, urgent) = with_urgent_queue(LineOptions::default()).await;
    publish(&world, &world.deliveries, 0..2_000).await;
    let mut pollers = Vec::new();
    for lane in [[Lane::Bulk; BULK].as_slice(), &[Lane::Urgent; URGENT]].concat() {
        pollers.push(poll(&world, lane, &urgent).await);
    }
    let until_accepted = async |people: u64| {
        let began = Instant::now();
        while world.line.ledger().accepted_recipients < people {
            assert!(began.elapsed() < Duration::from_mins(1));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until_accepted(100).await;
    let fired = Timestamp::now();
    publish(&world, &urgent, 2_000..2_100).await;
    let arrivals = |people: std::ops::Range<usize>| {
        let receipts = people.flat_map(|n| world.line.receipts(&user(n)));
        let mut times: Vec<_> = receipts.map(|receipt| receipt.at).collect();
        times.sort();
        times
    };
    let began = Instant::now();
    while arrivals(2_000..2_100).len() < 100 {
        assert!(began.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(world.left().await > 0, "the backlog is still there");
    for poller in pollers {
        poller.stop().await;
    }
    let urgent = arrivals(2_000..2_100);
    let bulk = arrivals(0..2_000);
    let until = |end: Timestamp| {
        let meanwhile = bulk.iter().filter(|at| (fired..end).contains(at));
        bulk_seconds(meanwhile.count())
    };
    let (first, took) = (until(urgent[0]), until(urgent[99]));
    assert!(first < 2.0, "{first}");
    let share = 100.0 / (SHARE * 2.0);
    assert!(
        took < share * 2.0 + 1.0,
        "{took}: its share would take {share}"
    );
    let all = arrivals(0..2_100);
    let fullest = (0..all.len()).map(|first| {
        let end = all[first] + SignedDuration::from_secs(1);
        all[first..].iter().take_while(|at| **at < end).count()
    });
    let fullest = u32::try_from(fullest.max().unwrap()).unwrap();
    assert!(f64::from(fullest) <= SHARE * 6.0, "{fullest} in a second");
}
