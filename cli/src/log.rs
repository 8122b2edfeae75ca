//! The log of a command.

use fanline_core::settings::variable;
use tracing_subscriber::EnvFilter;

use crate::args::Command;
use crate::exit::InputError;

/// Starts the log. `worker` and `keep` log to standard output, as the Lambda functions do. Other
/// commands log to standard error, and only what `FANLINE_LOG` asks for.
pub(crate) fn start(command: &Command) -> Result<(), InputError> {
    if let Command::Worker(_) | Command::Keep(_) = command {
        fanline_telemetry::init(variable);
        return Ok(());
    }
    let directives = variable("FANLINE_LOG").unwrap_or_else(|| "off".into());
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| InputError(format!("`FANLINE_LOG` is not valid: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
