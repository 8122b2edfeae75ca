//! `fanline report`: what the ledger says of a run, as one page that needs no other file.

use anyhow::Context;

use super::dashboard::report_page;
use super::find_run::find_run;
use super::place::Ledger;
use super::status::known::KnownRun;
use crate::args::LedgerReportArgs;
use crate::exit::CommandEnd;
use crate::report::file::ReportFile;

/// Writes the report of a run.
pub(super) async fn execute(args: &LedgerReportArgs) -> anyhow::Result<CommandEnd> {
    let file = ReportFile::new("--out", &args.out, &[])?;
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    let run = KnownRun::read(&ledger, &record).await?;
    let page = report_page(&run, &ledger.name)?;
    file.write(&page).context("writing the report")?;
    Ok(CommandEnd::Complete)
}
