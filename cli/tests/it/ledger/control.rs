//! `pause`, `resume`, `cancel`, `pace`, `extend` and `release`.

use fanline_ledger::{Stack, Store};
use fanline_local::{S3Call, S3Fault};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::queues::{Queues, delivery};
use super::world::{edit, enter, record, store, written};
use crate::support::{Answer, Folder};

/// A run that is open.
fn world() -> (Folder, Store) {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    (folder, store)
}

fn fanline(folder: &Folder, args: &[&str]) -> Answer {
    folder.fanline(&[args, &["--at", "records"]].concat())
}

#[test]
fn a_run_is_paused_and_resumed_with_who_and_why() {
    let (folder, _) = world();
    let args = ["pause", "test", "--why", "wrong text", "--by", "mei"];
    let answer = fanline(&folder, &args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let expected = "test is paused: its deliveries wait where they are. It can be resumed until ";
    assert!(answer.out.starts_with(expected), "{answer:?}");
    assert!(
        answer.out.contains("switches the consumer off"),
        "{answer:?}"
    );
    let status = fanline(&folder, &["status", "test"]);
    assert!(status.out.contains("), by mei: wrong text\n"), "{status:?}");
    let again = fanline(&folder, &["pause", "test", "--by", "bo"]);
    assert!(
        again.out.contains("it was so already, by mei, "),
        "{again:?}"
    );
    let report = fanline(&folder, &["resume", "te", "--by", "bo", "--json"]).json();
    for (field, value) in [
        ("run", json!("test")),
        ("changed", json!(true)),
        ("state", json!("open")),
        ("by", json!("bo")),
        ("unparked", json!(0)),
    ] {
        assert_eq!(report[field], value, "{field}: {report}");
    }
}

#[test]
fn a_cancel_asks_first_and_can_not_be_undone() {
    let (folder, _) = world();
    let answer = fanline(&folder, &["cancel", "test"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("this cancels the run `test` for good"),
        "{answer:?}"
    );
    assert!(answer.err.contains("add --yes"), "{answer:?}");
    assert!(
        fanline(&folder, &["status", "test"])
            .out
            .starts_with("test is open")
    );
    let answer = fanline(&folder, &["cancel", "test", "--yes"]);
    assert!(answer.out.starts_with("test is cancelled"), "{answer:?}");
    assert_eq!(fanline(&folder, &["cancel", "test"]).code, Some(0));
    let answer = fanline(&folder, &["resume", "test"]);
    assert_eq!(answer.code, Some(2));
    assert_eq!(
        answer.err,
        "error: the run `test` is cancelled and can't be changed\n"
    );
}

#[test]
fn a_run_without_control_is_not_changed() {
    let folder = written(3);
    folder.remove("records/control/control.json");
    let answer = fanline(&folder, &["pause", "test"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("the run `test` is not in control"),
        "{answer:?}"
    );
    assert!(!folder.path("records/control/control.json").exists());
}

#[test]
fn the_pace_of_the_stack_is_set_for_one_endpoint_and_taken_back() {
    let (folder, store) = world();
    let answer = fanline(&folder, &["pace", "--push", "500"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let stack = Stack {
        environments: Some(10),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    fanline(&folder, &["pace", "--multicast", "50"]);
    let args = [
        "pace",
        "--push",
        "500",
        "--by",
        "mei",
        "--why",
        "LINE asked",
    ];
    let answer = fanline(&folder, &args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let expected = "pushes: at most 500 a second\nmulticasts: at most 50 a second\nset by mei, ";
    assert!(answer.out.starts_with(expected), "{answer:?}");
    let report = fanline(&folder, &["pace", "--push", "off", "--json"]).json();
    assert_eq!(
        (&report["push"], &report["multicast"]),
        (&json!(null), &json!(50))
    );
    assert_eq!(fanline(&folder, &["pace", "--json"]).json(), report);
    for (flag, pace, problem) in [
        ("--push", "3", "is below 6 a second"),
        ("--push", "2001", "is not from 1 to 2000"),
        (
            "--multicast",
            "slow",
            "neither a number of requests a second nor `off`",
        ),
    ] {
        let answer = fanline(&folder, &["pace", flag, pace]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(problem), "{answer:?}");
    }
}

#[test]
fn an_expiry_is_extended_within_the_23_hours() {
    let (folder, store) = world();
    let started_at = record(&store, "test").started_at;
    let at = |hours: i64| (started_at + hours_later(hours)).to_string();
    let answer = fanline(&folder, &["extend", "test", "--expires-at", &at(20)]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(
        answer.out.contains("fanline redrive --only expired"),
        "{answer:?}"
    );
    let status = fanline(&folder, &["status", "test", "--json"]).json();
    assert_eq!(status["deadline"], at(20));
    for (time, problem) in [
        (at(24), "when LINE may forget the run's retry keys"),
        (at(-1), "has passed already"),
        ("tomorrow".into(), "invalid value 'tomorrow'"),
    ] {
        let answer = fanline(&folder, &["extend", "test", "--expires-at", &time]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(problem), "{answer:?}");
    }
    let answer = fanline(&folder, &["release", "test"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("everybody is sent to already"),
        "{answer:?}"
    );
}

fn hours_later(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn of_several_operators_at_once_every_edit_lands() {
    let (folder, store) = world();
    let stack = Stack {
        environments: Some(10),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let bucket = Bucket::of(&folder);
    let expires_at = record(&store, "test").started_at + hours_later(9);
    let expires_at = expires_at.to_string();
    let commands: [&[&str]; 3] = [
        &["pause", "test", "--by", "mei"],
        &["extend", "test", "--expires-at", &expires_at, "--by", "bo"],
        &["pace", "--push", "500", "--by", "kim"],
    ];
    std::thread::scope(|scope| {
        for command in commands {
            let args = [command, &["--at", "s3://ours"]].concat();
            let (bucket, folder) = (&bucket, &folder);
            scope.spawn(move || {
                let answer = bucket.fanline(folder, &args);
                assert_eq!(answer.code, Some(0), "{answer:?}");
            });
        }
    });
    let status = ["status", "test", "--at", "s3://ours", "--json"];
    let status = bucket.fanline(&folder, &status).json();
    assert_eq!(status["state"], "paused");
    assert_eq!(status["deadline"], expires_at);
    let pace = bucket.fanline(&folder, &["pace", "--at", "s3://ours", "--json"]);
    assert_eq!(pace.json()["push"], 500);
}

#[test]
fn an_edit_meets_another_writer_and_is_made_on_what_he_wrote() {
    let (folder, _) = world();
    let bucket = Bucket::of(&folder);
    let mut puts = 0;
    bucket.s3.script(move |call: &S3Call| {
        puts += u32::from(call.method == "PUT");
        (call.method == "PUT" && puts < 3).then_some(S3Fault::PutUnderWay)
    });
    let answer = bucket.fanline(&folder, &["pause", "test", "--at", "s3://ours"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    bucket
        .s3
        .script(|call: &S3Call| (call.method == "PUT").then_some(S3Fault::Denied));
    let answer = bucket.fanline(&folder, &["resume", "test", "--at", "s3://ours"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let expected = "no permission for `s3:PutObject`";
    assert!(answer.err.contains(expected), "{answer:?}");
}

#[test]
fn an_edit_wakes_the_bookkeeper_and_a_resume_brings_only_its_own_parked_deliveries_back() {
    let (folder, store) = world();
    let queues = Queues::start();
    edit(&store, |edit| edit.set_stack(queues.stack()));
    assert_eq!(
        fanline(&folder, &["pause", "test", "--mode", "park"]).code,
        Some(0)
    );
    assert_eq!(queues.take("outcomes"), [r#"{"v":1,"wake":true}"#]);
    let ours: Vec<_> = (0..25).map(|n| delivery("test", n)).collect();
    let others: Vec<_> = (0..15).map(|n| delivery("other", n)).collect();
    queues.put("parked", &ours);
    queues.put("parked", &others);
    let answer = fanline(&folder, &["resume", "test"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let expected = "test goes on: 25 parked deliveries are back on the delivery queue\n";
    assert!(answer.out.starts_with(expected), "{answer:?}");
    let sorted = |mut bodies: Vec<String>| {
        bodies.sort();
        bodies
    };
    assert_eq!(sorted(queues.take("deliveries")), sorted(ours));
    assert_eq!(sorted(queues.take("parked")), sorted(others));
}

#[test]
fn the_deliveries_of_an_urgent_run_go_back_to_the_urgent_queue() {
    let folder = written(2);
    let store = store(&folder);
    let file = "records/control/control.json";
    let mut control: Value = serde_json::from_str(&folder.read(file)).unwrap();
    control["runs"]["test"]["lane"] = "urgent".into();
    folder.write(file, control.to_string());
    let queues = Queues::start();
    edit(&store, |edit| edit.set_stack(queues.stack()));
    let paused = fanline(&folder, &["pause", "test", "--mode", "park"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    let ours = [delivery("test", 1)];
    queues.put("parked", &ours);
    let answer = fanline(&folder, &["resume", "test"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(queues.take("urgent"), ours);
    let letter = [delivery("test", 2)];
    queues.put_with("dead", &letter[0], &[("reason", "quota"), ("run", "test")]);
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(queues.take("urgent"), letter);
    assert!(queues.take("deliveries").is_empty());

    // Somebody has disabled the lane meanwhile.
    queues.put_with("dead", &letter[0], &[("reason", "quota"), ("run", "test")]);
    let without = Stack {
        urgent: None,
        ..queues.stack()
    };
    edit(&store, |edit| edit.set_stack(without.clone()));
    let before = folder.read(file);
    let answer = fanline(&folder, &["redrive", "test", "--only", "quota"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let sentence = "error: the run `test` is on the urgent lane, and the stack has no urgent queue: \
                    deploy it with `UrgentLane=ENABLED`\n";
    assert_eq!(answer.err, sentence);
    assert_eq!(folder.read(file), before, "nothing was changed");
    assert_eq!(queues.take("dead"), letter);
}

#[test]
fn an_edit_holds_although_the_bookkeeper_can_not_be_woken() {
    let (folder, store) = world();
    let stack = Stack {
        outcomes: Some("http://127.0.0.1:9/000/outcomes".into()),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let answer = fanline(&folder, &["pause", "test"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(
        answer.err.contains("the bookkeeper was not woken"),
        "{answer:?}"
    );
    assert!(
        fanline(&folder, &["status", "test"])
            .out
            .starts_with("test is paused")
    );
}
