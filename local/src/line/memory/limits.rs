//! LINE's limits: requests a second, and people a month.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::line::endpoint::LineEndpoint;

/// A token bucket for each channel and endpoint. It refills all the time.
/// <https://developers.line.biz/en/reference/messaging-api/#rate-limits>
#[derive(Debug, Default)]
pub(crate) struct RateLimits {
    buckets: HashMap<(u32, LineEndpoint), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Timestamp,
}

impl RateLimits {
    /// Takes a token for one request, if there is one. `burst` is how many a full bucket holds, in
    /// seconds of the limit. A limit for an hour has a bucket for an hour.
    pub(crate) fn take(
        &mut self,
        channel: u32,
        endpoint: LineEndpoint,
        burst: f64,
        now: Timestamp,
    ) -> bool {
        let Some((requests, seconds)) = endpoint.limit() else {
            return true;
        };
        let requests = f64::from(requests);
        let per_second = requests / f64::from(seconds);
        let max = (requests * burst).max(1.0);
        let bucket = self.buckets.entry((channel, endpoint)).or_insert(Bucket {
            tokens: max,
            filled_at: now,
        });
        let passed = now.duration_since(bucket.filled_at).as_secs_f64().max(0.0);
        bucket.tokens = passed.mul_add(per_second, bucket.tokens).min(max);
        bucket.filled_at = now;
        let has_one = bucket.tokens >= 1.0;
        if has_one {
            bucket.tokens -= 1.0;
        }
        has_one
    }
}

/// The people that each channel has reached this month.
#[derive(Debug, Default)]
pub(crate) struct MonthlyUse {
    used: HashMap<u32, (i16, i8, u64)>,
}

impl MonthlyUse {
    /// How many people the channel has reached this month.
    ///
    /// A month begins at midnight in UTC+9. That is the time zone of LINE's delivery counts; the
    /// one of the quota is not documented.
    pub(crate) fn used(&self, channel: u32, now: Timestamp) -> u64 {
        let (year, month) = month(now);
        match self.used.get(&channel) {
            Some(&(y, m, used)) if (y, m) == (year, month) => used,
            _ => 0,
        }
    }

    /// Counts `people` more.
    pub(crate) fn add(&mut self, channel: u32, people: u64, now: Timestamp) {
        let (year, month) = month(now);
        let used = self.used(channel, now).saturating_add(people);
        self.used.insert(channel, (year, month, used));
    }
}

fn month(now: Timestamp) -> (i16, i8) {
    let date = now.to_zoned(TimeZone::fixed(Offset::constant(9))).date();
    (date.year(), date.month())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn taken(limits: &mut RateLimits, endpoint: LineEndpoint, now: Timestamp) -> usize {
        (0..5000)
            .filter(|_| limits.take(0, endpoint, 1.0, now))
            .count()
    }

    #[test]
    fn requests_of_one_second_are_accepted_and_time_refills_the_bucket() {
        let mut limits = RateLimits::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(taken(&mut limits, LineEndpoint::Multicast, now), 200);
        assert_eq!(taken(&mut limits, LineEndpoint::Push, now), 2000);
        let half = now + SignedDuration::from_millis(500);
        assert_eq!(taken(&mut limits, LineEndpoint::Multicast, half), 100);
        let long_after = now + SignedDuration::from_hours(1);
        assert_eq!(taken(&mut limits, LineEndpoint::Multicast, long_after), 200);
        assert!(limits.take(1, LineEndpoint::Multicast, 1.0, long_after));
    }

    #[test]
    fn the_month_begins_at_midnight_in_utc_plus_nine() {
        let mut month = MonthlyUse::default();
        let before = "2026-12-31T14:59:59Z".parse().unwrap();
        month.add(0, 7, before);
        month.add(0, 5, before);
        assert_eq!(month.used(0, before), 12);
        assert_eq!(month.used(1, before), 0);
        assert_eq!(month.used(0, "2026-12-31T15:00:00Z".parse().unwrap()), 0);
    }
}
