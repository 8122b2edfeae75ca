//! The command line: what can be asked for, and the help that says so.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  every row ended accepted, or was a duplicate of one that did
  1  some row did not: the summary says which outcome, and how many
  2  the campaign, the list or a flag can't be used; nothing was sent";

/// Bulk notifications for LINE: nobody skipped, nobody sent twice, as fast as LINE allows.
///
/// Without --live nothing leaves this machine: the queue and LINE are simulated inside the process.
#[derive(Debug, Parser)]
#[command(name = "fanline", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Check(CheckArgs),
    Worker(WorkerArgs),
    /// Run one of the stand-ins by itself, on loopback, until interrupted
    #[command(subcommand)]
    Simulate(Simulate),
}

/// Run a whole campaign here: list, queue, producer, consumer, LINE
///
/// The producer and the consumer are the ones that are deployed, with the real SQS client; the queue is embedded, and LINE is
/// simulated unless --live is given.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    /// Send to LINE itself, with the token in `LINE_CHANNEL_ACCESS_TOKEN`; says how many people it will reach, and asks
    #[arg(long)]
    pub(crate) live: bool,
    /// Don't ask before sending with --live
    #[arg(long, requires = "live")]
    pub(crate) yes: bool,
    /// Lift LINE's rate limits from the simulated LINE, to see what the rest can do
    #[arg(long, conflicts_with = "live")]
    pub(crate) no_rate_limit: bool,
    /// Run this consumer binary as Lambda would, in processes of its own, in place of the handler inside this one
    #[arg(long, value_name = "BINARY", conflicts_with = "live")]
    pub(crate) consumer: Option<PathBuf>,
    /// What goes wrong on the way, as NAME=RATE,…: `error-after=10%,duplicated=5%,kill=1%`; a wrong name lists them all
    #[arg(long, value_name = "SPEC", conflicts_with = "live")]
    pub(crate) faults: Option<String>,
    /// To whom the faults happen: the same seed, the same faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write a report of the run: one page that needs nothing else
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Use the SQS-compatible server at this endpoint in place of the embedded one
    #[arg(long, value_name = "URL")]
    pub(crate) queue_endpoint: Option<String>,
    /// Give up when for so long no further delivery has come to an outcome; run it again within a day to go on
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) give_up_after: u64,
    /// Print the summary as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Read the whole list and render every row, send nothing, report what is wrong and where
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every row can be sent
  1  some rows can't: each is named with its line and reason
  2  the campaign, the list or a flag can't be used")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Name at most this many bad rows
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) show: usize,
}

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The campaign: a JSON file; `recipients` in it may be a path, relative to that file
    #[arg(value_name = "CAMPAIGN.json")]
    pub(crate) campaign: PathBuf,
    /// The list to send to in place of the campaign's own: CSV or NDJSON, also .gz and .zst
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
}

/// Consume a queue on this machine, in place of Lambda: the same consumer, polling until it is told to stop
///
/// Settings are the consumer's environment variables. SIGTERM and SIGINT finish what is in hand first.
#[derive(Debug, Args)]
#[command(after_help = "\
Environment:
  DEAD_LETTER_QUEUE_URL                  where deliveries are set aside (required)
  LINE_CHANNEL_ACCESS_TOKEN              the channel's token; or
  LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN   the secret that holds it; or
  LINE_CHANNEL_ID, LINE_CHANNEL_SECRET   for tokens of a quarter of an hour
  PUSH_PER_SECOND, MULTICAST_PER_SECOND, NOTIFY_PER_SECOND
                                         this worker's share of LINE's limits
  docs/delivery.md has the others; region, credentials and endpoints are the AWS SDK's own")]
pub(crate) struct WorkerArgs {
    /// The delivery queue
    #[arg(long, value_name = "URL", env = "DELIVERY_QUEUE_URL")]
    pub(crate) queue_url: String,
    /// How many batches of ten are worked on at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// An SQS-compatible queue server
    Queue(PortArgs),
    /// A LINE that sends nothing: Messaging API and LINE Notify, with a ledger of who got what
    Line(SimulateLineArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PortArgs {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "N")]
    pub(crate) port: u16,
    /// What goes wrong, as NAME=RATE,…; a wrong name lists them all
    #[arg(long, value_name = "SPEC")]
    pub(crate) faults: Option<String>,
    /// To whom the faults happen: the same seed, the same faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateLineArgs {
    #[command(flatten)]
    pub(crate) port: PortArgs,
    /// Lift LINE's rate limits
    #[arg(long)]
    pub(crate) no_rate_limit: bool,
    /// How many people a channel may reach in a month
    #[arg(long, value_name = "N")]
    pub(crate) monthly_quota: Option<u64>,
}
