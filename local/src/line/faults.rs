//! Faults between a client and LINE, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::line::answer::{self, Answer, ErrorForm, Manner};

/// One fault of a push, a multicast or a LINE Notify message.
///
/// "Before" means that LINE has not accepted the message, and "after" that it has. The client sees
/// the difference only when it tries again with the same retry key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineFault {
    /// 500, not accepted.
    ErrorBefore,
    /// 500, accepted.
    ErrorAfter,
    /// No answer, and after a time the connection is closed; not accepted.
    SilenceBefore,
    /// No answer, and after a time the connection is closed; accepted.
    SilenceAfter,
    /// The connection is reset; not accepted.
    ResetBefore,
    /// The connection is reset; accepted.
    ResetAfter,
    /// The right answer, late; accepted.
    Slow,
    /// 429 for the rate, though the rate is not over the limit; not accepted.
    RateLimit,
    /// The right status with half of its body; accepted.
    Garbled,
    /// 401, not accepted.
    Unauthorized,
    /// 403, not accepted.
    Forbidden,
}

/// Which faults happen, how often, and the seed that decides which requests they happen to.
///
/// The fault of a request follows from the seed, the request and how often that request has come. A
/// request is known by its retry key, and without one by its body. The order in which requests come
/// does not matter, so the same seed gives the same faults over any number of connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineFaults {
    /// With another seed the faults happen to other requests.
    pub seed: u64,
    /// The share of requests that each fault happens to: from 0 to 1 each, and at most 1 together.
    pub rates: BTreeMap<LineFault, f64>,
    /// How long a slow answer takes, in milliseconds.
    pub slow_millis: u64,
    /// How long a silence lasts before the connection is closed, in milliseconds.
    pub silence_millis: u64,
    /// Only this many first attempts of a request can have a fault. `None`: any attempt can.
    pub first_attempts: Option<u32>,
}

/// Why the faults are not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LineFaultsError {
    /// No fault has this name.
    #[error("`{0}` is not a fault of LINE; the faults are {names}", names = names())]
    Name(String),
    /// A rate is below 0, above 1 or not a number.
    #[error("the rate of `{0}` is not between 0 and 1")]
    Rate(LineFault),
    /// The sum of the rates is more than 1.
    #[error("the rates of LINE's faults come to {0}, more than 1")]
    Sum(f64),
}

impl LineFault {
    /// Every fault.
    pub const ALL: [Self; 11] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::SilenceBefore,
        Self::SilenceAfter,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Slow,
        Self::RateLimit,
        Self::Garbled,
        Self::Unauthorized,
        Self::Forbidden,
    ];

    /// Its name in options, commands and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorBefore => "error-before",
            Self::ErrorAfter => "error-after",
            Self::SilenceBefore => "silence-before",
            Self::SilenceAfter => "silence-after",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::Slow => "slow",
            Self::RateLimit => "rate-limit",
            Self::Garbled => "garbled",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
        }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LineFault {
    type Err = LineFaultsError;

    fn from_str(name: &str) -> Result<Self, LineFaultsError> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.as_str() == name)
            .ok_or_else(|| LineFaultsError::Name(name.into()))
    }
}

impl Default for LineFaults {
    fn default() -> Self {
        Self {
            seed: 0,
            rates: BTreeMap::new(),
            slow_millis: 1_000,
            silence_millis: 30_000,
            first_attempts: None,
        }
    }
}

impl LineFaults {
    /// Checks the rates: each is from 0 to 1, and the sum is at most 1.
    pub fn check(&self) -> Result<(), LineFaultsError> {
        for (fault, rate) in &self.rates {
            if !(0.0..=1.0).contains(rate) {
                return Err(LineFaultsError::Rate(*fault));
            }
        }
        let sum: f64 = self.rates.values().sum();
        // In binary, ten times a tenth is a little more than one.
        if sum > 1.0 + 1e-9 {
            return Err(LineFaultsError::Sum(sum));
        }
        Ok(())
    }

    /// Whether there are no faults at all.
    pub(crate) fn is_none(&self) -> bool {
        self.rates.is_empty()
    }

    /// The fault of this attempt, counted from 1, of the request that `identity` names.
    pub(crate) fn draw(&self, identity: &[u8; 16], attempt: u32) -> Option<LineFault> {
        if self.is_none() || self.first_attempts.is_some_and(|most| attempt > most) {
            return None;
        }
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(identity)
            .chain_update(attempt.to_be_bytes())
            .finalize();
        // An `f64` holds 32 bits exactly, and no rate needs more.
        let draw = digest
            .iter()
            .take(4)
            .fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        let mut left = f64::from(draw) / 2_f64.powi(32);
        for (fault, rate) in &self.rates {
            if left < *rate {
                return Some(*fault);
            }
            left -= rate;
        }
        None
    }

    /// The answer of a fault that happens before the message is accepted. `None`: it happens after.
    pub(crate) fn before(&self, fault: LineFault, error: ErrorForm) -> Option<Answer> {
        let mut answer = server_error(error);
        match fault {
            LineFault::ErrorBefore => {}
            LineFault::SilenceBefore => answer.manner = Manner::Silent(self.silence()),
            LineFault::ResetBefore => answer.manner = Manner::Reset,
            LineFault::RateLimit => {
                answer = error(StatusCode::TOO_MANY_REQUESTS, answer::RATE_LIMITED);
            }
            LineFault::Unauthorized => {
                answer = error(StatusCode::UNAUTHORIZED, answer::UNAUTHORIZED);
            }
            LineFault::Forbidden => {
                answer = error(
                    StatusCode::FORBIDDEN,
                    "Access to this API is not available for your account",
                );
            }
            _ => return None,
        }
        Some(answer)
    }

    /// The answer, changed by a fault that happens after the message is accepted.
    pub(crate) fn after(&self, fault: LineFault, error: ErrorForm, mut answer: Answer) -> Answer {
        if fault == LineFault::Slow {
            answer.manner = Manner::Slow(Duration::from_millis(self.slow_millis));
        }
        let is_accepted = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
        if is_accepted {
            match fault {
                LineFault::ErrorAfter => return server_error(error),
                LineFault::SilenceAfter => answer.manner = Manner::Silent(self.silence()),
                LineFault::ResetAfter => answer.manner = Manner::Reset,
                LineFault::Garbled => {
                    let half = answer.body.len() / 2;
                    answer.body.truncate(half);
                }
                _ => {}
            }
        }
        answer
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(self.silence_millis)
    }
}

/// LINE documents the status but no text.
fn server_error(error: ErrorForm) -> Answer {
    error(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

fn names() -> String {
    LineFault::ALL.map(LineFault::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, rates: &[(LineFault, f64)]) -> LineFaults {
        LineFaults {
            seed,
            rates: rates.iter().copied().collect(),
            ..LineFaults::default()
        }
    }

    fn drawn(faults: &LineFaults, attempt: u32) -> Vec<Option<LineFault>> {
        (0..10_000_u128)
            .map(|n| faults.draw(&n.to_be_bytes(), attempt))
            .collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_faults_and_another_does_not() {
        let rates = [(LineFault::ErrorAfter, 0.1), (LineFault::Slow, 0.2)];
        let one = drawn(&faults(1, &rates), 1);
        assert_eq!(one, drawn(&faults(1, &rates), 1));
        assert_ne!(one, drawn(&faults(2, &rates), 1));
        assert_ne!(one, drawn(&faults(1, &rates), 2));
    }

    #[test]
    fn every_fault_happens_as_often_as_its_rate_says() {
        let rates = LineFault::ALL.map(|fault| (fault, 0.05));
        let drawn = drawn(&faults(7, &rates), 1);
        for fault in LineFault::ALL {
            let n = drawn.iter().filter(|drawn| **drawn == Some(fault)).count();
            assert!((400..600).contains(&n), "{fault}: {n} of 10,000");
        }
        assert!(
            faults(7, &[(LineFault::Slow, 1.0)])
                .draw(&[0; 16], 9)
                .is_some()
        );
        assert!(
            faults(7, &[(LineFault::Slow, 0.0)])
                .draw(&[0; 16], 9)
                .is_none()
        );
    }

    #[test]
    fn only_the_first_attempts_can_have_faults_if_the_options_say_so() {
        let faults = LineFaults {
            first_attempts: Some(2),
            ..faults(7, &[(LineFault::Slow, 1.0)])
        };
        let drawn = [1, 2, 3].map(|attempt| faults.draw(&[0; 16], attempt).is_some());
        assert_eq!(drawn, [true, true, false]);
    }

    #[test]
    fn names_read_back_and_rates_are_checked() {
        for fault in LineFault::ALL {
            assert_eq!(fault.to_string().parse(), Ok(fault));
            let json = serde_json::to_value(fault).unwrap();
            assert_eq!(json, fault.as_str());
        }
        assert_eq!(
            "oops".parse::<LineFault>().unwrap_err().to_string(),
            "`oops` is not a fault of LINE; the faults are error-before, error-after, \
             silence-before, silence-after, reset-before, reset-after, slow, rate-limit, garbled, \
             unauthorized, forbidden"
        );
        let slow = |rate| faults(0, &[(LineFault::Slow, rate)]).check();
        assert_eq!(slow(1.0), Ok(()));
        for bad in [-0.1, 1.1, f64::NAN] {
            assert_eq!(slow(bad), Err(LineFaultsError::Rate(LineFault::Slow)));
        }
        let both = [(LineFault::Slow, 0.75), (LineFault::Garbled, 0.5)];
        assert_eq!(faults(0, &both).check(), Err(LineFaultsError::Sum(1.25)));
    }
}
