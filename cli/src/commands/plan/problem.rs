//! Why a campaign can't be sent as planned, each with what would do.

use std::fmt;
use std::time::Duration;

use fanline_consumer::MonthlyQuota;
use fanline_core::campaign::Lane;
use fanline_ledger::Pace;
use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};

use super::estimate::{Load, max_consumers};
use crate::print::words::HumanTime;
use crate::stack::concurrency_parameter;

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
        faster: Faster,
        would_end: Timestamp,
    },
    /// It takes longer than LINE remembers its retry keys.
    TooLong { takes: Duration, faster: Faster },
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

/// What would make a run fast enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faster {
    /// So many consumers of its lane.
    Consumers(Lane, u32),
    /// Another pace: that of an operator is what holds it up.
    Pace,
    /// Nothing in its lane.
    Nothing(Lane),
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUrgentLane => f.write_str(NO_LANE),
            Self::Late {
                takes,
                left,
                faster,
                would_end,
            } => {
                write!(
                    f,
                    "it takes {}, and `expires_at` is in {}: ",
                    HumanTime(*takes),
                    HumanTime(*left)
                )?;
                let later = format!("`expires_at` has to be after {would_end}");
                match faster {
                    Faster::Nothing(Lane::Bulk) => {
                        write!(f, "LINE takes no more requests, so {later}")
                    }
                    faster => faster.write(f, &later),
                }
            }
            Self::TooLong { takes, faster } => {
                write!(
                    f,
                    "it takes {}, and LINE remembers for 22 hours and a bit what it has taken: ",
                    HumanTime(*takes)
                )?;
                faster.write(
                    f,
                    "send the list in parts, each under a campaign id of its own",
                )
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

impl Faster {
    /// `otherwise`: what else would do.
    fn write(self, f: &mut fmt::Formatter<'_>, otherwise: &str) -> fmt::Result {
        match self {
            Self::Consumers(lane, number) => {
                write!(f, "{} {number} would do", concurrency_parameter(lane))
            }
            Self::Pace => f.write_str(PACED),
            Self::Nothing(Lane::Bulk) => f.write_str(otherwise),
            Self::Nothing(Lane::Urgent) => write!(
                f,
                "the urgent lane has at most {} consumers, so leave `lane` out, or {otherwise}",
                max_consumers(Lane::Urgent)
            ),
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
    let faster = |limit: Duration| {
        let consumers = load.consumers_for(limit.div_f64(1.1), latency);
        match consumers {
            Some(number) => Faster::Consumers(load.lane, number),
            None if is_paced => Faster::Pace,
            None => Faster::Nothing(load.lane),
        }
    };
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
                faster: faster(left),
                would_end: whole_seconds(would_end),
            })
        }
        _ if with_a_tenth > MAX_TIME => Some(PlanProblem::TooLong {
            takes,
            faster: faster(MAX_TIME),
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

    /// The urgent lane is beside 40 consumers of the other one.
    fn time(lane: Lane, pushes: u64, consumers: u32, minutes: Option<i64>) -> Option<String> {
        let load = Load {
            deliveries: ByEndpoint {
                push: pushes,
                multicast: 0,
            },
            lane,
            others: if lane == Lane::Urgent { 40 } else { 0 },
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
            let found = time(Lane::Bulk, pushes, consumers, minutes);
            assert_eq!(found.as_deref(), words, "{pushes}");
        }
    }

    #[test]
    fn an_urgent_campaign_that_takes_too_long_names_what_its_lane_can_do() {
        let nothing = ": the urgent lane has at most 10 consumers, so leave `lane` out, or ";
        assert_eq!(time(Lane::Urgent, 10_000, 2, Some(60)), None);
        for (pushes, minutes, takes, words) in [
            (
                10_000,
                Some(2),
                "2 min 11 s",
                ": UrgentConcurrency 3 would do",
            ),
            (
                10_000_000,
                None,
                "33 h 41 min",
                ": UrgentConcurrency 4 would do",
            ),
            (
                1_000_000,
                Some(30),
                "3 h 22 min",
                &format!("{nothing}`expires_at` has to be after 2026-12-25T00:53:07Z"),
            ),
            (
                90_000_000,
                None,
                "303 h 11 min",
                &format!("{nothing}send the list in parts, each under a campaign id of its own"),
            ),
        ] {
            let found = time(Lane::Urgent, pushes, 2, minutes).unwrap();
            assert!(found.starts_with(&format!("it takes {takes}, ")), "{found}");
            assert!(found.ends_with(words), "{found}");
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
