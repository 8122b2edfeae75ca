//! What is known of a run, read from both stores.

use fanline_ledger::{
    ByEndpoint, DeliveryOutcome, Expect, Refusals, RunKeys, SliceCounts, SliceLine, SliceLines,
    Standing, Store, edit_watch, merge_loose, merge_slice, read_sum, read_tallies_of, read_watch,
};
use uuid::Uuid;

use crate::support::{Fault, S3, TestFolder};
use crate::world::{eight, slice};

fn keys() -> RunKeys {
    RunKeys::new("xmas@2026-12-25T00:00:00Z")
}

fn accepted(at: &str) -> DeliveryOutcome {
    DeliveryOutcome {
        standing: Standing::At(at.parse().unwrap()),
        people: 1,
        reason: fanline_ledger::CellReason::Accepted,
        status: Some(200),
        request_id: None,
        receives: 1,
        departed: fanline_ledger::Departed::Answered,
        latency_ms: Some(150),
        time: eight(),
        words: None,
    }
}

async fn put(store: &Store, key: &str, bytes: Vec<u8>) {
    store.put(key, bytes, &Expect::Any).await.unwrap();
}

/// Five slices of ten rows: four are read, of which two are published, and one has outcomes.
async fn write_run(store: &Store) {
    let line = |row: u64| SliceLine {
        slice: slice(&row.to_string()),
        rows: 10,
        start: row * 100,
        end: row * 100 + 1_000,
    };
    let lines = SliceLines([1, 11, 21, 31, 41].map(line).to_vec());
    put(store, &keys().slices(), lines.encode()).await;
    for row in ["1", "11", "21", "31"] {
        let counts = SliceCounts::new(slice(row), 8, 1, 1);
        let push = ByEndpoint {
            push: 8,
            multicast: 0,
        };
        let counts = match row {
            "1" | "11" => counts.published(push),
            _ => counts,
        };
        put(store, &keys().counts(slice(row)), counts.encode()).await;
    }
    let outcomes: Vec<_> = (0..5)
        .map(|number| accepted(&format!("1:{number}")))
        .collect();
    let outcomes: Vec<_> = outcomes.iter().collect();
    merge_slice(store, &keys(), slice("1"), &outcomes)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_run_is_added_up_from_its_slices_counts_and_books() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        let nothing = read_sum(&store, &keys()).await.unwrap();
        assert_eq!(nothing.equation().rows, 0);
        write_run(&store).await;
        let loose = DeliveryOutcome {
            standing: Standing::Loose(Uuid::from_u128(7)),
            ..accepted("1:0")
        };
        merge_loose(&store, &keys(), &[&loose]).await.unwrap();
        let sum = read_sum(&store, &keys()).await.unwrap();
        let equation = sum.equation();
        assert_eq!(equation.difference(), 0);
        assert_eq!((equation.rows, equation.unread), (50, 10));
        assert_eq!((equation.people.accepted, equation.waiting), (5, 27));
        assert_eq!(sum.loose.people.accepted, 1);
        assert_eq!(sum.deliveries_left().push, 11);
        let some = [slice("1"), slice("11"), slice("99")];
        let tallies = read_tallies_of(&store, &keys(), &some).await.unwrap();
        assert_eq!(tallies.keys().collect::<Vec<_>>(), [&slice("1")]);
        assert_eq!(tallies[&slice("1")], sum.tallies[&slice("1")]);
        assert!(!sum.is_published());
    }
}

#[tokio::test]
async fn a_book_that_can_not_be_read_is_named() {
    let folder = TestFolder::new();
    let store = folder.store();
    write_run(&store).await;
    put(&store, &keys().book(slice("11")), b"no book".to_vec()).await;
    let error = read_sum(&store, &keys()).await.unwrap_err().to_string();
    assert!(error.contains("books/11"), "{error}");
}

#[tokio::test]
async fn what_is_remembered_of_a_run_is_changed_under_conflicts() {
    let s3 = S3::start().await;
    let mut puts = 0;
    s3.script(move |_| {
        puts += 1;
        match puts {
            1 => Some(Fault::PutUnderWay),
            2 => Some(Fault::LostAnswer),
            _ => None,
        }
    });
    let (store, keys) = (s3.store(), keys());
    for look in 1..=3 {
        let watch = edit_watch(&store, &keys, |watch| watch.empty_looks = look);
        assert_eq!(watch.await.unwrap().empty_looks, look);
    }
    let watch = edit_watch(&store, &keys, |watch| {
        watch.excused = Refusals {
            refused: 1,
            settled: 50,
        };
    });
    let watch = watch.await.unwrap();
    assert_eq!(read_watch(&store, &keys).await.unwrap(), watch);
    assert_eq!((watch.empty_looks, watch.excused.refused), (3, 1));
}
