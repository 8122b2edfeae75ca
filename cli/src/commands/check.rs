//! `fanline check`: reads every row, renders every message, sends nothing.

use anyhow::Context;
use aws_config::SdkConfig;
use fanline_consumer::LineAccount;
use fanline_core::settings::variable;
use fanline_producer::Preview;

use crate::args::CheckArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::exit::{self, CommandEnd, InputError};
use crate::print::words::count;
use crate::print::{self, next_step};
use crate::report::file::ReportFile;

pub(crate) mod live;
mod page;
mod report;
pub(crate) mod shown;

use report::CheckReport;

pub(crate) use report::BadRow;

/// Checks the campaign and each row of its list.
pub(crate) async fn execute(args: &CheckArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    let page_file = match &args.preview {
        Some(path) => {
            let inputs = file.inputs(&args.campaign);
            Some(ReportFile::new("--preview", path, &inputs)?)
        }
        None => None,
    };
    let access = if args.live {
        Some(live::access(file.campaign.channel)?)
    } else {
        None
    };
    let has_secret = args.live && variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
    let config = aws::config(AwsResource::for_check(&file.campaign, has_secret)).await?;
    let mut bad_rows = Vec::new();
    let mut asked = None;
    let preview = read_list(&file, &config, args.seal, args.row, |row| {
        if args.row == Some(row.row) {
            asked = Some(row.clone());
        }
        if bad_rows.len() < args.show {
            bad_rows.push(row);
        }
    })
    .await?;
    if let Some(row) = args.row {
        require_row(row, &preview, asked.as_ref())?;
    }
    if let Some(page_file) = page_file {
        let page = page::page(&file.campaign.id, &preview)?;
        page_file.write(&page).context("writing the preview")?;
    }
    let report = CheckReport::new(&file.campaign, &preview, bad_rows)?;
    if args.json {
        print::json(&report)?;
    } else {
        report.print(&file.campaign)?;
    }
    if let Some(access) = access {
        let rows = live::ask(&LineAccount::new(access, &config)?, &preview.samples).await?;
        if !args.json {
            print::line(live::sentence(rows))?;
        }
    }
    if !args.json && !report.sends_nothing {
        next_step::after_check(&args.campaign);
    }
    Ok(if report.list.rejected == 0 {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// Checks that a row can be shown.
pub(crate) fn require_row(
    row: u64,
    preview: &Preview,
    rejected: Option<&BadRow>,
) -> Result<(), InputError> {
    if preview.samples.asked().is_some() {
        return Ok(());
    }
    let problem = match rejected {
        Some(bad) => format!("row {row} can't be sent: {}", bad.reason),
        None => format!(
            "the list has {}, so it has no row {row}",
            count(preview.checked.rows, "row", "rows")
        ),
    };
    Err(InputError(format!("--row: {problem}")))
}

/// Reads the whole list, keeps rows to show, and calls `on_bad_row` for each row that can't be
/// sent, or not as a sealed one where it `is_sealed`.
pub(crate) async fn read_list(
    file: &CampaignFile,
    config: &SdkConfig,
    is_sealed: bool,
    row: Option<u64>,
    mut on_bad_row: impl FnMut(BadRow),
) -> anyhow::Result<Preview> {
    let event = file.event.clone();
    fanline_producer::check(event, config, is_sealed, row, |place, error| {
        on_bad_row(BadRow::new(place, error));
    })
    .await
    .map_err(exit::producer_error)
}
