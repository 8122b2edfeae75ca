//! `simulate`: runs many seeds, and tells what did not hold.

use std::process::ExitCode;

use clap::Parser;
use fanline_simulation::{Search, run, scenarios};

/// Runs the pipeline on virtual time, once for each seed.
#[derive(Parser)]
struct Args {
    /// The seeds: one, or the first and the last one, as in `1-1000`
    #[arg(default_value = "1-200", value_parser = seeds)]
    seeds: (u64, u64),
    /// Runs with a ledger: an operator too, and a store that is down at times
    #[arg(long)]
    ledger: bool,
    /// How many runs go on at the same time
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Also tell the seeds that found only what is known
    #[arg(long)]
    known: bool,
    /// Run the scenarios whose names contain this text, and no seeds
    #[arg(long)]
    scenario: Option<String>,
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| {
        text.trim()
            .parse::<u64>()
            .map_err(|error| error.to_string())
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((number(first)?, number(last)?))
}

#[expect(clippy::print_stdout, reason = "a command for developers")]
fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(text) = &args.scenario {
        return run_scenarios(text);
    }
    let (first, last) = args.seeds;
    let search = Search::new(first..=last).with_threads(args.threads);
    let found = search.with_ledger(args.ledger).run();
    for seed in &found.runs {
        let is_new = !seed.unexpected().is_empty();
        if is_new || (args.known && !seed.broken.is_empty()) {
            println!("seed {}: {}", seed.seed, seed.plan().mishaps.join(", "));
            for broken in &seed.broken {
                println!("    {broken}");
            }
        }
    }
    println!("{found}");
    if found.has_unexpected() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a command for developers")]
fn run_scenarios(text: &str) -> ExitCode {
    for scenario in scenarios() {
        if !scenario.name.contains(text) {
            continue;
        }
        let report = run(&scenario.plan);
        println!(
            "{}: {:?} of {:?}",
            scenario.name, scenario.breaks, scenario.finding
        );
        println!("    {} requests in {:?}", report.requests, report.lasted);
        for broken in &report.broken {
            println!("    {broken}");
        }
    }
    ExitCode::SUCCESS
}
