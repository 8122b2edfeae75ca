//! `fanline run`: a whole campaign on this machine.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::time::Instant;

use anyhow::Context;
use console::style;
use fanline_core::campaign::Channel;
use fanline_local::line::LedgerSummary;
use serde::Serialize;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::pipeline::{Pipeline, Run};
use crate::record::Record;
use crate::say::{self, count};
use crate::sdk::variable;
use crate::sum::Sum;
use crate::world::World;
use crate::{Ended, Unusable, check, page, simulate};

/// The result of a run, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) run: String,
    pub(crate) channel: &'static str,
    pub(crate) live: bool,
    #[serde(flatten)]
    pub(crate) sum: Sum,
    /// Requests to the channel that the list came to, before any retry.
    pub(crate) deliveries: u64,
    /// Requests to the queue that published them.
    pub(crate) queue_requests: u64,
    /// From the first row read to the last outcome.
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) record: Record,
    /// Why deliveries were set aside, and how many people that is.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    /// The files with the rows that can't be sent.
    pub(crate) rejects: Vec<String>,
    /// The simulated LINE's own count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<Ledger>,
    /// Why the run ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// What the simulated LINE saw: the judge of the run, which knows nothing of the pipeline's own counts.
#[derive(Serialize)]
pub(crate) struct Ledger {
    recipients_accepted: u64,
    recipients_doubled: u64,
    requests_rate_limited: u64,
}

impl From<LedgerSummary> for Ledger {
    fn from(ledger: LedgerSummary) -> Self {
        Self {
            recipients_accepted: ledger.accepted_recipients,
            recipients_doubled: ledger.duplicates,
            requests_rate_limited: ledger.rate_limited,
        }
    }
}

/// Runs the campaign and accounts for every row.
pub(crate) async fn run(args: &RunArgs) -> anyhow::Result<Ended> {
    let file = CampaignFile::read(&args.campaign)?;
    if let Some(path) = &args.report {
        // Before anything is sent: nobody wants to hear of a wrong path after a million messages.
        let opened = std::fs::File::create(path);
        opened.map_err(|error| Unusable(format!("--report: {}: {error}", path.display())))?;
    }
    if let Some(binary) = args.consumer.as_ref().filter(|binary| !binary.is_file()) {
        return Err(Unusable(format!(
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
        stopped = simulate::stop() => {
            stopped?;
            Some("interrupted: run it again within a day, and only those not yet reached get it".into())
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let done = pipeline.end(given_up).await?;
    let report = report(args, &file, &world, done, seconds);
    if let Some(path) = &args.report {
        std::fs::write(path, page::page(&report))
            .with_context(|| format!("writing `{}`", path.display()))?;
    }
    if args.json {
        say::json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.sum.all_accepted() && report.problem.is_none() {
        Ended::Well
    } else {
        Ended::WithLosses
    })
}

fn report(args: &RunArgs, file: &CampaignFile, world: &World, done: Run, seconds: f64) -> Report {
    Report {
        run: file.campaign.run(),
        channel: file.campaign.channel.as_str(),
        live: args.live,
        sum: done.sum,
        deliveries: done.deliveries,
        queue_requests: done.requests,
        record: done.record,
        seconds,
        dead_letters: done.dead_letters,
        rejects: done.rejects,
        line: world.line.as_ref().map(|line| line.ledger().into()),
        problem: done.problem,
    }
}

fn show(report: &Report) {
    let to = if report.live {
        "LINE"
    } else {
        "the simulated LINE"
    };
    say::line(format_args!(
        "{}: {} rows to {to} in {:.1} s, {} deliveries\n",
        style(&report.run).bold(),
        count(report.sum.rows),
        report.seconds,
        count(report.deliveries)
    ));
    for (name, n, meaning) in report.sum.terms() {
        if n > 0 {
            let good = matches!(name, "accepted" | "already accepted" | "duplicates");
            let name = if good {
                style(name).green()
            } else {
                style(name).red()
            };
            say::line(format_args!(
                "  {name:<18}{:>12}   {}",
                count(n),
                style(meaning).dim()
            ));
        }
    }
    say::line(format_args!("\n{}", report.sum.equation()));
    for (reason, n) in &report.dead_letters {
        say::line(format_args!("set aside as {reason}: {}", count(*n)));
    }
    for file in &report.rejects {
        say::line(format_args!("rejected rows: {file}"));
    }
    if let Some(line) = &report.line {
        say::line(format_args!(
            "the simulated LINE's ledger: {} reached, {} of them twice",
            count(line.recipients_accepted),
            count(line.recipients_doubled)
        ));
    }
    if let Some(problem) = &report.problem {
        say::note(format_args!(
            "{} {problem}",
            style("stopped:").for_stderr().red().bold()
        ));
    }
}

/// Says how many people a live run reaches, and asks.
async fn confirm(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<()> {
    check_live(file.campaign.channel)?;
    let checked = check::count_people(file).await?;
    let people = count(checked.recipients());
    say::note(format_args!(
        "This sends campaign `{}` to {people} people on LINE itself ({} rows, {} can't be sent, {} duplicates).",
        file.campaign.id,
        count(checked.rows),
        count(checked.rejected),
        count(checked.duplicates)
    ));
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Unusable(format!(
            "reaches {people} people and nobody is here to ask: add --yes"
        ))
        .into());
    }
    say::note("Send it? Type `yes`:");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(Unusable("not sent".into()).into())
    }
}

/// What a live run can't do without.
fn check_live(channel: Channel) -> Result<(), Unusable> {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    match channel {
        Channel::Line if !["LINE_CHANNEL_ACCESS_TOKEN", "LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN", "LINE_CHANNEL_ID"].into_iter().any(set) => {
            Err(Unusable("`LINE_CHANNEL_ACCESS_TOKEN` is not set: --live sends with it".into()))
        }
        Channel::LineNotify if !set("LINE_NOTIFY_API_BASE") => {
            Err(Unusable("`LINE_NOTIFY_API_BASE` is not set: LINE's own LINE Notify ended on 2025-03-31, so name a server that speaks its protocol".into()))
        }
        Channel::Line | Channel::LineNotify => Ok(()),
    }
}
