//! Whether a run ends before each delivery has an outcome, and why.

use std::fmt;
use std::time::Duration;

/// The longest wait while a channel is on hold for want of a quota or of a token: that does not end
/// by itself.
const MAX_HOLD_WAIT: Duration = Duration::from_secs(5);

/// Why a run ended before each delivery had an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlyEnd {
    /// No delivery got an outcome for this time.
    NoProgress(Duration),
    /// The same, while sending was on hold.
    OnHold(Duration),
    /// A signal interrupted the run.
    Interrupted,
    /// The brake has paused a rehearsal, whose folder nobody knows: nobody could resume it.
    Braked,
}

impl EarlyEnd {
    /// Whether a standstill of this length ends the run.
    pub(crate) fn after(
        standstill: Duration,
        give_up_after: Duration,
        is_held: bool,
    ) -> Option<Self> {
        let hold_wait = give_up_after.min(MAX_HOLD_WAIT);
        if is_held && standstill > hold_wait {
            Some(Self::OnHold(hold_wait))
        } else if standstill > give_up_after {
            Some(Self::NoProgress(give_up_after))
        } else {
            None
        }
    }

    /// The reason, and for a live run what to do. A simulated LINE does not remember an earlier
    /// run, so there is nothing to continue. `queue`: a queue that stays, with what waits on it.
    pub(crate) fn with_cure(self, is_live: bool, queue: Option<&str>) -> String {
        let cure = if is_live {
            "; run it again within 23 hours to send to the remaining recipients"
        } else {
            ""
        };
        let waiting = queue.map_or_else(String::new, |queue| {
            format!("; what was not sent waits on the queue `{queue}`")
        });
        format!("{self}{cure}{waiting}")
    }
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgress(time) => {
                write!(f, "no delivery got an outcome for {} s", time.as_secs())
            }
            Self::OnHold(time) => write!(
                f,
                "no delivery got an outcome for {} s, and sending is on hold: is the token valid?",
                time.as_secs()
            ),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Braked => f.write_str(
                "the brake has paused the run: LINE refuses too many of its people (`\"brake\"` in \
                 the campaign sets how many)",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_early_when_it_stands_still_for_too_long() {
        let seconds = Duration::from_secs;
        let on_hold = |n| Some(EarlyEnd::OnHold(seconds(n)));
        let no_progress = |n| Some(EarlyEnd::NoProgress(seconds(n)));
        for (standstill, give_up_after, is_held, end) in [
            (0, 120, false, None),
            (120, 120, false, None),
            (121, 120, false, no_progress(120)),
            (5, 120, true, None),
            (6, 120, true, on_hold(5)),
            (121, 120, true, on_hold(5)),
            (3, 2, true, on_hold(2)),
        ] {
            let after = EarlyEnd::after(seconds(standstill), seconds(give_up_after), is_held);
            assert_eq!(
                after, end,
                "{standstill} s of {give_up_after}, held: {is_held}"
            );
        }
    }

    #[test]
    fn only_a_live_run_can_be_continued() {
        let end = EarlyEnd::Interrupted;
        assert_eq!(end.with_cure(false, None), "interrupted");
        let live = end.with_cure(true, Some("http://q/1"));
        assert!(live.starts_with("interrupted; run it again"), "{live}");
        assert!(live.ends_with("waits on the queue `http://q/1`"), "{live}");
    }
}
