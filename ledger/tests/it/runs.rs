//! The record of a run in a store: of several firings one begins it.

use fanline_core::channel::Channel;
use fanline_ledger::{
    Cut, Decision, Expect, Firing, ListVersion, Refusal, RunKeys, RunKind, RunRecord, Store,
    begin_run, draw_id,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Fault, S3, TestFolder};

const RUN: &str = "xmas@2026-12-25T00:00:00Z";

fn now() -> Timestamp {
    "2026-12-25T00:00:03Z".parse().unwrap()
}

fn campaign() -> Value {
    json!({"campaign": "xmas", "channel": "line", "recipients": "s3://b/l.csv", "messages": []})
}

fn firing(campaign: &Value) -> Firing<'_> {
    Firing {
        run: RUN,
        id: draw_id(),
        kind: RunKind::Real,
        channel: Channel::Line,
        campaign,
        list: ListVersion {
            uri: "s3://b/l.csv".into(),
            etag: "\"abc\"".into(),
            version_id: None,
            bytes: 100,
        },
        scheduled_time: None,
        grouping: 1,
        cut: Cut {
            slice_bytes: 67_108_864,
            window_bytes: 67_108_864,
        },
        resend_of: None,
    }
}

fn is_begun(decision: &Decision) -> bool {
    matches!(decision, Decision::Begin(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_firings_at_once_one_begins_and_all_have_its_record() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        let firings: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    let campaign = campaign();
                    begin_run(&store, &firing(&campaign), now()).await.unwrap()
                })
            })
            .collect();
        let mut begun = 0;
        let mut records: Vec<RunRecord> = Vec::new();
        for firing in firings {
            let decision = firing.await.unwrap();
            begun += u32::from(is_begun(&decision));
            match decision {
                Decision::Begin(record) | Decision::Continue(record) => records.push(*record),
                Decision::Refuse(refusal) => panic!("{refusal}"),
            }
        }
        assert_eq!(begun, 1);
        assert!(records.iter().all(|record| *record == records[0]));
    }
}

#[tokio::test]
async fn a_lost_answer_does_not_make_a_firing_its_own_repetition() {
    let s3 = S3::start().await;
    let mut first = true;
    s3.script(move |_| std::mem::take(&mut first).then_some(Fault::LostAnswer));
    let campaign = campaign();
    let notify = || Firing {
        channel: Channel::LineNotify,
        ..firing(&campaign)
    };
    let begun = begin_run(&s3.store(), &notify(), now()).await.unwrap();
    assert!(is_begun(&begun), "{begun:?}");
    let again = begin_run(&s3.store(), &notify(), now()).await.unwrap();
    assert_eq!(again, Decision::Refuse(Refusal::NotifyTwice(RUN.into())));
}

#[tokio::test]
async fn a_refused_firing_leaves_the_record_as_it_is() {
    let folder = TestFolder::new();
    let store = folder.store();
    let campaign = campaign();
    begin_run(&store, &firing(&campaign), now()).await.unwrap();
    let key = RunKeys::new(RUN).record();
    let before = store.get(&key).await.unwrap();
    let mut other = firing(&campaign);
    other.list.bytes = 101;
    let refused = begin_run(&store, &other, now()).await.unwrap();
    assert_eq!(refused, Decision::Refuse(Refusal::OtherList(RUN.into())));
    assert_eq!(store.get(&key).await.unwrap(), before);
}

#[tokio::test]
async fn a_record_that_can_not_be_read_stops_the_firing() {
    let folder = TestFolder::new();
    let store = folder.store();
    let key = RunKeys::new(RUN).record();
    store.put(&key, "{}", &Expect::Any).await.unwrap();
    let campaign = campaign();
    let error = begin_run(&store, &firing(&campaign), now())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`run.json`: missing field `v` at line 1 column 2"
    );
}

#[tokio::test]
async fn two_resends_have_numbers_of_their_own() {
    let folder = TestFolder::new();
    let store = folder.store();
    let campaign = campaign();
    begin_run(&store, &firing(&campaign), now()).await.unwrap();
    let (one, other) = tokio::join!(take_number(&store), take_number(&store));
    let mut numbers = [one, other];
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    let refused = begin_run(&store, &firing(&campaign), now()).await.unwrap();
    assert!(matches!(
        refused,
        Decision::Refuse(Refusal::Resent { resends: 2, .. })
    ));
}

/// Takes the number of the next resend, as the command does.
async fn take_number(store: &Store) -> usize {
    let (mut number, resend) = (0, draw_id());
    let take = |json: Option<&[u8]>| {
        let mut record = RunRecord::decode(json.expect("the run has begun"))?;
        number = record.take_resend(resend);
        Ok::<_, fanline_ledger::ObjectError>(Some(record.encode()))
    };
    store
        .update(&RunKeys::new(RUN).record(), take)
        .await
        .unwrap();
    number
}
