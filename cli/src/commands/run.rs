//! `fanline run`: a whole campaign on this machine.

use std::io;

use anyhow::Context;
use console::style;
use fanline_core::channel::Channel;
use fanline_ledger::Equation;
use indicatif::HumanCount;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::commands::ledger::dashboard::Dashboard;
use crate::commands::ledger::export::not_reached::NotReached;
use crate::exit::{CommandEnd, InputError};
use crate::print::{self, next_step};
use crate::rehearsal::early_end::EarlyEnd;
use crate::rehearsal::environment::RunEnvironment;
use crate::rehearsal::pipeline::Pipeline;
use crate::report::file::ReportFile;
use crate::report::run_report::RunReport;
use crate::report::{html, terminal};
use crate::signals;

mod question;
mod stopping;
mod test_to;

/// Said before a live run on LINE Notify.
const NOTIFY_HAS_NO_KEYS: &str = "LINE Notify can't tell a repeated message. If this machine dies, \
     nobody knows what became of the messages of the last two seconds, and the run can't go on.";

/// Runs the campaign and accounts for each row.
pub(crate) async fn execute(args: &RunArgs) -> anyhow::Result<CommandEnd> {
    let mut file = CampaignFile::read(&args.campaign)?;
    require_consumer(args)?;
    let report_file = report_file(args, &file)?;
    let not_reached = NotReached::new(args, &file)?;
    if args.live {
        question::access(file.campaign.channel)?;
    }
    if !args.test_to.is_empty() {
        file = test_to::campaign(args, &file).await?;
    }
    let environment = RunEnvironment::start(args, &file).await?;
    let continued = environment.require_fresh_run(&file).await?;
    if args.live && !may_send(args, &file, continued).await? {
        print::note("Not sent.");
        return Ok(CommandEnd::Impossible);
    }
    let dashboard = start_dashboard(args, &environment, &file).await?;
    let pipeline = Pipeline::start(&environment, args, &file.campaign.run()).await?;
    let early_end = tokio::select! {
        early_end = pipeline.run(&file) => early_end?,
        stopped = signals::stop() => {
            stopped?;
            Some(EarlyEnd::Interrupted)
        }
    };
    let finishing = Box::pin(async {
        let mut report = pipeline.finish(&file.campaign, early_end).await?;
        write_not_reached(not_reached, &environment, &mut report).await;
        anyhow::Ok(report)
    });
    let is_stopped = early_end == Some(EarlyEnd::Interrupted);
    let Some(report) = stopping::finish(is_stopped, finishing).await? else {
        return Ok(CommandEnd::Incomplete);
    };
    let report = report?;
    publish(args, report_file, &report)?;
    if report.is_complete() && !args.json {
        next_step::after_run(args, file.campaign.channel == Channel::LineNotify);
    }
    stay(dashboard, early_end).await?;
    Ok(if report.is_complete() {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

/// Writes the file of everybody who was not reached, where there is to be one.
async fn write_not_reached(
    not_reached: NotReached,
    environment: &RunEnvironment,
    report: &mut RunReport,
) {
    let written = not_reached.write(environment.runs.path(), &report.run);
    match written.await {
        Ok(path) => report.not_reached = path,
        Err(error) => {
            let problem = format!("the file of who did not get it is not written: {error:#}");
            report.problem.get_or_insert(problem);
        }
    }
}

/// Says what a person must know before a live run, and asks. `continued`: what became of the run so
/// far, where there was one.
async fn may_send(
    args: &RunArgs,
    file: &CampaignFile,
    continued: Option<Equation>,
) -> anyhow::Result<bool> {
    if let Some(before) = &continued {
        let (settled, rows) = (HumanCount(before.people.all()), HumanCount(before.rows));
        print::note(format_args!(
            "This continues a run: nobody gets a second message. {settled} of its {rows} rows \
             have an outcome already.",
        ));
    }
    if file.campaign.channel == Channel::LineNotify {
        print::note(NOTIFY_HAS_NO_KEYS);
    }
    let accepted = continued.map_or(0, |before| before.people.accepted);
    question::ask(args, file, accepted).await
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

/// Keeps the dashboard of a run that is over, until it is stopped.
async fn stay(dashboard: Option<Dashboard>, early_end: Option<EarlyEnd>) -> io::Result<()> {
    if dashboard.is_some() && early_end != Some(EarlyEnd::Interrupted) {
        print::note("The dashboard stays until Ctrl-C.");
        signals::stop().await?;
    }
    Ok(())
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
    let inputs = file.inputs(&args.campaign);
    ReportFile::new("--report", path, &inputs).map(Some)
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
