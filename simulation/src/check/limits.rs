//! LINE's rates, and how many messages are in flight.

use crate::check::{Broken, Invariant, note};
use crate::log::ArrivalEndpoint;
use crate::plan::Plan;
use crate::time::Millis;
use crate::world::Ended;

const SECOND: Millis = 1_000;

pub(crate) fn check(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    for (endpoint, limit) in [
        (ArrivalEndpoint::Push, plan.line.push_limit),
        (ArrivalEndpoint::Multicast, plan.line.multicast_limit),
    ] {
        let arrivals = ended.happened.arrivals.iter();
        let mut times: Vec<Millis> = arrivals
            .filter(|arrival| arrival.endpoint == endpoint)
            .map(|arrival| arrival.at)
            .collect();
        times.sort_unstable();
        let (most, at) = fullest_second(&times);
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        if most as f64 > limit {
            let what = format!(
                "{most} requests to {endpoint:?} in the second from {:.1} s, the limit is {limit}",
                at as f64 / 1_000.0
            );
            note(broken, Invariant::UnderLimit, what);
        }
    }
    let most = ended.happened.samples.iter().map(|sample| sample.in_flight);
    let (most, limit) = (most.max().unwrap_or(0), plan.queue.max_in_flight);
    if most * 10 >= limit * 9 {
        let what = format!("{most} messages in flight, the queue can have {limit}");
        note(broken, Invariant::FarFromInFlightLimit, what);
    }
}

/// How many arrivals the fullest second has, and when it begins.
fn fullest_second(times: &[Millis]) -> (usize, Millis) {
    let mut first = 0;
    let mut fullest = (0, 0);
    for (last, at) in times.iter().enumerate() {
        while times[first] + SECOND <= *at {
            first += 1;
        }
        fullest = fullest.max((last + 1 - first, times[first]));
    }
    fullest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_second_is_found_wherever_it_begins() {
        assert_eq!(fullest_second(&[]), (0, 0));
        assert_eq!(fullest_second(&[5]), (1, 5));
        assert_eq!(fullest_second(&[0, 999, 1_000, 1_998, 5_000]), (3, 999));
        assert_eq!(fullest_second(&[0, 1_000, 2_000]), (1, 2_000));
    }
}
