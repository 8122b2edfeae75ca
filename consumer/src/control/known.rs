//! What is known of the control object, and when it was read. Pure.

use std::sync::Arc;
use std::time::Duration;

use fanline_ledger::{Control, Gate, Lane, PauseMode, RunState, Tag, gate};
use jiff::Timestamp;

/// What is known of the control object.
///
/// Reads may overlap, and an environment may sleep for hours with a read under way. So what a read
/// says is dated by its begin.
#[derive(Debug)]
pub(crate) struct Known {
    control: Option<Arc<Control>>,
    tag: Option<Tag>,
    /// When the read began that said so; before the first one, when the environment started.
    as_of: Timestamp,
    /// When the newest read began that has ended, in any way.
    ended: Option<Timestamp>,
    /// When the newest read began.
    begun: Option<Timestamp>,
    has_failed: bool,
}

impl Known {
    /// Nothing is known yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            control: None,
            tag: None,
            as_of: now,
            ended: None,
            begun: None,
            has_failed: false,
        }
    }

    /// Begins a read, if the last one began `period` ago. If not, it says how long to wait.
    pub(crate) fn begin(&mut self, now: Timestamp, period: Duration) -> Option<Duration> {
        let since = self.begun.and_then(|begun| since(begun, now));
        match since.and_then(|since| period.checked_sub(since)) {
            Some(wait) if !wait.is_zero() => Some(wait),
            _ => {
                self.begun = Some(now);
                None
            }
        }
    }

    /// Notes what a read said: `None` where the object is the one that is known. Returns whether
    /// that is news.
    pub(crate) fn note(&mut self, began: Timestamp, read: Option<(Control, Option<Tag>)>) -> bool {
        if !self.end(began) {
            return false;
        }
        self.as_of = began;
        self.has_failed = false;
        let Some((control, tag)) = read else {
            return false;
        };
        self.control = Some(Arc::new(control));
        self.tag = tag;
        true
    }

    /// Notes a read that failed: the last one known holds. Returns whether that is news.
    pub(crate) fn note_failure(&mut self, began: Timestamp) -> bool {
        self.end(began) && !std::mem::replace(&mut self.has_failed, true)
    }

    /// Whether the read is newer than those that ended before it.
    fn end(&mut self, began: Timestamp) -> bool {
        let is_newest = self.ended.is_none_or(|ended| began >= ended);
        if is_newest {
            self.ended = Some(began);
        }
        is_newest
    }

    /// Whether a read has ended that began at most `period` before `began`.
    pub(crate) fn is_current(&self, began: Timestamp, period: Duration) -> bool {
        let ended = self.ended;
        ended.is_some_and(|ended| since(ended, began).is_none_or(|since| since <= period))
    }

    /// What to do with a delivery of this run. `None`: nobody knows.
    pub(crate) fn gate(&self, run: &str, now: Timestamp) -> Option<Gate> {
        let control = self.control.as_ref()?;
        Some(gate(control, run, now))
    }

    /// Whether a run of the lane waits and no other run of it is open.
    pub(crate) fn is_all_paused(&self, lane: Lane, now: Timestamp) -> bool {
        let Some(control) = &self.control else {
            return true;
        };
        let mut is_waiting = false;
        let runs = control.runs().values();
        for run in runs.filter(|run| run.lane == lane) {
            match run.state {
                RunState::Open => return false,
                RunState::Paused => {
                    is_waiting |= run.mode == Some(PauseMode::Wait) && now < run.horizon();
                }
                RunState::Cancelled | RunState::Done => {}
            }
        }
        is_waiting
    }

    /// The object.
    pub(crate) fn control(&self) -> Option<Arc<Control>> {
        self.control.clone()
    }

    /// Its tag.
    pub(crate) fn tag(&self) -> Option<Tag> {
        self.tag.clone()
    }

    /// The age of what is known, or how long nothing has been known.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        since(self.as_of, now).unwrap_or(Duration::ZERO)
    }
}

/// The time between the two. `None`: the clock was put back.
fn since(then: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(then)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn control(json: &str) -> (Control, Option<Tag>) {
        (Control::decode(json.as_bytes()).unwrap(), None)
    }

    fn run(state: &str) -> String {
        format!(
            r#"{{"v":1,"runs":{{"r":{{"state":"{state}","started_at":"2023-11-14T22:00:00Z","since":"2023-11-14T22:00:00Z","by":"me"{}}}}}}}"#,
            match state {
                "paused" => r#","mode":"wait""#,
                _ => "",
            }
        )
    }

    #[test]
    fn a_read_is_due_when_the_last_one_began_a_period_ago() {
        let mut known = Known::new(at(0));
        assert_eq!(known.begin(at(0), SECOND), None, "the first one");
        let left = Some(Duration::from_millis(400));
        assert_eq!(known.begin(at(600), SECOND), left);
        assert_eq!(known.begin(at(600), SECOND / 4), None);
        assert_eq!(known.begin(at(1_600), SECOND), None);
        assert_eq!(known.begin(at(-5_000), SECOND), None, "put back");
    }

    #[test]
    fn before_the_first_read_nobody_knows_and_nothing_is_current() {
        let mut known = Known::new(at(0));
        assert_eq!(known.gate("r", at(0)), None);
        assert!(!known.is_current(at(0), SECOND));
        assert!(known.note_failure(at(0)));
        assert_eq!(known.gate("r", at(0)), None, "a failure says nothing");
        assert!(known.is_current(at(0), SECOND));
        assert!(known.note(at(1_000), Some(control(r#"{"v":1}"#))));
        assert_eq!(known.gate("r", at(1_000)), Some(Gate::Send));
    }

    #[test]
    fn the_last_one_known_holds_and_only_the_first_failure_is_news() {
        let mut known = Known::new(at(0));
        known.note(at(0), Some(control(&run("paused"))));
        assert!(known.note_failure(at(1_000)));
        assert!(!known.note_failure(at(2_000)));
        assert_eq!(known.gate("r", at(30_000)), Some(Gate::Wait));
        assert_eq!(known.age(at(30_000)), 30 * SECOND);
        assert!(!known.note(at(31_000), None), "it has not changed");
        assert_eq!(known.age(at(31_500)), SECOND / 2);
        assert!(known.note_failure(at(32_000)), "it had worked again");
    }

    #[test]
    fn an_older_read_that_ends_later_says_nothing() {
        let mut known = Known::new(at(0));
        known.note(at(500), Some(control(&run("cancelled"))));
        assert!(!known.note(at(250), Some(control(r#"{"v":1}"#))));
        assert!(!known.note_failure(at(250)));
        assert_eq!(known.gate("r", at(600)), Some(Gate::Drop));
    }

    #[test]
    fn after_a_sleep_a_read_of_before_is_not_current() {
        let mut known = Known::new(at(0));
        known.note(at(0), Some(control(r#"{"v":1}"#)));
        for (began, is_current) in [(0, true), (1_000, true), (1_001, false), (-9, true)] {
            assert_eq!(known.is_current(at(began), SECOND), is_current, "{began}");
        }
        // A read that began before the sleep ends after it.
        known.note(at(900), None);
        assert!(!known.is_current(at(3_600_000), SECOND));
        known.note(at(3_600_001), None);
        assert!(known.is_current(at(3_600_000), SECOND));
    }

    #[test]
    fn all_is_paused_where_a_run_waits_and_none_is_open() {
        let mut known = Known::new(at(0));
        assert!(known.is_all_paused(Lane::Bulk, at(0)), "nobody knows");
        for (state, expected) in [("open", false), ("cancelled", false), ("paused", true)] {
            known.note(at(0), Some(control(&run(state))));
            assert_eq!(known.is_all_paused(Lane::Bulk, at(0)), expected, "{state}");
            assert!(!known.is_all_paused(Lane::Urgent, at(0)), "no run is on it");
        }
        let after_the_horizon = at(24 * 3_600_000);
        assert!(
            !known.is_all_paused(Lane::Bulk, after_the_horizon),
            "it is dropped"
        );
    }
}
