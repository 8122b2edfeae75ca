//! `--faults`: what goes wrong in a rehearsal on purpose, and how often.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fanline_local::{Kills, LineFault, LineFaults, QueueFaults};

use crate::exit::InputError;

/// A killed invocation ends within this time of its start. Most are in a request then.
const MAX_KILL_DELAY: Duration = Duration::from_millis(20);

/// The faults of the function itself. All others are LINE's or the queue's.
const KILL: &str = "kill";
const PANIC: &str = "panic";
const TIME_OUT: &str = "time-out";

/// What happens to an invocation after its work is done and before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvocationFault {
    /// It panics.
    Panic,
    /// It does not answer in time.
    TimeOut,
}

/// All faults of a run; none by default.
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
        faults.kills.within = MAX_KILL_DELAY;
        let parts = spec.into_iter().flat_map(|spec| spec.split(','));
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, rate) = part
                .split_once('=')
                .ok_or_else(|| input_error(format!("`{part}` is not NAME=RATE")))?;
            faults.set(name, read_rate(name, rate)?)?;
        }
        faults.line.check().map_err(input_error)?;
        Ok(faults)
    }

    fn set(&mut self, name: &str, rate: f64) -> Result<(), InputError> {
        match name {
            KILL => self.kills.rate = rate,
            PANIC => self.panics = rate,
            TIME_OUT => self.time_outs = rate,
            _ => {
                if let Ok(fault) = name.parse::<LineFault>() {
                    self.line.rates.insert(fault, rate);
                } else if self.queue.set(name, rate).is_err() {
                    let problem = format!("there is no fault `{name}`; there are {}", names());
                    return Err(input_error(problem));
                }
            }
        }
        Ok(())
    }

    /// The fault of the invocation with this number. The same seed gives the same fault.
    pub(crate) fn invocation_fault(&self, number: u64) -> Option<InvocationFault> {
        let mut hasher = DefaultHasher::new();
        (self.kills.seed, number).hash(&mut hasher);
        #[expect(clippy::cast_precision_loss, reason = "a number from 0 to 1")]
        let drawn = hasher.finish() as f64 / u64::MAX as f64;
        if drawn < self.panics {
            Some(InvocationFault::Panic)
        } else if drawn < self.panics + self.time_outs {
            Some(InvocationFault::TimeOut)
        } else {
            None
        }
    }

    /// Whether anything goes wrong at all.
    pub(crate) fn any(&self) -> bool {
        let no_queue_faults = QueueFaults {
            seed: self.queue.seed,
            ..QueueFaults::default()
        };
        self.kills.rate + self.panics + self.time_outs > 0.0
            || !self.line.rates.is_empty()
            || self.queue != no_queue_faults
    }
}

fn input_error(problem: impl std::fmt::Display) -> InputError {
    InputError(format!("--faults: {problem}"))
}

fn read_rate(name: &str, text: &str) -> Result<f64, InputError> {
    let rate = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    rate.ok()
        .filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or_else(|| {
            input_error(format!(
                "the rate of `{name}` is not between 0 and 1, or 0% and 100%"
            ))
        })
}

/// Each name that `--faults` takes.
fn names() -> String {
    let line = LineFault::ALL.map(LineFault::as_str).join(", ");
    format!(
        "{line} (LINE), failed, refused, throttled, lost, duplicated, short (the queue), \
         {KILL}, {PANIC}, {TIME_OUT} (the function)"
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
    fn the_same_invocations_go_wrong_for_the_same_seed() {
        let drawn = |seed| {
            let faults = Faults::parse(Some("panic=10%,time-out=20%"), seed).unwrap();
            (0..1000)
                .map(|number| faults.invocation_fault(number))
                .collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let count = |fault| drawn(1).iter().flatten().filter(|it| **it == fault).count();
        let (panics, time_outs) = (
            count(InvocationFault::Panic),
            count(InvocationFault::TimeOut),
        );
        assert!((70..130).contains(&panics), "{panics} of 1,000");
        assert!((150..250).contains(&time_outs), "{time_outs} of 1,000");
    }

    #[test]
    fn an_unknown_fault_is_named_with_the_known_ones() {
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
