//! What a run costs at AWS, from its counts. LINE's fee is another matter, and far more.
//!
//! Prices of us-east-1, second-hand (2026): SQS $0.40 for a million requests of 64 KiB, Lambda
//! $0.20 for a million requests and $0.0000133334 for a GB-second on arm64, S3 $0.005 for a
//! thousand writes and $0.0004 for a thousand reads, logs $0.50 for a GB.

use std::time::Duration;

use crate::by_endpoint::ByEndpoint;

use super::rate::as_f64;

const SQS_REQUEST: f64 = 0.40 / 1e6;
const LAMBDA_REQUEST: f64 = 0.20 / 1e6;
const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
const S3_PUT: f64 = 0.005 / 1e3;
const S3_GET: f64 = 0.000_4 / 1e3;
const LOG_GB: f64 = 0.50;

/// SQS counts a request of several bytes as so many of this.
const SQS_CHUNK_BYTES: f64 = 64.0 * 1024.0;
/// Deliveries in a request to the queue, and in an invocation of the consumer.
const BATCH: f64 = 10.0;
/// Outcome messages in a receive of the bookkeeper.
const OUTCOME_BATCH: f64 = 10.0;
/// What a consumer does besides waiting for LINE, with the outcome message.
const CONSUMER_SECONDS: f64 = 0.065;
const FUNCTION_GB: f64 = 0.25;
/// The bookkeeper's time for an invocation.
const BOOKKEEPER_SECONDS: f64 = 0.25;
/// The pollers of the outcome queue, each of which calls the bookkeeper once in its window: the
/// pessimistic count.
const OUTCOME_POLLERS: f64 = 5.0;
/// A line of metrics for each batch.
const BATCH_LOG_BYTES: f64 = 2_048.0;

/// The counts of a run that is planned.
#[derive(Debug, Clone, Copy)]
pub struct PlannedRun {
    /// Its deliveries.
    pub deliveries: ByEndpoint<u64>,
    /// The mean length of a delivery's queue message in bytes.
    pub delivery_bytes: ByEndpoint<u64>,
    /// How many consumers there are.
    pub environments: u32,
    /// LINE's median latency.
    pub latency: Duration,
    /// How long the run will take: see [`super::best_pace`].
    pub takes: Duration,
    /// The bookkeeper's window, `LedgerSeconds`.
    pub ledger_seconds: u32,
}

/// A line of the bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostLine {
    /// What is paid for.
    pub what: &'static str,
    /// How many of them.
    pub amount: f64,
    /// Of which unit.
    pub unit: &'static str,
    /// The price.
    pub dollars: f64,
}

/// The bill of a run, line by line.
pub fn plan_cost(run: &PlannedRun) -> Vec<CostLine> {
    let line = |what, amount: f64, unit, price: f64| CostLine {
        what,
        amount,
        unit,
        dollars: amount * price,
    };
    let batches_of = |deliveries: u64| as_f64(deliveries) / BATCH;
    let batches = batches_of(run.deliveries.push) + batches_of(run.deliveries.multicast);
    let sized = run.deliveries.zip(run.delivery_bytes);
    let chunks = sized.map(|_, (deliveries, bytes)| {
        let chunks = (as_f64(bytes) * BATCH / SQS_CHUNK_BYTES).ceil().max(1.0);
        // Each batch is sent and received with its bytes, and deleted without.
        batches_of(deliveries) * (2.0 * chunks + 1.0)
    });
    let deliveries_requests = chunks.push + chunks.multicast;
    let consumer = batches * (run.latency.as_secs_f64() + CONSUMER_SECONDS) * FUNCTION_GB;
    let outcomes = batches + 2.0 * (batches / OUTCOME_BATCH);
    let seconds = run.takes.as_secs_f64();
    let windows = seconds / f64::from(run.ledger_seconds.max(1));
    // No more invocations than there are messages.
    let merges = (windows * OUTCOME_POLLERS).min(batches);
    let reads_of_control = seconds * f64::from(run.environments);
    vec![
        line(
            "SQS, deliveries",
            deliveries_requests,
            "requests",
            SQS_REQUEST,
        ),
        line("Lambda, consumer", batches, "invocations", LAMBDA_REQUEST),
        line("Lambda, consumer", consumer, "GB-seconds", LAMBDA_GB_SECOND),
        line("SQS, outcomes", outcomes, "requests", SQS_REQUEST),
        line("Lambda, bookkeeper", merges, "invocations", LAMBDA_REQUEST),
        line(
            "Lambda, bookkeeper",
            merges * BOOKKEEPER_SECONDS * FUNCTION_GB,
            "GB-seconds",
            LAMBDA_GB_SECOND,
        ),
        // A page and a book each.
        line("S3, ledger", merges * 2.0, "writes", S3_PUT),
        line("S3, ledger", merges, "reads", S3_GET),
        line("S3, control", reads_of_control, "reads", S3_GET),
        line("Logs", batches * BATCH_LOG_BYTES / 1e9, "GB", LOG_GB),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn personalised(environments: u32, takes: u64) -> PlannedRun {
        PlannedRun {
            deliveries: ByEndpoint {
                push: 1_000_000,
                multicast: 0,
            },
            delivery_bytes: ByEndpoint {
                push: 400,
                multicast: 0,
            },
            environments,
            latency: Duration::from_millis(150),
            takes: Duration::from_secs(takes),
            ledger_seconds: 2,
        }
    }

    fn dollars(run: &PlannedRun, what: &str) -> f64 {
        let lines = plan_cost(run);
        let lines = lines.iter().filter(|line| line.what.contains(what));
        lines.map(|line| line.dollars).sum()
    }

    #[test]
    fn a_million_pushes_cost_what_the_design_says() {
        let (fast, slow) = (personalised(40, 500), personalised(10, 2_000));
        for (run, what, expected) in [
            (&fast, "SQS, deliveries", 0.12),
            (&fast, "consumer", 0.09),
            (&fast, "SQS, outcomes", 0.048),
            (&fast, "bookkeeper", 0.001_3),
            (&fast, "S3, ledger", 0.013),
            (&fast, "S3, control", 0.008),
            (&fast, "Logs", 0.10),
            (&slow, "S3, ledger", 0.052),
            (&slow, "S3, control", 0.008),
        ] {
            let found = dollars(run, what);
            assert!(
                (found - expected).abs() < expected * 0.15,
                "{what}: {found}"
            );
        }
        let all = dollars(&fast, "");
        assert!((0.35..0.42).contains(&all), "{all}");
    }

    #[test]
    fn one_text_for_a_million_costs_a_tenth_of_a_cent() {
        let run = PlannedRun {
            deliveries: ByEndpoint {
                push: 0,
                multicast: 2_000,
            },
            delivery_bytes: ByEndpoint {
                push: 0,
                multicast: 18_500,
            },
            takes: Duration::from_secs(11),
            ..personalised(10, 0)
        };
        let sqs = dollars(&run, "SQS, deliveries");
        assert!((sqs - 0.000_56).abs() < 0.000_01, "{sqs}");
        let all = dollars(&run, "");
        assert!(all < 0.002, "{all}");
    }

    #[test]
    fn nothing_costs_nothing() {
        let run = PlannedRun {
            deliveries: ByEndpoint::default(),
            ..personalised(10, 0)
        };
        assert!(plan_cost(&run).iter().all(|line| line.dollars == 0.0));
    }
}
