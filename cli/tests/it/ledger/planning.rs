//! `plan --at`: what the ledger of a stack says to a plan.

use fanline_ledger::{Pace, Stack, Store, UrgentLane};
use fanline_local::{LineOptions, LineServer};
use serde_json::{Value, json};

use super::world::{accepted, edit, enter, runtime, settle, store, written};
use crate::support::{Folder, PERSONAL, campaign, list};

const RECORD: &str = "records/ledger/test/run.json";

/// A run of 40 people, of whom 10 have it, on a stack of four consumers with a pace.
fn world() -> (Folder, Store) {
    let folder = written(40);
    let store = store(&folder);
    enter(&store, "test");
    settle(&store, "test", accepted(0..10));
    let stack = Stack {
        environments: Some(4),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let pace = Pace {
        push: Some(10),
        multicast: None,
    };
    edit(&store, |edit| edit.set_pace(pace));
    let next = campaign(PERSONAL).replace("\"test\"", "\"next\"");
    folder.write("next.json", next);
    folder.write("list.csv", list(700));
    (folder, store)
}

/// Says that the run was sent to LINE, and not in a rehearsal.
fn make_real(folder: &Folder) {
    let mut record: Value = serde_json::from_str(&folder.read(RECORD)).unwrap();
    record["kind"] = json!("real");
    folder.write(RECORD, record.to_string());
}

#[test]
fn a_plan_for_a_stack_knows_its_size_and_its_pace() {
    let (folder, _) = world();
    let at = ["plan", "next.json", "--at", "records"];
    let plan = folder.fanline(&at);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    for words in [
        "time      1 min 30 s on a stack with 4 consumers",
        "stack     records; at most 10 pushes a second; 0 other open runs with 0 people to send to",
    ] {
        assert!(plan.out.contains(words), "{words}: {}", plan.out);
    }
    let plan = folder.fanline(&[&at[..], &["--concurrency", "9", "--json"]].concat());
    assert_eq!(plan.json()["consumers"], 9);
    assert_eq!(plan.json()["seconds"], 91, "the pace holds");
    let expires_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    let soon = folder.read("next.json").replace(
        "{\"campaign\"",
        &format!("{{\"expires_at\": \"{expires_at}\", \"campaign\""),
    );
    folder.write("next.json", soon);
    let late = folder.fanline(&at);
    assert_eq!(late.code, Some(2), "{late:?}");
    let words = "the pace that is set for the stack allows no more: `fanline pace` changes it";
    assert!(late.out.contains(words), "{}", late.out);
}

#[test]
fn a_plan_for_an_urgent_campaign_knows_whether_the_stack_has_its_lane() {
    let (folder, store) = world();
    let urgent = folder.read("next.json");
    let urgent = urgent.replace("{\"campaign\"", "{\"lane\": \"urgent\", \"campaign\"");
    folder.write("next.json", urgent);
    edit(&store, |edit| edit.set_pace(Pace::default()));
    let plan = || folder.fanline(&["plan", "next.json", "--at", "records"]);
    let url = |name: &str| format!("https://sqs.us-east-1.amazonaws.com/000000000000/{name}");
    let mut stack = Stack {
        environments: Some(42),
        deliveries: Some(url("deliveries")),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let refused = plan();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let sentence = "`lane` is `urgent`, but the stack has no urgent queue: deploy it with \
                    `UrgentLane=ENABLED`, or leave `lane` out";
    assert!(refused.out.contains(sentence), "{}", refused.out);
    stack.urgent = Some(UrgentLane {
        deliveries: url("urgent"),
        environments: 2,
    });
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let planned = plan();
    assert_eq!(planned.code, Some(0), "{planned:?}");
    // 700 pushes at two of 42 shares of 2,000 a second, of which a consumer uses nine tenths.
    let time = "time      18 s on a stack with 2 consumers";
    assert!(planned.out.contains(time), "{}", planned.out);
    let expires_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
    folder.write("list.csv", list(7_000));
    let soon = folder.read("next.json").replace(
        "{\"lane\"",
        &format!("{{\"expires_at\": \"{expires_at}\", \"lane\""),
    );
    folder.write("next.json", soon);
    let late = plan();
    assert_eq!(late.code, Some(2), "{late:?}");
    // More consumers of the lane have a larger share.
    let cure = ": UrgentConcurrency 3 would do";
    assert!(late.out.contains(cure), "{}", late.out);
}

#[test]
fn the_people_of_other_open_runs_are_taken_off_the_quota() {
    let (folder, store) = world();
    make_real(&folder);
    let runtime = runtime();
    let line = runtime.block_on(LineServer::start(LineOptions {
        monthly_quota: Some(740),
        ..LineOptions::default()
    }));
    let line = line.unwrap();
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ("LINE_API_BASE", line.url()),
    ];
    let plan = || folder.fanline_with(&["plan", "next.json", "--at", "records"], &variables);
    let enough = plan();
    assert_eq!(enough.code, Some(0), "{enough:?}");
    for words in [
        "1 other open run with 30 people to send to",
        "needs 700; this month has 740 left, 10 after it and the 30 of other open runs",
    ] {
        assert!(enough.out.contains(words), "{words}: {}", enough.out);
    }
    line.change(|options| options.monthly_quota = Some(730));
    let short = plan();
    assert_eq!(short.code, Some(2), "{short:?}");
    let words = "it needs 700 messages, and this month has 730 left, 7 of them kept back, since \
                 LINE's count is approximate, 30 of them for other open runs: 7 more would do";
    assert!(short.out.contains(words), "{}", short.out);
    // What is cancelled is not sent any more.
    edit(&store, |edit| edit.cancel("test"));
    let cancelled = plan();
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
}

#[test]
fn a_plan_for_a_stack_that_seals_counts_sealed_deliveries() {
    let (folder, store) = world();
    let planned = |more: &[&str]| {
        let at = ["plan", "next.json", "--at", "records"];
        folder.fanline(&[&at, more].concat())
    };
    let plain = planned(&["--json"]).json();
    assert_eq!(
        (&plain["sealed"], &plain["stack"]["sealed"]),
        (&Value::Null, &Value::Null)
    );
    let asked = planned(&["--json", "--seal"]).json();
    let stack = Stack {
        environments: Some(4),
        seal_key: Some("arn:aws:kms:us-east-1:000000000000:key/1".into()),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    let known = planned(&["--json"]).json();
    assert_eq!(
        (&known["sealed"], &known["stack"]["sealed"]),
        (&json!(true), &json!(true))
    );
    let bytes = |plan: &Value| plan["delivery_bytes"]["push"].as_u64().unwrap();
    assert_eq!(bytes(&known), bytes(&asked));
    assert!(bytes(&known) > bytes(&plain) * 4 / 3);
    let words = "sealed on the queue, which is a third longer than plain text";
    assert!(planned(&[]).out.contains(words));
}
