//! The commands that ask about people.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::NamedRunArgs;

const WHO_HELP: &str = "\
The ledger holds no ID in clear: each recipient is a keyed hash. Where the stack has a LogHashKey, set
`LOG_HASH_KEY` to it.

Exit codes:
  0  LINE accepted it for everybody who is named
  1  somebody is not on the list, waits, or got nothing
  2  the run or the ledger can't be used";

const EXPORT_HELP: &str = "\
The columns `outcome`, `reason`, `status`, `request_id` and `time` follow those of the list; one that
the list has already is called `fanline_…`. Outcomes: accepted, refused, unknown, expired, set_aside,
cancelled; waiting (no outcome yet), rejected (the row can't be sent), duplicate (an earlier row has
the recipient), unread (the producer has not read it). With --family a column `run` follows.

Exit codes:
  0  the file is written
  2  the run, its list or the file can't be used";

/// Say what became of people: their IDs are read from standard input, one a line
///
/// An ID on the command line would be in the shell's history.
#[derive(Debug, Args)]
#[command(after_help = WHO_HELP)]
pub(crate) struct WhoArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Print the answers as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write the list of a run with what became of each row
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// The file to write: `.csv` or `.ndjson`, with `.zst` or `.gz` behind it packed
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The run and its resends together: each row with the best outcome of its person, and the run
    /// that it is of
    #[arg(long)]
    pub(crate) family: bool,
    /// Write only the rows with these outcomes
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OUTCOME,…")]
    pub(crate) only: Vec<RowOutcome>,
    /// A copy of the run's list, where the list is no longer where it was
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum RowOutcome {
    Accepted,
    Refused,
    Unknown,
    Expired,
    SetAside,
    Cancelled,
    Waiting,
    Rejected,
    Duplicate,
    Unread,
}

impl RowOutcome {
    /// The order of the ledger's words, with those that have no outcome in front.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Rejected | Self::Duplicate | Self::Unread => 0,
            Self::Waiting => 1,
            Self::Cancelled => 2,
            Self::SetAside => 3,
            Self::Expired => 4,
            Self::Refused => 5,
            Self::Unknown => 6,
            Self::Accepted => 7,
        }
    }

    /// The word as files have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::SetAside => "set_aside",
            Self::Cancelled => "cancelled",
            Self::Waiting => "waiting",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Unread => "unread",
        }
    }
}
