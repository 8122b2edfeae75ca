//! The status of a run in words.

use console::style;
use fanline_ledger::{CanaryState, Cell, CellCount, FinalOutcome, PauseMode, RunKind, RunState};
use indicatif::HumanCount;
use jiff::{SignedDuration, Timestamp};

use crate::commands::ledger::status::history::Change;
use crate::commands::ledger::status::known::{KnownRun, RowSum};
use crate::commands::ledger::words::{count, duration, from_now, people, percent, rounded, time};
use crate::report::advice::advice;

/// So many of the last things that were done are told.
const MAX_CHANGES: usize = 6;

/// A state as people read it.
pub(crate) fn state_word(run: &KnownRun) -> &'static str {
    match (run.state, run.canary) {
        (Some(RunState::Open), Some(CanaryState::Waiting)) => "open (canary)",
        (Some(RunState::Open), _) => "open",
        (Some(RunState::Paused), _) => "paused",
        (Some(RunState::Cancelled), _) => "cancelled",
        (Some(RunState::Done), _) => "done",
        (None, _) if run.is_over() => "over",
        (None, _) => "not in control",
    }
}

/// The status of a run, for people. Colours only where they are read.
pub(crate) fn text(run: &KnownRun, now: Timestamp) -> String {
    let mut text = head(run, now);
    text.push('\n');
    push_sum(&mut text, &run.rows);
    reasons(&mut text, run);
    remarks(&mut text, run, now);
    history(&mut text, run);
    text
}

/// The terms that have rows, and the sum that must hold.
pub(super) fn push_sum(text: &mut String, rows: &RowSum) {
    terms(text, rows);
    text.push_str(&equation(rows));
}

/// The last things that were done with the run, where anybody but its own functions did something.
fn history(text: &mut String, run: &KnownRun) {
    let is_usual = |change: &Change| matches!(change.by.as_str(), "producer" | "bookkeeper");
    if run.history.iter().all(is_usual) {
        return;
    }
    let earlier = run.history.len().saturating_sub(MAX_CHANGES);
    for change in run.history.iter().skip(earlier) {
        let (when, what) = (time(change.time), &change.what);
        push(text, format_args!("  {when}  {what:<20} by {}", change.by));
        if let Some(why) = &change.why {
            push(text, format_args!(": {why}"));
        }
        text.push('\n');
    }
    if earlier > 0 {
        let changes = count(earlier as u64, "earlier change", "earlier changes");
        push(text, format_args!("  {changes}: --json has all\n"));
    }
}

/// One line, for a log.
pub(crate) fn line(run: &KnownRun, now: Timestamp) -> String {
    let rows = &run.rows;
    format!(
        "{} {} {}: {} of {} accepted ({}), {} waiting, {} got nothing{}",
        time(now),
        run.run,
        state_word(run),
        HumanCount(rows.accepted),
        HumanCount(rows.rows),
        percent(rows.accepted, rows.rows),
        HumanCount(rows.open()),
        HumanCount(rows.without()),
        ends(run, now)
            .map(|ends| format!(", {ends}"))
            .unwrap_or_default()
    )
}

fn head(run: &KnownRun, now: Timestamp) -> String {
    let mut head = format!("{} is {}", style(&run.run).bold(), state_word(run));
    match run.mode {
        Some(PauseMode::Wait) => head.push_str(": its deliveries wait where they are"),
        Some(PauseMode::Park) => head.push_str(": its deliveries are put on the parked queue"),
        None => {}
    }
    if let Some((since, by)) = run.since.zip(run.by.as_ref()) {
        push(
            &mut head,
            format_args!(
                "\nsince {} ({}), by {by}",
                time(since),
                from_now(since, now)
            ),
        );
        if let Some(why) = &run.why {
            push(&mut head, format_args!(": {why}"));
        }
    }
    let kind = match run.kind {
        RunKind::Real => "to LINE",
        RunKind::Test => "to the simulated LINE",
    };
    push(
        &mut head,
        format_args!(
            "\nbegan {} ({}), {kind}, list {}\n",
            time(run.started_at),
            from_now(run.started_at, now),
            run.list
        ),
    );
    if !run.is_over() {
        let until = from_now(run.deadline, now);
        let until = format!("has to be through by {} ({until})", time(run.deadline));
        head.push_str(&until);
        if let Some(ends) = ends(run, now) {
            push(&mut head, format_args!("; {ends}"));
        }
        head.push('\n');
    }
    head
}

/// When it ends, and whether that is too late.
fn ends(run: &KnownRun, now: Timestamp) -> Option<String> {
    let ends_at = run.ends_at.filter(|_| !run.is_over())?;
    let late = run.late_seconds.filter(|late| *late > 0.0);
    let late = late.and_then(|late| SignedDuration::try_from_secs_f64(late).ok());
    let ends = from_now(ends_at, now);
    Some(match late {
        None => format!("ends {ends}"),
        Some(late) => format!("ends {ends}, {} too late", duration(late)),
    })
}

/// The terms that have rows.
fn terms(text: &mut String, rows: &RowSum) {
    for (name, number, meaning, is_good) in meanings(rows) {
        if number == 0 {
            continue;
        }
        let name = if is_good {
            style(name).green()
        } else {
            style(name).red()
        };
        push(
            text,
            format_args!(
                "  {name:<12}{:>14}{:>9}   {}\n",
                HumanCount(number).to_string(),
                percent(number, rows.rows),
                style(meaning).dim()
            ),
        );
    }
}

/// Each term with its meaning, and whether it is as it should be.
pub(crate) fn meanings(rows: &RowSum) -> [(&'static str, u64, &'static str, bool); 10] {
    [
        ("accepted", rows.accepted, "LINE accepted it", true),
        ("refused", rows.refused, "LINE will never accept it", false),
        ("unknown", rows.unknown, "LINE may have accepted it", false),
        ("expired", rows.expired, "it was too late to send it", false),
        (
            "set aside",
            rows.set_aside,
            "it waits among the dead letters for a quota or a token",
            false,
        ),
        (
            "cancelled",
            rows.cancelled,
            "the run was cancelled first",
            false,
        ),
        ("waiting", rows.waiting, "it has no outcome yet", true),
        ("rejected", rows.rejected, "the row can't be sent", false),
        (
            "duplicates",
            rows.duplicates,
            "an earlier row has the recipient",
            true,
        ),
        (
            "unread",
            rows.unread,
            "the producer has not read it yet",
            true,
        ),
    ]
}

/// The sum that must hold, and what is wrong with it.
fn equation(rows: &RowSum) -> String {
    let wrong = match rows.difference {
        0 => String::new(),
        difference => format!(
            "\n{}",
            style(format!("does not add up: {difference} rows differ")).red()
        ),
    };
    format!("\n{}{wrong}\n", sum(rows))
}

/// The rows and the terms that have any.
pub(crate) fn sum(rows: &RowSum) -> String {
    let terms: Vec<_> = meanings(rows)
        .into_iter()
        .filter(|(_, number, ..)| *number > 0)
        .map(|(name, number, ..)| format!("{} {name}", HumanCount(number)))
        .collect();
    if terms.is_empty() {
        return "the list is not cut yet".to_owned();
    }
    format!(
        "{} = {}",
        count(rows.rows, "row", "rows"),
        terms.join(" + ")
    )
}

fn reasons(text: &mut String, run: &KnownRun) {
    for count in others(run) {
        let number = people(count.people);
        push(
            text,
            format_args!("  {number} {}\n", cell_words(count.cell)),
        );
        for said in run.words.of(count.cell) {
            push(text, format_args!("    LINE said: {said}\n"));
        }
        let advice = advice(reason_word(count.cell));
        if !advice.is_empty() {
            push(text, format_args!("    {}\n", style(advice).dim()));
        }
    }
}

/// The reason, or the outcome where that says it all: what advice is found by.
pub(crate) fn reason_word(cell: Cell) -> &'static str {
    let reason = cell.reason().as_str();
    reason.unwrap_or_else(|| cell.outcome().as_str())
}

/// The people with an outcome other than accepted, by reason.
pub(crate) fn others(run: &KnownRun) -> impl Iterator<Item = &CellCount> {
    let others = run.reasons.iter();
    others.filter(|count| count.cell.outcome() != FinalOutcome::Accepted)
}

/// An outcome with its reason and status: `set aside, quota, status 429`.
pub(crate) fn cell_words(cell: Cell) -> String {
    let mut words = cell.outcome().as_str().replace('_', " ");
    if let Some(reason) = cell.reason().as_str() {
        push(&mut words, format_args!(", {}", reason.replace('_', " ")));
    }
    if let Some(status) = cell.status() {
        push(&mut words, format_args!(", status {status}"));
    }
    if cell.is_perhaps_taken() && cell.outcome() != FinalOutcome::Unknown {
        words.push_str(", perhaps accepted");
    }
    words
}

fn remarks(text: &mut String, run: &KnownRun, now: Timestamp) {
    if let Some(pace) = run.people_per_second {
        let last = run.last_outcome.map(|last| from_now(last, now));
        push(
            text,
            format_args!(
                "{} people a second in the last minute of sending; last outcome {}\n",
                rounded(pace),
                last.unwrap_or_default()
            ),
        );
    }
    if run.already_accepted > 0 {
        let number = people(run.already_accepted);
        push(
            text,
            format_args!("{number} accepted on an earlier attempt (409)\n"),
        );
    }
    if run.missing > 0 {
        let number = people(run.missing);
        push(
            text,
            format_args!("{number} missing: nothing can bring an outcome any more\n"),
        );
    }
    if run.loose > 0 {
        let number = people(run.loose);
        push(
            text,
            format_args!("{number} beside the list, in deliveries without a place\n"),
        );
    }
    let slices = &run.slices;
    if slices.published < slices.read || slices.read < slices.cut {
        push(
            text,
            format_args!(
                "{} in the list, {} read, {} published\n",
                count(slices.cut as u64, "slice", "slices"),
                slices.read,
                slices.published
            ),
        );
    }
    if let Some(root) = &run.resend_of {
        push(text, format_args!("a resend of {root}\n"));
    }
    if run.resends > 0 {
        let number = count(run.resends as u64, "time", "times");
        push(text, format_args!("resent {number}\n"));
    }
    if let Some(problem) = &run.control_problem {
        let problem = format!("the control object can't be read: {problem}");
        push(text, format_args!("{}\n", style(problem).red()));
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.push_str(&more.to_string());
}
