//! The commands that control runs.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use fanline_ledger::PauseMode;
use jiff::Timestamp;

use super::{EXIT_CODES, LedgerArgs, NamedRunArgs};

/// Who changes something, and why: the audit trail.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// Why, in a line: it stands beside the change, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Who, in place of the user of this machine
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
    /// Print what control says of the run now as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Send nothing more of a run until it is resumed
///
/// The last requests depart within 1.3 seconds, multicasts within 0.6 seconds. The run's 23 hours
/// go on: after them it can't be resumed.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) edit: EditArgs,
    /// What becomes of its deliveries: they wait where they are, or are parked so that other runs
    /// go on. Without it they are parked where other runs are open
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
}

/// What becomes of the deliveries of a paused run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    Wait,
    Park,
}

impl From<ModeArg> for PauseMode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Wait => Self::Wait,
            ModeArg::Park => Self::Park,
        }
    }
}

/// Go on with a paused run. Its parked deliveries are put back on the delivery queue
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) edit: EditArgs,
}

/// Never send anything more of a run. It can't be undone: `resend` reaches who got nothing
///
/// Its deliveries are taken off the queue unsent, and slices that are not read yet stay unread.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(crate) edit: EditArgs,
    /// Cancel without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Limit the requests a second of the whole stack, below LINE's own limits. Without a limit: say
/// the present one
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PaceArgs {
    /// Pushes a second; `off` takes the limit back
    #[arg(long, value_name = "N | off")]
    pub(crate) push: Option<PaceLimit>,
    /// Multicasts a second; `off` takes the limit back
    #[arg(long, value_name = "N | off")]
    pub(crate) multicast: Option<PaceLimit>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
    /// Print the pace as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PaceLimit(pub(crate) Option<u32>);

impl FromStr for PaceLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self(None));
        }
        let limit = text.parse().ok();
        let limit = limit.ok_or("it is neither a number of requests a second nor `off`")?;
        Ok(Self(Some(limit)))
    }
}

/// Let the deliveries of a run expire later, or earlier, than its campaign says
///
/// What has expired already is not sent by that: redrive it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ExtendArgs {
    #[command(flatten)]
    pub(crate) edit: EditArgs,
    /// When they expire, such as `2026-12-25T21:00:00+08:00`: within 23 hours of the run's
    /// beginning
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_at: Timestamp,
}

/// Send to everybody else now, and not when the canary's wait is over
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    pub(crate) edit: EditArgs,
}
