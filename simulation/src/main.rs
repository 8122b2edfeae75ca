//! Runs many seeds.

use fanline_simulation::{Plan, run};

fn main() {
    for people in [10, 200, 200, 2000, 2000] {
        let plan = Plan::quiet(1, people);
        let began = std::time::Instant::now();
        let report = run(&plan);
        println!("{:?} {:?}", began.elapsed(), report);
    }
}
