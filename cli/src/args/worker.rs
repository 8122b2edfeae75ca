//! The flags of `fanline worker`.

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use fanline_core::campaign::Lane;

use crate::args::LedgerPlace;

const WORKER_VARIABLES: &str = "\
Environment variables:
  DEAD_LETTER_QUEUE_URL                  the queue for deliveries that can't be sent (required)
  LINE_CHANNEL_ACCESS_TOKEN              the channel's token; or
  LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN   the secret with the token; or
  LINE_CHANNEL_ID, LINE_CHANNEL_SECRET   for tokens that are valid for 15 minutes
  LINE_PUSH_LIMIT, LINE_MULTICAST_LIMIT  what all workers together may send a second (2000, 200)
  OUTCOME_QUEUE_URL                      where the ledger hears what became of deliveries
  PARKED_QUEUE_URL                       where deliveries of a paused run go
  SEAL_KEY_ARN                           the KMS key of sealed deliveries, where there is one
  CONSUMER_FUNCTION                      the stack's consumer: its alarms look for this name
  docs/delivery.md has the others. Region, credentials and endpoints are the AWS SDK's own.";

/// Consume a queue on this machine, without Lambda: the same consumer, until it is stopped
///
/// The settings are the consumer's environment variables. After SIGTERM or SIGINT it finishes the
/// batches that it has begun.
#[derive(Debug, Args)]
#[command(after_help = WORKER_VARIABLES)]
pub(crate) struct WorkerArgs {
    /// The delivery queue
    #[arg(
        long,
        value_name = "URL",
        env = "DELIVERY_QUEUE_URL",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) queue_url: String,
    /// The queue of the urgent lane, where the stack has one
    #[arg(long, value_name = "URL", env = "URGENT_QUEUE_URL")]
    urgent_queue_url: Option<String>,
    /// How many batches of the urgent queue are worked on at the same time, besides the others
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub(crate) urgent_concurrency: u16,
    /// Obey the control object there: `pause`, `cancel` and `pace` reach this worker too. Without
    /// it, `CONTROL_URI`
    #[arg(long, value_name = "s3://BUCKET | DIR")]
    pub(crate) control: Option<LedgerPlace>,
    /// Share LINE's limits with all other workers of this control object, however many there are.
    /// Each has an equal part, which follows their number within seconds
    #[arg(long)]
    pub(crate) share_pace: bool,
    /// Or: take this part of LINE's limits, one of N. There are never more workers than that
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "share_pace",
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub(crate) workers_at_most: Option<u16>,
    /// Take from the queue although Lambda does so too. Both together must respect LINE's limits:
    /// give each its part
    #[arg(long, env = "BESIDE_LAMBDA", value_parser = FalseyValueParser::new())]
    pub(crate) beside_lambda: bool,
    /// Answer on this port of this machine: 200 while it takes batches, and 503 before it does,
    /// while it can't, and while it stops
    #[arg(long, value_name = "PORT")]
    pub(crate) health: Option<u16>,
    /// How many batches of ten are worked on at the same time
    #[arg(
        long,
        env = "WORKER_CONCURRENCY",
        value_name = "N",
        default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub(crate) concurrency: u16,
}

impl WorkerArgs {
    /// The queue of the urgent lane. The templates set an empty variable where there is none.
    pub(crate) fn urgent_queue_url(&self) -> Option<&str> {
        let url = self.urgent_queue_url.as_deref();
        url.filter(|url| !url.trim().is_empty())
    }

    /// The lanes, each with the URL of its queue and with how many batches it has at once.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (Lane, &str, u16)> {
        let urgent = self.urgent_queue_url();
        let urgent = urgent.map(|url| (Lane::Urgent, url, self.urgent_concurrency));
        let bulk = (Lane::Bulk, self.queue_url.as_str(), self.concurrency);
        urgent.into_iter().chain([bulk])
    }
}
