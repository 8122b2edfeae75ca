//! The commands that look at what was set aside, and send again.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fanline_core::delivery::outcome::DeadLetterReason;
use fanline_ledger::RedriveReason;
use fanline_seal::KeyArn;

use super::{EXIT_CODES, NamedRunArgs, SignArgs};

const LETTERS_HELP: &str = "\
The dead letters stay where they are: they are hidden while the command reads them, and shown again at
its end.

Exit codes:
  0  the run has no dead letters
  1  it has some
  2  the run or the ledger can't be used";

/// Say what of a run was set aside, and why
#[derive(Debug, Args)]
#[command(after_help = LETTERS_HELP)]
pub(crate) struct DeadLettersArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Only those with this reason. `received-too-often`: SQS moved it without a reason
    #[arg(long, value_enum, value_name = "REASON")]
    pub(crate) reason: Option<LetterReason>,
    /// Write them into this file, one JSON object a line, with the reason and the body of each. It
    /// holds recipients and messages
    #[arg(long, value_name = "FILE.ndjson")]
    pub(crate) out: Option<PathBuf>,
    /// The KMS key that sealed them, to write their bodies in plain text. It needs `kms:Decrypt`
    #[arg(long, env = "SEAL_KEY_ARN", value_name = "ARN")]
    pub(crate) seal_key: Option<KeyArn>,
    /// Print the counts as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Why a delivery is among the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LetterReason {
    Refused,
    Expired,
    Unknown,
    Quota,
    Unauthorized,
    Undecodable,
    Unsealed,
    Forged,
    NoKey,
    ReceivedTooOften,
}

impl LetterReason {
    /// The reason in the attribute `reason` of a message; `None` where it has none that is known.
    pub(crate) fn of_attribute(reason: Option<&str>) -> Option<Self> {
        use DeadLetterReason as R;
        let Some(reason) = reason else {
            return Some(Self::ReceivedTooOften);
        };
        let all = [
            (R::Refused, Self::Refused),
            (R::Expired, Self::Expired),
            (R::Unknown, Self::Unknown),
            (R::Quota, Self::Quota),
            (R::Unauthorized, Self::Unauthorized),
            (R::Undecodable, Self::Undecodable),
            (R::Unsealed, Self::Unsealed),
            (R::Forged, Self::Forged),
            (R::NoKey, Self::NoKey),
        ];
        let known = all.into_iter().find(|(known, _)| known.as_str() == reason);
        known.map(|(_, own)| own)
    }
}

/// Send again, within 22 hours, what a run has not sent: the same messages with the same retry keys
///
/// Nobody gets it twice: LINE remembers the keys. Dead letters go back to the delivery queue. Those
/// whose dead letters are gone and `missing` ones are published again.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct RedriveArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// What is sent again. `set-aside` is `quota` and `unauthorized`
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        required = true,
        value_name = "WHAT,…"
    )]
    pub(crate) only: Vec<RedriveOnly>,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
    /// Print what was done as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

const RESEND_HELP: &str = "\
A new campaign with a list of its own is written, under the run's name and `.r1`, `.r2`, and so on.
Nobody is on it whom LINE accepted, in the run or in any resend of it, and nobody who is in a resend
that is not closed. Send it as any other campaign. From then on the run itself can't be fired or
redriven again.

Exit codes:
  0  the campaign is written, or nobody is left to send to
  2  the run, its list, the ledger or a flag can't be used";

/// Make a campaign for those who got nothing, once a run is closed
#[derive(Debug, Args)]
#[command(after_help = RESEND_HELP)]
pub(crate) struct ResendArgs {
    #[command(flatten)]
    pub(crate) run: NamedRunArgs,
    /// Who gets the message again
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        required_unless_present = "mend",
        value_name = "WHO,…"
    )]
    pub(crate) only: Vec<ResendOnly>,
    /// Rows of the list that could not be sent, mended: a file with the list's columns. Whoever is
    /// nowhere in the run or in its resends gets the message
    #[arg(long, value_name = "FILE")]
    pub(crate) mend: Option<PathBuf>,
    /// Also those of them to whom LINE may have sent the message already. They may get it twice
    #[arg(long)]
    pub(crate) may_double: bool,
    /// The folder to write into. Without it: the name of the new campaign
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A copy of the run's list, where the list is no longer where it was
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// Write the campaign without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who is sent to again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResendOnly {
    Refused,
    Expired,
    Cancelled,
    SetAside,
    Missing,
    Unknown,
}

/// What is sent again within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RedriveOnly {
    Quota,
    Unauthorized,
    Expired,
    NoKey,
    SetAside,
    Missing,
}

impl RedriveOnly {
    /// The reasons in the ledger that are meant; who has no outcome has none.
    pub(crate) fn reasons(self) -> &'static [RedriveReason] {
        match self {
            Self::Quota => &[RedriveReason::Quota],
            Self::Unauthorized => &[RedriveReason::Unauthorized],
            Self::Expired => &[RedriveReason::Expired],
            Self::SetAside => &[RedriveReason::Quota, RedriveReason::Unauthorized],
            Self::NoKey | Self::Missing => &[],
        }
    }

    /// Whether dead letters with this reason are meant.
    pub(crate) fn has(self, reason: LetterReason) -> bool {
        match self {
            Self::Quota => reason == LetterReason::Quota,
            Self::Unauthorized => reason == LetterReason::Unauthorized,
            Self::Expired => reason == LetterReason::Expired,
            Self::NoKey => reason == LetterReason::NoKey,
            Self::SetAside => {
                matches!(reason, LetterReason::Quota | LetterReason::Unauthorized)
            }
            Self::Missing => {
                matches!(reason, LetterReason::ReceivedTooOften | LetterReason::NoKey)
            }
        }
    }
}
