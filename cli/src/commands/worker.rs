//! `fanline worker`: the consumer on a machine of one's own, in place of Lambda.

use anyhow::Context;
use aws_config::BehaviorVersion;
use fanline_consumer::Consumer;
use fanline_core::settings::variable;
use fanline_poller::{Poller, PollerOptions};
use jiff::SignedDuration;

use crate::args::WorkerArgs;
use crate::exit::{CommandEnd, InputError};
use crate::{invocation, print, signals};

/// The time that a batch may take, as the template gives the Lambda.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// Polls until it is told to stop, and finishes what is in hand.
pub(crate) async fn execute(args: &WorkerArgs) -> anyhow::Result<CommandEnd> {
    let lookup = |name: &str| match name {
        "DELIVERY_QUEUE_URL" => Some(args.queue_url.clone()),
        name => variable(name),
    };
    let settings = fanline_consumer::Settings::from_lookup(lookup)
        .map_err(|error| InputError(error.to_string()))?;
    let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let consumer = Consumer::new(settings, &sdk).await?;
    let options = PollerOptions {
        concurrency: args.concurrency.into(),
        ..PollerOptions::new(&args.queue_url)
    };
    let mapping = Poller::start(aws_sdk_sqs::Client::new(&sdk), options, move |event| {
        let consumer = consumer.clone();
        async move { invocation::invoke(&consumer, event, TIMEOUT, |line| print::line(line)).await }
    })
    .await
    .with_context(|| format!("polling `{}`", args.queue_url))?;
    signals::stop().await?;
    mapping.stop().await;
    Ok(CommandEnd::Complete)
}
