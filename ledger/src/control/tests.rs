mod object;

use super::*;
use fanline_core::campaign::Lane;
use jiff::{Timestamp, ToSpan};

fn start() -> Timestamp {
    "2026-12-25T00:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    start() + hours.hours()
}

fn edit(control: &Control, now: Timestamp) -> Edit<'_> {
    Edit::new(control, "operator", Some("a test"), now).unwrap()
}

fn enter(control: &Control, run: &str, lane: Lane) -> Control {
    let entry = Entry {
        run,
        started_at: start(),
        lane,
        has_canary: false,
    };
    edit(control, start()).enter(&entry).unwrap()
}

/// A control with these open runs.
fn open(runs: &[&str]) -> Control {
    let empty = Control::default();
    runs.iter()
        .fold(empty, |control, run| enter(&control, run, Lane::Bulk))
}

/// The edits by name, at this time; `None` where one is refused.
fn after(control: &Control, verb: &str, now: Timestamp) -> Option<Control> {
    let edit = edit(control, now);
    let edited = match verb {
        "enter" => edit.enter(&Entry {
            run: "xmas",
            started_at: start(),
            lane: Lane::Bulk,
            has_canary: false,
        }),
        "pause" => edit.pause("xmas", None),
        "resume" => edit.resume("xmas"),
        "cancel" => edit.cancel("xmas"),
        "close" => edit.close("xmas"),
        "reopen" => edit.reopen("xmas"),
        "extend" => edit.extend("xmas", hours(20)),
        _ => edit.release("xmas"),
    };
    edited.ok()
}

#[test]
fn every_edit_of_every_state_is_made_or_refused() {
    let open = open(&["xmas"]);
    let paused = after(&open, "pause", hours(1)).unwrap();
    let cancelled = after(&open, "cancel", hours(1)).unwrap();
    let done = after(&open, "close", hours(1)).unwrap();
    let states = [
        (&open, RunState::Open),
        (&paused, RunState::Paused),
        (&cancelled, RunState::Cancelled),
        (&done, RunState::Done),
    ];
    for (control, state) in states {
        assert_eq!(control.run("xmas").unwrap().state, state);
    }
    let [o, p, c, d] = states.map(|(_, state)| Some(state));
    for (verb, expected) in [
        ("enter", [o, p, None, o]),
        ("pause", [p, p, None, None]),
        ("resume", [o, o, None, None]),
        ("cancel", [c, c, c, None]),
        ("close", [d, d, c, d]),
        ("reopen", [o, p, None, o]),
        ("extend", [o, p, None, None]),
        ("release", [None, None, None, None]),
    ] {
        for ((control, state), expected) in states.iter().zip(expected) {
            let edited = after(control, verb, hours(2));
            let found = edited
                .as_ref()
                .map(|edited| edited.run("xmas").unwrap().state);
            assert_eq!(found, expected, "{verb} of {state:?}");
            // What an edit gives can be read again.
            if let Some(edited) = edited {
                assert_eq!(
                    Control::decode(&edited.encode()).as_ref(),
                    Ok(&edited),
                    "{verb}"
                );
            }
        }
        let nobody = after(&Control::default(), verb, hours(2));
        assert_eq!(nobody.is_some(), verb == "enter", "{verb} of no run");
    }
}

#[test]
fn nothing_of_a_run_goes_on_after_its_23_hours() {
    let open = open(&["xmas"]);
    let paused = after(&open, "pause", hours(1)).unwrap();
    let done = after(&open, "close", hours(1)).unwrap();
    for (control, verb, hour, allowed) in [
        (&paused, "resume", 22, true),
        (&paused, "resume", 23, false),
        (&paused, "cancel", 30, true),
        (&done, "reopen", 21, true),
        (&done, "reopen", 22, false),
        (&done, "enter", 22, false),
        (&open, "extend", 19, true),
        (&open, "extend", 20, false),
    ] {
        let edited = after(control, verb, hours(hour));
        assert_eq!(edited.is_some(), allowed, "{verb} at {hour}");
    }
    let too_long = edit(&open, hours(1)).extend("xmas", hours(24)).unwrap_err();
    assert!(
        too_long
            .to_string()
            .contains("is after 2026-12-25T23:00:00Z"),
        "{too_long}"
    );
    let error = edit(&paused, hours(23)).resume("xmas").unwrap_err();
    assert!(
        error.to_string().contains("Cancel it, then resend"),
        "{error}"
    );
}

#[test]
fn the_gate_of_every_state() {
    let open = open(&["xmas"]);
    let waiting = edit(&open, hours(1))
        .pause("xmas", Some(PauseMode::Wait))
        .unwrap();
    let parked = edit(&open, hours(1))
        .pause("xmas", Some(PauseMode::Park))
        .unwrap();
    let cancelled = after(&open, "cancel", hours(1)).unwrap();
    let done = after(&open, "close", hours(1)).unwrap();
    for (control, in_time, too_late) in [
        (&Control::default(), Gate::Send, Gate::Send),
        (&open, Gate::Send, Gate::Send),
        (&waiting, Gate::Wait, Gate::Drop),
        (&parked, Gate::Park, Gate::Drop),
        (&cancelled, Gate::Drop, Gate::Drop),
        (&done, Gate::Park, Gate::Park),
    ] {
        assert_eq!(gate(control, "xmas", hours(22)), in_time);
        assert_eq!(gate(control, "xmas", hours(23)), too_late);
        assert_eq!(gate(control, "another", hours(22)), Gate::Send);
    }
}

#[test]
fn a_pause_waits_alone_and_parks_in_company() {
    let alone = edit(&open(&["xmas"]), hours(1))
        .pause("xmas", None)
        .unwrap();
    assert_eq!(alone.run("xmas").unwrap().mode, Some(PauseMode::Wait));
    assert_eq!(alone.mapping(Lane::Bulk), Some(Mapping::Disabled));
    let company = edit(&open(&["xmas", "eve"]), hours(1))
        .pause("xmas", None)
        .unwrap();
    assert_eq!(company.run("xmas").unwrap().mode, Some(PauseMode::Park));
    assert_eq!(company.mapping(Lane::Bulk), None);
    let urgent = enter(&open(&["xmas"]), "eve", Lane::Urgent);
    let other_lane = edit(&urgent, hours(1)).pause("xmas", None).unwrap();
    assert_eq!(other_lane.run("xmas").unwrap().mode, Some(PauseMode::Wait));
    assert_eq!(other_lane.mapping(Lane::Urgent), None);
    // Another run begins behind one that waits: that one makes room, and the mapping is switched
    // on.
    let joined = enter(&alone, "eve", Lane::Bulk);
    assert_eq!(joined.run("xmas").unwrap().mode, Some(PauseMode::Park));
    assert_eq!(joined.mapping(Lane::Bulk), Some(Mapping::Enabled));
    let on = edit(&joined, hours(1)).mapping_is_on(Lane::Bulk).unwrap();
    assert_eq!(on.mapping(Lane::Bulk), None);
    assert_eq!(edit(&on, hours(1)).mapping_is_on(Lane::Bulk).unwrap(), on);
}

#[test]
fn a_fifo_queue_waits_only() {
    let stack = Stack {
        fifo: true,
        ..Stack::default()
    };
    let fifo = edit(&open(&["xmas", "eve"]), hours(1))
        .set_stack(stack)
        .unwrap();
    let paused = edit(&fifo, hours(1)).pause("xmas", None).unwrap();
    assert_eq!(paused.run("xmas").unwrap().mode, Some(PauseMode::Wait));
    assert_eq!(paused.mapping(Lane::Bulk), None, "the other run needs it");
    assert!(
        edit(&fifo, hours(1))
            .pause("xmas", Some(PauseMode::Park))
            .is_err()
    );
}

#[test]
fn the_mapping_comes_on_again_for_whatever_has_to_be_taken() {
    let paused = after(&open(&["xmas"]), "pause", hours(1)).unwrap();
    for verb in ["resume", "cancel", "close"] {
        let edited = after(&paused, verb, hours(2)).unwrap();
        assert_eq!(edited.mapping(Lane::Bulk), Some(Mapping::Enabled), "{verb}");
    }
    // A cancelled run needs the mapping until its last delivery was dropped.
    let two = edit(&open(&["xmas", "eve"]), hours(1))
        .cancel("eve")
        .unwrap();
    let draining = after(&two, "pause", hours(2)).unwrap();
    assert_eq!(draining.run("xmas").unwrap().mode, Some(PauseMode::Wait));
    assert_eq!(draining.mapping(Lane::Bulk), None);
    let drained = edit(&draining, hours(3)).close("eve").unwrap();
    assert_eq!(drained.mapping(Lane::Bulk), Some(Mapping::Disabled));
}

#[test]
fn an_edit_is_signed_and_one_that_changes_nothing_is_not() {
    let open = open(&["xmas"]);
    let paused = Edit::new(
        &open,
        "brake",
        Some("refused 7.0 % of 1840 people"),
        hours(1),
    );
    let paused = paused.unwrap().pause("xmas", None).unwrap();
    let run = paused.run("xmas").unwrap();
    assert_eq!((run.by.as_str(), run.since), ("brake", hours(1)));
    assert_eq!(run.why.as_deref(), Some("refused 7.0 % of 1840 people"));
    assert_eq!(edit(&paused, hours(2)).pause("xmas", None).unwrap(), paused);
    let long = "x".repeat(201);
    for (by, why) in [
        ("", None),
        ("  ", None),
        ("a\nb", None),
        (&long, None),
        ("a", Some(&*long)),
    ] {
        assert!(Edit::new(&open, by, why, hours(1)).is_err(), "{by}");
    }
}

#[test]
fn a_canary_is_released_once() {
    let entry = Entry {
        run: "xmas",
        started_at: start(),
        lane: Lane::Bulk,
        has_canary: true,
    };
    let waiting = edit(&Control::default(), start()).enter(&entry).unwrap();
    assert_eq!(
        waiting.run("xmas").unwrap().canary,
        Some(CanaryState::Waiting)
    );
    let passed = edit(&waiting, hours(1)).release("xmas").unwrap();
    assert_eq!(
        passed.run("xmas").unwrap().canary,
        Some(CanaryState::Passed)
    );
    assert_eq!(edit(&passed, hours(2)).release("xmas").unwrap(), passed);
}

#[test]
fn old_runs_leave_and_all_others_stay() {
    let control = open(&["xmas", "eve"]);
    let control = edit(&control, hours(1)).close("xmas").unwrap();
    let control = edit(&control, hours(48)).cancel("eve").unwrap();
    let after = |hour| edit(&control, hours(hour)).forget_old().unwrap();
    assert_eq!(after(14 * 24).runs().len(), 2);
    assert_eq!(
        after(14 * 24 + 2).runs().keys().collect::<Vec<_>>(),
        ["eve"]
    );
    assert!(after(17 * 24).runs().is_empty());
}
