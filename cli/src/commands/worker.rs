//! `fanline worker`: the consumer on your own machine, without Lambda.

use std::io::{self, IsTerminal};

use fanline_consumer::{Consumer, Handled};
use fanline_core::settings::variable;
use fanline_ledger::CONTROL_KEY;
use fanline_poller::{Gate, Poller, PollerOptions};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::args::{LedgerPlace, WorkerArgs};
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
    let control = args.control.as_ref().map(LedgerPlace::uri).transpose()?;
    let control = control.map(|place| format!("{}/{CONTROL_KEY}", place.trim_end_matches('/')));
    let lookup = |name: &str| match name {
        "DELIVERY_QUEUE_URL" => Some(args.queue_url.clone()),
        "CONTROL_URI" if control.is_some() => control.clone(),
        name => variable(name),
    };
    let settings = fanline_consumer::Settings::from_lookup(lookup)
        .map_err(|error| InputError(error.to_string()))?;
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
    let consumer = Consumer::new(settings, &config).await?;
    let taker = consumer.clone();
    let options = PollerOptions {
        concurrency: args.concurrency.into(),
        gate: Gate::from_fn(move || taker.takes_more()),
        ..PollerOptions::new(&args.queue_url)
    };
    let sqs = aws_sdk_sqs::Client::new(&config);
    let poller = Poller::start(sqs, options, move |event| {
        let consumer = consumer.clone();
        let on_handled = move |handled: &Handled| {
            for line in &handled.metrics {
                print_metrics(line);
            }
        };
        async move { invocation::invoke(&consumer, event, TIMEOUT, on_handled).await }
    })
    .await?;
    signals::stop().await?;
    if is_read {
        print::note(STOPPING);
    }
    // What is in hand at a second signal is on the queue again after a minute.
    tokio::select! {
        () = poller.stop() => {}
        again = signals::stop() => again?,
    }
    Ok(CommandEnd::Complete)
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
