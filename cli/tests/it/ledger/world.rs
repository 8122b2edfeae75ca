//! A run that the producer has written, and what became of its people, written as the bookkeeper
//! does.

use fanline_ledger::{
    At, CellReason, Control, DeliveryOutcome, Departed, Edit, EditError, Entry, Lane,
    OutcomeMessage, Page, RunKeys, RunRecord, SliceId, Standing, Store, edit_control, merge_slice,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Folder, PERSONAL, campaign, list};

const CONTROL_FILE: &str = "records/control/control.json";

/// A run named `test` in the folder `records`, with its record, slices, counts and rolls.
pub(super) fn written(people: usize) -> Folder {
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(people));
    write_run(&folder, "campaign.json");
    folder
}

/// Sends a campaign in a rehearsal that keeps its records.
pub(super) fn write_run(folder: &Folder, campaign: &str) {
    let answer = folder.fanline(&["run", campaign, "--at", "records", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let run = answer.json()["run"].as_str().unwrap().to_owned();
    forget_outcomes(folder, &run);
}

/// Takes out all that the bookkeeper has written, and opens the run again: the tests write that
/// themselves.
pub(super) fn forget_outcomes(folder: &Folder, run: &str) {
    let of_run = folder.path("records/ledger").join(run);
    for outcomes in ["books", "pages"] {
        std::fs::remove_dir_all(of_run.join(outcomes)).unwrap();
    }
    std::fs::remove_file(of_run.join("watch.json")).unwrap();
    let mut control: Value = serde_json::from_str(&folder.read(CONTROL_FILE)).unwrap();
    let entry = control["runs"][run].as_object_mut().unwrap();
    entry.insert("state".into(), "open".into());
    entry.insert("by".into(), "producer".into());
    entry.remove("closed");
    control["stack"] = json!({});
    folder.write(CONTROL_FILE, control.to_string());
}

pub(super) fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// The folder's ledger.
pub(super) fn store(folder: &Folder) -> Store {
    Store::Folder(fanline_ledger::Folder::new(folder.path("records")))
}

/// An outcome of a push, one of LINE's answers.
pub(super) fn outcome(delivery: u32, reason: CellReason, status: Option<u16>) -> DeliveryOutcome {
    DeliveryOutcome {
        standing: Standing::At(At::whole(slice(), delivery)),
        people: 1,
        reason,
        status,
        request_id: status.map(|_| format!("request-{delivery}")),
        receives: 1,
        departed: status.map_or(Departed::No, |_| Departed::Answered),
        latency_ms: Some(120),
        time: "2026-12-25T08:00:03Z".parse().unwrap(),
        words: None,
    }
}

/// So many accepted deliveries from this number on.
pub(super) fn accepted(deliveries: std::ops::Range<u32>) -> Vec<DeliveryOutcome> {
    let accepted = |delivery| outcome(delivery, CellReason::Accepted, Some(200));
    deliveries.map(accepted).collect()
}

pub(super) fn slice() -> SliceId {
    "1".parse().unwrap()
}

/// Writes a page and the book of the first slice, as the bookkeeper does.
pub(super) fn settle(store: &Store, run: &str, outcomes: Vec<DeliveryOutcome>) {
    let keys = RunKeys::new(run);
    runtime().block_on(async {
        let message = OutcomeMessage {
            run: run.into(),
            retries: 0,
            too_fast: 0,
            outcomes,
        };
        let page = Page::pack([&message]);
        let key = keys.page(Timestamp::now(), &page);
        let put = store.put(&key, page, &fanline_ledger::Expect::Any);
        put.await.unwrap();
        let outcomes: Vec<_> = message.outcomes.iter().collect();
        let merged = merge_slice(store, &keys, slice(), &outcomes).await.unwrap();
        assert!(merged.misfits.is_empty());
    });
}

pub(super) fn record(store: &Store, run: &str) -> RunRecord {
    let object = runtime().block_on(store.get(&RunKeys::new(run).record()));
    RunRecord::decode(&object.unwrap().unwrap().bytes).unwrap()
}

/// Edits the control object as the pipeline does.
pub(super) fn edit(
    store: &Store,
    edit: impl Fn(Edit<'_>) -> Result<Control, EditError>,
) -> Control {
    let edited = runtime().block_on(edit_control(store, |control| {
        edit(Edit::new(control, "producer", None, Timestamp::now())?)
    }));
    edited.unwrap()
}

/// Enters a run into control, as the producer does.
pub(super) fn enter(store: &Store, run: &str) {
    let started_at = record(store, run).started_at;
    edit(store, |edit| {
        edit.enter(&Entry {
            run,
            started_at,
            lane: Lane::Bulk,
            has_canary: false,
        })
    });
}

/// A run of 10 people: 6 accepted, 1 refused, 1 set aside, 2 waiting.
pub(super) fn half_done() -> Folder {
    let folder = written(10);
    let store = store(&folder);
    enter(&store, "test");
    let mut outcomes = accepted(0..6);
    outcomes.push(DeliveryOutcome {
        words: Some("The property, 'to', in the request body is invalid".into()),
        ..outcome(6, CellReason::Refused, Some(400))
    });
    outcomes.push(outcome(7, CellReason::Quota, Some(429)));
    settle(&store, "test", outcomes);
    folder
}
