//! `fanline worker`: the consumer on your own machine, without Lambda.

use aws_config::BehaviorVersion;
use fanline_consumer::Consumer;
use fanline_core::settings::variable;
use fanline_ledger::CONTROL_KEY;
use fanline_poller::{Gate, Poller, PollerOptions};
use jiff::SignedDuration;

use crate::args::{LedgerPlace, WorkerArgs};
use crate::exit::{CommandEnd, InputError};
use crate::{invocation, print, signals};

/// The time that a batch may take: the timeout of the Lambda function in the template.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

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
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
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
        async move { invocation::invoke(&consumer, event, TIMEOUT, print_metric_line).await }
    })
    .await?;
    signals::stop().await?;
    poller.stop().await;
    Ok(CommandEnd::Complete)
}

/// A metric that can't be printed is lost. The batch is done, and an error would send it again.
fn print_metric_line(line: &str) {
    drop(print::line(line));
}
