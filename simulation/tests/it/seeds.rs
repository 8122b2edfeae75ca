//! Plans that are drawn from a seed.

use fanline_simulation::{Finding, Plan, Search, run, unexpected};

#[test]
fn the_first_seeds_find_nothing_new() {
    let found = Search::new(1..=12).with_threads(2).run();
    assert_eq!(found.runs.len(), 12);
    for seed in &found.runs {
        let plan = Plan::drawn(seed.seed);
        let new = unexpected(&plan, &seed.broken);
        assert!(
            new.is_empty(),
            "`make simulate SEEDS={}`: {:?}: {new:#?}",
            seed.seed,
            plan.mishaps
        );
    }
}

/// Seeds that found a fault when it was not mended yet.
const FOUND: [(u64, Finding); 10] = [
    // One environment has a bad token for a while. It hands back what the others could send.
    (34, Finding::HeldEnvironmentTakesAll),
    // The same event once more a day later: everybody twice.
    (24, Finding::FiredAgainLater),
    // LINE is down, and everything comes back in the last second before the campaign ends.
    (19, Finding::LastSecond),
    // More warm environments than slots, by turns: more requests in a second than LINE's limit.
    (45, Finding::SharesOutnumbered),
    // A FIFO queue, and what waits behind the first failure is never tried.
    (179, Finding::BehindTheHead),
    // A FIFO queue and no token: what is behind the head reaches its last receive untried.
    (109, Finding::BehindTheHead),
    // What waits is in flight for SQS, until the queue gives nothing more.
    (9, Finding::InFlightFull),
    (461, Finding::InFlightFull),
    // The wait was cut to the end of the delivery, but began later, with the end of the batch.
    (86, Finding::HiddenByItsBatch),
    // People who are listed twice, and a list in many slices.
    (373, Finding::ListedInTwoSlices),
];

#[test]
fn the_seeds_that_found_a_fault_find_nothing_else() {
    for (seed, finding) in FOUND {
        let plan = Plan::drawn(seed);
        let broken = run(&plan).broken;
        let new = unexpected(&plan, &broken);
        assert!(new.is_empty(), "seed {seed} of {finding:?}: {new:#?}");
    }
}

#[test]
fn the_same_seed_always_gives_the_same_run() {
    for seed in [3, 7, 11] {
        let plan = Plan::drawn(seed);
        let (one, two) = (run(&plan), run(&plan));
        assert_eq!(one.print, two.print, "seed {seed}");
        assert_eq!(one.lasted, two.lasted);
        assert_eq!(one.process_requests, two.process_requests);
    }
}

#[test]
fn another_seed_gives_another_run() {
    let (one, two) = (Plan::quiet(1, 20), Plan::quiet(2, 20));
    assert_ne!(run(&one).print, run(&two).print);
}
