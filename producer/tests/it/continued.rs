//! A run that is fired again, swept, controlled.

use fanline_core::delivery::Delivery;
use fanline_ledger::{
    At, Book, CellReason, Control, DeliveryOutcome, Departed, Edit, RedriveReason, Redrives,
    RunState, SliceId, SliceOrder, Standing,
};
use serde_json::{Value, json};

use crate::runs::{Fired, event};
use crate::support::{list, user};

const CONTROL: &str = "state/control/control.json";
const CONTROLLED: (&str, &str) = ("CONTROL_URI", "s3://state/control/control.json");
const SLICES: [(&str, &str); 2] = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1500")];

/// What became of these deliveries, each to one person, in the book of their slice.
fn note(fired: &Fired, deliveries: &[(&Delivery, CellReason)]) {
    let places = deliveries
        .iter()
        .map(|(delivery, reason)| (delivery.at.as_ref().unwrap().parse::<At>().unwrap(), reason));
    let mut books: Vec<Book> = Vec::new();
    for (at, reason) in places {
        let slice = at.slice();
        let known = books.iter().position(|book| book.slice() == slice);
        let index = known.unwrap_or_else(|| {
            books.push(Book::new(slice, 100));
            books.len() - 1
        });
        books[index].merge(&DeliveryOutcome {
            standing: Standing::At(at),
            people: 1,
            reason: *reason,
            status: None,
            request_id: None,
            receives: 1,
            departed: Departed::Answered,
            latency_ms: None,
            time: "2026-12-24T20:00:05Z".parse().unwrap(),
            words: None,
        });
    }
    for book in books {
        let path = format!("state/ledger/xmas/books/{}", book.slice());
        fired.world.put(&path, book.encode());
    }
}

/// The people of the deliveries that came to the queue after the first `before`.
fn people(fired: &Fired, before: usize) -> Vec<String> {
    let bodies = fired.world.bodies("deliveries");
    let new = bodies[before..].iter().map(|body| Delivery::decode(body));
    let mut people: Vec<_> = new
        .flat_map(|delivery| delivery.unwrap().recipients)
        .collect();
    people.sort();
    people
}

fn order(slice: SliceId) -> Value {
    let body = SliceOrder::new("xmas", slice).encode();
    json!({"Records": [{"messageId": "1", "body": body}]})
}

fn control(fired: &Fired) -> Control {
    Control::decode(&fired.world.bytes(CONTROL).unwrap()).unwrap()
}

#[tokio::test]
async fn a_firing_that_continues_its_run_leaves_out_who_has_an_outcome() {
    let fired = Fired::start().await;
    let producer = fired.producer(&[]);
    let first = producer.handle(event(&json!({})), None).await.unwrap();
    let mut deliveries = fired.world.deliveries();
    deliveries.sort_by_key(|delivery| delivery.recipients[0].clone());
    let outcomes: Vec<_> = (0..90)
        .map(|n| match n {
            0..80 => CellReason::Accepted,
            80..85 => CellReason::Refused,
            _ => CellReason::Quota,
        })
        .collect();
    note(&fired, &deliveries.iter().zip(outcomes).collect::<Vec<_>>());
    let before = fired.world.bodies("deliveries").len();
    let again = producer.handle(event(&json!({})), None).await.unwrap();
    // The five without quota are sent again, under the same keys, and the ledger knows before.
    let notes = fired
        .world
        .bytes("state/ledger/xmas/redrives.json")
        .unwrap();
    let notes = Redrives::decode(&notes).unwrap();
    let expected = [RedriveReason::Quota, RedriveReason::Unauthorized];
    assert_eq!(notes.last().unwrap().only, expected);
    assert!(notes.last().unwrap().ended.is_some());
    let expected: Vec<_> = (85..100).map(user).collect();
    assert_eq!(people(&fired, before), expected);
    assert_eq!(fired.world.deliveries().len(), 100);
    assert_eq!((again.recipients, again.left_out.total()), (15, 85));
    assert_eq!((again.left_out.accepted, again.left_out.refused), (80, 5));
    assert_eq!((again.rows, first.rows), (100, 100));
}

#[tokio::test]
async fn an_order_publishes_what_is_waiting_of_its_slice_as_the_first_firing_made_it() {
    let fired = Fired::start().await;
    // Somebody of the first slice stands in the last one too: only a look at the whole list finds
    // that.
    fired.world.put(
        "bucket/friends.csv",
        format!("{}{},again\n", list(100), user(0)),
    );
    let producer = fired.producer(&SLICES);
    producer.handle(event(&json!({})), None).await.unwrap();
    for slice in fired.world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    let deliveries = fired.world.deliveries();
    assert_eq!(deliveries.len(), 100);
    let slice = |delivery: &Delivery| delivery.at.as_ref().unwrap().parse::<At>().unwrap().slice();
    let last = deliveries.iter().map(slice).max().unwrap();
    let (of_last, others): (Vec<_>, Vec<_>) = deliveries
        .iter()
        .partition(|delivery| slice(delivery) == last);
    let (waiting, accepted) = of_last.split_first().unwrap();
    let accepted: Vec<_> = accepted
        .iter()
        .map(|delivery| (*delivery, CellReason::Accepted))
        .collect();
    note(&fired, &accepted);
    assert!(!others.is_empty());
    let before = fired.world.bodies("deliveries").len();
    producer.handle(order(last), None).await.unwrap();
    for slice in fired.world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    assert_eq!(people(&fired, before), waiting.recipients);
    assert_eq!(fired.world.deliveries().len(), 100, "the same keys");

    // An operator asks for those too who were set aside.
    let (set_aside, accepted) = accepted.split_first().unwrap();
    note(
        &fired,
        &[&[(set_aside.0, CellReason::Quota)], accepted].concat(),
    );
    let before = fired.world.bodies("deliveries").len();
    let body = SliceOrder::new("xmas", last)
        .with(&[RedriveReason::Quota])
        .encode();
    let order = json!({"Records": [{"messageId": "1", "body": body}]});
    producer.handle(order, None).await.unwrap();
    for slice in fired.world.take_slices() {
        producer.handle(slice, None).await.unwrap();
    }
    let mut expected = [&waiting.recipients[..], &set_aside.0.recipients].concat();
    expected.sort();
    assert_eq!(people(&fired, before), expected);
    assert_eq!(fired.world.deliveries().len(), 100, "the same keys");
    let copies = fired.world.bodies("deliveries")[before..].to_vec();
    assert!(
        copies
            .iter()
            .all(|body| Delivery::decode(body).unwrap().perhaps_taken)
    );
}

#[tokio::test]
async fn an_order_for_what_is_not_there_is_an_error() {
    let fired = Fired::start().await;
    let producer = fired.producer(&SLICES);
    let slice = |id: &str| order(id.parse().unwrap());
    let refused = async |id: &str| producer.handle(slice(id), None).await.unwrap_err();
    assert!(
        refused("1")
            .await
            .to_string()
            .contains("slice 1 of the run `xmas`")
    );
    producer.handle(event(&json!({})), None).await.unwrap();
    let error = refused("7").await;
    assert!(error.to_string().contains("no such slice"), "{error}");
}

#[tokio::test]
async fn a_run_is_entered_into_the_control_object_before_anything_is_published() {
    let fired = Fired::start().await;
    assert_eq!(fired.fire(&[], &json!({})).await, None);
    assert_eq!(fired.world.bytes(CONTROL), None, "there is no bookkeeper");

    let fired = Fired::start().await;
    assert_eq!(fired.fire(&[CONTROLLED], &json!({})).await, None);
    let entered = control(&fired);
    let run = entered.run("xmas").unwrap();
    assert_eq!((run.state, run.by.as_str()), (RunState::Open, "producer"));
    assert_eq!(run.started_at, "2026-12-24T20:00:00Z".parse().unwrap());

    let now = "2026-12-24T20:01:00Z".parse().unwrap();
    let cancelled = Edit::new(&entered, "maria", None, now).unwrap();
    let cancelled = cancelled.cancel("xmas").unwrap();
    fired.world.put(CONTROL, cancelled.encode());
    let refused = fired.fire(&[CONTROLLED], &json!({})).await.unwrap();
    assert!(refused.contains("the run `xmas` is cancelled"), "{refused}");
}

#[tokio::test]
async fn no_slice_of_a_cancelled_run_is_published() {
    let fired = Fired::start().await;
    let settings = [SLICES[0], SLICES[1], CONTROLLED];
    let producer = fired.producer(&settings);
    producer.handle(event(&json!({})), None).await.unwrap();
    let slices = fired.world.take_slices();
    producer.handle(slices[0].clone(), None).await.unwrap();
    let before = fired.world.bodies("deliveries").len();
    assert!(before > 0);
    let entered = control(&fired);
    let now = "2026-12-24T20:01:00Z".parse().unwrap();
    let cancelled = Edit::new(&entered, "maria", None, now).unwrap();
    let cancelled = cancelled.cancel("xmas").unwrap();
    fired.world.put(CONTROL, cancelled.encode());
    for slice in slices
        .into_iter()
        .skip(1)
        .chain([order("1".parse().unwrap())])
    {
        let summary = producer.handle(slice, None).await.unwrap();
        assert_eq!(summary.recipients, 0);
    }
    assert_eq!(fired.world.bodies("deliveries").len(), before);
}
