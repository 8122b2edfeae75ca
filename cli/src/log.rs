//! The log of a command.

use std::io::{self, IsTerminal};

use fanline_core::settings::variable;
use tracing_subscriber::EnvFilter;

use crate::args::Command;
use crate::exit::InputError;

/// How lines are written, as Lambda's variable says it.
const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";

/// Starts the log. `worker` and `keep` log to standard output, as the Lambda functions do, and as
/// text where that is a terminal. Other commands log to standard error, and only what `FANLINE_LOG`
/// asks for.
pub(crate) fn start(command: &Command) -> Result<(), InputError> {
    if let Command::Worker(_) | Command::Keep(_) = command {
        let is_read = io::stdout().is_terminal();
        fanline_telemetry::init(|name: &str| match variable(name) {
            None if name == FORMAT && is_read => Some("TEXT".into()),
            value => value,
        });
        return Ok(());
    }
    let directives = variable("FANLINE_LOG").unwrap_or_else(|| "off".into());
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| InputError(format!("`FANLINE_LOG` is not valid: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    Ok(())
}
