//! An urgent run, and a stack that has lost its urgent lane: one sentence, and nothing half done.

use fanline_ledger::{CellReason, Stack, Store};
use serde_json::Value;

use super::queues::{Queues, delivery};
use super::resend::{names, resend, settle_and_close};
use super::world::{edit, outcome, store, written};
use crate::support::{Answer, Folder, PERSONAL, campaign, list};

const CONTROL: &str = "records/control/control.json";
const REFUSED: &str = "error: the run `test` is on the urgent lane, and the stack has no urgent \
                       queue: deploy it with `UrgentLane=ENABLED`\n";
const NOTE: &str = "the stack has no urgent queue, so nothing takes the deliveries of the run\n";

fn fanline(folder: &Folder, args: &[&str]) -> Answer {
    folder.fanline(&[args, &["--at", "records"]].concat())
}

/// The control object says this of the run.
fn say(folder: &Folder, field: &str, value: &str) {
    let mut control: Value = serde_json::from_str(&folder.read(CONTROL)).unwrap();
    control["runs"]["test"][field] = value.into();
    folder.write(CONTROL, control.to_string());
}

/// Somebody has disabled the lane.
fn disable_lane(store: &Store, queues: &Queues) {
    let stack = Stack {
        urgent: None,
        ..queues.stack()
    };
    edit(store, |edit| edit.set_stack(stack.clone()));
}

/// An urgent run whose canary is watched, on a stack with the lane.
fn world() -> (Folder, Store, Queues) {
    let folder = written(2);
    let store = store(&folder);
    say(&folder, "lane", "urgent");
    say(&folder, "canary", "waiting");
    let queues = Queues::start();
    edit(&store, |edit| edit.set_stack(queues.stack()));
    (folder, store, queues)
}

#[test]
fn what_would_send_is_refused_and_changes_nothing() {
    let (folder, store, queues) = world();
    disable_lane(&store, &queues);
    let before = folder.read(CONTROL);
    let released = fanline(&folder, &["release", "test"]);
    assert_eq!((released.code, released.err.as_str()), (Some(2), REFUSED));
    assert_eq!(folder.read(CONTROL), before);

    edit(&store, |edit| edit.set_stack(queues.stack()));
    let paused = fanline(&folder, &["pause", "test", "--mode", "park"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    disable_lane(&store, &queues);
    let ours = [delivery("test", 1)];
    queues.put("parked", &ours);
    let letter = [delivery("test", 2)];
    queues.put_with("dead", &letter[0], &[("reason", "quota"), ("run", "test")]);
    let before = folder.read(CONTROL);
    for command in [
        &["resume", "test"][..],
        &["redrive", "test", "--only", "quota"],
    ] {
        let answer = fanline(&folder, command);
        assert_eq!((answer.code, answer.err.as_str()), (Some(2), REFUSED));
        assert_eq!(answer.out, "");
        assert_eq!(folder.read(CONTROL), before, "{command:?}");
    }
    assert_eq!(queues.take("parked"), ours);
    assert_eq!(queues.take("dead"), letter);
}

#[test]
fn what_stops_a_run_is_done_and_says_that_nothing_takes_its_deliveries() {
    let (folder, store, queues) = world();
    disable_lane(&store, &queues);
    for (command, words) in [
        (
            &["pause", "test"][..],
            "test is paused: its deliveries wait where they are",
        ),
        (&["cancel", "test", "--yes"], "test is cancelled"),
    ] {
        let answer = fanline(&folder, command);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(answer.out.starts_with(words), "{answer:?}");
        assert!(answer.out.ends_with(NOTE), "{answer:?}");
        assert!(
            !answer.out.contains("the bookkeeper switches"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_resend_goes_with_the_other_runs_and_says_so() {
    let urgent = campaign(PERSONAL).replace("{\"campaign\"", "{\"lane\": \"urgent\", \"campaign\"");
    let folder = Folder::new()
        .with("campaign.json", urgent)
        .with("list.csv", list(3));
    super::world::write_run(&folder, "campaign.json");
    let store = store(&folder);
    settle_and_close(
        &store,
        "test",
        vec![
            outcome(0, CellReason::Accepted, Some(200)),
            outcome(1, CellReason::Refused, Some(400)),
        ],
    );
    let queues = Queues::start();
    let lane_of = |id: &str| {
        let campaign = folder.read(&format!("{id}/campaign.json"));
        let campaign: Value = serde_json::from_str(&campaign).unwrap();
        campaign.get("lane").cloned()
    };
    let words = "test: the stack has no urgent queue, so the resend goes with the other runs: with \
                 `UrgentLane=ENABLED` put `\"lane\": \"urgent\"` into its campaign";
    edit(&store, |edit| edit.set_stack(queues.stack()));
    let with = resend(&folder, "refused", &[]);
    assert_eq!(with.code, Some(0), "{with:?}");
    assert!(!with.err.contains(words), "{with:?}");
    assert_eq!(lane_of("test.r1"), Some("urgent".into()));

    disable_lane(&store, &queues);
    let without = resend(&folder, "missing", &["--may-double"]);
    assert_eq!(without.code, Some(0), "{without:?}");
    assert_eq!(without.err.matches(words).count(), 1, "{without:?}");
    assert_eq!(lane_of("test.r2"), None);
    assert_eq!(names(&folder, "test.r2"), ["name 2"]);
}
