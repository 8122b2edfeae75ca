//! The numbers at the top of a run's page, each with what to hold it against.

use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::commands::ledger::status::known::KnownRun;
use crate::commands::ledger::words::{self, count, duration, from_now, percent, rounded};
use crate::report::measurements::recipients_limit;

/// A number with its name, and what to hold it against.
#[derive(Serialize)]
pub(super) struct Figure {
    name: &'static str,
    value: String,
    beside: String,
    class: &'static str,
}

pub(super) fn figures(run: &KnownRun, now: Timestamp) -> Vec<Figure> {
    let figure = |name, value: String, beside: String| Figure {
        name,
        value,
        beside,
        class: "",
    };
    let rows = &run.rows;
    let mut figures = vec![figure(
        "LINE accepted",
        percent(rows.accepted, rows.rows),
        format!(
            "{} of {}",
            number(rows.accepted),
            count(rows.rows, "row", "rows")
        ),
    )];
    if let Some(pace) = run.people_per_second {
        let limit = limit(run).map(|limit| format!("LINE’s limit {}", number(limit)));
        figures.push(figure(
            "people a second",
            rounded(pace),
            limit.unwrap_or_default(),
        ));
    }
    if let Some(rate) = run.details.settled_per_second.filter(|_| !run.is_over()) {
        let all = rounded(rate.push + rate.multicast);
        let latency = run.details.latency_ms;
        let latency = latency.map(|latency| format!("half are answered in {latency} ms"));
        figures.push(figure(
            "requests a second",
            all,
            latency.unwrap_or_default(),
        ));
    }
    if rows.open() > 0 {
        figures.push(figure("waiting", number(rows.open()), String::new()));
    }
    if !run.is_over() {
        figures.extend(ends(run, now));
        let deadline = from_now(run.deadline, now);
        figures.push(figure("has to be through", deadline, time(run.deadline)));
    }
    if let Some(last) = run.last_outcome {
        figures.push(figure("last outcome", from_now(last, now), time(last)));
    }
    figures
}

/// When it ends; in words and in a colour where that is too late.
fn ends(run: &KnownRun, now: Timestamp) -> Option<Figure> {
    let ends_at = run.ends_at?;
    let late = run.late_seconds.filter(|late| *late > 0.0);
    let late = late.and_then(|late| SignedDuration::try_from_secs_f64(late).ok());
    Some(Figure {
        name: "ends",
        value: from_now(ends_at, now),
        class: if late.is_some() { "bad" } else { "" },
        beside: match late {
            Some(late) => format!("{} too late", duration(late)),
            None => time(ends_at),
        },
    })
}

/// The people a second that LINE's limits allow, with so many people in a request as so far.
pub(super) fn limit(run: &KnownRun) -> Option<u64> {
    let settled = run.details.settled;
    recipients_limit(run.details.settled_people, settled.push, settled.multicast)
}

/// A time with a space where a narrow screen may break it.
pub(super) fn time(at: Timestamp) -> String {
    words::time(at).replace('T', " ")
}

fn number(number: u64) -> String {
    HumanCount(number).to_string()
}
