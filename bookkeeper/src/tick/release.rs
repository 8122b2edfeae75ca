//! A canary's sample is sent: may the others be? Pure.

use fanline_ledger::{CanaryRule, RunSum, RunWatch, SliceId};
use jiff::{SignedDuration, Timestamp};

/// So many of a hundred people of the sample have an outcome when the sample counts as sent.
const SENT_PERCENT: u128 = 99;

/// How far a canary is that nobody has released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canary {
    /// The sample is being sent.
    Sending,
    /// It is sent, and the wait goes on.
    Waiting,
    /// The others may be sent.
    Passes,
}

/// How far a canary is. The wait counts from when a tick first saw the sample sent.
pub(crate) fn canary(rule: &CanaryRule, sum: &RunSum, watch: &RunWatch, now: Timestamp) -> Canary {
    if !is_sample_sent(sum) {
        return Canary::Sending;
    }
    let wait = SignedDuration::from_secs(i64::from(rule.wait_seconds));
    let since = watch.sample_sent.unwrap_or(now);
    if now.duration_since(since) >= wait {
        Canary::Passes
    } else {
        Canary::Waiting
    }
}

/// Whether every sample is published, and nearly everybody in it has an outcome.
fn is_sample_sent(sum: &RunSum) -> bool {
    let (mut people, mut settled) = (0, 0);
    for line in &sum.lines.0 {
        let sample = line.slice.canary();
        match sum.counts.get(&sample) {
            Some(counts) if counts.published => people += counts.recipients,
            _ => return false,
        }
        let tally = sum.tallies.get(&sample);
        settled += tally.map_or(0, |tally| tally.people.all());
    }
    let is_nearly_all = u128::from(settled) * 100 >= u128::from(people) * SENT_PERCENT;
    !sum.lines.0.is_empty() && is_nearly_all
}

/// The slices of all others.
pub(crate) fn others(sum: &RunSum) -> Vec<SliceId> {
    sum.lines.0.iter().map(|line| line.slice).collect()
}

#[cfg(test)]
mod tests {
    use fanline_ledger::{ByEndpoint, People, SliceCounts, SliceLine, SliceLines, Tally};
    use serde_json::json;

    use super::*;

    fn slice(text: &str) -> SliceId {
        text.parse().unwrap()
    }

    /// Samples of a hundred people each, of which so many have an outcome.
    fn sum(samples: &[(&str, u64)]) -> RunSum {
        let mut sum = RunSum::default();
        for row in ["1", "11"] {
            let (start, end) = (0, 0);
            let slice = slice(row);
            sum.lines.0.push(SliceLine {
                slice,
                rows: 1_000,
                start,
                end,
            });
        }
        for (sample, settled) in samples {
            let counts = SliceCounts::new(slice(sample), 100, 0, 0);
            let counts = counts.published(ByEndpoint::default());
            sum.counts.insert(slice(sample), counts);
            let people = People {
                accepted: *settled,
                ..People::default()
            };
            let tally = Tally {
                people,
                ..Tally::default()
            };
            sum.tallies.insert(slice(sample), tally);
        }
        sum
    }

    #[test]
    fn a_canary_passes_when_the_sample_is_sent_and_the_wait_is_over() {
        let began: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
        let after = |seconds| began + SignedDuration::from_secs(seconds);
        let rule = json!({"canary": {"share": "1%", "wait_seconds": 60}});
        let rule = CanaryRule::of_campaign(&rule).unwrap().unwrap();
        let sent = &[("1c", 99), ("11c", 99)][..];
        for (samples, sample_sent, seconds, expected) in [
            (&[][..], None, 600, Canary::Sending),
            (&[("1c", 100)], None, 600, Canary::Sending),
            (&[("1c", 100), ("11c", 97)], None, 600, Canary::Sending),
            (sent, None, 600, Canary::Waiting),
            (sent, Some(600), 659, Canary::Waiting),
            (sent, Some(600), 660, Canary::Passes),
        ] {
            let mut watch = RunWatch::default();
            watch.sample_sent = sample_sent.map(after);
            let found = canary(&rule, &sum(samples), &watch, after(seconds));
            assert_eq!(found, expected, "{samples:?} {sample_sent:?} {seconds}");
        }
        let nothing = RunSum {
            lines: SliceLines::default(),
            ..sum(sent)
        };
        let found = canary(&rule, &nothing, &RunWatch::default(), after(0));
        assert_eq!(found, Canary::Sending, "the list is not cut yet");
        assert_eq!(others(&sum(sent)), ["1", "11"].map(slice));
    }
}
