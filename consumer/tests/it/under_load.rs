//! What an operator's commands do to runs under way: several environments, each polled as Lambda
//! does it, and the times at which requests arrive at the simulated LINE.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline_ledger::{CellReason, Lane, Pace, PauseMode};
use fanline_local::LineOptions;
use fanline_poller::{Gate, Poller, PollerOptions};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::controlled::{Controlled, ENVIRONMENTS, OTHER, RUN, of};
use crate::support::{in_seconds, users};

/// Requests a second of all environments together, and how many environments there are.
struct Size {
    push: u32,
    multicast: u32,
    environments: u32,
}

/// Small enough for a test in a debug build beside others.
const SMALL: Size = Size {
    push: 200,
    multicast: 20,
    environments: 4,
};

/// LINE's limits, and the environments of the template.
const FULL: Size = Size {
    push: 1_900,
    multicast: 190,
    environments: 10,
};

/// On a busy machine a read of the control object may come too late. A second more is what a lost
/// read costs at most.
const ONE_LOOK_LOST: SignedDuration = SignedDuration::from_secs(1);

/// A queue with deliveries, and environments that send them.
struct Load {
    controlled: Controlled,
    pollers: Vec<Poller>,
    everyone: Vec<String>,
}

impl Load {
    async fn start() -> Self {
        Self {
            controlled: Controlled::start(LineOptions::default()).await,
            pollers: Vec::new(),
            everyone: Vec::new(),
        }
    }

    /// Publishes so many deliveries of a run to so many people each.
    async fn publish(&mut self, run: &str, deliveries: usize, people: usize) {
        for first in (0..deliveries).step_by(10) {
            let entries = (first..deliveries.min(first + 10)).map(|n| {
                let begin = self.everyone.len();
                let recipients = users(begin..begin + people);
                self.everyone.extend(recipients.iter().cloned());
                SendMessageBatchRequestEntry::builder()
                    .id(n.to_string())
                    .message_body(of(run, &format!("1:{n}"), &recipients))
                    .build()
                    .unwrap()
            });
            let entries = entries.collect();
            let world = &self.controlled.world;
            let request = world.sqs.send_message_batch().queue_url(&world.deliveries);
            let request = request.set_entries(Some(entries));
            request.send().await.unwrap();
        }
    }

    async fn send(&mut self, size: &Size) {
        let share = |all: u32| (f64::from(all) / f64::from(size.environments)).to_string();
        let variables = [
            ("CONTROL_SECONDS", "1"),
            ("REQUEST_TIMEOUT_SECONDS", "2"),
            ("PUSH_PER_SECOND", &share(size.push)),
            ("MULTICAST_PER_SECOND", &share(size.multicast)),
        ];
        for _ in 0..size.environments {
            let consumer = self.controlled.consumer_with(&variables).await;
            let taker = consumer.clone();
            let world = &self.controlled.world;
            let options = PollerOptions {
                concurrency: 1,
                gate: Gate::from_fn(move || taker.takes_more(Lane::Bulk)),
                ..PollerOptions::new(&world.deliveries)
            };
            let poller = Poller::start(world.sqs.clone(), options, move |event| {
                let consumer = consumer.clone();
                async move {
                    let event = serde_json::from_value(event).unwrap();
                    let handled = consumer.handle(event, in_seconds(8)).await;
                    Ok(serde_json::to_value(handled.response).unwrap())
                }
            });
            self.pollers.push(poller.await.unwrap());
        }
    }

    fn accepted(&self) -> u64 {
        self.controlled.world.line.ledger().accepted_recipients
    }

    async fn until_accepted(&self, people: usize) {
        let began = Instant::now();
        while self.accepted() < people as u64 {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "{}",
                self.accepted()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until all are accepted. What was handed back is not waited for: the queue's clock goes
    /// on where nothing more comes. While something does, records would be hidden too shortly.
    async fn until_all_are_accepted(&self) {
        let began = Instant::now();
        let mut before = self.accepted();
        while before < self.everyone.len() as u64 {
            assert!(began.elapsed() < Duration::from_mins(2), "{before}");
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = self.accepted();
            if now == before {
                self.controlled.world.clock.advance(Duration::from_secs(5));
            }
            before = now;
        }
    }

    /// When each accepted request arrived, in order.
    fn arrivals(&self) -> Vec<Timestamp> {
        let line = &self.controlled.world.line;
        let receipts = self.everyone.iter().flat_map(|one| line.receipts(one));
        let times: BTreeSet<_> = receipts.map(|one| (one.at, one.request_id)).collect();
        times.into_iter().map(|(at, _)| at).collect()
    }

    async fn stop(self) -> Controlled {
        for poller in self.pollers {
            poller.stop().await;
        }
        self.controlled
    }
}

/// Pauses a run under way, and gives the time from the command's return to the last arrival.
/// Nothing arrives for so long after it; and once it is resumed everybody is reached once.
async fn pause(size: &Size, deliveries: usize, people: usize, quiet: Duration) -> SignedDuration {
    let mut load = Load::start().await;
    load.controlled.cancel_the_other().await;
    load.publish(RUN, deliveries, people).await;
    load.send(size).await;
    load.until_accepted(deliveries * people / 4).await;
    load.controlled.edit(|edit| edit.pause(RUN, None)).await;
    let returned = Timestamp::now();
    tokio::time::sleep(quiet).await;
    let last = *load.arrivals().last().unwrap();
    let paused_with = load.accepted();
    assert!(paused_with < load.everyone.len() as u64, "nothing was left");
    load.controlled.edit(|edit| edit.resume(RUN)).await;
    load.until_all_are_accepted().await;
    let controlled = load.stop().await;
    // Time flies here, so that nobody waits for what was handed back. A record in hand may come
    // again meanwhile, and is answered 409.
    assert_eq!(controlled.world.line.ledger().duplicates, 0);
    last.duration_since(returned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stops_pushes_within_the_next_look_and_loses_nobody() {
    let took = pause(&SMALL, 1_200, 1, Duration::from_secs(4)).await;
    assert!(
        took <= ONE_LOOK_LOST + SignedDuration::from_millis(1_300),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stops_multicasts_within_a_quarter_of_that() {
    let took = pause(&SMALL, 120, 50, Duration::from_secs(4)).await;
    assert!(
        took <= ONE_LOOK_LOST + SignedDuration::from_millis(600),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of half an hour at LINE's limits: give it a release build and quiet"]
async fn at_lines_limits_a_pause_stops_everything_in_time() {
    for (deliveries, people, most) in [(60_000, 1, 1_300), (6_000, 500, 600)] {
        let mut all = Vec::new();
        for round in 0..20 {
            // After the first one nothing comes for a whole minute.
            let quiet = Duration::from_secs(if round == 0 { 60 } else { 3 });
            all.push(pause(&FULL, deliveries, people, quiet).await);
        }
        all.sort();
        let worst = all[all.len() - 1];
        assert!(worst <= SignedDuration::from_millis(most), "{all:?}");
        println!("{people} people a request: {all:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_run_leaves_the_others_the_pace_and_loses_nobody() {
    let mut load = Load::start().await;
    for _ in 0..10 {
        load.publish(RUN, 40, 1).await;
        load.publish(OTHER, 40, 1).await;
    }
    load.send(&SMALL).await;
    load.until_accepted(100).await;
    load.controlled
        .edit(|edit| edit.pause(RUN, Some(PauseMode::Park)))
        .await;
    let paused = Instant::now();
    // All of the other run, and of this one what LINE had before it was parked.
    let world = &load.controlled.world;
    let mut parked = Vec::new();
    while load.accepted() + (parked.len() as u64) < load.everyone.len() as u64 {
        assert!(paused.elapsed() < Duration::from_mins(1));
        parked.extend(load.controlled.take_parked().await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(parked.len() > 100, "{}", parked.len());
    load.controlled.edit(|edit| edit.resume(RUN)).await;
    // A consumer that has not read the change yet still parks what it takes.
    while load.accepted() < load.everyone.len() as u64 {
        assert!(paused.elapsed() < Duration::from_mins(2));
        for message in std::mem::take(&mut parked) {
            world.publish(&message).await;
        }
        parked.extend(load.controlled.take_parked().await);
        world.clock.advance(Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let controlled = load.stop().await;
    assert_eq!(controlled.world.line.ledger().duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_cancelled_run_everybody_is_accepted_or_cancelled() {
    let mut load = Load::start().await;
    load.publish(RUN, 1_000, 1).await;
    load.send(&SMALL).await;
    load.until_accepted(200).await;
    load.controlled.edit(|edit| edit.cancel(RUN)).await;
    let returned = Timestamp::now();
    let (mut accepted, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
    let began = Instant::now();
    while accepted.len() + cancelled.len() < load.everyone.len() {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{}",
            cancelled.len()
        );
        let messages = load.controlled.messages().await;
        for outcome in messages.into_iter().flat_map(|message| message.outcomes) {
            let place = format!("{:?}", outcome.standing);
            match outcome.reason {
                CellReason::Accepted => accepted.insert(place),
                CellReason::Cancelled => cancelled.insert(place),
                other => panic!("{other:?}"),
            };
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = load.arrivals().last().unwrap().duration_since(returned);
    assert!(
        last <= ONE_LOOK_LOST + SignedDuration::from_millis(1_300),
        "{last:?}"
    );
    assert_eq!(accepted.len() as u64, load.accepted());
    assert!(accepted.is_disjoint(&cancelled));
    let controlled = load.stop().await;
    assert!(controlled.world.dead_letters().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pace_holds_a_second_after_it_was_set() {
    let pace = |push| {
        let pace = Pace {
            push: Some(push),
            multicast: None,
        };
        move |edit: fanline_ledger::Edit<'_>| edit.set_pace(pace)
    };
    let mut load = Load::start().await;
    load.publish(RUN, 1_200, 1).await;
    load.send(&Size { push: 400, ..SMALL }).await;
    load.until_accepted(300).await;
    // Four of the ten that share it are here.
    load.controlled.edit(pace(100)).await;
    let slow_from = Timestamp::now() + SignedDuration::from_millis(1_300);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let fast_from = Timestamp::now();
    load.controlled.edit(pace(2_000)).await;
    load.until_accepted(load.everyone.len()).await;
    let arrivals = load.arrivals();
    let slow = arrivals
        .iter()
        .filter(|at| (slow_from..fast_from).contains(at));
    let slow: Vec<Timestamp> = slow.copied().collect();
    let most = 100 * SMALL.environments / ENVIRONMENTS;
    for (i, first) in slow.iter().enumerate() {
        let end = *first + SignedDuration::from_secs(1);
        let in_a_second = slow[i..].iter().take_while(|at| **at < end).count();
        assert!(in_a_second <= most as usize, "{in_a_second} in a second");
    }
    assert!(slow.len() > 50, "{} arrived", slow.len());
    let fast = arrivals.iter().filter(|at| **at >= fast_from).count();
    let took = arrivals[arrivals.len() - 1].duration_since(fast_from);
    let at_the_old_pace = i64::from(most) * took.as_secs();
    assert!(fast as i128 > at_the_old_pace.into(), "{fast} in {took:?}");
    load.stop().await;
}
