//! The canary: a fair sample of the people, who get the messages first.

use fanline_telemetry::fingerprint::Fingerprinter;
use serde::Deserialize;
use serde_json::Value;

use super::share::Share;
use crate::json_object::ObjectError;

/// Fewer people say nothing about all others.
const MIN_PEOPLE: u64 = 50;
/// With a longer wait hardly any of the 23 hours would be left.
const MAX_WAIT_SECONDS: u32 = 20 * 3600;
const DEFAULT_WAIT_SECONDS: u32 = 300;

/// What a campaign's `canary` says: `{"share": "1%", "wait_seconds": 300}`, or a number of people
/// as the share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryRule {
    size: SampleSize,
    /// How long nothing more is sent once the sample has been sent.
    pub wait_seconds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum SampleSize {
    Share(Share),
    People(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    share: SampleSize,
    wait_seconds: Option<u32>,
}

impl CanaryRule {
    /// The canary of a campaign as it was given; `None` where it has none.
    pub fn of_campaign(campaign: &Value) -> Result<Option<Self>, ObjectError> {
        let wrong = |problem: &str| ObjectError::field("campaign", "canary", problem);
        let Some(canary) = campaign.get("canary").filter(|canary| !canary.is_null()) else {
            return Ok(None);
        };
        let wire = Wire::deserialize(canary).map_err(|_| {
            wrong(
                "is not like `{\"share\": \"1%\", \"wait_seconds\": 300}`, \
                 nor a number of people as `share`",
            )
        })?;
        if matches!(wire.share, SampleSize::People(people) if people < MIN_PEOPLE) {
            return Err(wrong("needs 50 people at least to say anything"));
        }
        let wait_seconds = wire.wait_seconds.unwrap_or(DEFAULT_WAIT_SECONDS);
        if wait_seconds > MAX_WAIT_SECONDS {
            return Err(wrong("waits for over 20 hours: LINE's retry keys last 24"));
        }
        Ok(Some(Self {
            size: wire.share,
            wait_seconds,
        }))
    }

    /// The sample of a run whose list has so many rows.
    pub fn sample(&self, run: &str, rows: u64) -> Sample {
        let share = match self.size {
            SampleSize::Share(share) => share,
            SampleSize::People(people) => Share::of_people(people, rows),
        };
        Sample::new(run, share)
    }
}

/// The people of a sample: always the same ones for the same run, whatever their place in the list.
#[derive(Debug, Clone)]
pub struct Sample {
    keyed: Fingerprinter,
    share: Share,
}

impl Sample {
    /// This share of the run's people.
    pub fn new(run: &str, share: Share) -> Self {
        Self {
            keyed: Fingerprinter::new(run),
            share,
        }
    }

    /// The share of people that are in it.
    pub fn share(&self) -> Share {
        self.share
    }

    /// Whether a recipient is in it: HMAC(run, recipient) modulo 10,000 lies below the share.
    pub fn has(&self, recipient: &str) -> bool {
        self.keyed.of(recipient).number() % 10_000 < u64::from(self.share.hundredths())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_campaigns_canary_is_read_or_refused_in_words() {
        let rule = |canary: Value| CanaryRule::of_campaign(&json!({"canary": canary}));
        assert_eq!(CanaryRule::of_campaign(&json!({})), Ok(None));
        assert_eq!(rule(Value::Null), Ok(None));
        let one = rule(json!({"share": "1%"})).unwrap().unwrap();
        assert_eq!(one.wait_seconds, 300);
        assert_eq!(one.sample("r", 1_000).share().to_string(), "1%");
        let people = rule(json!({"share": 50, "wait_seconds": 0}))
            .unwrap()
            .unwrap();
        assert_eq!(people.sample("r", 10_000).share().to_string(), "0.5%");
        for (canary, problem) in [
            (json!({}), "is not like"),
            (json!("1%"), "is not like"),
            (json!({"share": "0%"}), "is not like"),
            (json!({"share": -5}), "is not like"),
            (json!({"share": "1%", "wait": 5}), "is not like"),
            (json!({"share": 49}), "needs 50 people"),
            (
                json!({"share": "1%", "wait_seconds": 72_001}),
                "waits for over 20 hours",
            ),
        ] {
            let error = rule(canary.clone()).unwrap_err().to_string();
            assert!(
                error.contains("`canary`") && error.contains(problem),
                "{canary}: {error}"
            );
        }
    }

    #[test]
    fn one_percent_is_one_percent_and_always_the_same() {
        let sample = Sample::new("xmas", "1%".parse().unwrap());
        let ids: Vec<String> = (0..20_000).map(|i| format!("U{i:032x}")).collect();
        let taken = |sample: &Sample| -> Vec<usize> {
            (0..ids.len()).filter(|i| sample.has(&ids[*i])).collect()
        };
        let once = taken(&sample);
        // Three standard deviations around 200.
        assert!((158..=242).contains(&once.len()), "{}", once.len());
        assert_eq!(once, taken(&Sample::new("xmas", "1%".parse().unwrap())));
        let other_run = taken(&Sample::new("new year", "1%".parse().unwrap()));
        assert_ne!(once, other_run, "other people the next time");
        let more = Sample::new("xmas", "2%".parse().unwrap());
        assert!(once.iter().all(|i| more.has(&ids[*i])));
        let all = Sample::new("xmas", "100%".parse().unwrap());
        assert!(ids.iter().all(|id| all.has(id)));
    }
}
