//! The promise as a whole: faults of every kind, batches delivered twice at the same time, and a
//! hundred environments killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use fanline_local::{LineFault, LineFaults, LineOptions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::log::assert_nobody_is_in;
use crate::runtime_api::Environment;
use crate::support::{World, delivery, event, receive, user, users};

const SEED: u64 = 20_261_225;
const ENVIRONMENTS: u64 = 3;
const KILLS: u32 = 100;
const PUSHES: usize = 300;

/// A batch as it was received.
type Batch = Vec<Message>;

struct Run {
    world: World,
    /// Batches that are delivered a second time, at the same time as the first.
    copies: Mutex<Vec<Batch>>,
    kills: AtomicU32,
}

impl Run {
    async fn is_over(&self) -> bool {
        let request = self
            .world
            .sqs
            .get_queue_attributes()
            .queue_url(&self.world.deliveries)
            .attribute_names(QueueAttributeName::All);
        let attributes = request.send().await.unwrap().attributes.unwrap();
        [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ]
        .iter()
        .all(|name| attributes[name] == "0")
            && self.copies.lock().await.is_empty()
    }

    /// Feeds one environment until the queue is empty, and kills it again and again.
    async fn poll(&self, mut environment: Environment, seed: u64) -> Environment {
        let mut rng = StdRng::seed_from_u64(seed);
        loop {
            let copy = self.copies.lock().await.pop();
            let batch = match copy {
                Some(copy) => copy,
                None => receive(&self.world.sqs, &self.world.deliveries).await,
            };
            if batch.is_empty() {
                if self.is_over().await {
                    if self.kills.load(Ordering::Relaxed) >= KILLS {
                        return environment;
                    }
                    // A fan-out that runs again: everybody has the message already.
                    for n in 0..100 {
                        self.world.publish(&delivery(&[user(n)])).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            if rng.random_bool(0.15) {
                self.copies.lock().await.push(batch.clone());
            }
            let event = event(&batch, &self.world.arn());
            let kill = self.kills.load(Ordering::Relaxed) < KILLS && rng.random_bool(0.85);
            let answer = if kill {
                let after = Duration::from_millis(rng.random_range(0..200));
                let answer = environment.invoke_and_kill(&event, after).await;
                // Only an environment that died before it answered counts.
                let in_the_middle = u32::from(answer.is_none());
                self.kills.fetch_add(in_the_middle, Ordering::Relaxed);
                answer
            } else {
                Some(environment.invoke(&event).await)
            };
            if let Some(Ok(answer)) = answer {
                self.delete(&batch, &answer).await;
            }
        }
    }

    /// Deletes everything but the failures, as Lambda does after an answer.
    async fn delete(&self, batch: &Batch, answer: &Value) {
        let failed: BTreeSet<&str> = answer["batchItemFailures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap())
            .collect();
        for message in batch {
            if !failed.contains(message.message_id().unwrap()) {
                let request = self.world.sqs.delete_message();
                request
                    .queue_url(&self.world.deliveries)
                    .receipt_handle(message.receipt_handle().unwrap())
                    .send()
                    .await
                    .unwrap();
            }
        }
    }
}

/// Sizes of the multicasts. The fourth and the seventh have a malformed ID in them.
const SIZES: [usize; 12] = [2, 3, 10, 50, 100, 120, 200, 40, 33, 7, 90, 60];

/// Who must get it, and who must be set aside.
#[derive(Default)]
struct Audience {
    good: BTreeSet<String>,
    bad: BTreeSet<String>,
}

/// Puts pushes, multicasts and poison on the queue.
async fn publish(world: &World, strangers: &BTreeSet<String>) -> Audience {
    let mut audience = Audience {
        bad: strangers.clone(),
        ..Audience::default()
    };
    for recipient in users(0..PUSHES) {
        world
            .publish(&delivery(std::slice::from_ref(&recipient)))
            .await;
        audience.good.insert(recipient);
    }
    let mut first = PUSHES;
    for (i, size) in SIZES.into_iter().enumerate() {
        let mut to = users(first..first + size);
        first += size;
        if matches!(i, 3 | 6) {
            to[size / 2].push_str("-malformed");
            audience.bad.insert(to[size / 2].clone());
        }
        world.publish(&delivery(&to)).await;
        audience.good.extend(to);
    }
    for _ in 0..5 {
        world.publish("poison").await;
    }
    let bad = audience.bad.clone();
    audience.good.retain(|recipient| !bad.contains(recipient));
    audience
}

/// A fifth to a third of all requests meet a fault.
fn faults() -> LineFaults {
    LineFaults {
        seed: SEED,
        rates: BTreeMap::from([
            (LineFault::ErrorBefore, 0.05),
            (LineFault::ErrorAfter, 0.05),
            (LineFault::SilenceAfter, 0.02),
            (LineFault::ResetBefore, 0.03),
            (LineFault::ResetAfter, 0.03),
            (LineFault::RateLimit, 0.03),
            (LineFault::Garbled, 0.02),
            (LineFault::Slow, 0.03),
        ]),
        slow_millis: 200,
        silence_millis: 1_000,
        first_attempts: None,
    }
}

/// Three environments, each with a small part of LINE's limits, until the queue is empty.
///
/// Where the test's process stands still for a fifth of a second, what they send meanwhile arrives
/// at once. At these shares that is less than LINE's bucket holds in this test.
async fn drain(run: &Arc<Run>) -> Vec<Environment> {
    let mut pollers = Vec::new();
    for n in 0..ENVIRONMENTS {
        let environment = Environment::start(
            &run.world,
            &format!("faults-{n}.log"),
            &[
                ("PUSH_PER_SECOND", "150"),
                ("MULTICAST_PER_SECOND", "15"),
                ("REQUEST_TIMEOUT_SECONDS", "0.5"),
                ("RETRY_BASE_SECONDS", "0"),
                // This queue gives up on nothing.
                ("MAX_RECEIVE_COUNT", "1000"),
            ],
        )
        .await;
        let run = Arc::clone(run);
        let poll = async move { run.poll(environment, SEED + n).await };
        pollers.push(tokio::spawn(poll));
    }
    let all = async {
        let mut environments = Vec::new();
        for poller in pollers {
            environments.push(poller.await.unwrap());
        }
        environments
    };
    let all = tokio::time::timeout(Duration::from_mins(4), all).await;
    all.expect("the queue is empty within four minutes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_killed_environments_and_every_fault_lose_and_double_nobody() {
    let strangers = BTreeSet::from([7, 150, 512, 513, 650].map(user));
    let options = LineOptions {
        unknown: strangers.clone(),
        // The bucket holds a twentieth of a second, so LINE would refuse any burst.
        burst_seconds: 0.05,
        faults: faults(),
        ..LineOptions::default()
    };
    let visibility = [(QueueAttributeName::VisibilityTimeout, "2")];
    let world = World::with_queue(options, "deliveries", &visibility).await;
    let audience = publish(&world, &strangers).await;
    let run = Arc::new(Run {
        world,
        copies: Mutex::default(),
        kills: AtomicU32::new(0),
    });
    let environments = drain(&run).await;

    let kills = run.kills.load(Ordering::Relaxed);
    assert!(kills >= KILLS, "{kills} killed in the middle");
    let ledger = run.world.line.ledger();
    assert_eq!(ledger.duplicates, 0, "{ledger:?}");
    assert_eq!(
        ledger.accepted_recipients,
        audience.good.len() as u64,
        "{ledger:?}"
    );
    assert_eq!(ledger.without_retry_key, 0);
    assert_eq!(ledger.changed_under_key, 0);
    assert_eq!(ledger.rate_limited, 0, "beyond the faults");
    for recipient in &audience.good {
        assert_eq!(run.world.line.receipts(recipient).len(), 1);
    }
    assert_eq!(
        ledger.faults.len(),
        faults().rates.len(),
        "each has happened"
    );

    let letters = run.world.dead_letters().await;
    let (poison, refused): (Vec<_>, Vec<_>) = letters
        .iter()
        .partition(|letter| letter.attribute("reason") == "undecodable");
    assert!(poison.len() >= 5);
    for letter in &refused {
        assert_eq!(letter.attribute("reason"), "refused");
        assert_eq!(letter.attribute("status"), "400");
    }
    let set_aside = refused.iter().flat_map(|letter| letter.recipients());
    assert_eq!(set_aside.collect::<BTreeSet<_>>(), audience.bad);
    for environment in &environments {
        assert_nobody_is_in(&environment.output());
    }
}
