//! `dead-letters` and `redrive`.

use fanline_ledger::{CellReason, Store};
use serde_json::{Value, json};

use super::queues::{Queues, delivery};
use super::world::{accepted, edit, enter, outcome, record, runtime, settle, store, written};
use crate::support::{Answer, Folder};

/// A run with dead letters among those of another run.
fn world() -> (Folder, Store, Queues) {
    let folder = written(10);
    let store = store(&folder);
    enter(&store, "test");
    let queues = Queues::start();
    edit(&store, |edit| edit.set_stack(queues.stack()));
    for (run, number, reason) in [
        ("test", 0, "quota"),
        ("test", 1, "quota"),
        ("test", 1, "quota"),
        ("other", 2, "quota"),
        ("test", 3, "unauthorized"),
        ("test", 4, "refused"),
        ("test", 5, "expired"),
    ] {
        let attributes = [
            ("run", run),
            ("reason", reason),
            ("status", "429"),
            ("line_message", "too many"),
        ];
        queues.put_with("dead", &delivery(run, number), &attributes);
    }
    // SQS moved it after too many receives: no attribute.
    queues.put("dead", &[delivery("test", 6), delivery("other", 7)]);
    (folder, store, queues)
}

fn fanline(folder: &Folder, args: &[&str]) -> Answer {
    folder.fanline(&[args, &["--at", "records"]].concat())
}

fn places(bodies: &[String]) -> Vec<String> {
    let place = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap();
        let (run, at) = (&body["run"], &body["at"]);
        format!("{} {}", run.as_str().unwrap(), at.as_str().unwrap())
    };
    let mut places: Vec<_> = bodies.iter().map(place).collect();
    places.sort();
    places
}

#[test]
fn dead_letters_are_counted_by_reason_and_stay_where_they_are() {
    let (folder, _, queues) = world();
    let answer = fanline(&folder, &["dead-letters", "test"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer.out.starts_with(
            "test: 6 dead letters, 6 people\n  2 people quota (status 429): too many\n"
        ),
        "{answer:?}"
    );
    assert!(
        answer.out.contains("  1 person received too often\n"),
        "{answer:?}"
    );
    let args = [
        "dead-letters",
        "test",
        "--reason",
        "quota",
        "--json",
        "--out",
        "letters.ndjson",
    ];
    let groups = fanline(&folder, &args).json();
    assert_eq!(
        groups,
        json!([{"reason": "quota", "status": "429", "words": "too many", "deliveries": 2,
                "people": 2}])
    );
    let letters = folder.read("letters.ndjson");
    let letters: Vec<Value> = letters
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (letters.len(), &letters[0]["body"]["run"]),
        (2, &json!("test"))
    );
    assert_eq!(queues.take("dead").len(), 9);
    let answer = fanline(&folder, &["dead-letters", "test"]);
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (Some(0), "test: 0 dead letters, 0 people\n")
    );
}

#[test]
fn only_the_dead_letters_that_are_meant_go_back_to_the_delivery_queue() {
    let (folder, _, queues) = world();
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(
        answer.out,
        "test: 3 deliveries are back on the delivery queue\n"
    );
    assert_eq!(
        places(&queues.take("deliveries")),
        ["test 1:0", "test 1:1", "test 1:1"]
    );
    assert_eq!(queues.take("outcomes").len(), 1);
    let answer = fanline(
        &folder,
        &["redrive", "test", "--only", "set-aside,missing", "--json"],
    );
    assert_eq!(
        answer.json(),
        json!({"run": "test", "deliveries": 2, "slices": 1}),
        "{answer:?}"
    );
    assert_eq!(places(&queues.take("deliveries")), ["test 1:3", "test 1:6"]);
    let order = r#"{"v":1,"run":"test","slice":"1","only":"waiting"}"#;
    assert_eq!(queues.take("slices"), [order]);
    let left = places(&queues.take("dead"));
    assert_eq!(left, ["other 1:2", "other 1:7", "test 1:4", "test 1:5"]);
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.out, "test: there is nothing to redrive\n");
}

/// Four people without quota, two of whom have dead letters.
fn half_purged(store: &Store) {
    let quota = [0, 1, 7, 8].map(|number| outcome(number, CellReason::Quota, Some(429)));
    settle(store, "test", quota.to_vec());
}

#[test]
fn whose_dead_letter_is_gone_is_published_again_and_the_note_comes_first() {
    let (folder, store, queues) = world();
    half_purged(&store);
    let args = [
        "redrive", "test", "--only", "quota", "--by", "mei", "--json",
    ];
    let answer = fanline(&folder, &args);
    let expected = json!({"run": "test", "deliveries": 3, "slices": 1});
    assert_eq!(answer.json(), expected, "{answer:?}");
    let order = r#"{"v":1,"run":"test","slice":"1","only":["waiting","quota"]}"#;
    assert_eq!(queues.take("slices"), [order]);
    let keys = fanline_ledger::RunKeys::new("test");
    let notes = runtime().block_on(fanline_ledger::read_redrives(&store, &keys));
    let notes = notes.unwrap();
    let note = notes.last().unwrap();
    assert_eq!((note.by.as_str(), notes.all().len()), ("mei", 1));
    assert_eq!(note.only, [fanline_ledger::RedriveReason::Quota]);
    assert!(note.ended.is_some());
    // Who was accepted since has no need of it.
    settle(&store, "test", accepted(0..10));
    let answer = fanline(&folder, &args);
    assert_eq!(answer.json()["slices"], 0, "{answer:?}");
}

#[test]
fn a_letter_for_another_reason_does_not_stand_for_somebody_whose_letter_is_gone() {
    let (folder, store, queues) = world();
    let quota = [0, 1, 7].map(|number| outcome(number, CellReason::Quota, Some(429)));
    settle(&store, "test", quota.to_vec());
    let args = ["redrive", "test", "--only", "missing,quota", "--json"];
    assert_eq!(fanline(&folder, &args).json()["deliveries"], 4);
    let order = r#"{"v":1,"run":"test","slice":"1","only":["waiting","quota"]}"#;
    assert_eq!(queues.take("slices"), [order]);
}

#[test]
fn a_run_that_can_not_be_published_again_says_how_many_are_lost() {
    let (folder, store, queues) = world();
    half_purged(&store);
    let mut inline = record(&store, "test");
    inline.list.uri = "inline".into();
    let key = fanline_ledger::RunKeys::new("test").record();
    let put = store.put(&key, inline.encode(), &fanline_ledger::Expect::Any);
    runtime().block_on(put).unwrap();
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let expected = "test: 2 people without a dead letter: the rows stood in the campaign";
    assert!(answer.out.contains(expected), "{answer:?}");
    assert!(queues.take("slices").is_empty());
}

#[test]
fn what_sqs_has_set_aside_says_that_line_may_have_taken_it() {
    let (folder, _, queues) = world();
    let args = ["redrive", "test", "--only", "missing,quota"];
    assert_eq!(fanline(&folder, &args).code, Some(0));
    let marked = |body: &String| body.contains(r#""perhaps_taken":true"#);
    let (marked, others): (Vec<_>, Vec<_>) =
        queues.take("deliveries").into_iter().partition(marked);
    assert_eq!(places(&marked), ["test 1:6"]);
    assert_eq!(others.len(), 3);
}

#[test]
fn what_has_no_one_waiting_is_not_published_again() {
    let (folder, store, queues) = world();
    settle(&store, "test", accepted(0..10));
    let answer = fanline(&folder, &["redrive", "test", "--only", "missing", "--json"]);
    assert_eq!(answer.json()["slices"], 0, "{answer:?}");
    assert!(queues.take("slices").is_empty());
}

#[test]
fn a_run_that_is_done_is_opened_again_and_one_that_was_resent_or_cancelled_is_not() {
    let (folder, store, queues) = world();
    settle(
        &store,
        "test",
        vec![outcome(0, CellReason::Quota, Some(429))],
    );
    edit(&store, |edit| edit.close("test"));
    let args = [
        "redrive",
        "test",
        "--only",
        "quota",
        "--by",
        "mei",
        "--why",
        "bought more",
    ];
    assert_eq!(fanline(&folder, &args).code, Some(0));
    let status = fanline(&folder, &["status", "test"]);
    assert!(status.out.starts_with("test is open\n"), "{status:?}");
    assert!(status.out.contains("by mei: bought more"), "{status:?}");
    for change in [
        "opened again         by mei: bought more",
        "redriven (quota)     by mei",
    ] {
        assert!(status.out.contains(change), "{status:?}");
    }

    let mut resent = record(&store, "test");
    resent.take_resend(fanline_ledger::draw_id());
    let key = fanline_ledger::RunKeys::new("test").record();
    let put = store.put(&key, resent.encode(), &fanline_ledger::Expect::Any);
    runtime().block_on(put).unwrap();
    queues.take("deliveries");
    let answer = fanline(&folder, &args);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("the run `test` has been resent"),
        "{answer:?}"
    );
    assert!(queues.take("deliveries").is_empty());
}

#[test]
fn a_cancelled_run_and_one_that_expired_are_not_redriven() {
    let (folder, store, queues) = world();
    let mut expired = record(&store, "test");
    expired.campaign["expires_at"] = json!("2026-01-01T00:00:00Z");
    let key = fanline_ledger::RunKeys::new("test").record();
    let put = store.put(&key, expired.encode(), &fanline_ledger::Expect::Any);
    runtime().block_on(put).unwrap();
    let args = ["redrive", "test", "--only", "expired"];
    let answer = fanline(&folder, &args);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("with `fanline extend` first"),
        "{answer:?}"
    );
    let later = (expired.started_at + jiff::SignedDuration::from_hours(2)).to_string();
    assert_eq!(
        fanline(&folder, &["extend", "test", "--expires-at", &later]).code,
        Some(0)
    );
    assert_eq!(fanline(&folder, &args).code, Some(0));
    assert_eq!(places(&queues.take("deliveries")), ["test 1:5"]);
    fanline(&folder, &["cancel", "test", "--yes"]);
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("is cancelled"), "{answer:?}");
    assert!(queues.take("deliveries").is_empty());
}

#[test]
fn a_run_is_not_redriven_after_22_hours() {
    let (folder, store, _) = world();
    let mut old = record(&store, "test");
    old.started_at -= jiff::SignedDuration::from_hours(22);
    let key = fanline_ledger::RunKeys::new("test").record();
    let put = store.put(&key, old.encode(), &fanline_ledger::Expect::Any);
    runtime().block_on(put).unwrap();
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer
            .err
            .contains("after 22 hours nothing more of it is redriven"),
        "{answer:?}"
    );
}

#[test]
fn a_stack_whose_queues_are_not_known_is_one_sentence() {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    edit(&store, |edit| {
        edit.set_stack(fanline_ledger::Stack::default())
    });
    for args in [
        &["dead-letters", "test"][..],
        &["redrive", "test", "--only", "quota"],
    ] {
        let answer = fanline(&folder, args);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(
            answer
                .err
                .contains("the control object names no dead-letter queue"),
            "{answer:?}"
        );
    }
}
