//! The book depends on the set of outcomes, whatever happens on their way.

use std::sync::Arc;

use fanline_ledger::{
    Book, DeliveryOutcome, Expect, FinalOutcome, Merged, OutcomeMessage, PeopleOverTime, RunKeys,
    SliceCounts, Standing, Store, gather, merge_loose, merge_slice,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{Fault, S3, TestFolder};
use crate::world::{Attempts, best_cells, deliveries, eight, slice};

/// More recipients than any made-up slice has.
const RECIPIENTS: u64 = 10_000;

fn outcomes(deliveries: &[Attempts]) -> Vec<DeliveryOutcome> {
    (0..)
        .zip(deliveries)
        .flat_map(|(number, delivery)| delivery.outcomes(slice("1"), number))
        .collect()
}

fn merged<'a>(outcomes: impl IntoIterator<Item = &'a DeliveryOutcome>) -> Book {
    let mut book = Book::new(slice("1"), RECIPIENTS);
    for outcome in outcomes {
        assert_ne!(book.merge(outcome), Merged::Misfit, "{outcome:?}");
    }
    book
}

proptest! {
    #[test]
    fn order_repetition_and_batches_change_no_byte(
        (all, shuffled) in deliveries().prop_flat_map(|deliveries| {
            let all = outcomes(&deliveries);
            let twice = [all.clone(), all.clone()].concat();
            (Just(all), Just(twice).prop_shuffle())
        }),
        cuts in prop::collection::vec(1usize..9, 0..20),
    ) {
        let once = merged(&all);
        let mut book = Book::new(slice("1"), RECIPIENTS);
        let mut rest = &shuffled[..];
        for cut in cuts.into_iter().chain(std::iter::repeat(5)) {
            let (batch, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            for outcome in batch {
                book.merge(outcome);
            }
            // Each batch reads the book and puts it back.
            book = Book::decode(&book.encode()).unwrap();
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&book, &once);
        prop_assert_eq!(book.encode(), once.encode());
    }

    #[test]
    fn every_person_has_one_cell_and_it_is_the_largest(all in deliveries()) {
        let outcomes = outcomes(&all);
        let (book, best) = (merged(&outcomes), best_cells(&outcomes));
        for (number, delivery) in (0..).zip(&all) {
            for position in 0..u16::try_from(delivery.people).unwrap() {
                let best = best.get(&(number, position)).copied();
                prop_assert_eq!(book.cell(number, position), best);
            }
        }
        let tally = book.tally();
        prop_assert_eq!(tally.people.all(), best.len() as u64);
        let by_cell: u64 = tally.cells.iter().map(|count| count.people).sum();
        prop_assert_eq!(by_cell, best.len() as u64);
        let accepted_now = best.values().filter(|cell| cell.is_accepted_now()).count();
        prop_assert_eq!(tally.accepted_over_time.people(), accepted_now as u64);
        let others = FinalOutcome::ALL.into_iter();
        let others = others.filter_map(|outcome| tally.others_over_time.of(outcome));
        let others: u64 = others.map(PeopleOverTime::people).sum();
        prop_assert_eq!(others, (best.len() - accepted_now) as u64);
    }

    #[test]
    fn a_message_changes_nothing_on_its_way(all in deliveries()) {
        let outcomes = outcomes(&all);
        let message = OutcomeMessage { run: "xmas".into(), retries: 1, too_fast: 2, outcomes };
        let bodies = message.encode();
        prop_assert_eq!(bodies.len(), usize::from(!message.outcomes.is_empty()));
        for body in bodies {
            prop_assert_eq!(&OutcomeMessage::decode(&body).unwrap(), &message);
        }
    }
}

fn keys() -> RunKeys {
    RunKeys::new("xmas@2026-12-25T00:00:00Z")
}

async fn put_counts(store: &Store) {
    let counts = SliceCounts::new(slice("1"), RECIPIENTS, 0, 0);
    let key = keys().counts(slice("1"));
    store
        .put(&key, counts.encode(), &Expect::Any)
        .await
        .unwrap();
}

/// A thousand pushes and three splits.
fn many() -> Vec<DeliveryOutcome> {
    let push = |number: u32| DeliveryOutcome {
        standing: Standing::At(format!("1:{number}").parse().unwrap()),
        people: 1,
        reason: fanline_ledger::CellReason::Accepted,
        status: Some(200),
        request_id: None,
        receives: 1,
        departed: fanline_ledger::Departed::Answered,
        latency_ms: Some(150),
        time: eight(),
        words: None,
    };
    let part = |number: u32, positions: &str, people| DeliveryOutcome {
        standing: Standing::At(format!("1:{number}:{positions}").parse().unwrap()),
        people,
        ..push(0)
    };
    let mut many: Vec<DeliveryOutcome> = (0..1_000).map(push).collect();
    for number in 1_000..1_003 {
        many.push(part(number, "17", 1));
        many.push(part(number, "0-16,18-499", 499));
    }
    many
}

/// Two bookkeepers merge halves of the same outcomes at the same time, in batches, and both merge
/// some.
async fn two_bookkeepers(store: Store, outcomes: Arc<Vec<DeliveryOutcome>>) {
    let bookkeepers: Vec<_> = [0..700, 300..1_006]
        .into_iter()
        .map(|range| {
            let (store, outcomes) = (store.clone(), Arc::clone(&outcomes));
            tokio::spawn(async move {
                let mut met = 0;
                for batch in outcomes[range].chunks(40) {
                    let batch: Vec<&DeliveryOutcome> = batch.iter().collect();
                    let merged = merge_slice(&store, &keys(), slice("1"), &batch).await;
                    let merged = merged.unwrap();
                    assert!(merged.misfits.is_empty());
                    met += merged.tries - 1;
                }
                met
            })
        })
        .collect();
    for bookkeeper in bookkeepers {
        bookkeeper.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bookkeepers_with_conflicts_and_lost_answers_make_the_same_book() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    let mut puts = 0;
    s3.script(move |key| {
        puts += 1;
        match puts % 7 {
            0 if key.contains("books/") => Some(Fault::PutUnderWay),
            3 if key.contains("books/") => Some(Fault::LostAnswer),
            _ => None,
        }
    });
    let outcomes = Arc::new(many());
    for store in [s3.store(), folder.store()] {
        put_counts(&store).await;
        two_bookkeepers(store.clone(), Arc::clone(&outcomes)).await;
        let book = store.get(&keys().book(slice("1"))).await.unwrap().unwrap();
        assert!(book.bytes == merged(outcomes.iter()).encode());
    }
}

#[tokio::test]
async fn a_merge_that_changes_nothing_puts_nothing() {
    let s3 = S3::start().await;
    let store = s3.store();
    put_counts(&store).await;
    let outcomes = many();
    let batch: Vec<&DeliveryOutcome> = outcomes.iter().collect();
    for _ in 0..3 {
        let merged = merge_slice(&store, &keys(), slice("1"), &batch)
            .await
            .unwrap();
        assert_eq!(merged.tally.people.accepted, 2_500);
    }
    let books = |method: &str| {
        let requests = s3.requests();
        let is_book = |request: &&String| request.starts_with(method) && request.contains("books/");
        requests.iter().filter(is_book).count()
    };
    assert_eq!(books("PUT"), 1);
    // The first merge looks twice: without a book it needs the counts.
    assert_eq!(books("GET"), 4);
}

#[tokio::test]
async fn what_fits_no_slice_is_counted_as_loose_and_once() {
    let folder = TestFolder::new();
    let store = folder.store();
    let outcomes = many();
    let messages = [OutcomeMessage {
        run: "xmas@2026-12-25T00:00:00Z".into(),
        retries: 0,
        too_fast: 0,
        outcomes: vec![
            outcomes[0].clone(),
            DeliveryOutcome {
                standing: Standing::Loose(Uuid::from_u128(7)),
                people: 3,
                ..outcomes[1].clone()
            },
        ],
    }];
    for _ in 0..2 {
        for run in gather(&messages).into_values() {
            let mut loose = run.loose;
            for (slice, batch) in run.slices {
                // The slice has no counts, so it has no book.
                let merged = merge_slice(&store, &keys(), slice, &batch).await.unwrap();
                loose.extend(merged.misfits);
            }
            let tally = merge_loose(&store, &keys(), &loose).await.unwrap();
            assert_eq!(tally.people.accepted, 4);
        }
    }
    let listed = store.list(keys().prefix()).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].key, keys().loose_book());
}

#[tokio::test]
async fn a_damaged_book_is_an_error_and_is_not_replaced() {
    let folder = TestFolder::new();
    let store = folder.store();
    put_counts(&store).await;
    let key = keys().book(slice("1"));
    store.put(&key, "no book", &Expect::Any).await.unwrap();
    let outcomes = many();
    let error = merge_slice(&store, &keys(), slice("1"), &[&outcomes[0]]).await;
    assert!(error.unwrap_err().to_string().contains("head of the book"));
    assert_eq!(
        &store.get(&key).await.unwrap().unwrap().bytes[..],
        b"no book"
    );
}
