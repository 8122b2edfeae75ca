//! The command line: commands, flags and their help.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand};
use fanline_core::s3_uri::S3Uri;
use fanline_seal::KeyArn;

mod before;
mod deployed;
mod examples;
mod install;
mod ledger;
mod mistaken;
mod worker;

pub(crate) use before::{MakeListArgs, PlanArgs};
pub(crate) use examples::command;
pub(crate) use worker::WorkerArgs;

pub(crate) use deployed::{
    DoctorArgs, ScheduleArgs, ScheduleListArgs, ScheduleNameArgs, ScheduleSetArgs, StackArgs,
};
pub(crate) use ledger::{
    CancelArgs, DashboardArgs, DeadLettersArgs, EditArgs, ExportArgs, ExtendArgs, LedgerArgs,
    LedgerCommand, LedgerPlace, LedgerReportArgs, LetterReason, NamedRunArgs, PaceArgs, PaceLimit,
    PauseArgs, RedriveArgs, RedriveOnly, ReleaseArgs, ResendArgs, ResendOnly, ResumeArgs,
    RowOutcome, RunsArgs, SignArgs, StatsArgs, StatusArgs, WhoArgs,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  each row is accepted, or repeats an accepted row
  1  some rows are not accepted: the summary says what became of them
  2  the campaign, the list or a flag can't be used; nothing was sent";

const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0  each row can be sent
  1  some rows can't be sent: each is named with its line and reason
  2  the campaign, the list or a flag can't be used, or LINE refuses the messages (--live)

A run gives the same verdict. Duplicates are counted over the whole list.";

pub(crate) use install::{CompletionsArgs, ExplainArgs, ManArgs};

/// The version, and the commit it was built from.
pub(crate) const VERSION: &str = env!("FANLINE_VERSION");
const KEEP_VARIABLES: &str = "\
Environment variables:
  DELIVERY_QUEUE_URL                     the delivery queue (required)
  SLICE_QUEUE_URL                        where what is missing is ordered again
  PARKED_QUEUE_URL, DEAD_LETTER_QUEUE_URL
                                         the stack's other queues, for the tools that ask
  ENVIRONMENTS                           how many consumers there can be at once
  docs/control.md has the others. Region, credentials and endpoints are the AWS SDK's own.";

/// Send a campaign on LINE to all people on a list, each person once.
///
/// Without --live nothing leaves this machine: the queue and LINE are simulated in this process.
#[derive(Debug, Parser)]
#[command(name = "fanline", version = VERSION, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The words of this process, read. A mistake in them ends the process with 2.
pub(crate) fn read() -> Cli {
    let words = command().try_get_matches();
    let read = words.and_then(|words| Cli::from_arg_matches(&words));
    read.unwrap_or_else(|error| mistaken::with_cure(error).exit())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Check(CheckArgs),
    Plan(PlanArgs),
    MakeList(MakeListArgs),
    Worker(WorkerArgs),
    Keep(KeepArgs),
    #[command(subcommand)]
    Schedule(ScheduleArgs),
    Doctor(DoctorArgs),
    #[command(flatten)]
    Ledger(LedgerCommand),
    /// Run the simulated queue, LINE, S3 or KMS by itself, until interrupted
    #[command(subcommand)]
    Simulate(SimulateArgs),
    Explain(ExplainArgs),
    /// Print the JSON Schema of a campaign, with which an editor completes and checks its fields
    Schema,
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Run a whole campaign on this machine: list, producer, queue, consumer, LINE
///
/// The producer and the consumer are the same as in the Lambda functions, with the real SQS client.
/// The queue server is embedded. LINE is simulated, unless --live is given.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a flag")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    /// Send to LINE itself, with the token in `LINE_CHANNEL_ACCESS_TOKEN`. Says how many people get
    /// the message, and asks first
    #[arg(long)]
    pub(crate) live: bool,
    /// Send with --live without asking
    #[arg(long, requires = "live")]
    pub(crate) yes: bool,
    /// Send a test to this user ID, and to nobody else: the message of the first row, or of --row.
    /// Repeat it for more people, or name a file with one ID in each line. The test is a run of its
    /// own, so the real run still sends to everybody
    #[arg(long, value_name = "ID | FILE", requires = "live")]
    pub(crate) test_to: Vec<String>,
    /// With --test-to: send the message of this row of the list
    #[arg(long, value_name = "N", requires = "test_to")]
    pub(crate) row: Option<u64>,
    /// Switch off the rate limits of the simulated LINE, to see how fast the rest is
    #[arg(long, conflicts_with = "live")]
    pub(crate) no_rate_limit: bool,
    /// Run this consumer binary in its own processes, as Lambda does, in place of the handler
    /// inside this process
    #[arg(long, value_name = "BINARY", conflicts_with = "live")]
    pub(crate) consumer: Option<PathBuf>,
    /// What goes wrong on purpose, as NAME=RATE,…: `error-after=10%,duplicated=5%,kill=1%`. An
    /// unknown name lists them all
    #[arg(long, value_name = "SPEC", conflicts_with = "live")]
    pub(crate) faults: Option<String>,
    /// The seed of the faults. With the same seed LINE's faults hit the same requests. What the
    /// queue does, what is killed and how long it takes differ from run to run
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write a report of the run: one HTML page that needs no other file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Where somebody did not get the message: write these rows of the list, `.csv` or `.ndjson`,
    /// with row number, outcome and reason. Without it a live run writes them beside its list, into
    /// `LIST.rejects/RUN/`
    #[arg(long, value_name = "FILE")]
    pub(crate) not_reached: Option<PathBuf>,
    /// Show the run as a page in the browser while it goes on, with buttons to pause and cancel it.
    /// The address is printed, and the page stays until Ctrl-C
    #[arg(long)]
    pub(crate) dashboard: bool,
    /// Use the SQS-compatible server at this URL in place of the embedded one
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub(crate) queue_endpoint: Option<String>,
    /// Seal the deliveries on the queues with a key of this run, as a stack with `SealKeyArn` does
    #[arg(long, conflicts_with_all = ["queue_endpoint", "seal_key"])]
    pub(crate) seal: bool,
    /// Seal them with this KMS key. It needs `kms:GenerateDataKey` and `kms:Decrypt`
    #[arg(long, value_name = "ARN")]
    pub(crate) seal_key: Option<KeyArn>,
    /// Keep the record of the run in this folder. Without it: a live run in
    /// `$XDG_STATE_HOME/fanline` or `~/.local/state/fanline`, any other in a temporary folder
    #[arg(long, value_name = "DIR")]
    pub(crate) at: Option<PathBuf>,
    /// Stop when no delivery got an outcome for this time. A live run can be run again within 24
    /// hours, to send to the remaining recipients
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) give_up_after: u64,
    /// Print the summary as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

impl RunArgs {
    /// Whether the deliveries are sealed.
    pub(crate) fn seals(&self) -> bool {
        self.seal || self.seal_key.is_some()
    }
}

/// Read each row of the list, render each message, send nothing, and report what is wrong
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXIT_CODES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) campaign: CampaignArgs,
    /// Ask LINE itself whether it takes the messages of the first row and the longest ones, with
    /// the token in `LINE_CHANNEL_ACCESS_TOKEN`. LINE sends nothing
    #[arg(long)]
    pub(crate) live: bool,
    /// Also check that each delivery fits a queue message when it is sealed, as on a stack with
    /// `SealKeyArn`
    #[arg(long)]
    pub(crate) seal: bool,
    /// Write a page that shows the messages as people see them on their phones
    #[arg(long, value_name = "FILE.html")]
    pub(crate) preview: Option<PathBuf>,
    /// Also show the message of this row
    #[arg(long, value_name = "N")]
    pub(crate) row: Option<u64>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Name at most this many rows that can't be sent
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) show: usize,
}

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The campaign: a JSON file. Its `recipients` may be a path, relative to the file
    #[arg(value_name = "CAMPAIGN.json")]
    pub(crate) campaign: PathBuf,
    /// Send to this list in place of the campaign's list: CSV, NDJSON or .xlsx, also packed
    /// with gzip or zstd; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
}

/// Keep the ledger on this machine, without Lambda: the same bookkeeper, until it is stopped
///
/// The settings are the bookkeeper's environment variables. After SIGTERM or SIGINT it finishes the
/// batch that it has begun.
#[derive(Debug, Args)]
#[command(after_help = KEEP_VARIABLES)]
pub(crate) struct KeepArgs {
    /// The outcome queue
    #[arg(long, value_name = "URL", env = "OUTCOME_QUEUE_URL")]
    pub(crate) queue_url: String,
    /// Where the ledger lies: the bucket of a stack, or a folder of this machine. Without it,
    /// `LEDGER_URI`
    #[arg(long, value_name = "s3://BUCKET | DIR")]
    pub(crate) at: Option<LedgerPlace>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateArgs {
    /// An SQS-compatible queue server
    Queue(ServerArgs),
    /// A LINE that sends nothing: Messaging API and LINE Notify, with a ledger of who got what
    Line(SimulateLineArgs),
    /// An S3 that holds the files you name, in memory
    S3(SimulateS3Args),
    /// A KMS with one key, in memory, for sealed messages. It prints the key's ARN
    Kms(ListenArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SimulateLineArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Switch off LINE's rate limits
    #[arg(long)]
    pub(crate) no_rate_limit: bool,
    /// How many people a channel may send to in a month
    #[arg(long, value_name = "N")]
    pub(crate) monthly_quota: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateS3Args {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// A file and where it lies, such as `s3://fanline-lists/friends.csv=events/friends.csv`
    #[arg(value_name = "URI=FILE", required = true, value_parser = placed_file)]
    pub(crate) objects: Vec<(S3Uri, PathBuf)>,
}

/// The URL of a server.
fn http_url(text: &str) -> Result<String, &'static str> {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    match host.and_then(|rest| rest.chars().next()) {
        Some(first) if first.is_alphanumeric() || first == '[' => Ok(text.to_owned()),
        _ => Err("it is not a URL, such as `http://127.0.0.1:5101`"),
    }
}

fn placed_file(text: &str) -> Result<(S3Uri, PathBuf), String> {
    let (uri, file) = text.split_once('=').ok_or("is not URI=FILE")?;
    let uri = S3Uri::object(uri).map_err(|error| format!("`{uri}` {error}"))?;
    Ok((uri, file.into()))
}

#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// The address to listen on, for example that of a container network. Everybody who reaches it
    /// can use the server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// The port. 0 takes any free port
    #[arg(long, value_name = "N")]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// What goes wrong on purpose, as NAME=RATE,…. An unknown name lists them all
    #[arg(long, value_name = "SPEC")]
    pub(crate) faults: Option<String>,
    /// The seed of the faults: the same seed gives the same faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_and_flags_fit_together() {
        command().debug_assert();
    }

    #[test]
    fn only_an_address_of_a_server_is_a_url() {
        for (text, is_url) in [
            ("http://127.0.0.1:5101", true),
            ("https://sqs.ap-northeast-1.amazonaws.com", true),
            ("http://[::1]:5101", true),
            ("foo", false),
            ("127.0.0.1:5101", false),
            ("http://", false),
            ("ftp://host", false),
        ] {
            assert_eq!(http_url(text).is_ok(), is_url, "{text}");
        }
    }
}
