//! What can go wrong between a client and LINE, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::line::answer::{self, Answer, Manner, Refusal};

/// One thing that goes wrong with a push, a multicast or a LINE Notify message.
///
/// "Before" means that LINE has not taken the message, "after" that it has: only the retry key tells the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineFault {
    /// 500, not taken.
    ErrorBefore,
    /// 500, taken.
    ErrorAfter,
    /// No answer, and the connection closed in the end; not taken.
    SilenceBefore,
    /// No answer, and the connection closed in the end; taken.
    SilenceAfter,
    /// The connection reset; not taken.
    ResetBefore,
    /// The connection reset; taken.
    ResetAfter,
    /// The right answer, late.
    Slow,
    /// 429 for the rate, whatever the rate.
    RateLimit,
    /// The right status with half its body; taken.
    Garbled,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
}

/// Which faults happen, how often, and the seed that decides to whom.
///
/// A request's fault is a function of the seed, the request (its retry key, or where it has none its recipients and messages) and how
/// many times that request has come: not of the order in which requests arrive. So the same seed gives the same faults, however many
/// connections send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineFaults {
    /// Another seed, other victims.
    pub seed: u64,
    /// The share of requests, from 0 to 1, that each fault happens to; together at most 1.
    pub rates: BTreeMap<LineFault, f64>,
    /// How late a slow answer is.
    pub slow_millis: u64,
    /// How long a silence lasts before the connection is closed.
    pub silence_millis: u64,
    /// Only the first so many attempts of a request can meet a fault; without it any can.
    pub first_attempts: Option<u32>,
}

/// Why faults can't be as they were asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LineFaultsError {
    /// No fault has this name.
    #[error("`{0}` is no fault of LINE's; there are {names}", names = names())]
    Name(String),
    /// A share is below 0, above 1 or no number.
    #[error("the rate of `{0}` is not between 0 and 1")]
    Rate(LineFault),
    /// The shares are over 1 together.
    #[error("the rates of LINE's faults come to {0}, and all requests are 1")]
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
    /// Whether the rates can be kept.
    pub fn check(&self) -> Result<(), LineFaultsError> {
        for (fault, rate) in &self.rates {
            if !(0.0..=1.0).contains(rate) {
                return Err(LineFaultsError::Rate(*fault));
            }
        }
        let sum: f64 = self.rates.values().sum();
        // Ten tenths are a little over one in binary.
        if sum > 1.0 + 1e-9 {
            return Err(LineFaultsError::Sum(sum));
        }
        Ok(())
    }

    /// Whether nothing ever goes wrong.
    pub(crate) fn is_none(&self) -> bool {
        self.rates.is_empty()
    }

    /// What goes wrong with this attempt, counted from 1, of the request that `identity` names.
    pub(crate) fn draw(&self, identity: &[u8; 16], attempt: u32) -> Option<LineFault> {
        if self.is_none() || self.first_attempts.is_some_and(|most| attempt > most) {
            return None;
        }
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(identity)
            .chain_update(attempt.to_be_bytes())
            .finalize();
        // 32 bits are exact in an `f64`, and rates are not finer.
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

    /// The answer of a fault that comes before the message is taken.
    pub(crate) fn before(&self, fault: LineFault, refusal: Refusal) -> Option<Answer> {
        let mut answer = error(refusal);
        match fault {
            LineFault::ErrorBefore => {}
            LineFault::SilenceBefore => answer.manner = Manner::Silent(self.silence()),
            LineFault::ResetBefore => answer.manner = Manner::Reset,
            LineFault::RateLimit => {
                answer = refusal(StatusCode::TOO_MANY_REQUESTS, answer::RATE_LIMITED);
            }
            LineFault::Unauthorized => {
                answer = refusal(StatusCode::UNAUTHORIZED, answer::UNAUTHORIZED);
            }
            LineFault::Forbidden => {
                answer = refusal(
                    StatusCode::FORBIDDEN,
                    "Access to this API is not available for your account",
                );
            }
            _ => return None,
        }
        Some(answer)
    }

    /// What a fault makes of the answer, once the message is taken.
    pub(crate) fn after(&self, fault: LineFault, refusal: Refusal, mut answer: Answer) -> Answer {
        if fault == LineFault::Slow {
            answer.manner = Manner::Slow(Duration::from_millis(self.slow_millis));
        }
        let is_taken = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
        if is_taken {
            match fault {
                LineFault::ErrorAfter => return error(refusal),
                LineFault::SilenceAfter => answer.manner = Manner::Silent(self.silence()),
                LineFault::ResetAfter => answer.manner = Manner::Reset,
                LineFault::Garbled => {
                    let half = answer.body.len() / 2;
                    answer.body =
                        Bytes::copy_from_slice(answer.body.get(..half).unwrap_or_default());
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

/// LINE documents the status and no text.
fn error(refusal: Refusal) -> Answer {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
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
    fn attempts_past_the_first_ones_can_be_spared() {
        let spared = LineFaults {
            first_attempts: Some(2),
            ..faults(7, &[(LineFault::Slow, 1.0)])
        };
        let met = [1, 2, 3].map(|attempt| spared.draw(&[0; 16], attempt).is_some());
        assert_eq!(met, [true, true, false]);
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
            "`oops` is no fault of LINE's; there are error-before, error-after, silence-before, silence-after, reset-before, reset-after, slow, rate-limit, garbled, unauthorized, forbidden"
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
