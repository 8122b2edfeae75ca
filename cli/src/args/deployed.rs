//! The flags of the commands that work on a deployed stack.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  something is wrong: each line says what, and the command that mends it
  2  the stack can't be read";

/// Decide when the deployed stack sends which campaign. No deployment changes it
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleArgs {
    Set(ScheduleSetArgs),
    /// Switch a schedule on
    On(ScheduleNameArgs),
    /// Switch a schedule off. It stays in the stack and does not fire
    Off(ScheduleNameArgs),
    /// Remove a schedule
    Remove(ScheduleNameArgs),
    /// List the schedules of the stack
    List(ScheduleListArgs),
}

/// Create a schedule, or change one. A new one is on, and a changed one stays on or off
#[derive(Debug, Args)]
pub(crate) struct ScheduleSetArgs {
    /// The schedule's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The campaign: a JSON file. Its list is in the stack's bucket
    #[arg(value_name = "CAMPAIGN.json")]
    pub(crate) campaign: PathBuf,
    /// When it fires: `cron(0 8 * * ? *)`, `rate(1 day)` or, once, `at(2026-12-25T08:00:00)`
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) when: String,
    /// The time zone of `cron` and `at`
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Create a new schedule switched off
    #[arg(long)]
    pub(crate) off: bool,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleNameArgs {
    /// The schedule's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleListArgs {
    /// Print the schedules as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) stack: StackArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StackArgs {
    /// The CloudFormation stack
    #[arg(
        id = "stack",
        long = "at",
        value_name = "STACK",
        default_value = "fanline"
    )]
    pub(crate) name: String,
}

/// Read the deployed stack, and say what is wrong with it and which command mends it
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXIT_CODES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
}
