//! `fanline worker`: the consumer on your own machine, without Lambda.
//!
//! # Layout
//! - `health`: whether it is ready, for who looks after it
//! - `lambda`: whether Lambda takes from the same queues
//! - `protection`: keeps ECS from ending the task while a batch is in hand

mod health;
mod lambda;
mod protection;

use std::io::{self, IsTerminal};

use fanline_consumer::{Consumer, Handled, Settings};
use fanline_core::campaign::Lane;
use fanline_core::settings::variable;
use fanline_ledger::CONTROL_KEY;
use fanline_poller::{Gate, Poller, PollerError, PollerOptions};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use tokio::task::AbortHandle;

use crate::args::{LedgerPlace, WorkerArgs};
use crate::commands::worker::health::Health;
use crate::commands::worker::lambda::{Lambda, TakenByLambda};
use crate::commands::worker::protection::{InHand, Protection};
use crate::exit::{CommandEnd, InputError};
use crate::print::words::count;
use crate::{invocation, print, signals};

/// The time that a batch may take: the timeout of the Lambda function in the template.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// Said in a terminal at the first signal.
const STOPPING: &str = "Stopping: this waits for the batches in hand, 30 s at most. Ctrl-C again\n\
     ends at once.";

/// Polls until a signal stops it, and finishes the batches that it has begun.
pub(crate) async fn execute(args: &WorkerArgs) -> anyhow::Result<CommandEnd> {
    let settings = settings(args)?;
    let health = Health::listen(args.health).await?;
    let is_read = io::stdout().is_terminal();
    if is_read {
        print::line(format_args!(
            "consuming `{}`\n{}\n{}; Ctrl-C stops",
            args.queue_url,
            settings.in_words(),
            count(args.concurrency.into(), "batch at once", "batches at once")
        ))?;
    }
    let print_metrics = if is_read {
        print_counts
    } else {
        print_metric_line
    };
    if args.queue_url.starts_with("https:") {
        fanline_tls::require_roots()?;
    }
    let config = fanline_tls::sdk_config().await;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let lambda = Lambda::of(args, &sqs, &config).await?;
    let mut stop = Box::pin(signals::stop());
    if let Some(lambda) = &lambda
        && is_stopped_before_lambda_ends(lambda, stop.as_mut()).await?
    {
        return Ok(CommandEnd::Complete);
    }
    let consumer = Consumer::new(settings, &config).await?;
    let lease = consumer.clone();
    let lease = AbortOnDrop(tokio::spawn(async move { lease.hold_lease().await }).abort_handle());
    let protection = Protection::of_this_task();
    let worker = Worker {
        consumer: consumer.clone(),
        in_hand: protection.in_hand(),
        print_metrics,
    };
    let mut pollers = Vec::new();
    for (lane, url, concurrency) in args.lanes() {
        pollers.push(worker.poll(&sqs, lane, url, concurrency).await?);
    }
    health.takes(pollers.iter().map(Poller::counts));
    let stopped = stopped(lambda.as_ref(), stop).await?;
    health.stops();
    if is_read {
        print::note(STOPPING);
    }
    tokio::select! {
        _ = join_all(pollers.into_iter().map(Poller::stop)) => {}
        again = signals::stop() => {
            // What is in hand is on the queue again after a minute, and the lease ends by itself.
            again?;
            return stopped.end();
        }
    }
    drop(lease);
    consumer.give_lease_back().await;
    protection.end().await;
    stopped.end()
}

/// Why the worker stops.
enum Stopped {
    BySignal,
    /// Somebody has switched a mapping on.
    ByLambda(TakenByLambda),
}

impl Stopped {
    fn end(self) -> anyhow::Result<CommandEnd> {
        match self {
            Self::BySignal => Ok(CommandEnd::Complete),
            Self::ByLambda(taken) => Err(taken.into()),
        }
    }
}

/// Waits where Lambda has just stopped to take from the queues. True: a signal came meanwhile.
async fn is_stopped_before_lambda_ends(
    lambda: &Lambda,
    stop: impl Future<Output = io::Result<()>>,
) -> anyhow::Result<bool> {
    let problem = |taken| InputError(format!("{taken}. Nothing was received"));
    let Some(seen) = lambda.check().await.map_err(problem)? else {
        return Ok(false);
    };
    tokio::select! {
        stopped = stop => {
            stopped?;
            Ok(true)
        }
        waited = lambda.wait(seen) => {
            waited.map_err(problem)?;
            Ok(false)
        }
    }
}

/// Returns when the worker has to stop.
async fn stopped(
    lambda: Option<&Lambda>,
    stop: impl Future<Output = io::Result<()>>,
) -> anyhow::Result<Stopped> {
    let begins = async {
        match lambda {
            Some(lambda) => lambda.begins().await,
            None => std::future::pending().await,
        }
    };
    Ok(tokio::select! {
        stopped = stop => {
            stopped?;
            Stopped::BySignal
        }
        taken = begins => {
            tracing::error!(%taken, "the worker stops: Lambda takes from the queue too");
            Stopped::ByLambda(taken)
        }
    })
}

/// The consumer's settings, with what the flags say.
fn settings(args: &WorkerArgs) -> anyhow::Result<Settings> {
    let control = args.control.as_ref().map(LedgerPlace::uri).transpose()?;
    let control = control.map(|place| format!("{}/{CONTROL_KEY}", place.trim_end_matches('/')));
    let lookup = |name: &str| match name {
        "DELIVERY_QUEUE_URL" => Some(args.queue_url.clone()),
        "URGENT_QUEUE_URL" => args.urgent_queue_url().map(str::to_owned),
        "CONTROL_URI" if control.is_some() => control.clone(),
        "SHARE_PACE" if args.share_pace => Some("true".into()),
        "ENVIRONMENTS" if args.workers_at_most.is_some() => {
            args.workers_at_most.map(|workers| workers.to_string())
        }
        name => variable(name),
    };
    let settings = Settings::from_lookup(lookup);
    Ok(settings.map_err(|error| InputError(error.to_string()))?)
}

/// What takes batches and sends them.
struct Worker {
    consumer: Consumer,
    in_hand: InHand,
    print_metrics: fn(&str),
}

impl Worker {
    async fn poll(
        &self,
        sqs: &aws_sdk_sqs::Client,
        lane: Lane,
        url: &str,
        concurrency: u16,
    ) -> Result<Poller, PollerError> {
        let taker = self.consumer.clone();
        let options = PollerOptions {
            concurrency: concurrency.into(),
            gate: Gate::from_fn(move || taker.takes_more(lane)),
            ..PollerOptions::new(url)
        };
        let (consumer, in_hand) = (self.consumer.clone(), self.in_hand.clone());
        let print_metrics = self.print_metrics;
        let function = move |event| {
            let (consumer, batch) = (consumer.clone(), in_hand.take());
            let on_handled = move |handled: &Handled| {
                for line in &handled.metrics {
                    print_metrics(line);
                }
            };
            async move {
                let answer = invocation::invoke(&consumer, event, TIMEOUT, on_handled).await;
                drop(batch);
                answer
            }
        };
        Poller::start(sqs.clone(), options, function).await
    }
}

/// Ends a task that goes on for ever.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The counts of a metric line that are not 0, for a person.
fn print_counts(line: &str) {
    if let Some(counts) = counts(line) {
        drop(print::line(counts));
    }
}

/// `accepted 10 · requests 10`; `None` for a line that is no metric, or has nothing to tell.
fn counts(line: &str) -> Option<String> {
    let line: Map<String, Value> = serde_json::from_str(line).ok()?;
    line.get("_aws")?;
    let counts: Vec<_> = line
        .iter()
        .filter_map(|(name, value)| Some((name.replace('_', " "), value.as_u64()?)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    (!counts.is_empty()).then(|| counts.join(" · "))
}

/// A metric that can't be printed is lost. The batch is done, and an error would send it again.
fn print_metric_line(line: &str) {
    drop(print::line(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_a_batch_has_done() {
        let line = r#"{"_aws":{},"channel":"line","accepted":9,"refused":0,"too_fast":1,
            "latency":[12,40],"pace_push":190.0}"#;
        assert_eq!(counts(line).as_deref(), Some("accepted 9 · too fast 1"));
        for other in [
            "",
            "text",
            r#"{"accepted":9}"#,
            r#"{"_aws":{},"accepted":0}"#,
        ] {
            assert_eq!(counts(other), None, "{other}");
        }
    }
}
