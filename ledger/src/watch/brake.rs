//! The brake: a run that LINE refuses too often is paused.

use std::collections::VecDeque;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::book::Tally;
use crate::control::Share;
use crate::json_object::ObjectError;

/// Fewer people say nothing.
const MIN_SETTLED: u64 = 50;
/// The normal distribution's 97.5 % point: what lies above the bound does so in 95 of 100 cases,
/// two-sided.
const Z: f64 = 1.96;
/// What the last minute is.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// What a campaign's `brake` says: `{"refused": "5%"}`. On by default, with 5 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakeRule {
    /// The share of refused people from which on the run is paused.
    pub refused: Share,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    refused: Share,
}

impl BrakeRule {
    /// The brake of a campaign as it was given.
    pub fn of_campaign(campaign: &Value) -> Result<Self, ObjectError> {
        let brake = campaign.get("brake").filter(|brake| !brake.is_null());
        let refused = match brake {
            None => Share::of_hundredths(500),
            Some(brake) => Wire::deserialize(brake).ok().map(|wire| wire.refused),
        };
        let problem = "is not like `{\"refused\": \"5%\"}`; `100%` switches it off";
        refused
            .map(|refused| Self { refused })
            .ok_or_else(|| ObjectError::field("campaign", "brake", problem))
    }
}

/// How many people have an outcome, and how many of them were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// Refused people.
    pub refused: u64,
    /// People with an outcome.
    pub settled: u64,
}

impl Refusals {
    /// The refusals of a run.
    pub fn of(tally: &Tally) -> Self {
        Self {
            refused: tally.people.refused,
            settled: tally.people.all(),
        }
    }

    /// Wilson's lower bound (95 %) of the refused share: with few people it lies far below the
    /// share that was seen.
    /// <https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval>
    pub fn lower_bound(self) -> f64 {
        if self.settled == 0 {
            return 0.0;
        }
        let (part, all) = (as_f64(self.refused.min(self.settled)), as_f64(self.settled));
        let share = part / all;
        let square = Z * Z;
        let middle = share + square / (2.0 * all);
        let spread = (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
        ((middle - Z * spread) / (1.0 + square / all)).max(0.0)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number of people; no list has 2^52 of them"
)]
fn as_f64(people: u64) -> f64 {
    people as f64
}

/// The refusals of the last minute, out of what each merge has left.
///
/// It forgets with the process. Then the run as a whole is looked at, until there are two merges
/// again.
#[derive(Debug, Clone, Default)]
pub struct RefusalsInAMinute(VecDeque<(Timestamp, Refusals)>);

impl RefusalsInAMinute {
    /// Takes the run's refusals after a merge, and gives those of the minute before.
    pub fn after_merge(&mut self, run: Refusals, now: Timestamp) -> Refusals {
        let is_before = |time: Timestamp| now.duration_since(time) >= WINDOW;
        // The last one that is a minute old is what the minute began with.
        while self.0.get(1).is_some_and(|(time, _)| is_before(*time)) {
            self.0.pop_front();
        }
        let before = self
            .0
            .front()
            .map_or(Refusals::default(), |(_, before)| *before);
        self.0.push_back((now, run));
        // A refused person may become an accepted one later, so either number can fall.
        Refusals {
            refused: run.refused.saturating_sub(before.refused),
            settled: run.settled.saturating_sub(before.settled),
        }
    }
}

/// The brake of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    rule: BrakeRule,
}

/// Why the brake pauses a run, in words for the control's `why`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrakeReason {
    refusals: Refusals,
    in_a_minute: bool,
}

impl fmt::Display for BrakeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusals { refused, settled } = self.refusals;
        let percent = 100.0 * as_f64(refused) / as_f64(settled.max(1));
        let when = if self.in_a_minute {
            " in the last minute"
        } else {
            ""
        };
        write!(f, "refused {percent:.1} % of {settled} people{when}")
    }
}

impl Brake {
    /// The brake with this rule.
    pub fn new(rule: BrakeRule) -> Self {
        Self { rule }
    }

    /// Whether the run is to be paused, given its refusals and those of the last minute: where
    /// either, 50 people or more, lies above the rule's share with some certainty.
    ///
    /// Only refusals count. A hold, a 429 and a 5xx have their own answers.
    pub fn pulls(&self, run: Refusals, minute: Refusals) -> Option<BrakeReason> {
        let is_above = |refusals: Refusals| {
            refusals.settled >= MIN_SETTLED && refusals.lower_bound() > self.rule.refused.as_f64()
        };
        let reason = |refusals, in_a_minute| BrakeReason {
            refusals,
            in_a_minute,
        };
        if is_above(run) {
            Some(reason(run, false))
        } else {
            is_above(minute).then(|| reason(minute, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusals(refused: u64, settled: u64) -> Refusals {
        Refusals { refused, settled }
    }

    #[test]
    fn the_bound_is_wilsons() {
        // The smaller root of (share - p)² = z² p (1 - p) / all, found by bisection, to four
        // places.
        for (refused, settled, bound) in [
            (0, 0, 0.0),
            (0, 50, 0.0),
            (1, 50, 0.0035),
            (5, 50, 0.0435),
            (10, 50, 0.1124),
            (50, 50, 0.9286),
            (100, 2_000, 0.0413),
            (129, 1_840, 0.0593),
            (20_000, 100_000, 0.1975),
        ] {
            let found = refusals(refused, settled).lower_bound();
            assert!(
                (found - bound).abs() < 5e-5,
                "{refused} of {settled}: {found}"
            );
        }
    }

    #[test]
    fn it_pulls_above_its_share_and_says_why() {
        let brake = Brake::new(BrakeRule::of_campaign(&json!({})).unwrap());
        let none = Refusals::default();
        for (run, minute, reason) in [
            (refusals(49, 49), none, None),
            (refusals(5, 50), none, None),
            (refusals(6, 50), none, Some("refused 12.0 % of 50 people")),
            (
                refusals(129, 1_840),
                none,
                Some("refused 7.0 % of 1840 people"),
            ),
            (
                refusals(400, 100_000),
                refusals(400, 2_000),
                Some("refused 20.0 % of 2000 people in the last minute"),
            ),
            (refusals(400, 100_000), refusals(100, 2_000), None),
        ] {
            let pulled = brake.pulls(run, minute).map(|reason| reason.to_string());
            assert_eq!(pulled.as_deref(), reason, "{run:?}");
        }
    }

    #[test]
    fn the_minute_begins_with_the_last_merge_before_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut minute = RefusalsInAMinute::default();
        for (second, settled, expected) in [
            (0, 100, 100),
            (30, 200, 100),
            (59, 300, 200),
            (60, 400, 300),
            (91, 500, 300),
            (300, 600, 100),
            (301, 590, 90),
            (302, 480, 0),
        ] {
            let found = minute.after_merge(refusals(0, settled), at(second));
            assert_eq!(found.settled, expected, "second {second}");
        }
    }

    #[test]
    fn a_campaigns_brake_is_read_or_refused_in_words() {
        let rule = |brake: Value| BrakeRule::of_campaign(&json!({"brake": brake}));
        assert_eq!(rule(Value::Null).unwrap().refused.to_string(), "5%");
        assert_eq!(
            rule(json!({"refused": "100%"}))
                .unwrap()
                .refused
                .to_string(),
            "100%"
        );
        for brake in [
            json!("5%"),
            json!({}),
            json!({"refused": 5}),
            json!({"refused": "5%", "x": 1}),
        ] {
            let error = rule(brake).unwrap_err().to_string();
            assert!(error.contains("`brake`"), "{error}");
        }
    }
}
