//! Whether somebody may be sent to again: decisions, without a ledger.

use std::collections::BTreeMap;

use fanline_ledger::{Redrives, RunState};

use crate::args::{ResendOnly, RowOutcome};
use crate::commands::ledger::people::joined::Fate;

/// What became of a person in one run, or in all runs of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PersonStanding {
    pub(crate) outcome: RowOutcome,
    /// Whether LINE may have accepted it, although no answer says so.
    pub(crate) is_perhaps_taken: bool,
}

/// Who is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) only: Vec<ResendOnly>,
    pub(crate) may_double: bool,
}

/// What a choice says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The person is on the new list.
    Chosen {
        why: ResendOnly,
        is_perhaps_taken: bool,
    },
    /// The person is chosen, and LINE may have accepted it: it takes `--may-double`.
    Perhaps,
    /// Not chosen.
    No,
}

impl PersonStanding {
    /// What became of a row of a closed run in this state.
    ///
    /// Whoever was set aside for certain and was sent to again since is no longer certain: LINE may
    /// have taken it, and that outcome be lost.
    pub(crate) fn of(fate: &Fate, state: RunState, redrives: &Redrives) -> Self {
        // What a cancelled run has not read was never sent. Of a run that is done, somebody lost
        // it, and nobody knows where.
        let never_read = fate.outcome == RowOutcome::Unread && state == RunState::Cancelled;
        let outcome = if never_read {
            RowOutcome::Cancelled
        } else {
            fate.outcome
        };
        let is_perhaps_taken = match outcome {
            RowOutcome::Waiting | RowOutcome::Unread | RowOutcome::Unknown => true,
            _ => fate
                .cell
                .is_some_and(|cell| cell.is_perhaps_taken() || redrives.put_in_doubt(cell)),
        };
        Self {
            outcome,
            is_perhaps_taken,
        }
    }

    /// What became of the person in two runs together: the better outcome, and a doubt of either.
    pub(crate) fn and(self, other: Self) -> Self {
        let better = if other.outcome.rank() > self.outcome.rank() {
            other
        } else {
            self
        };
        Self {
            outcome: better.outcome,
            is_perhaps_taken: self.is_perhaps_taken || other.is_perhaps_taken,
        }
    }

    fn chosen_as(self) -> Option<ResendOnly> {
        match self.outcome {
            RowOutcome::Refused => Some(ResendOnly::Refused),
            RowOutcome::Expired => Some(ResendOnly::Expired),
            RowOutcome::Cancelled => Some(ResendOnly::Cancelled),
            RowOutcome::SetAside => Some(ResendOnly::SetAside),
            RowOutcome::Waiting | RowOutcome::Unread => Some(ResendOnly::Missing),
            RowOutcome::Unknown => Some(ResendOnly::Unknown),
            RowOutcome::Accepted | RowOutcome::Rejected | RowOutcome::Duplicate => None,
        }
    }
}

impl Choice {
    /// What the choice says of a person.
    pub(crate) fn of(&self, person: PersonStanding) -> Verdict {
        let Some(why) = person.chosen_as().filter(|why| self.only.contains(why)) else {
            return Verdict::No;
        };
        if person.is_perhaps_taken && !self.may_double {
            return Verdict::Perhaps;
        }
        Verdict::Chosen {
            why,
            is_perhaps_taken: person.is_perhaps_taken,
        }
    }
}

/// How many people are chosen, and who is left out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ChoiceCounts {
    /// People on the new list, by what became of them.
    pub(crate) chosen: BTreeMap<&'static str, u64>,
    /// Those of them whom LINE may have accepted.
    pub(crate) may_double: u64,
    /// People whom LINE may have accepted, left out without `--may-double`.
    pub(crate) perhaps: u64,
    /// People who are in a resend that is not closed.
    pub(crate) held: u64,
    /// Mended rows of people who are in another row of the run, or in a resend.
    pub(crate) mended_known: u64,
}

impl ChoiceCounts {
    /// Everybody on the new list.
    pub(crate) fn people(&self) -> u64 {
        self.chosen.values().sum()
    }

    /// Adds a person who is on the new list.
    pub(crate) fn add(&mut self, why: ResendOnly, is_perhaps_taken: bool) {
        let word = match why {
            ResendOnly::Refused => "refused",
            ResendOnly::Expired => "expired",
            ResendOnly::Cancelled => "cancelled",
            ResendOnly::SetAside => "set aside",
            ResendOnly::Missing => "missing",
            ResendOnly::Unknown => "unknown",
        };
        *self.chosen.entry(word).or_default() += 1;
        self.may_double += u64::from(is_perhaps_taken);
    }
}

#[cfg(test)]
mod tests {
    use fanline_ledger::{Cell, CellReason, Redrive, RedriveReason};

    use super::*;
    use crate::commands::ledger::people::joined::outcome_of;

    const ALL: [RowOutcome; 10] = [
        RowOutcome::Accepted,
        RowOutcome::Refused,
        RowOutcome::Unknown,
        RowOutcome::Expired,
        RowOutcome::SetAside,
        RowOutcome::Cancelled,
        RowOutcome::Waiting,
        RowOutcome::Rejected,
        RowOutcome::Duplicate,
        RowOutcome::Unread,
    ];
    const EVERYTHING: [ResendOnly; 6] = [
        ResendOnly::Refused,
        ResendOnly::Expired,
        ResendOnly::Cancelled,
        ResendOnly::SetAside,
        ResendOnly::Missing,
        ResendOnly::Unknown,
    ];

    fn standing(outcome: RowOutcome, is_perhaps_taken: bool) -> PersonStanding {
        PersonStanding {
            outcome,
            is_perhaps_taken,
        }
    }

    #[test]
    fn only_what_is_certain_and_was_never_sent_again_goes_without_a_word() {
        for reason in CellReason::ALL {
            for perhaps in [false, true] {
                for redriven in [
                    None,
                    Some(RedriveReason::Quota),
                    Some(RedriveReason::Expired),
                ] {
                    let cell = Cell::new(reason, None, perhaps);
                    let fate = Fate {
                        outcome: outcome_of(cell),
                        place: None,
                        cell: Some(cell),
                        fingerprint: None,
                    };
                    let standing = PersonStanding::of(&fate, RunState::Done, &redrives(redriven));
                    let is_again = redriven.is_some() && redriven == RedriveReason::of(Some(cell));
                    let expected = cell.is_perhaps_taken() || is_again;
                    assert_eq!(
                        standing.is_perhaps_taken, expected,
                        "{reason:?} {redriven:?}"
                    );
                }
            }
        }
    }

    fn redrives(reason: Option<RedriveReason>) -> Redrives {
        let mut redrives = Redrives::default();
        if let Some(reason) = reason {
            redrives.note(Redrive {
                id: fanline_ledger::draw_id(),
                time: jiff::Timestamp::UNIX_EPOCH,
                by: "mei".into(),
                why: None,
                only: vec![reason],
                ended: None,
            });
        }
        redrives
    }

    #[test]
    fn whoever_was_accepted_in_any_run_is_never_chosen() {
        let choice = Choice {
            only: EVERYTHING.to_vec(),
            may_double: true,
        };
        for outcome in ALL {
            for perhaps in [false, true] {
                let accepted = standing(RowOutcome::Accepted, false);
                let other = standing(outcome, perhaps);
                assert_eq!(choice.of(accepted.and(other)), Verdict::No, "{outcome:?}");
                assert_eq!(choice.of(other.and(accepted)), Verdict::No, "{outcome:?}");
            }
        }
    }

    #[test]
    fn a_doubt_of_any_run_takes_may_double() {
        let mut choice = Choice {
            only: EVERYTHING.to_vec(),
            may_double: false,
        };
        for outcome in ALL {
            let doubt = standing(RowOutcome::Cancelled, true);
            let person = standing(outcome, false).and(doubt);
            choice.may_double = false;
            let is_chosen = matches!(choice.of(person), Verdict::Chosen { .. });
            assert!(!is_chosen, "{outcome:?}");
            choice.may_double = true;
            if let Verdict::Chosen {
                is_perhaps_taken, ..
            } = choice.of(person)
            {
                assert!(is_perhaps_taken, "{outcome:?}");
            }
        }
    }

    #[test]
    fn only_what_was_asked_for_is_chosen() {
        for (outcome, why) in [
            (RowOutcome::Refused, ResendOnly::Refused),
            (RowOutcome::Expired, ResendOnly::Expired),
            (RowOutcome::Cancelled, ResendOnly::Cancelled),
            (RowOutcome::SetAside, ResendOnly::SetAside),
            (RowOutcome::Waiting, ResendOnly::Missing),
            (RowOutcome::Unknown, ResendOnly::Unknown),
        ] {
            for only in EVERYTHING {
                let choice = Choice {
                    only: vec![only],
                    may_double: true,
                };
                let verdict = choice.of(standing(outcome, false));
                let chosen = Verdict::Chosen {
                    why,
                    is_perhaps_taken: false,
                };
                let expected = if only == why { chosen } else { Verdict::No };
                assert_eq!(verdict, expected, "{outcome:?} {only:?}");
            }
        }
    }
}
