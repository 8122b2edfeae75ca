//! How fast a run is being settled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::by_endpoint::ByEndpoint;

/// What happened so long ago counts half.
const HALF_LIFE_SECONDS: f64 = 60.0;

/// Settled deliveries a second by endpoint: a mean in which older ones count less and less.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SettledRate {
    last: Option<(Timestamp, ByEndpoint<u64>)>,
    rate: Option<ByEndpoint<f64>>,
}

impl SettledRate {
    /// Takes the deliveries that are settled by now.
    pub fn observe(&mut self, settled: ByEndpoint<u64>, now: Timestamp) {
        if let Some((time, before)) = self.last {
            let seconds = now.duration_since(time).as_secs_f64();
            if seconds <= 0.0 {
                return;
            }
            let new = settled
                .zip(before)
                .map(|_, (settled, before)| as_f64(settled.saturating_sub(before)) / seconds);
            let old_part = 0.5_f64.powf(seconds / HALF_LIFE_SECONDS);
            self.rate = Some(match self.rate {
                None => new,
                Some(old) => new
                    .zip(old)
                    .map(|_, (new, old)| old * old_part + new * (1.0 - old_part)),
            });
        }
        self.last = Some((now, settled));
    }

    /// Deliveries a second; `None` until there were two observations.
    pub fn per_second(&self) -> Option<ByEndpoint<f64>> {
        self.rate
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number of deliveries; no run has 2^52 of them"
)]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_it_is_a_minute_old() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut rate = SettledRate::default();
        let mut push = |second, push: u64| {
            rate.observe(ByEndpoint { push, multicast: 0 }, at(second));
            rate.per_second().map(|rate| rate.push)
        };
        assert_eq!(push(0, 0), None);
        assert_eq!(push(60, 6_000), Some(100.0));
        assert_eq!(push(120, 6_000), Some(50.0));
        assert_eq!(push(180, 6_000), Some(25.0));
        assert_eq!(push(240, 12_000), Some(62.5));
        assert_eq!(push(240, 12_000), Some(62.5), "no time has passed");
        assert_eq!(push(300, 11_000), Some(31.25), "a book was replaced");
    }
}
