//! `fanline check`: reads every row, renders every message, sends nothing.

use aws_config::SdkConfig;
use fanline_consumer::LineAccount;
use fanline_core::settings::variable;
use fanline_producer::{Checked, Preview};

use crate::args::CheckArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::exit::{self, CommandEnd};
use crate::print;

pub(crate) mod live;
mod report;

use report::{BadRow, CheckReport};

/// Checks the campaign and each row of its list.
pub(crate) async fn execute(args: &CheckArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    let access = if args.live {
        Some(live::access(file.campaign.channel)?)
    } else {
        None
    };
    let has_secret = args.live && variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
    let config = aws::config(AwsResource::for_check(&file.campaign, has_secret)).await?;
    let mut bad_rows = Vec::new();
    let preview = read_list(&file, &config, |row| {
        if bad_rows.len() < args.show {
            bad_rows.push(row);
        }
    })
    .await?;
    let report = CheckReport::new(&file.campaign, preview.checked, bad_rows);
    if args.json {
        print::json(&report)?;
    } else {
        report.print(&file.campaign)?;
    }
    if let Some(access) = access {
        let requests = live::ask(&LineAccount::new(access, &config)?, &preview.samples).await?;
        if !args.json {
            print::line(live::sentence(requests))?;
        }
    }
    Ok(if report.rejected == 0 {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// Counts the recipients of a campaign.
pub(crate) async fn count_recipients(file: &CampaignFile) -> anyhow::Result<Checked> {
    let config = aws::config(AwsResource::for_check(&file.campaign, false)).await?;
    Ok(read_list(file, &config, |_| ()).await?.checked)
}

async fn read_list(
    file: &CampaignFile,
    config: &SdkConfig,
    mut on_bad_row: impl FnMut(BadRow),
) -> anyhow::Result<Preview> {
    fanline_producer::check(file.event.clone(), config, None, |place, error| {
        on_bad_row(BadRow::new(place, error));
    })
    .await
    .map_err(exit::producer_error)
}
