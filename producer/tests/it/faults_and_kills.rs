//! Any list, any size of slices, any faults of the queue, any kills: in the end, the queue holds
//! what the list asks for.

use std::collections::BTreeSet;
use std::time::Duration;

use fanline_producer::{Producer, Summary};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Fault, World, campaign, greeting, user};

/// A row of a list.
#[derive(Debug, Clone)]
struct AnyRow {
    person: usize,
    text: u8,
    shape: Shape,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Good,
    TooManyFields,
    NobodyNamed,
    TwoLinesInTheRecipient,
}

impl AnyRow {
    fn csv(&self) -> String {
        let (person, text) = (user(self.person), self.text);
        match self.shape {
            Shape::Good => format!("{person},\"text {text}\"\r\n"),
            Shape::TooManyFields => format!("{person},a,b\n"),
            Shape::NobodyNamed => format!("nobody,text {text}\n"),
            Shape::TwoLinesInTheRecipient => "\"a\nb\",\n".to_owned(),
        }
    }
}

/// What happens in one case.
#[derive(Debug)]
struct Case {
    rows: Vec<AnyRow>,
    slice_bytes: u64,
    in_flight: usize,
    /// What the queue does with its first requests.
    faults: Vec<Option<Fault>>,
    /// After how many milliseconds the first invocations are killed.
    kills: Vec<u64>,
}

fn any_row() -> impl Strategy<Value = AnyRow> {
    let shape = prop_oneof![
        36 => Just(Shape::Good),
        1 => Just(Shape::TooManyFields),
        1 => Just(Shape::NobodyNamed),
        1 => Just(Shape::TwoLinesInTheRecipient),
    ];
    (0usize..150, 0u8..5, shape).prop_map(|(person, text, shape)| AnyRow {
        person,
        text,
        shape,
    })
}

fn any_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Throttle)),
        1 => Just(Some(Fault::Unavailable)),
        1 => Just(Some(Fault::LostAnswer)),
        2 => prop::collection::vec(0usize..10, 1..6).prop_map(|failed| Some(Fault::Fail(failed))),
    ]
}

fn any_case() -> impl Strategy<Value = Case> {
    let rows = prop::collection::vec(any_row(), 1..200);
    let faults = prop::collection::vec(any_fault(), 0..9);
    let kills = prop::collection::vec(0u64..40, 0..4);
    (rows, 100u64..4000, faults, kills, 1usize..5).prop_map(
        |(rows, slice_bytes, faults, kills, in_flight)| Case {
            rows,
            slice_bytes,
            in_flight,
            faults,
            kills,
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_holds_what_the_list_asks_for_whatever_happens() {
    // The waits between attempts are real, so the cases run side by side. The seed is fixed.
    let mut runner = TestRunner::deterministic();
    let mut cases = JoinSet::new();
    for number in 0..100 {
        let case = any_case().new_tree(&mut runner).unwrap().current();
        cases.spawn(async move {
            let (rows, bytes) = (case.rows.len(), case.slice_bytes);
            let (faults, kills) = (&case.faults, &case.kills);
            eprintln!(
                "case {number}: {rows} rows, slices of {bytes}, faults {faults:?}, kills {kills:?}"
            );
            survive(case).await;
        });
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

async fn survive(case: Case) {
    let world = World::start().await;
    let rows: Vec<String> = case.rows.iter().map(AnyRow::csv).collect();
    let list = format!("to,name\r\n{}", rows.concat());
    world.put("bucket/friends.csv", list);
    let mut faults = case.faults.into_iter();
    world.script(move |_| faults.next().flatten());
    let (slice_bytes, in_flight) = (case.slice_bytes.to_string(), case.in_flight.to_string());
    let producer = world.producer(&[
        ("SLICE_QUEUE_URL", "slices"),
        ("SLICE_BYTES", &slice_bytes),
        ("SENDS_IN_FLIGHT", &in_flight),
    ]);
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"max_bad_rows": "100%"}),
    );

    let summaries = work_off(&world, &producer, event, case.kills).await;
    let mut slices = BTreeSet::new();
    for summary in summaries {
        match summary.slice.as_deref() {
            None => assert_eq!(summary.sliced_rows, case.rows.len() as u64),
            Some(name) => {
                let first_row = name.strip_prefix("row-").unwrap();
                let start = first_row.parse::<usize>().unwrap() - 1;
                slices.insert((start, start + usize::try_from(summary.rows).unwrap()));
            }
        }
    }
    let settled: usize = slices.iter().map(|(start, end)| end - start).sum();
    assert_eq!(settled, case.rows.len());
    let sent = world.sent();
    assert_eq!(sent, asked_for(&case.rows));
}

/// Handles the event and the slices that come of it, as Lambda does. The first invocations are
/// killed after so many milliseconds, and their events come again.
async fn work_off(
    world: &World,
    producer: &Producer,
    event: Value,
    kills: Vec<u64>,
) -> Vec<Summary> {
    let mut kills = kills.into_iter();
    let mut events = vec![event];
    let mut summaries = Vec::new();
    while let Some(event) = events.pop() {
        if let Some(milliseconds) = kills.next() {
            let limit = Duration::from_millis(milliseconds);
            drop(tokio::time::timeout(limit, producer.handle(event.clone(), None)).await);
            events.extend(world.take_slices());
        }
        let summary = producer.handle(event, None).await.unwrap();
        assert_eq!(
            summary.rows,
            summary.recipients + summary.rejected + summary.duplicates
        );
        events.extend(world.take_slices());
        summaries.push(summary);
    }
    summaries
}

/// What the rows ask for: the first row of each person.
fn asked_for(rows: &[AnyRow]) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        if row.shape == Shape::Good && seen.insert(row.person) {
            let text = format!("text {}", row.text);
            asked.push((user(row.person), greeting(&text)));
        }
    }
    asked.sort();
    asked
}
