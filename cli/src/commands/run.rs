//! `fanline run`: a whole campaign on this machine.

use std::io::{self, BufRead, IsTerminal};
use std::time::Instant;

use anyhow::Context;
use fanline_core::channel::Channel;
use fanline_core::settings::variable;
use indicatif::HumanCount;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::commands::check;
use crate::exit::{CommandEnd, InputError};
use crate::print;
use crate::rehearsal::environment::World;
use crate::rehearsal::pipeline::{Pipeline, Run};
use crate::report::run_report::RunReport;
use crate::report::{html, terminal};
use crate::signals;

/// Runs the campaign and accounts for every row.
pub(crate) async fn execute(args: &RunArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    if let Some(path) = &args.report {
        // Before anything is sent: nobody wants to hear of a wrong path after a million messages.
        let opened = std::fs::File::create(path);
        opened.map_err(|error| InputError(format!("--report: {}: {error}", path.display())))?;
    }
    if let Some(binary) = args.consumer.as_ref().filter(|binary| !binary.is_file()) {
        return Err(InputError(format!(
            "--consumer: {}: there is no such file",
            binary.display()
        ))
        .into());
    }
    if args.live {
        confirm(args, &file).await?;
    }
    let world = World::start(args, &file).await?;
    let began = Instant::now();
    let pipeline = Pipeline::start(&world, args).await?;
    let given_up = tokio::select! {
        given_up = pipeline.run(&file) => given_up?,
        stopped = signals::stop() => {
            stopped?;
            Some("interrupted: run it again within a day, and only those not yet reached get it".into())
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let done = pipeline.end(given_up).await?;
    let report = report(args, &file, &world, done, seconds);
    if let Some(path) = &args.report {
        std::fs::write(path, html::page(&report)?)
            .with_context(|| format!("writing `{}`", path.display()))?;
    }
    if args.json {
        print::json(&report)?;
    } else {
        terminal::print(&report)?;
    }
    Ok(if report.is_complete() {
        CommandEnd::Complete
    } else {
        CommandEnd::Incomplete
    })
}

fn report(
    args: &RunArgs,
    file: &CampaignFile,
    world: &World,
    done: Run,
    seconds: f64,
) -> RunReport {
    RunReport {
        run: file.campaign.run(),
        channel: file.campaign.channel.as_str(),
        live: args.live,
        accounting: done.accounting,
        deliveries: done.deliveries,
        queue_requests: done.requests,
        measurements: done.measurements,
        seconds,
        dead_letters: done.dead_letters,
        rejects: done.rejects,
        line: world.line.as_ref().map(|line| line.ledger().into()),
        problem: done.problem,
    }
}

/// Says how many people a live run reaches, and asks.
async fn confirm(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<()> {
    check_live(file.campaign.channel)?;
    let checked = check::count_recipients(file).await?;
    let people = HumanCount(checked.recipients());
    print::note(format_args!(
        "This sends campaign `{}` to {people} people on LINE itself ({} rows, {} can't be sent, {} duplicates).",
        file.campaign.id,
        HumanCount(checked.rows),
        HumanCount(checked.rejected),
        HumanCount(checked.duplicates)
    ));
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(InputError(format!(
            "reaches {people} people and nobody is here to ask: add --yes"
        ))
        .into());
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

/// What a live run can't do without.
fn check_live(channel: Channel) -> Result<(), InputError> {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    match channel {
        Channel::Line if !["LINE_CHANNEL_ACCESS_TOKEN", "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN", "LINE_CHANNEL_ID"].into_iter().any(set) => {
            Err(InputError("`LINE_CHANNEL_ACCESS_TOKEN` is not set: --live sends with it".into()))
        }
        Channel::LineNotify if !set("LINE_NOTIFY_API_BASE") => {
            Err(InputError("`LINE_NOTIFY_API_BASE` is not set: LINE's own LINE Notify ended on 2025-03-31, so name a server that speaks its protocol".into()))
        }
        Channel::Line | Channel::LineNotify => Ok(()),
    }
}
