//! What an earlier invocation may have published says so when it is published again.

use std::collections::{BTreeMap, BTreeSet};

use fanline_core::delivery::Delivery;
use fanline_ledger::{
    At, Book, Cell, CellReason, DeliveryOutcome, Departed, FinalOutcome, SliceId, SliceOrder,
    Standing,
};
use fanline_producer::Producer;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::runs::{Fired, event};
use crate::support::list;

const SLICES: [(&str, &str); 2] = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1500")];

fn order(slice: SliceId) -> Value {
    let body = SliceOrder::new("xmas", slice).encode();
    json!({"Records": [{"messageId": "1", "body": body}]})
}

/// The deliveries that came to the queue after the first `before`.
fn published(fired: &Fired, before: usize) -> Vec<Delivery> {
    let bodies = fired.world.bodies("deliveries");
    let new = bodies[before..].iter();
    new.map(|body| Delivery::decode(body).unwrap()).collect()
}

/// How many of them are first ones, and how many are copies.
fn firsts_and_copies(deliveries: &[Delivery]) -> (usize, usize) {
    let is_copy = |delivery: &&Delivery| delivery.perhaps_taken;
    let copies = deliveries.iter().filter(is_copy).count();
    (deliveries.len() - copies, copies)
}

async fn work(fired: &Fired, producer: &Producer) {
    for slice in fired.world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_is_fired_again_publishes_copies_that_were_perhaps_taken() {
    for settings in [&[][..], &SLICES[..]] {
        let fired = Fired::start().await;
        let producer = fired.producer(settings);
        producer.handle(event(&json!({})), None).await.unwrap();
        work(&fired, &producer).await;
        assert_eq!(firsts_and_copies(&published(&fired, 0)), (100, 0));
        producer.handle(event(&json!({})), None).await.unwrap();
        work(&fired, &producer).await;
        assert_eq!(firsts_and_copies(&published(&fired, 100)), (0, 100));
        assert_eq!(fired.world.deliveries().len(), 100, "the same keys");
    }
}

#[tokio::test]
async fn a_slice_is_a_copy_once_an_invocation_has_begun_it() {
    let fired = Fired::start().await;
    let producer = fired.producer(&SLICES);
    producer.handle(event(&json!({})), None).await.unwrap();
    let slices = fired.world.take_slices();
    // SQS lost the first slice: the order for it publishes nothing that was published before.
    let first = "1".parse().unwrap();
    producer.handle(order(first), None).await.unwrap();
    work(&fired, &producer).await;
    let (sent, copies) = firsts_and_copies(&published(&fired, 0));
    assert!(sent > 0 && copies == 0);
    // The next order for it does, and a slice that the queue hands out twice.
    for event in [order(first), slices[0].clone()] {
        let before = fired.world.bodies("deliveries").len();
        producer.handle(event, None).await.unwrap();
        work(&fired, &producer).await;
        assert_eq!(firsts_and_copies(&published(&fired, before)), (0, sent));
    }
}

#[tokio::test]
async fn the_rest_that_is_handed_over_is_no_copy_until_it_comes_twice() {
    let fired = Fired::start().await;
    let producer = fired.producer(&[("SLICE_QUEUE_URL", "slices")]);
    producer.handle(event(&json!({})), None).await.unwrap();
    let mut slice = fired.world.take_slices().pop().unwrap();
    let mut body: Value =
        serde_json::from_str(slice["Records"][0]["body"].as_str().unwrap()).unwrap();
    body["skip"] = json!(60);
    slice["Records"][0]["body"] = json!(body.to_string());
    for expected in [(40, 0), (0, 40)] {
        let before = fired.world.bodies("deliveries").len();
        producer.handle(slice.clone(), None).await.unwrap();
        assert_eq!(firsts_and_copies(&published(&fired, before)), expected);
    }
}

/// What happens to a copy of a delivery, to one person, that comes to the queue.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// LINE takes it, and then the consumer, its answer and the queue message are lost.
    TakenAndLost,
    /// It is lost before anybody takes it.
    Lost,
    /// The consumer tells the ledger, and LINE has not taken this copy.
    Told(CellReason),
}

fn fate() -> impl Strategy<Value = Fate> {
    use CellReason::{Cancelled, Expired, Quota};
    let told = prop::sample::select(vec![Cancelled, Expired, Quota]).prop_map(Fate::Told);
    prop_oneof![Just(Fate::TakenAndLost), Just(Fate::Lost), told]
}

/// What publishes.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The campaign is fired, for the first time or again.
    Fire,
    /// A slice is ordered: a sweep, or a redrive.
    Order(usize),
    /// All slices that wait on the slice queue are worked on, so many times.
    Work(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(Act::Fire),
        (0usize..3).prop_map(Act::Order),
        (1usize..3).prop_map(Act::Work),
    ]
}

/// What the ledger knows, and whom LINE has sent the message to.
#[derive(Default)]
struct Ledger {
    books: BTreeMap<SliceId, Book>,
    reached: BTreeSet<String>,
    places: BTreeMap<String, At>,
}

impl Ledger {
    /// What a consumer tells of a first receive without a request, and what it can't tell.
    fn meet(&mut self, delivery: &Delivery, fate: Fate) {
        let at: At = delivery.at.as_ref().unwrap().parse().unwrap();
        let person = delivery.recipients[0].clone();
        self.places.insert(person.clone(), at.clone());
        let reason = match fate {
            Fate::Lost => return,
            // Of whom the ledger has heard before, SQS still has a message: that comes again.
            Fate::TakenAndLost if self.cell(&at).is_some() => return,
            Fate::TakenAndLost => {
                self.reached.insert(person);
                return;
            }
            Fate::Told(reason) => reason,
        };
        let book = self.books.entry(at.slice());
        let book = book.or_insert_with(|| Book::new(at.slice(), 100));
        book.merge(&DeliveryOutcome {
            standing: Standing::At(at),
            people: 1,
            reason,
            status: None,
            request_id: None,
            receives: 1,
            departed: if delivery.perhaps_taken {
                Departed::Unanswered
            } else {
                Departed::No
            },
            latency_ms: None,
            time: "2026-12-24T20:00:05Z".parse().unwrap(),
            words: None,
        });
    }

    fn cell(&self, at: &At) -> Option<Cell> {
        self.books.get(&at.slice())?.cell(at.delivery(), 0)
    }

    /// Whether a resend sends to this person again without `--may-double`.
    fn is_certain(&self, at: &At) -> bool {
        let is_certain =
            |cell: Cell| cell.outcome() != FinalOutcome::Accepted && !cell.is_perhaps_taken();
        self.cell(at).is_some_and(is_certain)
    }
}

async fn play(acts: Vec<Act>, fates: Vec<Fate>) -> Result<(), TestCaseError> {
    let fired = Fired::start().await;
    fired.world.put("bucket/friends.csv", list(60));
    let producer = fired.producer(&SLICES);
    let mut ledger = Ledger::default();
    let mut fates = fates.into_iter().cycle();
    let mut seen = 0;
    for act in [Act::Fire].into_iter().chain(acts) {
        match act {
            Act::Fire => drop(producer.handle(event(&json!({})), None).await.unwrap()),
            Act::Order(n) => {
                let slices: Vec<_> = ledger.books.keys().copied().collect();
                if let Some(slice) = slices.get(n) {
                    producer.handle(order(*slice), None).await.unwrap();
                }
            }
            Act::Work(times) => {
                for slice in fired.world.take_slices() {
                    for _ in 0..times {
                        producer.handle(slice.clone(), None).await.unwrap();
                    }
                }
            }
        }
        for delivery in published(&fired, seen) {
            seen += 1;
            ledger.meet(&delivery, fates.next().unwrap());
        }
        for (slice, book) in &ledger.books {
            let path = format!("state/ledger/xmas/books/{slice}");
            fired.world.put(&path, book.encode());
        }
    }
    for person in &ledger.reached {
        let at = &ledger.places[person];
        prop_assert!(
            !ledger.is_certain(at),
            "{person} at {at} would get it twice"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whom_line_has_sent_it_to_is_never_certain_to_have_nothing(
        acts in prop::collection::vec(act(), 1..6),
        fates in prop::collection::vec(fate(), 1..97),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(acts, fates))?;
    }
}
