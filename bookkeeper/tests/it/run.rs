//! A run as its producer and its consumers write it.

use fanline_core::channel::Channel;
use fanline_ledger::{
    Book, ByEndpoint, CellReason, Content, Cut, DeliveryOutcome, Departed, Expect, ListVersion,
    OutcomeMessage, RunKeys, RunKind, RunRecord, SliceCounts, SliceId, SliceLine, SliceLines,
    Standing, Store, draw_id,
};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use crate::support::{World, eight};

/// The run of most tests.
pub(crate) const RUN: &str = "xmas@2026-12-25T00:00:00Z";

pub(crate) fn keys() -> RunKeys {
    RunKeys::new(RUN)
}

pub(crate) fn slice(text: &str) -> SliceId {
    text.parse().unwrap()
}

/// What a consumer says of a push: LINE took it.
pub(crate) fn accepted(at: &str) -> DeliveryOutcome {
    outcome(at, CellReason::Accepted, 200)
}

/// What a consumer says of a push: LINE refused it.
pub(crate) fn refused(at: &str) -> DeliveryOutcome {
    outcome(at, CellReason::Refused, 400)
}

/// What a consumer says of a push: the month's messages are used up.
pub(crate) fn set_aside(at: &str) -> DeliveryOutcome {
    outcome(at, CellReason::Quota, 429)
}

fn outcome(at: &str, reason: CellReason, status: u16) -> DeliveryOutcome {
    DeliveryOutcome {
        standing: Standing::At(at.parse().unwrap()),
        people: 1,
        reason,
        status: Some(status),
        request_id: Some("00000000-0000-4000-8000-000000000000".into()),
        receives: 1,
        departed: Departed::Answered,
        latency_ms: Some(150),
        time: eight() + 1.second(),
        words: None,
    }
}

/// The messages of a run's outcomes, so many outcomes in each.
pub(crate) fn messages(run: &str, outcomes: &[DeliveryOutcome], each: usize) -> Vec<String> {
    let messages = outcomes.chunks(each).flat_map(|outcomes| {
        let message = OutcomeMessage {
            run: run.into(),
            retries: 0,
            too_fast: 0,
            outcomes: outcomes.to_vec(),
        };
        message.encode()
    });
    messages.collect()
}

/// What the book of a slice with so many recipients must be in the end.
pub(crate) fn book(id: &str, recipients: u64, outcomes: &[DeliveryOutcome]) -> Vec<u8> {
    let mut book = Book::new(slice(id), recipients);
    for outcome in outcomes {
        book.merge(outcome);
    }
    book.encode()
}

/// The book of a slice as it lies in the store.
pub(crate) async fn stored_book(store: &Store, id: &str) -> Vec<u8> {
    let book = store.get(&keys().book(slice(id))).await.unwrap();
    book.map(|book| book.bytes.to_vec()).unwrap_or_default()
}

async fn put(store: &Store, key: &str, bytes: Vec<u8>) {
    store.put(key, bytes, &Expect::Any).await.unwrap();
}

/// Writes the counts of slices that are published whole, each person with a delivery of its own.
pub(crate) async fn write_counts(store: &Store, slices: &[(&str, u64)]) {
    for (id, recipients) in slices {
        let counts = SliceCounts::new(slice(id), *recipients, 0, 0);
        let push = ByEndpoint {
            push: *recipients,
            multicast: 0,
        };
        let counts = counts.published(push);
        put(store, &keys().counts(slice(id)), counts.encode()).await;
    }
}

/// Writes the list of the run's slices.
pub(crate) async fn write_lines(store: &Store, slices: &[(&str, u64)]) {
    let line = |(id, rows): &(&str, u64)| SliceLine {
        slice: slice(id),
        rows: *rows,
        start: 0,
        end: 100,
    };
    let lines = SliceLines(slices.iter().map(line).collect());
    put(store, &keys().slices(), lines.encode()).await;
}

/// Writes the record of the run, with these fields of its campaign beside the usual ones.
pub(crate) async fn write_record(store: &Store, more: &Value) {
    let mut campaign = json!({
        "campaign": "xmas",
        "channel": "line",
        "recipients": "friends.csv",
        "messages": [{"type": "text", "text": "hi"}],
    });
    let fields = campaign.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let list = ListVersion {
        uri: campaign["recipients"].as_str().unwrap().into(),
        // Of an empty object.
        etag: "\"d41d8cd98f00b204e9800998ecf8427e\"".into(),
        version_id: None,
        bytes: 0,
    };
    let channel = match campaign["channel"].as_str() {
        Some("line-notify") => Channel::LineNotify,
        _ => Channel::Line,
    };
    let record = json!({
        "v": 1,
        "run": RUN,
        "kind": RunKind::Real,
        "started_at": eight(),
        "content": Content::new(channel, &campaign, &list),
        "list": list,
        "grouping": 1,
        "cut": Cut { slice_bytes: 1_000, window_bytes: 1_000 },
        "firing": draw_id(),
        "campaign": campaign,
    });
    let record = RunRecord::decode(record.to_string().as_bytes()).unwrap();
    put(store, &keys().record(), record.encode()).await;
}

/// Enters the run as its producer does.
pub(crate) async fn enter(world: &World, has_canary: bool) {
    let entry = fanline_ledger::Entry {
        run: RUN,
        started_at: eight(),
        lane: fanline_ledger::Lane::Bulk,
        has_canary,
    };
    world.edit(|edit| edit.enter(&entry)).await;
}
