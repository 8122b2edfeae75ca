//! `--faults`: what is to go wrong in a rehearsal, and how often.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fanline_local::Kills;
use fanline_local::QueueFaults;
use fanline_local::{LineFault, LineFaults};

use crate::exit::InputError;

/// A killed function dies within this time of its beginning: most are in the middle of a request then.
const KILLED_WITHIN: Duration = Duration::from_millis(20);

/// The faults that are the function's own, beside LINE's and the queue's.
const KILL: &str = "kill";
const PANIC: &str = "panic";
const TIME_OUT: &str = "time-out";

/// What becomes of an invocation that has done its work: the worst moment for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It answers.
    Answer,
    /// It panics.
    Panic,
    /// It says nothing more until its time is out.
    TimeOut,
}

/// Everything that goes wrong in a run; nothing by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) line: LineFaults,
    pub(crate) queue: QueueFaults,
    pub(crate) kills: Kills,
    panics: f64,
    time_outs: f64,
}

impl Faults {
    /// Reads `NAME=RATE,…`, where a rate is `0.1` or `10%`. The same seed gives the same faults.
    pub(crate) fn parse(spec: Option<&str>, seed: u64) -> Result<Self, InputError> {
        let mut faults = Self::default();
        (faults.line.seed, faults.queue.seed, faults.kills.seed) = (seed, seed, seed);
        faults.kills.within = KILLED_WITHIN;
        for part in spec
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let unusable = |problem: String| InputError(format!("--faults: {problem}"));
            let (name, rate) = part
                .split_once('=')
                .ok_or_else(|| unusable(format!("`{part}` is not NAME=RATE")))?;
            let rate = read_rate(rate).ok_or_else(|| {
                unusable(format!(
                    "the rate of `{name}` is not between 0 and 1, or 0% and 100%"
                ))
            })?;
            if name == KILL {
                faults.kills.rate = rate;
            } else if name == PANIC {
                faults.panics = rate;
            } else if name == TIME_OUT {
                faults.time_outs = rate;
            } else if let Ok(fault) = name.parse::<LineFault>() {
                faults.line.rates.insert(fault, rate);
            } else {
                faults.queue.set(name, rate).map_err(|_| {
                    unusable(format!("there is no fault `{name}`; there are {}", names()))
                })?;
            }
        }
        faults
            .line
            .check()
            .map_err(|error| InputError(format!("--faults: {error}")))?;
        Ok(faults)
    }

    /// How the invocation with this number ends: the same for the same seed.
    pub(crate) fn ending(&self, number: u64) -> Ending {
        let mut hasher = DefaultHasher::new();
        (self.kills.seed, number).hash(&mut hasher);
        #[expect(clippy::cast_precision_loss, reason = "a draw from 0 to 1")]
        let draw = hasher.finish() as f64 / u64::MAX as f64;
        if draw < self.panics {
            Ending::Panic
        } else if draw < self.panics + self.time_outs {
            Ending::TimeOut
        } else {
            Ending::Answer
        }
    }

    /// Whether anything goes wrong at all.
    pub(crate) fn any(&self) -> bool {
        let quiet = QueueFaults {
            seed: self.queue.seed,
            ..QueueFaults::default()
        };
        self.kills.rate + self.panics + self.time_outs > 0.0
            || !self.line.rates.is_empty()
            || self.queue != quiet
    }
}

fn read_rate(text: &str) -> Option<f64> {
    let rate = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..=1.0).contains(&rate).then_some(rate)
}

/// Every name that `--faults` takes.
fn names() -> String {
    let line = LineFault::ALL.map(LineFault::as_str).join(", ");
    format!(
        "{line} (LINE), failed, refused, throttled, lost, duplicated, short (the queue), {KILL}, {PANIC}, {TIME_OUT} (the function)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_all_three_are_read_from_one_list() {
        let faults = Faults::parse(Some("error-after=10%, duplicated=0.05,kill=1%"), 7).unwrap();
        assert_eq!(faults.line.rates.get(&LineFault::ErrorAfter), Some(&0.1));
        assert_eq!(
            (
                faults.queue.duplicated,
                faults.queue.seed,
                faults.kills.rate
            ),
            (0.05, 7, 0.01)
        );
        assert!(faults.any());
        assert!(!Faults::parse(None, 7).unwrap().any());
    }

    #[test]
    fn the_same_invocations_end_badly_for_the_same_seed() {
        let endings = |seed| {
            let faults = Faults::parse(Some("panic=10%,time-out=20%"), seed).unwrap();
            (0..1000)
                .map(|number| faults.ending(number))
                .collect::<Vec<_>>()
        };
        assert_eq!(endings(1), endings(1));
        assert_ne!(endings(1), endings(2));
        let count = |ending| endings(1).into_iter().filter(|it| *it == ending).count();
        assert!(
            (70..130).contains(&count(Ending::Panic))
                && (150..250).contains(&count(Ending::TimeOut))
        );
    }

    #[test]
    fn a_fault_that_there_is_not_is_named_with_those_there_are() {
        for (spec, problem) in [
            (
                "meteor=1",
                "there is no fault `meteor`; there are error-before",
            ),
            ("kill", "`kill` is not NAME=RATE"),
            ("kill=2", "the rate of `kill` is not between 0 and 1"),
            (
                "slow=90%,error-after=20%",
                "the rates of LINE's faults come to 1.1",
            ),
        ] {
            let error = Faults::parse(Some(spec), 0).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
