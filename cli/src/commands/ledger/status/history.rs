//! What was done with a run: who, when and why.

use fanline_ledger::{
    CanaryState, PauseMode, RedriveReason, Redrives, RunControl, RunKeys, RunState, read_history,
    read_redrives,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::ledger::place::{Ledger, unusable};
use crate::commands::ledger::words::time;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) time: Timestamp,
    /// What, in words.
    pub(crate) what: String,
    pub(crate) by: String,
    pub(crate) why: Option<String>,
}

/// What the ledger holds of it besides the control object.
#[derive(Debug, Default)]
pub(crate) struct ReadHistory {
    past: Vec<RunControl>,
    redrives: Redrives,
}

impl ReadHistory {
    pub(crate) async fn read(ledger: &Ledger, run: &str) -> anyhow::Result<Self> {
        let keys = RunKeys::new(run);
        let past = Box::pin(read_history(&ledger.store, &keys));
        let redrives = Box::pin(read_redrives(&ledger.store, &keys));
        let (past, redrives) = tokio::join!(past, redrives);
        Ok(Self {
            past: past.map_err(unusable)?,
            redrives: redrives.map_err(unusable)?,
        })
    }

    /// All that was done with the run, the oldest first. `now`: what control says now.
    pub(crate) fn changes(&self, now: Option<&RunControl>) -> Vec<Change> {
        let mut said: Vec<_> = self.past.iter().chain(now).collect();
        said.sort_by_key(|said| said.since);
        let mut before = None;
        let mut changes = Vec::new();
        for after in said {
            let what = what(before, after);
            before = Some(after);
            changes.extend(what.map(|what| Change {
                time: after.since,
                what,
                by: after.by.clone(),
                why: after.why.clone(),
            }));
        }
        changes.extend(self.redrives.all().iter().map(|redrive| Change {
            time: redrive.time,
            what: redriven(&redrive.only),
            by: redrive.by.clone(),
            why: redrive.why.clone(),
        }));
        changes.sort_by_key(|change| change.time);
        changes
    }
}

fn redriven(only: &[RedriveReason]) -> String {
    let words = only.iter().map(|reason| match reason {
        RedriveReason::Waiting => "missing",
        RedriveReason::Quota => "quota",
        RedriveReason::Unauthorized => "unauthorized",
        RedriveReason::Expired => "expired",
    });
    match words.collect::<Vec<_>>().join(", ") {
        words if words.is_empty() => "redriven (missing)".to_owned(),
        words => format!("redriven ({words})"),
    }
}

/// What was done between two states; `None` where that is nothing.
fn what(before: Option<&RunControl>, after: &RunControl) -> Option<String> {
    let Some(before) = before else {
        return Some(begun(after));
    };
    let words = if before.state != after.state {
        match (before.state, after.state) {
            (RunState::Paused, RunState::Open) => "resumed".to_owned(),
            (_, RunState::Open) => "opened again".to_owned(),
            (_, RunState::Paused) => paused(after),
            (_, RunState::Cancelled) => "cancelled".to_owned(),
            (_, RunState::Done) => "closed: done".to_owned(),
        }
    } else if before.mode != after.mode {
        paused(after)
    } else if before.closed != after.closed {
        "closed".to_owned()
    } else if before.canary != after.canary {
        "released".to_owned()
    } else if let (false, Some(expires_at)) =
        (before.expires_at == after.expires_at, after.expires_at)
    {
        format!("expires at {}", time(expires_at))
    } else {
        return None;
    };
    Some(words)
}

fn begun(after: &RunControl) -> String {
    match (after.state, after.canary) {
        (RunState::Open, Some(CanaryState::Waiting)) => "begun with a canary".to_owned(),
        (RunState::Open, _) => "begun".to_owned(),
        (RunState::Paused, _) => paused(after),
        (RunState::Cancelled, _) => "cancelled".to_owned(),
        (RunState::Done, _) => "closed: done".to_owned(),
    }
}

fn paused(after: &RunControl) -> String {
    match after.mode {
        Some(PauseMode::Park) => "paused (park)".to_owned(),
        Some(PauseMode::Wait) | None => "paused (wait)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use fanline_ledger::{Control, Edit, EditError, Entry, Lane};

    use super::*;

    fn at(minute: i64) -> Timestamp {
        let begin: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        begin + jiff::SignedDuration::from_mins(minute)
    }

    #[test]
    fn every_act_has_its_words_in_the_order_of_time() {
        type Act = fn(Edit<'_>) -> Result<Control, EditError>;
        let enter: Act = |edit| {
            edit.enter(&Entry {
                run: "xmas",
                started_at: at(0),
                lane: Lane::Bulk,
                has_canary: true,
            })
        };
        let acts: [(&str, Act, &str); 8] = [
            ("producer", enter, "begun with a canary"),
            ("mei", |edit| edit.pause("xmas", None), "paused (wait)"),
            (
                "mei",
                |edit| edit.pause("xmas", Some(PauseMode::Park)),
                "paused (park)",
            ),
            ("mei", |edit| edit.resume("xmas"), "resumed"),
            ("canary", |edit| edit.release("xmas"), "released"),
            (
                "mei",
                |edit| edit.extend("xmas", at(600)),
                "expires at 2026-12-25",
            ),
            ("bookkeeper", |edit| edit.close("xmas"), "closed: done"),
            ("mei", |edit| edit.reopen("xmas"), "opened again"),
        ];
        let (mut control, mut history) = (Control::default(), ReadHistory::default());
        for (minute, (by, act, _)) in (0..).zip(&acts) {
            let edit = Edit::new(&control, by, Some("why"), at(minute)).unwrap();
            let after = act(edit).unwrap();
            history.past.extend(control.run("xmas").cloned());
            control = after;
        }
        history.past.reverse();
        let changes = history.changes(control.run("xmas"));
        assert_eq!(changes.len(), acts.len());
        for (change, (by, _, what)) in changes.iter().zip(&acts) {
            assert!(change.what.starts_with(what), "{change:?}");
            assert_eq!(
                (change.by.as_str(), change.why.as_deref()),
                (*by, Some("why"))
            );
        }
    }
}
