//! `fanline stats`: what people did with the messages of a run, as LINE counts.

use fanline_consumer::{LineAccess, LineAccount, UnitStatistics};
use fanline_core::delivery::AggregationUnit;
use fanline_core::settings::variable;
use fanline_ledger::RunRecord;
use indicatif::HumanCount;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::Value;

use crate::args::StatsArgs;
use crate::aws::{self, AwsResource};
use crate::commands::ledger::find_run::find_run;
use crate::commands::ledger::place::Ledger;
use crate::exit::{CommandEnd, InputError};
use crate::print;

/// LINE gives the statistics of so many days at a time, the first one and 29 more.
/// <https://developers.line.biz/en/reference/messaging-api/#get-statistics-per-unit>
const MORE_DAYS: i64 = 29;
/// LINE's days are those of this offset.
const OFFSET_HOURS: i8 = 9;

/// What there is to know of the numbers.
pub(in crate::commands::ledger) const REMARK: &str = "LINE's numbers change for 14 days after the send, and may be a little wrong. It gives none \
     that is of fewer than 20 people.";

/// The statistics, for programs.
#[derive(Serialize)]
struct StatsReport<'a> {
    run: &'a str,
    unit: &'a str,
    from: Date,
    to: Date,
    #[serde(flatten)]
    statistics: &'a UnitStatistics,
}

/// Asks LINE for the statistics of a run, and prints them.
pub(in crate::commands::ledger) async fn execute(args: &StatsArgs) -> anyhow::Result<CommandEnd> {
    let ledger = Ledger::open(&args.run.ledger).await?;
    let record = find_run(&ledger, &args.run.run).await?;
    let asked = ask(&record).await?;
    let report = StatsReport {
        run: &record.run,
        unit: asked.unit.as_str(),
        from: asked.from,
        to: asked.to,
        statistics: &asked.statistics,
    };
    if args.json {
        print::json(&report)?;
    } else {
        report.print()?;
    }
    Ok(CommandEnd::Complete)
}

/// What LINE has counted of a run.
pub(in crate::commands::ledger) struct AskedStatistics {
    unit: AggregationUnit,
    pub(in crate::commands::ledger) from: Date,
    pub(in crate::commands::ledger) to: Date,
    pub(in crate::commands::ledger) statistics: UnitStatistics,
}

/// Asks LINE for the statistics of a run, with the token of the environment.
pub(in crate::commands::ledger) async fn ask(
    record: &RunRecord,
) -> anyhow::Result<AskedStatistics> {
    let unit = unit(record)?;
    let (from, to) = days(record.started_at, Timestamp::now());
    let access = LineAccess::from_lookup(variable).map_err(|error| unusable(&error))?;
    let has_secret = variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
    let config = aws::config(has_secret.then_some(AwsResource::Token)).await?;
    let account = LineAccount::new(access, &config)?;
    let statistics = account.statistics(&unit, from, to).await;
    Ok(AskedStatistics {
        unit,
        from,
        to,
        statistics: statistics.map_err(|error| unusable(&error))?,
    })
}

/// Whether LINE counts a run.
pub(in crate::commands::ledger) fn is_counted(record: &RunRecord) -> bool {
    record.campaign.get("statistics").and_then(Value::as_bool) == Some(true)
}

impl StatsReport<'_> {
    fn print(&self) -> std::io::Result<()> {
        let Self {
            run,
            unit,
            from,
            to,
            statistics,
        } = self;
        print::line(format_args!(
            "{run}: what people did from {from} to {to} (days of Tokyo), unit {unit}"
        ))?;
        for (label, count) in overview(statistics) {
            print::line(format_args!("{label:<17}{}", people(count)))?;
        }
        for link in &statistics.clicks {
            let by = people(link.unique_click);
            print::line(format_args!("link {}: {by}", link.url))?;
        }
        print::line(REMARK)
    }
}

/// What people did, and how many.
pub(in crate::commands::ledger) fn overview(
    statistics: &UnitStatistics,
) -> [(&'static str, Option<u64>); 4] {
    let overview = &statistics.overview;
    [
        ("opened", overview.unique_impression),
        ("followed a link", overview.unique_click),
        ("began a video", overview.unique_media_played),
        ("saw it whole", overview.unique_media_played100_percent),
    ]
}

/// The unit under which LINE counts the run, or why there is none.
fn unit(record: &RunRecord) -> Result<AggregationUnit, InputError> {
    if is_counted(record) {
        return Ok(AggregationUnit::of_run(&record.run));
    }
    Err(InputError(format!(
        "LINE does not count the run `{}`: its campaign had no `\"statistics\": true`, which can't be \
         added later",
        record.run
    )))
}

/// The days that LINE is asked for: from the day on which the run began, until today.
fn days(started_at: Timestamp, now: Timestamp) -> (Date, Date) {
    let zone = TimeZone::fixed(Offset::constant(OFFSET_HOURS));
    let day = |time: Timestamp| time.to_zoned(zone.clone()).date();
    let from = day(started_at);
    let latest = from.saturating_add(MORE_DAYS.days());
    (from, day(now).clamp(from, latest))
}

/// A number of people as LINE gives it.
pub(in crate::commands::ledger) fn people(count: Option<u64>) -> String {
    match count {
        Some(count) => HumanCount(count).to_string(),
        None => "fewer than 20 people, or nobody".into(),
    }
}

fn unusable(error: &dyn std::fmt::Display) -> InputError {
    InputError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_asked_for_thirty_days_of_tokyo_at_most() {
        let days = |began: &str, now: &str| {
            let (from, to) = days(began.parse().unwrap(), now.parse().unwrap());
            format!("{from} {to}")
        };
        for (began, now, expected) in [
            (
                "2026-12-24T14:59:59Z",
                "2026-12-24T15:00:00Z",
                "2026-12-24 2026-12-25",
            ),
            (
                "2026-12-24T15:00:00Z",
                "2027-06-01T00:00:00Z",
                "2026-12-25 2027-01-23",
            ),
            (
                "2026-12-24T15:00:00Z",
                "2026-12-24T00:00:00Z",
                "2026-12-25 2026-12-25",
            ),
        ] {
            assert_eq!(days(began, now), expected);
        }
    }
}
