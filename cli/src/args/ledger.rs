//! The commands that ask about runs and control them.

use std::path::{self, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand};
use fanline_core::s3_uri::S3Uri;

use crate::exit::InputError;

mod again;
mod control;
mod people;

pub(crate) use again::{
    DeadLettersArgs, LetterReason, RedriveArgs, RedriveOnly, ResendArgs, ResendOnly,
};
pub(crate) use control::{
    CancelArgs, EditArgs, ExtendArgs, PaceArgs, PaceLimit, PauseArgs, ReleaseArgs, ResumeArgs,
    SignArgs,
};
pub(crate) use people::{ExportArgs, RowOutcome, WhoArgs};

const STATUS_EXIT_CODES: &str = "\
Exit codes:
  0  each row is accepted, or repeats an accepted row
  1  somebody waits, or got nothing
  2  the run or the ledger can't be read";

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  the run, the ledger or a flag can't be used";

/// Ask about runs, and control them: each against the ledger of a stack or of this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    Runs(RunsArgs),
    Status(StatusArgs),
    Stats(StatsArgs),
    Who(WhoArgs),
    Export(ExportArgs),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Cancel(CancelArgs),
    Pace(PaceArgs),
    Extend(ExtendArgs),
    Release(ReleaseArgs),
    Redrive(RedriveArgs),
    Resend(ResendArgs),
    DeadLetters(DeadLettersArgs),
    Dashboard(DashboardArgs),
    Report(LedgerReportArgs),
}

/// Where the ledger lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LedgerPlace {
    /// In a bucket.
    Bucket(S3Uri),
    /// In a folder.
    Folder(PathBuf),
}

impl FromStr for LedgerPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if S3Uri::is_meant(text) {
            let uri = text.parse().map(Self::Bucket);
            return uri.map_err(|_| "it is not `s3://BUCKET`".into());
        }
        if text.is_empty() || text.contains("://") {
            return Err("it is neither `s3://BUCKET` nor a folder".into());
        }
        Ok(Self::Folder(text.into()))
    }
}

impl LedgerPlace {
    /// The place as a setting names it: `s3://BUCKET`, or `file:///FOLDER`.
    pub(crate) fn uri(&self) -> Result<String, InputError> {
        let folder = match self {
            Self::Bucket(uri) => return Ok(uri.to_string()),
            Self::Folder(folder) => folder,
        };
        let unusable = |problem: &str| InputError(format!("{}: {problem}", folder.display()));
        let absolute = path::absolute(folder).map_err(|error| unusable(&error.to_string()))?;
        let absolute = absolute.to_str();
        let absolute = absolute.ok_or_else(|| unusable("the name of the folder is no text"))?;
        Ok(format!("file://{absolute}"))
    }
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// Where the ledger lies: the bucket of a stack, or a folder of this machine. Without it:
    /// `$XDG_STATE_HOME/fanline` or `~/.local/state/fanline` (on Windows `%LOCALAPPDATA%\fanline`),
    /// where `run --live` keeps its runs
    #[arg(long, value_name = "s3://BUCKET | DIR", env = "FANLINE_AT")]
    pub(crate) at: Option<LedgerPlace>,
}

#[derive(Debug, Args)]
pub(crate) struct NamedRunArgs {
    /// The run's name, or the beginning of it that no other run has
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}

/// List the runs, the newest first: state, rows, and how many people are accepted
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RunsArgs {
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    /// List at most this many runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Print the runs as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say how far a run is: what became of each row, why, and when it will be through
#[derive(Debug, Args)]
#[command(after_help = STATUS_EXIT_CODES)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Say it again every two seconds, until nobody waits or the run is closed
    #[arg(long, conflicts_with = "family")]
    pub(crate) watch: bool,
    /// The run and its resends together: each person once, with the best outcome
    #[arg(long)]
    pub(crate) family: bool,
    /// Print the status as JSON on standard output: with --watch one line each time
    #[arg(long)]
    pub(crate) json: bool,
}

/// Ask LINE how many people opened the messages of a run and followed their links
///
/// The campaign needs `"statistics": true` before it is sent. LINE is asked with the token in
/// `LINE_CHANNEL_ACCESS_TOKEN`. Its numbers change for 14 days, and it gives none that is of fewer
/// than 20 people.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Print the statistics as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write what the ledger says of a run as one HTML page that needs no other file
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct LedgerReportArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Where to write it. An older report there is replaced, and no other file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: PathBuf,
}

/// Show the runs as pages in a browser on this machine, live, and control them
///
/// It listens on 127.0.0.1 alone, and answers whoever has the address that it prints. From another
/// machine use a tunnel, such as `ssh -L 8080:127.0.0.1:8080`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DashboardArgs {
    /// Where a ledger lies: the bucket of a stack, or a folder of this machine. Name it several
    /// times to see several stacks. Without it: `$XDG_STATE_HOME/fanline` or
    /// `~/.local/state/fanline`, where `run --live` keeps its runs
    #[arg(long, value_name = "s3://BUCKET | DIR", env = "FANLINE_AT")]
    pub(crate) at: Vec<LedgerPlace>,
    /// The port. 0 takes any free port
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
}
