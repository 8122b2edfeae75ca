//! Several environments on one queue with a backlog. One of them has a bad time: the others must
//! not lose by it, and nothing is hidden for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use fanline_core::campaign::Lane;
use fanline_poller::{Gate, Poller, PollerOptions};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::scripted::{Scripted, accepted, said};
use crate::support::{World, delivery, user};

/// The environments of a crowd, polled as `fanline worker` polls them.
struct Crowd {
    world: World,
    line: Scripted,
    pollers: Vec<Poller>,
}

impl Crowd {
    /// A queue with so many pushes, and one environment for each token.
    async fn start(line: Scripted, pushes: usize, tokens: &[&str]) -> Self {
        let world = World::start().await;
        for first in (0..pushes).step_by(10) {
            let batch = (first..first + 10).map(|n| {
                SendMessageBatchRequestEntry::builder()
                    .id(n.to_string())
                    .message_body(delivery(&[user(n)]))
                    .build()
                    .unwrap()
            });
            let request = world.sqs.send_message_batch().queue_url(&world.deliveries);
            let request = request.set_entries(Some(batch.collect()));
            request.send().await.unwrap();
        }
        let mut crowd = Self {
            world,
            line,
            pollers: Vec::new(),
        };
        for token in tokens {
            crowd.add(token).await;
        }
        crowd
    }

    async fn add(&mut self, token: &str) {
        let consumer = self
            .world
            .consumer_with(&[
                ("LINE_API_BASE", &self.line.url),
                ("LINE_CHANNEL_ACCESS_TOKEN", token),
                ("PUSH_PER_SECOND", "100"),
                ("REQUEST_TIMEOUT_SECONDS", "1"),
            ])
            .await;
        let taker = consumer.clone();
        let options = PollerOptions {
            concurrency: 4,
            gate: Gate::from_fn(move || taker.takes_more(Lane::Bulk)),
            ..PollerOptions::new(&self.world.deliveries)
        };
        let poller = Poller::start(self.world.sqs.clone(), options, move |event| {
            let consumer = consumer.clone();
            async move {
                let event = serde_json::from_value(event).unwrap();
                let deadline = Timestamp::now() + SignedDuration::from_secs(30);
                let handled = consumer.handle(event, deadline).await;
                Ok(serde_json::to_value(handled.response).unwrap())
            }
        });
        self.pollers.push(poller.await.unwrap());
    }

    /// How many deliveries are received or hidden.
    async fn in_flight(&self) -> u64 {
        let name = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let request = self.world.sqs.get_queue_attributes();
        let request = request.queue_url(&self.world.deliveries);
        let answer = request.attribute_names(name.clone()).send().await.unwrap();
        answer.attributes.unwrap()[&name].parse().unwrap()
    }
}

/// Waits until so many requests were accepted, for a minute at most.
async fn until_accepted(count: &AtomicU64, requests: u64) {
    let began = Instant::now();
    while count.load(Ordering::Relaxed) < requests {
        assert!(began.elapsed() < Duration::from_mins(1), "{count:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_one_stray_401_nothing_is_hidden_and_everybody_is_sent_to_soon() {
    let is_refused = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let (refusing, counting) = (Arc::clone(&is_refused), Arc::clone(&sent));
    let line = Scripted::start(move |asked| {
        let is_stray = asked.header("authorization").ends_with("stray");
        if is_stray && refusing.swap(false, Ordering::Relaxed) {
            return said(401, "{}");
        }
        counting.fetch_add(1, Ordering::Relaxed);
        accepted()
    })
    .await;
    let crowd = Crowd::start(line, 1_000, &["healthy", "stray"]).await;
    until_accepted(&sent, 200).await;
    is_refused.store(true, Ordering::Relaxed);
    until_accepted(&sent, 500).await;
    assert!(!is_refused.load(Ordering::Relaxed), "there was a 401");
    // Four batches of ten in each environment.
    let in_flight = crowd.in_flight().await;
    assert!(in_flight <= 80, "{in_flight} hidden or in hand");
    until_accepted(&sent, 1_000).await;
    assert_eq!(crowd.line.asked().len(), 1_001, "one again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_line_is_down_hardly_anything_is_hidden_and_all_go_on_soon_after() {
    let is_down = Arc::new(AtomicBool::new(true));
    let sent = Arc::new(AtomicU64::new(0));
    let (down, counting) = (Arc::clone(&is_down), Arc::clone(&sent));
    let line = Scripted::start(move |_| {
        if down.load(Ordering::Relaxed) {
            return said(503, "");
        }
        counting.fetch_add(1, Ordering::Relaxed);
        accepted()
    })
    .await;
    let mut crowd = Crowd::start(line, 1_500, &["one", "two"]).await;
    // Nothing tells that nothing more happens.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asked = crowd.line.asked().len();
    assert!(asked < 200, "{asked} requests to a LINE that is down");
    let in_flight = crowd.in_flight().await;
    assert!(in_flight < 250, "{in_flight} hidden or in hand");
    is_down.store(false, Ordering::Relaxed);
    until_accepted(&sent, 500).await;
    for poller in crowd.pollers.drain(..) {
        poller.stop().await;
    }
}
