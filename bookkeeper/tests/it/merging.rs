//! The books depend on the set of outcomes, whatever becomes of bookkeepers and of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fanline_bookkeeper::{Bookkeeper, Event};
use fanline_ledger::{DeliveryOutcome, Page, PageLine, Store};
use fanline_local::{S3Fault, S3Faults};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::run::{RUN, accepted, book, keys, messages, refused, slice, stored_book, write_counts};
use crate::support::{World, event, handed_back};

const PEOPLE: u64 = 300;

/// What became of two slices of so many people each.
fn outcomes(id: &str) -> Vec<DeliveryOutcome> {
    (0..PEOPLE)
        .map(|number| match number % 10 {
            0 => refused(&format!("{id}:{number}")),
            _ => accepted(&format!("{id}:{number}")),
        })
        .collect()
}

fn both() -> Vec<DeliveryOutcome> {
    let both = outcomes("1").into_iter().zip(outcomes("1001"));
    both.flat_map(|(one, other)| [one, other]).collect()
}

/// All messages twice, shuffled, in batches.
fn batches(seed: u64) -> Vec<Vec<String>> {
    let mut bodies = [messages(RUN, &both(), 7), messages(RUN, &both(), 10)].concat();
    bodies.shuffle(&mut StdRng::seed_from_u64(seed));
    bodies.chunks(20).map(<[String]>::to_vec).collect()
}

async fn assert_books(store: &Store) {
    for id in ["1", "1001"] {
        let expected = book(id, PEOPLE, &outcomes(id));
        assert!(stored_book(store, id).await == expected, "the book of {id}");
    }
}

/// Hands a batch to the bookkeeper until nothing of it comes back.
async fn merge(bookkeeper: &Bookkeeper, batch: &[String]) -> usize {
    let (mut rest, mut calls) = (batch.to_vec(), 0);
    while !rest.is_empty() {
        let handled = bookkeeper.handle(event(rest.clone())).await.unwrap();
        let back = handed_back(&handled);
        let back = back
            .iter()
            .map(|id| rest[id.parse::<usize>().unwrap()].clone());
        rest = back.collect();
        calls += 1;
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bookkeepers_and_a_store_that_fails_make_the_same_books() {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", PEOPLE), ("1001", PEOPLE)]).await;
    world.s3.set_faults(S3Faults {
        seed: 7,
        unavailable: 0.1,
        lost: 0.1,
        conflict: 0.1,
    });
    let two = [1, 2].map(|seed| {
        let bookkeeper = world.bookkeeper();
        tokio::spawn(async move {
            for batch in batches(seed) {
                merge(&bookkeeper, &batch).await;
            }
        })
    });
    for bookkeeper in two {
        bookkeeper.await.unwrap();
    }
    world.s3.set_faults(S3Faults::default());
    assert_books(&world.store()).await;
}

#[tokio::test]
async fn a_folder_has_the_same_books() {
    let world = World::start().await;
    let name = format!("books-{:032x}", rand::random::<u128>());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let store = Store::Folder(fanline_ledger::Folder::new(&folder));
    write_counts(&store, &[("1", PEOPLE), ("1001", PEOPLE)]).await;
    let place = format!("file://{}", folder.display());
    let bookkeeper = world.bookkeeper_at(&place, None);
    for batch in batches(3) {
        assert_eq!(merge(&bookkeeper, &batch).await, 1);
    }
    assert_books(&store).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Kills a bookkeeper when it makes its first put that `is_here` names, with the put done or not.
async fn kill_at(
    world: &World,
    fault: S3Fault,
    is_here: fn(&str, usize) -> bool,
    batch: &[String],
) {
    let (killed, mut kill) = tokio::sync::mpsc::unbounded_channel();
    let books = AtomicUsize::new(0);
    world.s3.script(move |call| {
        if call.method != "PUT" {
            return None;
        }
        let is_book = call.key.contains("/books/");
        let nth = books.fetch_add(usize::from(is_book), Ordering::SeqCst);
        is_here(&call.key, nth).then(|| {
            killed.send(()).unwrap();
            fault
        })
    });
    let bookkeeper = world.bookkeeper();
    let event = event(batch.to_vec());
    let invocation = tokio::spawn(async move { bookkeeper.handle(event).await.map(drop) });
    kill.recv().await.unwrap();
    invocation.abort();
    assert!(invocation.await.unwrap_err().is_cancelled());
    world.s3.script(|_| None);
}

#[tokio::test]
async fn a_bookkeeper_killed_anywhere_leaves_the_same_books_as_one_that_was_not() {
    let places: [fn(&str, usize) -> bool; 3] = [
        |key, _| key.contains("/pages/"),
        |key, nth| key.contains("/books/") && nth == 0,
        |key, nth| key.contains("/books/") && nth == 1,
    ];
    for is_here in places {
        for fault in [S3Fault::Silent, S3Fault::DoneAndSilent] {
            let world = World::start().await;
            write_counts(&world.store(), &[("1", PEOPLE), ("1001", PEOPLE)]).await;
            let batches = batches(5);
            kill_at(&world, fault, is_here, &batches[0]).await;
            let bookkeeper = world.bookkeeper();
            for batch in &batches {
                merge(&bookkeeper, batch).await;
            }
            assert_books(&world.store()).await;
        }
    }
}

#[tokio::test]
async fn the_pages_hold_every_outcome_and_come_before_the_books() {
    let world = World::start().await;
    let store = world.store();
    write_counts(&store, &[("1", PEOPLE)]).await;
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    world.s3.script(move |call| {
        if call.method == "PUT" {
            seen.lock().unwrap().push(call.key.clone());
        }
        None
    });
    let outcomes = outcomes("1");
    merge(&world.bookkeeper(), &messages(RUN, &outcomes, 10)).await;
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 3, "{order:?}");
    assert!(
        order[0].contains("/pages/") && order[1].contains("/books/"),
        "{order:?}"
    );
    let listed = store.list(&keys().pages()).await.unwrap();
    let page = store.get(&listed[0].key).await.unwrap().unwrap();
    let lines: Vec<_> = Page::read(page.bytes.to_vec()).unwrap().collect();
    assert_eq!(lines.len(), outcomes.len());
    for (line, outcome) in lines.into_iter().zip(outcomes) {
        assert_eq!(line.unwrap(), PageLine::Outcome(outcome));
    }
    let sum = fanline_ledger::read_sum(&store, &keys()).await.unwrap();
    let people = sum.tallies[&slice("1")].people;
    assert_eq!((people.accepted, people.refused), (270, 30));
}

#[tokio::test]
async fn an_event_without_messages_is_no_fault() {
    let world = World::start().await;
    let bookkeeper = world.bookkeeper();
    let handled = bookkeeper.handle(Event::Messages(Vec::new())).await;
    assert!(handed_back(&handled.unwrap()).is_empty());
}

#[tokio::test]
async fn a_store_that_does_not_answer_hands_the_batch_back_in_a_bounded_time() {
    let world = World::start().await;
    write_counts(&world.store(), &[("1", 10)]).await;
    world.s3.script(|_| Some(S3Fault::Silent));
    let bookkeeper = world.bookkeeper();
    let began = Instant::now();
    let outcomes = [accepted("1:0")];
    let handled = bookkeeper.handle(event(messages(RUN, &outcomes, 1))).await;
    assert_eq!(handed_back(&handled.unwrap()), ["0"]);
    assert!(began.elapsed() < Duration::from_secs(50));
    world.s3.script(|_| None);
    let handled = bookkeeper.handle(event(messages(RUN, &outcomes, 1))).await;
    assert!(handed_back(&handled.unwrap()).is_empty());
    assert!(stored_book(&world.store(), "1").await == book("1", 10, &outcomes));
}
