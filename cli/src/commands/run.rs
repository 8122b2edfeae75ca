//! `fanline run`: a whole campaign on this machine.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use anyhow::Context;
use console::style;
use fanline_core::campaign::Recipients;
use fanline_core::channel::Channel;
use fanline_core::settings::variable;
use indicatif::HumanCount;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::commands::check;
use crate::commands::ledger::dashboard::Dashboard;
use crate::exit::{CommandEnd, InputError};
use crate::rehearsal::early_end::EarlyEnd;
use crate::rehearsal::environment::RunEnvironment;
use crate::rehearsal::pipeline::Pipeline;
use crate::report::file::ReportFile;
use crate::report::run_report::RunReport;
use crate::report::{html, terminal};
use crate::{print, signals};

/// The variables that name a token for LINE. A live run needs one of them.
const TOKEN_VARIABLES: [&str; 3] = [
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN",
    "LINE_CHANNEL_ID",
];

/// Said before a live run on LINE Notify.
const NOTIFY_HAS_NO_KEYS: &str = "LINE Notify can't tell a repeated message. If this machine dies, \
     nobody knows what became of the messages of the last two seconds, and the run can't go on.";

/// Runs the campaign and accounts for each row.
pub(crate) async fn execute(args: &RunArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    require_consumer(args)?;
    let report_file = report_file(args, &file)?;
    if args.live {
        require_live_settings(file.campaign.channel)?;
    }
    let environment = RunEnvironment::start(args, &file).await?;
    let continued = environment.require_fresh_run(&file).await?;
    if args.live {
        if let Some(before) = continued {
            let (settled, rows) = (HumanCount(before.people.all()), HumanCount(before.rows));
            print::note(format_args!(
                "This continues a run: nobody gets a second message. {settled} of its {rows} rows \
                 have an outcome already.",
            ));
        }
        if file.campaign.channel == Channel::LineNotify {
            print::note(NOTIFY_HAS_NO_KEYS);
        }
        confirm(args, &file).await?;
    }
    let dashboard = start_dashboard(args, &environment, &file).await?;
    let pipeline = Pipeline::start(&environment, args).await?;
    let early_end = tokio::select! {
        early_end = pipeline.run(&file) => early_end?,
        stopped = signals::stop() => {
            stopped?;
            Some(EarlyEnd::Interrupted)
        }
    };
    let report = pipeline.finish(&file.campaign, early_end).await?;
    publish(args, report_file, &report)?;
    if dashboard.is_some() && early_end != Some(EarlyEnd::Interrupted) {
        print::note("The dashboard stays until Ctrl-C.");
        signals::stop().await?;
    }
    Ok(if report.is_complete() {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// Starts the dashboard of the run, where the flags ask for it, and prints its address.
async fn start_dashboard(
    args: &RunArgs,
    environment: &RunEnvironment,
    file: &CampaignFile,
) -> anyhow::Result<Option<Dashboard>> {
    if !args.dashboard {
        return Ok(None);
    }
    let dashboard = Dashboard::of_run(environment.runs.path(), &file.campaign.run()).await?;
    print::note(format_args!(
        "dashboard: {}",
        style(dashboard.address()).for_stderr().bold()
    ));
    Ok(Some(dashboard))
}

/// Writes the report to where the flags say.
fn publish(
    args: &RunArgs,
    report_file: Option<ReportFile>,
    report: &RunReport,
) -> anyhow::Result<()> {
    if let Some(file) = report_file {
        file.write(&html::page(report)?)
            .context("writing the report")?;
    }
    if args.json {
        print::json(report)
    } else {
        Ok(terminal::print(report)?)
    }
}

/// The file of the report. A wrong path must be known before the first message.
fn report_file(args: &RunArgs, file: &CampaignFile) -> Result<Option<ReportFile>, InputError> {
    let Some(path) = &args.report else {
        return Ok(None);
    };
    let list = match &file.campaign.recipients {
        Recipients::Path(list) => Some(Path::new(list)),
        Recipients::S3(_) | Recipients::Inline(_) => None,
    };
    let inputs: Vec<&Path> = list
        .into_iter()
        .chain([args.campaign.campaign.as_path()])
        .collect();
    ReportFile::new(path, &inputs).map(Some)
}

/// Checks the binary that the flags name, before the first message.
fn require_consumer(args: &RunArgs) -> Result<(), InputError> {
    match &args.consumer {
        Some(binary) if !binary.is_file() => {
            let binary = binary.display();
            Err(InputError(format!(
                "--consumer: {binary}: there is no such file"
            )))
        }
        _ => Ok(()),
    }
}

/// Checks that the environment has the settings without which a live run can't send.
fn require_live_settings(channel: Channel) -> Result<(), InputError> {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let problem = match channel {
        Channel::Line if !TOKEN_VARIABLES.into_iter().any(is_set) => {
            "`LINE_CHANNEL_ACCESS_TOKEN` is not set: --live sends with it"
        }
        Channel::LineNotify if !is_set("LINE_NOTIFY_API_BASE") => {
            "`LINE_NOTIFY_API_BASE` is not set: LINE ended its own LINE Notify on 2025-03-31, so \
             name a server that uses the same protocol"
        }
        Channel::Line | Channel::LineNotify => return Ok(()),
    };
    Err(InputError(problem.into()))
}

/// Says how many people a live run sends to, and asks whether to send.
async fn confirm(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<()> {
    let checked = check::count_recipients(file).await?;
    let people = HumanCount(checked.recipients());
    print::note(format_args!(
        "This sends campaign `{}` to {people} people on LINE itself \
         ({} rows, {} can't be sent, {} duplicates).",
        file.campaign.id,
        HumanCount(checked.rows),
        HumanCount(checked.rejected),
        HumanCount(checked.duplicates)
    ));
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let problem = format!(
            "this sends to {people} people, and standard input is no terminal to ask on: add --yes"
        );
        return Err(InputError(problem).into());
    }
    print::note("Send it? Type `yes`:");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(InputError("not sent".into()).into())
    }
}
