//! One run as its page shows it.

use fanline_ledger::{CanaryState, PauseMode, RunKind, RunState, deadline};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::super::page::NamedRun;
use super::super::statistics::StatisticsView;
use super::figures::{Figure, figures, time};
use super::runs::{RunRow, State};
use crate::commands::ledger::status::known::KnownRun;
use crate::commands::ledger::status::text::{cell_words, meanings, others, reason_word, sum};
use crate::commands::ledger::words::{count, from_now, percent};
use crate::report::advice::advice;

/// The width of the progress bar in its own units.
const BAR: f64 = 1_000.0;

/// What a page shows beside the run itself.
pub(in super::super) struct Beside<'a> {
    pub(in super::super) stack: &'a str,
    pub(in super::super) named: &'a NamedRun,
    pub(in super::super) form_token: &'a str,
    /// Why nothing can be changed with these credentials.
    pub(in super::super) lock: Option<&'a str>,
    pub(in super::super) family: &'a [KnownRun],
    pub(in super::super) statistics: Option<StatisticsView>,
}

/// A run in words and coordinates. `run` has the numbers.
#[derive(Serialize)]
pub(in super::super) struct RunView<'a> {
    run: &'a KnownRun,
    stack: &'a str,
    query: String,
    form_token: &'a str,
    lock: Option<&'a str>,
    #[serde(flatten)]
    again: Again,
    family: Vec<RunRow>,
    statistics: Option<&'a StatisticsView>,
    /// Whether it can be changed, and then whether it is paused.
    is_changeable: bool,
    is_paused: bool,
    has_canary: bool,
    state: State,
    /// What becomes of the deliveries of a paused run.
    mode: Option<&'static str>,
    since: Option<String>,
    kind: &'static str,
    began: String,
    terms: Vec<TermView>,
    sum: String,
    reasons: Vec<ReasonView<'a>>,
    bar: Vec<Segment>,
    bar_words: String,
    figures: Vec<Figure>,
    slices: Vec<SliceView>,
    facts: Vec<(&'static str, String)>,
}

/// What can be sent again.
#[derive(Serialize)]
struct Again {
    has_redrive: bool,
    has_resend: bool,
}

#[derive(Serialize)]
struct TermView {
    name: &'static str,
    rows: u64,
    percent: String,
    meaning: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct ReasonView<'a> {
    people: u64,
    words: String,
    /// LINE's own words.
    said: Vec<&'a str>,
    advice: &'static str,
}

/// A part of the progress bar.
#[derive(Serialize)]
struct Segment {
    x: f64,
    width: f64,
    class: &'static str,
}

#[derive(Serialize)]
struct SliceView {
    name: String,
    rows: u64,
    state: &'static str,
    accepted: u64,
    settled: u64,
    recipients: Option<u64>,
}

impl<'a> RunView<'a> {
    pub(in super::super) fn new(run: &'a KnownRun, beside: &'a Beside<'a>) -> Self {
        let now = Timestamp::now();
        let family = beside.family.iter();
        Self {
            run,
            stack: beside.stack,
            query: beside.named.query(),
            form_token: beside.form_token,
            lock: beside.lock,
            again: Again {
                has_redrive: has_redrive(run, now),
                has_resend: has_resend(run),
            },
            family: family
                .map(|member| RunRow::new(beside.named.at, member))
                .collect(),
            statistics: beside.statistics.as_ref(),
            is_changeable: matches!(run.state, Some(RunState::Open | RunState::Paused)),
            is_paused: run.state == Some(RunState::Paused),
            has_canary: run.canary == Some(CanaryState::Waiting),
            state: State::of(run),
            mode: run.mode.map(|mode| match mode {
                PauseMode::Wait => "Its deliveries wait where they are.",
                PauseMode::Park => "Its deliveries are put on the parked queue.",
            }),
            since: run.since.map(time),
            kind: match run.kind {
                RunKind::Real => "LINE",
                RunKind::Test => "the simulated LINE",
            },
            began: time(run.started_at),
            terms: terms(run),
            sum: sum(&run.rows),
            reasons: others(run)
                .map(|count| ReasonView {
                    people: count.people,
                    words: cell_words(count.cell),
                    said: run.words.of(count.cell).collect(),
                    advice: advice(reason_word(count.cell)),
                })
                .collect(),
            bar_words: format!(
                "{} accepted, {} got nothing, {} waiting",
                percent(run.rows.accepted, run.rows.rows),
                percent(run.rows.without(), run.rows.rows),
                percent(run.rows.open(), run.rows.rows)
            ),
            bar: bar(run),
            figures: figures(run, now),
            slices: slices(run),
            facts: facts(run, now),
        }
    }
}

/// Whether something of a run can be sent again under its retry keys: for 22 hours.
fn has_redrive(run: &KnownRun, now: Timestamp) -> bool {
    let horizon = deadline(run.started_at, None) - SignedDuration::from_hours(1);
    let is_sendable = matches!(
        run.state,
        Some(RunState::Open | RunState::Paused | RunState::Done)
    );
    let people = run.rows.set_aside + run.rows.expired + run.missing;
    is_sendable && people > 0 && run.resends == 0 && now < horizon
}

/// Whether a campaign can be made for those who got nothing.
fn has_resend(run: &KnownRun) -> bool {
    let people = run.rows.without() - run.rows.rejected + run.rows.open();
    run.closed.is_some() && run.resend_of.is_none() && people > 0
}

fn terms(run: &KnownRun) -> Vec<TermView> {
    let terms = meanings(&run.rows).into_iter();
    let terms = terms.filter(|(_, rows, ..)| *rows > 0);
    terms
        .map(|(name, rows, meaning, is_good)| TermView {
            name,
            rows,
            percent: percent(rows, run.rows.rows),
            meaning,
            class: match (is_good, name) {
                (false, _) => "bad",
                (true, "accepted") => "good",
                (true, _) => "",
            },
        })
        .collect()
}

/// The progress bar, from left to right.
fn bar(run: &KnownRun) -> Vec<Segment> {
    let rows = &run.rows;
    let late = rows.expired + rows.cancelled + rows.set_aside;
    let mut x = 0.0;
    [
        (rows.accepted + rows.duplicates, "accepted"),
        (late, "late"),
        (rows.refused + rows.unknown + rows.rejected, "nothing"),
    ]
    .into_iter()
    .filter(|(people, _)| *people > 0)
    .map(|(people, class)| {
        let width = BAR * as_f64(people) / as_f64(rows.rows.max(1));
        let segment = Segment { x, width, class };
        x += width;
        segment
    })
    .collect()
}

fn slices(run: &KnownRun) -> Vec<SliceView> {
    let slices = run.details.slices.iter();
    slices
        .map(|slice| SliceView {
            name: slice.slice.to_string(),
            rows: slice.rows,
            state: match (slice.recipients, slice.is_published) {
                (None, _) => "unread",
                (Some(_), false) => "being published",
                (Some(people), true) if slice.settled < people => "published",
                (Some(_), true) => "settled",
            },
            accepted: slice.accepted,
            settled: slice.settled,
            recipients: slice.recipients,
        })
        .collect()
}

/// What there is to know besides: only what is true of this run.
fn facts(run: &KnownRun, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("list", run.list.clone()),
        (
            "began",
            format!(
                "{} ({})",
                time(run.started_at),
                from_now(run.started_at, now)
            ),
        ),
    ];
    match run.canary {
        Some(CanaryState::Waiting) => {
            facts.push(("canary", "a sample is sent first; the others wait".into()));
        }
        Some(CanaryState::Passed) => facts.push(("canary", "passed".into())),
        None => {}
    }
    if let Some(root) = &run.resend_of {
        facts.push(("a resend of", root.clone()));
    }
    let numbers = [
        ("resent", run.resends as u64, "time", "times"),
        ("swept", run.details.sweeps as u64, "time", "times"),
        (
            "accepted on an earlier attempt",
            run.already_accepted,
            "person",
            "people",
        ),
        ("missing", run.missing, "person", "people"),
        ("beside the list", run.loose, "person", "people"),
    ];
    for (name, number, one, many) in numbers {
        if number > 0 {
            facts.push((name, count(number, one, many)));
        }
    }
    let pace = run.details.pace;
    for (name, pace) in [
        ("pace of pushes", pace.push),
        ("pace of multicasts", pace.multicast),
    ] {
        if let Some(pace) = pace {
            facts.push((
                name,
                format!("{pace} requests a second, set for the whole stack"),
            ));
        }
    }
    if let Some(closed) = run.closed {
        facts.push(("closed", time(closed)));
    }
    facts
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a pixel more or less does not matter"
)]
fn as_f64(n: u64) -> f64 {
    n as f64
}
