//! `fanline check`: reads every row, renders every message, sends nothing.

use std::io;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_producer::Checked;
use indicatif::HumanCount;
use serde::Serialize;

use crate::args::CheckArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::exit::{self, CommandEnd};
use crate::print;

/// A row that can't be sent, as `--json` prints it.
#[derive(Serialize)]
struct BadRow {
    row: u64,
    line: u64,
    column: String,
    reason: String,
}

/// The result of a check, as `--json` prints it.
#[derive(Serialize)]
struct CheckReport {
    campaign: String,
    rows: u64,
    recipients: u64,
    rejected: u64,
    duplicates: u64,
    /// The first rows that can't be sent, as many as `--show` says.
    bad_rows: Vec<BadRow>,
}

/// Checks the campaign and each row of its list.
pub(crate) async fn execute(args: &CheckArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    let mut bad_rows = Vec::new();
    let checked = read_list(&file, |row| {
        if bad_rows.len() < args.show {
            bad_rows.push(row);
        }
    })
    .await?;
    let report = CheckReport {
        campaign: file.campaign.id.clone(),
        rows: checked.rows,
        recipients: checked.recipients(),
        rejected: checked.rejected,
        duplicates: checked.duplicates,
        bad_rows,
    };
    if args.json {
        print::json(&report)?;
    } else {
        print_report(&report, &file.campaign)?;
    }
    Ok(if report.rejected == 0 {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// Counts the recipients of a campaign.
pub(crate) async fn count_recipients(file: &CampaignFile) -> anyhow::Result<Checked> {
    read_list(file, |_| ()).await
}

async fn read_list(
    file: &CampaignFile,
    mut on_bad_row: impl FnMut(BadRow),
) -> anyhow::Result<Checked> {
    let config = aws::config(AwsResource::for_list(&file.campaign)).await?;
    let checked = fanline_producer::check(file.event.clone(), &config, |place, error| {
        on_bad_row(BadRow {
            row: place.row,
            line: place.line,
            column: error.column().into(),
            reason: error.to_string(),
        });
    })
    .await;
    let (checked, _) = checked.map_err(exit::producer_error)?;
    Ok(checked)
}

fn print_report(report: &CheckReport, campaign: &Campaign) -> io::Result<()> {
    let list = match &campaign.recipients {
        Recipients::Path(path) => path.clone(),
        Recipients::S3(object) => object.to_string(),
        Recipients::Inline(_) => "recipients".into(),
    };
    for bad in &report.bad_rows {
        print::line(format_args!(
            "{list}:{}: row {}: {}",
            bad.line, bad.row, bad.reason
        ))?;
    }
    let shown = report.bad_rows.len() as u64;
    if report.rejected > shown {
        print::line(format_args!(
            "… and {} more (--show N)",
            HumanCount(report.rejected - shown)
        ))?;
    }
    print::line(format_args!(
        "{}: {} rows = {} recipients + {} that can't be sent + {} duplicates",
        report.campaign,
        HumanCount(report.rows),
        HumanCount(report.recipients),
        HumanCount(report.rejected),
        HumanCount(report.duplicates)
    ))
}
