//! Why a campaign can't be sent as planned, each with what would do.

use std::fmt;
use std::time::Duration;

use fanline_consumer::MonthlyQuota;
use fanline_ledger::Pace;
use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};

use super::estimate::Load;
use crate::print::words::HumanTime;

/// Nothing of a run is sent later than 23 hours after its start: LINE forgets retry keys. The hour
/// that is kept back is for what goes wrong.
const MAX_TIME: Duration = Duration::from_hours(22);

/// The cure where an operator's pace is what holds a run up.
const PACED: &str = "the pace that is set for the stack allows no more: `fanline pace` changes it";

/// The stack takes no urgent deliveries.
const NO_LANE: &str = "`lane` is `urgent`, but the stack has no urgent queue: deploy it with \
                       `UrgentLane=ENABLED`, or leave `lane` out";

/// An account has so many names of aggregation units in a month. LINE sends what has a further name
/// without it, and says nothing.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
pub(crate) const MAX_UNITS: u64 = 1_000;

/// Why a campaign can't be sent as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlanProblem {
    /// The campaign is urgent, and the stack takes no urgent deliveries.
    NoUrgentLane,
    /// It would not be through before it expires.
    Late {
        takes: Duration,
        left: Duration,
        consumers: Option<u32>,
        would_end: Timestamp,
        /// Whether an operator's pace is what holds it up.
        is_paced: bool,
    },
    /// It takes longer than LINE remembers its retry keys.
    TooLong {
        takes: Duration,
        consumers: Option<u32>,
        is_paced: bool,
    },
    /// The month has too few messages left.
    Quota {
        needed: u64,
        /// What LINE says is left.
        left: u64,
        /// So many of these are kept back.
        kept_back: u64,
        /// So many of these are for other open runs.
        others: u64,
    },
    /// The month has no name left for the run's statistics.
    Units(u64),
    /// LINE would refuse the messages, or the token.
    Line(String),
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUrgentLane => f.write_str(NO_LANE),
            Self::Late {
                takes,
                left,
                consumers,
                would_end,
                is_paced,
            } => {
                write!(
                    f,
                    "it takes {}, and `expires_at` is in {}: ",
                    HumanTime(*takes),
                    HumanTime(*left)
                )?;
                match consumers {
                    Some(consumers) => write!(f, "MaximumConcurrency {consumers} would do"),
                    None if *is_paced => write!(f, "{PACED}"),
                    None => write!(
                        f,
                        "LINE takes no more requests, so `expires_at` has to be after {would_end}"
                    ),
                }
            }
            Self::TooLong {
                takes,
                consumers,
                is_paced,
            } => {
                write!(
                    f,
                    "it takes {}, and LINE remembers for 22 hours and a bit what it has taken: ",
                    HumanTime(*takes)
                )?;
                match consumers {
                    Some(consumers) => write!(f, "MaximumConcurrency {consumers} would do"),
                    None if *is_paced => write!(f, "{PACED}"),
                    None => write!(
                        f,
                        "send the list in parts, each under a campaign id of its own"
                    ),
                }
            }
            Self::Quota {
                needed,
                left,
                kept_back,
                others,
            } => write_quota(f, *needed, *left, [*kept_back, *others]),
            Self::Units(used) => write!(
                f,
                "`statistics`: this month has {} runs with statistics, and LINE counts no more than \
                 {}: take the field out, or wait for the next month",
                HumanCount(*used),
                HumanCount(MAX_UNITS)
            ),
            Self::Line(words) => f.write_str(words),
        }
    }
}

fn write_quota(
    f: &mut fmt::Formatter<'_>,
    needed: u64,
    left: u64,
    [kept_back, others]: [u64; 2],
) -> fmt::Result {
    let (needed, shown) = (HumanCount(needed), HumanCount(left));
    write!(
        f,
        "it needs {needed} messages, and this month has {shown} left"
    )?;
    let why = [
        (kept_back, "kept back, since LINE's count is approximate"),
        (others, "for other open runs"),
    ];
    for (count, why) in why.iter().filter(|(count, _)| *count > 0) {
        write!(f, ", {} of them {why}", HumanCount(*count))?;
    }
    let usable = left.saturating_sub(kept_back).saturating_sub(others);
    let more = needed.0.saturating_sub(usable);
    write!(f, ": {} more would do", HumanCount(more))
}

/// How much of the month's quota a plan keeps back: LINE's count of what was used is approximate.
fn kept_back(quota: MonthlyQuota) -> u64 {
    quota.limit.unwrap_or_default() / 100
}

/// The problem of the quota, if there is one. `others`: so many people are still to be sent to by
/// other runs.
pub(crate) fn of_the_quota(people: u64, quota: MonthlyQuota, others: u64) -> Option<PlanProblem> {
    let (left, kept_back) = (quota.left()?, kept_back(quota));
    let usable = left.saturating_sub(kept_back).saturating_sub(others);
    (people > usable).then_some(PlanProblem::Quota {
        needed: people,
        left,
        kept_back,
        others,
    })
}

/// The problem of the month's names for statistics, if there is one.
pub(crate) fn of_the_units(used: u64) -> Option<PlanProblem> {
    (used >= MAX_UNITS).then_some(PlanProblem::Units(used))
}

/// The problem of the time, if there is one. A tenth more is added to the time that it takes.
pub(crate) fn of_the_time(
    load: &Load,
    (consumers, latency): (u32, Duration),
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<PlanProblem> {
    let takes = load.on_a_stack(consumers, latency);
    let with_a_tenth = takes.mul_f64(1.1);
    let left = expires_at.map(|at| {
        let left = at.duration_since(now).max(SignedDuration::ZERO);
        left.unsigned_abs()
    });
    let unpaced = Load {
        pace: Pace::default(),
        ..*load
    };
    let is_paced = takes > unpaced.on_a_stack(consumers, latency);
    let within = |limit: Duration| load.consumers_for(limit.div_f64(1.1), latency);
    match left {
        Some(left) if with_a_tenth > left => {
            let best = load.at_best(latency).mul_f64(1.1);
            let would_end = SignedDuration::try_from(best)
                .ok()
                .and_then(|best| now.checked_add(best).ok())
                .unwrap_or(Timestamp::MAX);
            Some(PlanProblem::Late {
                takes,
                left,
                consumers: within(left),
                would_end: whole_seconds(would_end),
                is_paced,
            })
        }
        _ if with_a_tenth > MAX_TIME => Some(PlanProblem::TooLong {
            takes,
            consumers: within(MAX_TIME),
            is_paced,
        }),
        _ => None,
    }
}

/// A time without its fraction.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanline_ledger::ByEndpoint;

    fn now() -> Timestamp {
        "2026-12-25T00:00:00Z".parse().unwrap()
    }

    fn time(pushes: u64, consumers: u32, minutes: Option<i64>) -> Option<String> {
        let load = Load {
            deliveries: ByEndpoint {
                push: pushes,
                multicast: 0,
            },
            share: 1.0,
            canary_wait: Duration::ZERO,
            pace: Pace::default(),
        };
        let expires_at = minutes.map(|minutes| now() + SignedDuration::from_mins(minutes));
        let capacity = (consumers, Duration::from_millis(150));
        of_the_time(&load, capacity, expires_at, now()).map(|problem| problem.to_string())
    }

    #[test]
    fn what_takes_too_long_names_the_number_that_would_do() {
        for (pushes, consumers, minutes, words) in [
            (1_000_000, 40, Some(60), None),
            (1_000_000, 40, None, None),
            (
                1_000_000,
                10,
                Some(30),
                Some(
                    "it takes 36 min 0 s, and `expires_at` is in 30 min 0 s: \
                      MaximumConcurrency 14 would do",
                ),
            ),
            (
                1_000_000,
                10,
                Some(9),
                Some(
                    "it takes 36 min 0 s, and `expires_at` is in 9 min 0 s: LINE takes no more \
                      requests, so `expires_at` has to be after 2026-12-25T00:10:49Z",
                ),
            ),
            (
                30_000_000,
                2,
                None,
                Some(
                    "it takes 89 h 35 min, and LINE remembers for 22 hours and a bit what it \
                      has taken: MaximumConcurrency 9 would do",
                ),
            ),
        ] {
            assert_eq!(
                time(pushes, consumers, minutes).as_deref(),
                words,
                "{pushes}"
            );
        }
    }

    #[test]
    fn the_quota_has_to_do_for_everybody() {
        let quota = |limit, used| MonthlyQuota { limit, used };
        for (people, quota, others, short) in [
            (30, quota(Some(40), 30), 0, Some(20)),
            (10, quota(Some(40), 30), 0, None),
            (10, quota(Some(40), 25), 5, None),
            (10, quota(Some(40), 25), 6, Some(1)),
            (1_000, quota(Some(1_000), 0), 0, Some(10)),
            (1_000, quota(Some(1_011), 0), 0, None),
            (u64::MAX, quota(None, 5), 9, None),
            (1, quota(Some(5), 9), 0, Some(1)),
        ] {
            let found = of_the_quota(people, quota, others).map(|problem| problem.to_string());
            let more = short.map(|short| format!(": {} more would do", HumanCount(short)));
            match (&found, &more) {
                (Some(found), Some(more)) => assert!(found.ends_with(more), "{found} {more}"),
                _ => assert_eq!(found, more, "{people}"),
            }
        }
        let problem = of_the_quota(1_000, quota(Some(1_200), 100), 95).unwrap();
        assert_eq!(
            problem.to_string(),
            "it needs 1,000 messages, and this month has 1,100 left, 12 of them kept back, since \
             LINE's count is approximate, 95 of them for other open runs: 7 more would do"
        );
    }
}
