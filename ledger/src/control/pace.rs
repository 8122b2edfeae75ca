//! The pace of one consumer, out of the pace that an operator sets for all.

use fanline_core::delivery::Endpoint;

use super::state::Control;

/// A consumer takes ten deliveries and has some 17 seconds for them. A slower pace would outlast
/// that time.
const BATCH: u32 = 10;
const BATCH_SECONDS: u32 = 17;

/// The slowest pace that so many consumers can keep together: a batch each in the time of an
/// invocation.
pub(super) fn min_pace(environments: u32) -> u32 {
    environments.saturating_mul(BATCH).div_ceil(BATCH_SECONDS)
}

/// The requests a second of one consumer among so many: its part of the pace that is set, and never
/// more than `own`, its part of LINE's limit.
pub fn pace_of_one(control: &Control, endpoint: Endpoint, own: f64, environments: u32) -> f64 {
    match control.pace().of(endpoint) {
        Some(all) => own.min(f64::from(*all) / f64::from(environments.max(1))),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Edit, Pace, Stack};

    #[test]
    fn a_consumer_takes_its_part_of_the_pace_and_never_more_than_its_share() {
        let stack = Stack {
            environments: Some(10),
            ..Stack::default()
        };
        let now = "2026-12-25T00:00:00Z".parse().unwrap();
        let edit = |control: &Control, pace| {
            Edit::new(control, "operator", None, now)
                .unwrap()
                .set_pace(pace)
        };
        let open = Control::default();
        let open = Edit::new(&open, "operator", None, now)
            .unwrap()
            .set_stack(stack)
            .unwrap();
        let pace = Pace {
            push: Some(500),
            multicast: None,
        };
        let slow = edit(&open, pace).unwrap();
        for (control, endpoint, environments, expected) in [
            (&open, Endpoint::Push, 10, 190.0),
            (&slow, Endpoint::Push, 10, 50.0),
            (&slow, Endpoint::Push, 2, 190.0),
            (&slow, Endpoint::Push, 0, 190.0),
            (&slow, Endpoint::Multicast, 10, 190.0),
        ] {
            let pace = pace_of_one(control, endpoint, 190.0, environments);
            assert!(
                (pace - expected).abs() < 1e-9,
                "{endpoint:?} {environments}: {pace}"
            );
        }
        assert_eq!(min_pace(10), 6, "5.9 a second");
        for (push, fits) in [
            (0, false),
            (5, false),
            (6, true),
            (2_000, true),
            (2_001, false),
        ] {
            let pace = Pace {
                push: Some(push),
                multicast: None,
            };
            assert_eq!(edit(&open, pace).is_ok(), fits, "{push}");
        }
        let error = edit(&Control::default(), pace).unwrap_err().to_string();
        assert!(error.contains("before the bookkeeper has said"), "{error}");
    }
}
