//! Plans that are drawn from a seed.

use fanline_simulation::{Plan, Search, run, unexpected};

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
