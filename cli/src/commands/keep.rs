//! `fanline keep`: the bookkeeper on your own machine, without Lambda.

use std::time::Duration;

use fanline_bookkeeper::{Bookkeeper, Settings};
use fanline_core::settings::variable;

use crate::args::{KeepArgs, LedgerPlace};
use crate::exit::{CommandEnd, InputError};
use crate::invocation::bookkeeping::Bookkeeping;
use crate::{print, signals};

/// As in the template.
const WINDOW: Duration = Duration::from_secs(2);

/// Keeps the ledger until a signal stops it, and finishes the batch that it has begun.
pub(crate) async fn execute(args: &KeepArgs) -> anyhow::Result<CommandEnd> {
    let ledger = args.at.as_ref().map(LedgerPlace::uri).transpose()?;
    let lookup = |name: &str| match name {
        "OUTCOME_QUEUE_URL" => Some(args.queue_url.clone()),
        "LEDGER_URI" if ledger.is_some() => ledger.clone(),
        name => variable(name),
    };
    let settings = Settings::from_lookup(lookup).map_err(|error| InputError(error.to_string()))?;
    let config = fanline_tls::sdk_config().await;
    let bookkeeper = Bookkeeper::new(settings, &config);
    let usable = bookkeeper.require_ledger().await;
    usable.map_err(|error| {
        InputError(format!(
            "the ledger can't be read: {}. --at names the bucket of a stack, or a folder",
            print::with_causes(&error.into())
        ))
    })?;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let bookkeeping = Bookkeeping::start(bookkeeper, sqs, &args.queue_url, WINDOW, |line| {
        // A metric that can't be printed is lost. The batch is done.
        drop(print::line(line));
    })
    .await?;
    signals::stop().await?;
    bookkeeping.stop().await;
    Ok(CommandEnd::Complete)
}
