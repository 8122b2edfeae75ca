//! `resend`: whom nothing reached, once more, and nobody twice.

use std::collections::{BTreeMap, BTreeSet};

use fanline_ledger::{CellReason, DeliveryOutcome, Departed, Store};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::queues::Queues;
use super::world::{edit, enter, outcome, record, settle, store, write_run, written};
use crate::support::{Answer, Folder};

pub(super) const EVERYTHING: &str = "refused,expired,cancelled,set-aside,missing,unknown";

/// A run of so many people that is closed with these outcomes.
fn closed(people: usize, outcomes: Vec<DeliveryOutcome>) -> (Folder, Store) {
    let folder = written(people);
    let store = store(&folder);
    settle_and_close(&store, "test", outcomes);
    (folder, store)
}

pub(super) fn settle_and_close(store: &Store, run: &str, outcomes: Vec<DeliveryOutcome>) {
    enter(store, run);
    settle(store, run, outcomes);
    edit(store, |edit| edit.close(run));
}

pub(super) fn resend(folder: &Folder, only: &str, more: &[&str]) -> Answer {
    let args = ["resend", "test", "--only", only, "--at", "records", "--yes"];
    folder.fanline(&[&args[..], more].concat())
}

/// The names on the list of a resend.
pub(super) fn names(folder: &Folder, id: &str) -> Vec<String> {
    let list = folder.read(&format!("{id}/list.csv"));
    let names = list.lines().skip(1);
    let names = names.map(|line| line.split(',').nth(1).unwrap().to_owned());
    names.collect()
}

fn perhaps(delivery: u32, reason: CellReason) -> DeliveryOutcome {
    DeliveryOutcome {
        receives: 2,
        departed: Departed::Unanswered,
        ..outcome(delivery, reason, None)
    }
}

/// Accepted, refused, quota, perhaps expired, unanswered; the sixth waits.
pub(super) fn world() -> (Folder, Store) {
    closed(
        6,
        vec![
            outcome(0, CellReason::Accepted, Some(200)),
            outcome(1, CellReason::Refused, Some(400)),
            outcome(2, CellReason::Quota, Some(429)),
            perhaps(3, CellReason::Expired),
            perhaps(4, CellReason::Unanswered),
        ],
    )
}

#[test]
fn a_resend_is_a_campaign_for_those_who_certainly_got_nothing() {
    let (folder, store) = world();
    let answer = resend(&folder, EVERYTHING, &["--json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({
            "run": "test", "resend": "test.r1", "campaign": "test.r1/campaign.json", "people": 2,
            "may_double": 0, "left_out_perhaps_taken": 3, "left_out_in_another_resend": 0,
            "left_out_mended": 0,
        })
    );
    assert_eq!(names(&folder, "test.r1"), ["name 1", "name 2"]);
    let campaign: Value = serde_json::from_str(&folder.read("test.r1/campaign.json")).unwrap();
    assert_eq!(campaign["campaign"], "test.r1");
    assert_eq!(campaign["resend_of"], "test");
    assert_eq!(
        campaign["messages"],
        record(&store, "test").campaign["messages"]
    );
    write_run(&folder, "test.r1/campaign.json");
    let sent = record(&store, "test.r1");
    assert_eq!(sent.resend_of.as_deref(), Some("test"));
    let status = folder.fanline(&["status", "test.r1", "--at", "records"]);
    assert!(status.out.contains("a resend of test\n"), "{status:?}");
}

#[test]
fn whom_line_may_have_accepted_is_sent_to_with_may_double_only_and_it_names_the_number() {
    let (folder, _) = world();
    let args = ["resend", "test", "--only", "unknown", "--at", "records"];
    let answer = folder.fanline(&args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(
        answer
            .err
            .contains("1 person left out: LINE may have accepted it"),
        "{answer:?}"
    );
    assert_eq!(answer.out, "test: there is nobody to resend to\n");
    let answer = folder.fanline(&[&args[..], &["--may-double"]].concat());
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let expected = "resends `test` to 1 person, 1 person of whom may get it twice";
    assert!(answer.err.contains(expected), "{answer:?}");
    assert!(!folder.path("test.r1").exists());
    assert_eq!(resend(&folder, "unknown", &["--may-double"]).code, Some(0));
    assert_eq!(names(&folder, "test.r1"), ["name 4"]);
}

#[test]
fn who_was_set_aside_for_certain_and_sent_to_again_is_perhaps_taken() {
    let (folder, store) = world();
    let at = ["--at", "records"];
    let queues = Queues::start();
    edit(&store, |edit| edit.set_stack(queues.stack()));
    // The dead letter of the third person is gone: it is published again, and its outcome is lost.
    let redrive = ["redrive", "test", "--only", "quota", "--json"];
    let answer = folder.fanline(&[&redrive[..], &at].concat());
    assert_eq!(answer.json()["slices"], 1, "{answer:?}");
    edit(&store, |edit| edit.close("test"));
    let answer = resend(&folder, "set-aside,refused", &["--json"]);
    let report = answer.json();
    assert_eq!(
        (&report["people"], &report["left_out_perhaps_taken"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(names(&folder, "test.r1"), ["name 1"]);
}

#[test]
fn a_run_that_is_not_closed_is_not_resent() {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    let answer = resend(&folder, EVERYTHING, &[]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("the run `test` is not closed"),
        "{answer:?}"
    );
    edit(&store, |edit| edit.cancel("test"));
    let answer = resend(&folder, EVERYTHING, &[]);
    assert!(
        answer.err.contains("closes it once its queues are empty"),
        "{answer:?}"
    );
    assert!(record(&store, "test").resends.is_empty());
}

#[test]
fn who_is_in_a_resend_that_is_not_closed_is_in_no_other() {
    let (folder, store) = world();
    assert_eq!(resend(&folder, "refused", &[]).code, Some(0));
    let second = resend(&folder, "refused,set-aside", &["--json"]).json();
    assert_eq!(
        (&second["people"], &second["left_out_in_another_resend"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(names(&folder, "test.r2"), ["name 2"]);
    for (run, reason, status) in [
        ("test.r1", CellReason::Refused, 400),
        ("test.r2", CellReason::Accepted, 200),
    ] {
        write_run(&folder, &format!("{run}/campaign.json"));
        settle_and_close(&store, run, vec![outcome(0, reason, Some(status))]);
    }
    // By the name of a resend its first run is meant.
    let args = [
        "resend",
        "test.r2",
        "--only",
        "refused,set-aside",
        "--at",
        "records",
        "--yes",
    ];
    assert_eq!(folder.fanline(&args).code, Some(0));
    assert_eq!(names(&folder, "test.r3"), ["name 1"]);
    // Whoever is in the third resend must not get the first one again.
    for again in [
        &["redrive", "test.r1", "--only", "quota", "--at", "records"][..],
        &["run", "test.r1/campaign.json", "--at", "records"],
    ] {
        let answer = folder.fanline(again);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let expected = "the run `test.r1` has been resent";
        assert!(answer.err.contains(expected), "{answer:?}");
    }
}

#[test]
fn a_resend_that_was_never_cut_holds_nobody_once_it_is_closed() {
    let (folder, store) = world();
    assert_eq!(resend(&folder, "refused", &[]).code, Some(0));
    write_run(&folder, "test.r1/campaign.json");
    folder.remove("records/ledger/test.r1/slices.ndjson");
    enter(&store, "test.r1");
    assert_eq!(resend(&folder, "refused", &["--json"]).json()["people"], 0);
    edit(&store, |edit| edit.cancel("test.r1"));
    edit(&store, |edit| edit.close("test.r1"));
    assert_eq!(resend(&folder, "refused", &["--json"]).json()["people"], 1);
}

#[test]
fn of_two_operators_at_once_nobody_sends_to_whom_the_other_sends() {
    let outcomes = (0..40).map(|n| outcome(n, CellReason::Refused, Some(400)));
    let (folder, _) = closed(40, outcomes.collect());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let operators = [0, 1].map(|_| scope.spawn(|| resend(&folder, "refused", &[])));
        operators.map(|operator| operator.join().unwrap()).into()
    });
    assert!(
        answers.iter().all(|answer| answer.code == Some(0)),
        "{answers:?}"
    );
    let (one, two) = (names(&folder, "test.r1"), names(&folder, "test.r2"));
    let both: BTreeSet<_> = one.iter().chain(&two).collect();
    assert_eq!((one.len() + two.len(), both.len()), (40, 40));
}

#[test]
fn what_a_cancelled_run_has_not_read_is_resent_as_cancelled_and_each_person_once() {
    let folder = written(4);
    let store = store(&folder);
    enter(&store, "test");
    // The producer has cut the list and read nothing of it.
    for object in ["rolls/1", "slices/1.json"] {
        folder.remove(&format!("records/ledger/test/{object}"));
    }
    edit(&store, |edit| edit.cancel("test"));
    edit(&store, |edit| edit.close("test"));
    assert_eq!(resend(&folder, "cancelled", &[]).code, Some(0));
    assert_eq!(names(&folder, "test.r1").len(), 4);
    let answer = resend(&folder, "cancelled", &["--json"]).json();
    assert_eq!(
        (&answer["people"], &answer["left_out_in_another_resend"]),
        (&json!(0), &json!(4))
    );
}

/// What may become of a delivery.
fn ending() -> impl Strategy<Value = (CellReason, bool)> {
    (
        prop::sample::select(CellReason::ALL.to_vec()),
        any::<bool>(),
    )
}

fn outcomes(endings: &[(CellReason, bool)], people: usize) -> Vec<DeliveryOutcome> {
    let endings = (0..).zip(endings).take(people);
    let outcomes = endings.map(|(delivery, (reason, doubt))| match (reason, doubt) {
        (CellReason::Accepted | CellReason::Refused, _) | (_, false) => {
            outcome(delivery, *reason, None)
        }
        (_, true) => perhaps(delivery, *reason),
    });
    outcomes.collect()
}

/// Closes a run with these outcomes, and says of each of its people whether LINE may have the
/// message.
fn play(
    store: &Store,
    run: &str,
    names: &[String],
    endings: &[(CellReason, bool)],
    perhaps_taken: &mut BTreeMap<String, u32>,
) {
    let outcomes = outcomes(endings, names.len());
    for (name, outcome) in names.iter().zip(&outcomes) {
        let cell = outcome.cell();
        let may = cell.is_perhaps_taken() || outcome.reason == CellReason::Accepted;
        *perhaps_taken.entry(name.clone()).or_default() += u32::from(may);
    }
    settle_and_close(store, run, outcomes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn through_a_family_of_resends_nobody_may_get_it_twice(
        endings in prop::collection::vec(prop::collection::vec(ending(), 12), 3)
    ) {
        let folder = written(12);
        let store = store(&folder);
        let mut perhaps_taken = BTreeMap::new();
        let all: Vec<_> = (0..12).map(|n| format!("name {n}")).collect();
        play(&store, "test", &all, &endings[0], &mut perhaps_taken);
        for (round, endings) in (1..).zip(&endings[1..]) {
            let may_get_it: BTreeSet<_> = perhaps_taken
                .iter()
                .filter_map(|(name, times)| (*times > 0).then_some(name.clone()))
                .collect();
            let made = resend(&folder, EVERYTHING, &["--json"]).json();
            if made["people"] == 0 {
                prop_assert_eq!(may_get_it.len(), 12, "everybody else is chosen");
                break;
            }
            let id = format!("test.r{round}");
            let chosen = names(&folder, &id);
            prop_assert_eq!(chosen.len() + may_get_it.len(), 12);
            prop_assert!(chosen.iter().all(|name| !may_get_it.contains(name)));
            write_run(&folder, &format!("{id}/campaign.json"));
            play(&store, &id, &chosen, endings, &mut perhaps_taken);
        }
        prop_assert!(perhaps_taken.values().all(|times| *times <= 1), "{perhaps_taken:?}");
    }
}
