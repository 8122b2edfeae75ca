//! How a command ends, and the exit codes that say so.

use std::process::ExitCode;

use fanline_producer::ProduceError;

use crate::print;

/// How a command ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandEnd {
    /// Every row is accepted, or can be sent.
    Complete,
    /// Some rows are not accepted, or can't be sent.
    Incomplete,
    /// The campaign can't be sent as planned.
    Impossible,
}

/// The campaign, the list or a flag can't be used. Nothing was sent.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InputError(pub(crate) String);

/// Turns an error of the producer into the error of a command. It is an [`InputError`] where the
/// campaign or its list is wrong.
pub(crate) fn producer_error(error: ProduceError) -> anyhow::Error {
    if is_of_the_input(&error) {
        let columns = error
            .columns()
            .map(|names| format!(" The columns are {names}."));
        InputError(format!("{error}{}", columns.unwrap_or_default())).into()
    } else {
        error.into()
    }
}

/// Whether the campaign or its list is wrong, and not a queue.
fn is_of_the_input(error: &ProduceError) -> bool {
    use ProduceError as E;
    matches!(
        error,
        E::Event(_)
            | E::Campaign(_)
            | E::Rule(_)
            | E::CanaryOnNotify
            | E::CanaryUnwatched
            | E::CanaryInline
            | E::NoUrgentQueue(_)
            | E::Read(_)
            | E::NoRows(_)
            | E::TooManyBadRows { .. }
            | E::Rejects(_)
            | E::Skip { .. }
            | E::SkipOfAnotherList(_)
            | E::Refused(_)
            | E::Ledger(_)
            | E::SliceTooLong { .. }
            | E::Sort { .. }
    )
}

/// The exit code of a command, after its error was printed.
pub(crate) fn code(result: anyhow::Result<CommandEnd>) -> ExitCode {
    match result {
        Ok(CommandEnd::Complete) => ExitCode::SUCCESS,
        Ok(CommandEnd::Incomplete) => ExitCode::from(1),
        Ok(CommandEnd::Impossible) => ExitCode::from(2),
        Err(error) => {
            print::error(&error);
            ExitCode::from(if error.is::<InputError>() { 2 } else { 1 })
        }
    }
}
