//! All that the ledger says of a run.

use fanline_ledger::{
    CanaryState, CellCount, CellWords, Control, EditControlError, Equation, Lateness, OpenRun,
    PauseMode, RunControl, RunKeys, RunKind, RunRecord, RunState, RunSum, RunWatch, Tally,
    best_pace, deadline, read_control, read_sum, read_watch,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::details::RunDetails;
use super::history::{Change, ReadHistory};
use crate::args::RowOutcome;
use crate::commands::ledger::place::{Ledger, unusable};

/// The pace is that of this time up to the last outcome.
const PACE_SECONDS: i64 = 60;

/// What the control object says, or why it can't be read. Without it the rest is still told.
pub(crate) type KnownControl = Result<Control, String>;

/// All that the ledger says of a run, to be told.
#[derive(Debug, Serialize)]
pub(crate) struct KnownRun {
    pub(crate) run: String,
    /// `None` where control does not know the run.
    pub(crate) state: Option<RunState>,
    pub(crate) mode: Option<PauseMode>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) by: Option<String>,
    pub(crate) why: Option<String>,
    pub(crate) canary: Option<CanaryState>,
    pub(crate) closed: Option<Timestamp>,
    pub(crate) kind: RunKind,
    pub(crate) started_at: Timestamp,
    /// When it has to be through.
    pub(crate) deadline: Timestamp,
    pub(crate) list: String,
    #[serde(flatten)]
    pub(crate) rows: RowSum,
    /// Those of the accepted whom LINE had taken on an earlier attempt.
    pub(crate) already_accepted: u64,
    /// People of deliveries without a place in the run, in no row.
    pub(crate) loose: u64,
    /// People whom nothing can bring an outcome any more.
    pub(crate) missing: u64,
    /// People by outcome, reason and status, most first.
    pub(crate) reasons: Vec<CellCount>,
    /// What LINE said with these reasons, masked.
    pub(crate) words: CellWords,
    pub(crate) slices: Slices,
    pub(crate) last_outcome: Option<Timestamp>,
    /// People accepted a second, in the last minute of sending.
    pub(crate) people_per_second: Option<f64>,
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) late_seconds: Option<f64>,
    pub(crate) late_at_best_seconds: Option<f64>,
    pub(crate) resend_of: Option<String>,
    pub(crate) resends: usize,
    pub(crate) control_problem: Option<String>,
    /// What was done with it, the oldest first.
    pub(crate) history: Vec<Change>,
    /// What the dashboard shows besides.
    #[serde(skip)]
    pub(crate) details: RunDetails,
}

/// The sum of a run.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct RowSum {
    pub(crate) rows: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) expired: u64,
    pub(crate) set_aside: u64,
    pub(crate) cancelled: u64,
    pub(crate) waiting: u64,
    pub(crate) rejected: u64,
    pub(crate) duplicates: u64,
    pub(crate) unread: u64,
    /// 0 where all rows are in their places.
    pub(crate) difference: i64,
}

/// How far the slices of a run are.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Slices {
    pub(crate) cut: usize,
    pub(crate) read: usize,
    pub(crate) published: usize,
}

impl RowSum {
    pub(crate) fn of(equation: &Equation) -> Self {
        let people = equation.people;
        Self {
            rows: equation.rows,
            accepted: people.accepted,
            refused: people.refused,
            unknown: people.unknown,
            expired: people.expired,
            set_aside: people.set_aside,
            cancelled: people.cancelled,
            waiting: equation.waiting,
            rejected: equation.rejected,
            duplicates: equation.duplicates,
            unread: equation.unread,
            difference: equation.difference(),
        }
    }

    /// The term of an outcome.
    pub(crate) fn of_mut(&mut self, outcome: RowOutcome) -> &mut u64 {
        match outcome {
            RowOutcome::Accepted => &mut self.accepted,
            RowOutcome::Refused => &mut self.refused,
            RowOutcome::Unknown => &mut self.unknown,
            RowOutcome::Expired => &mut self.expired,
            RowOutcome::SetAside => &mut self.set_aside,
            RowOutcome::Cancelled => &mut self.cancelled,
            RowOutcome::Waiting => &mut self.waiting,
            RowOutcome::Rejected => &mut self.rejected,
            RowOutcome::Duplicate => &mut self.duplicates,
            RowOutcome::Unread => &mut self.unread,
        }
    }

    /// Whether LINE accepted each row, or the row that it repeats.
    pub(crate) fn all_accepted(&self) -> bool {
        self.rows > 0 && self.rows == self.accepted + self.duplicates
    }

    /// Rows that got nothing, as far as is known, and can't get anything by themselves any more.
    pub(crate) fn without(&self) -> u64 {
        self.refused + self.unknown + self.expired + self.set_aside + self.cancelled + self.rejected
    }

    /// Rows that can still come to their end.
    pub(crate) fn open(&self) -> u64 {
        self.waiting + self.unread
    }
}

impl KnownRun {
    /// Reads all that is known of a run.
    pub(crate) async fn read(ledger: &Ledger, record: &RunRecord) -> anyhow::Result<Self> {
        let control = Box::pin(read_known_control(ledger));
        let run = Box::pin(Self::read_with(ledger, record));
        let history = Box::pin(ReadHistory::read(ledger, &record.run));
        let (control, run, history) = tokio::join!(control, run, history);
        let mut run = run?;
        run.history = history?;
        Ok(run.tell(&control?, Timestamp::now()))
    }

    /// Reads all but control, which is the same for all runs.
    pub(crate) async fn read_with<'a>(
        ledger: &Ledger,
        record: &'a RunRecord,
    ) -> anyhow::Result<ReadRun<'a>> {
        let keys = RunKeys::new(&record.run);
        let sum = Box::pin(read_sum(&ledger.store, &keys));
        let watch = Box::pin(read_watch(&ledger.store, &keys));
        let (sum, watch) = tokio::join!(sum, watch);
        Ok(ReadRun {
            record,
            sum: sum.map_err(unusable)?,
            watch: watch.map_err(unusable)?,
            history: ReadHistory::default(),
        })
    }

    /// Whether nothing more will happen to it by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.closed.is_some() || (self.rows.rows > 0 && self.rows.open() == 0)
    }
}

/// The control object, or why it can't be read where somebody edited it into nonsense.
pub(crate) async fn read_known_control(ledger: &Ledger) -> anyhow::Result<KnownControl> {
    match read_control(&ledger.store, None).await {
        Ok(Some((control, _))) => Ok(Ok(control)),
        Ok(None) => Ok(Ok(Control::default())),
        Err(EditControlError::Object(error)) => Ok(Err(error.to_string())),
        Err(error) => Err(unusable(error)),
    }
}

/// What was read of a run.
pub(crate) struct ReadRun<'a> {
    record: &'a RunRecord,
    sum: RunSum,
    watch: RunWatch,
    history: ReadHistory,
}

impl ReadRun<'_> {
    /// What is to be told, with what control says.
    pub(crate) fn tell(self, control: &KnownControl, now: Timestamp) -> KnownRun {
        let (record, sum) = (self.record, &self.sum);
        let known = control.as_ref().ok();
        let entry = known.and_then(|control| control.run(&record.run));
        let tally = sum.tally();
        let deadline = deadline(record.started_at, expires_at(record, entry));
        let lateness = known
            .zip(entry)
            .and_then(|(control, entry)| lateness(control, entry, &self, &tally, deadline, now));
        let late_seconds = lateness.and_then(|lateness| lateness.at_this_rate);
        let rows = RowSum::of(&sum.equation());
        KnownRun {
            run: record.run.clone(),
            state: entry.map(|entry| entry.state),
            mode: entry.and_then(|entry| entry.mode),
            since: entry.map(|entry| entry.since),
            by: entry.map(|entry| entry.by.clone()),
            why: entry.and_then(|entry| entry.why.clone()),
            canary: entry.and_then(|entry| entry.canary),
            closed: entry.and_then(|entry| entry.closed),
            kind: record.kind,
            started_at: record.started_at,
            deadline,
            list: record.list.uri.clone(),
            rows,
            already_accepted: tally.already_accepted,
            loose: sum.loose.people.all(),
            missing: self.watch.missing,
            slices: Slices {
                cut: sum.lines.0.len(),
                read: sum.counts.len(),
                published: sum
                    .counts
                    .values()
                    .filter(|counts| counts.published)
                    .count(),
            },
            last_outcome: tally.last,
            people_per_second: people_per_second(&tally),
            ends_at: late_seconds.and_then(|late| {
                let late = SignedDuration::try_from_secs_f64(late).ok()?;
                deadline.checked_add(late).ok()
            }),
            late_seconds: late_seconds.map(f64::round),
            late_at_best_seconds: lateness.map(|lateness| lateness.at_best.round()),
            resend_of: record.resend_of.clone(),
            resends: record.resends.len(),
            control_problem: control.as_ref().err().cloned(),
            history: self.history.changes(entry),
            details: RunDetails::new(sum, &self.watch, known, &tally),
            words: tally.words,
            reasons: tally.cells,
        }
    }
}

/// When the run's deliveries expire: what an operator has set, or else what the campaign says.
fn expires_at(record: &RunRecord, entry: Option<&RunControl>) -> Option<Timestamp> {
    let own = record.campaign.get("expires_at").and_then(Value::as_str);
    let own = own.and_then(|time| time.parse().ok());
    match entry {
        Some(entry) => entry.expires_at(own),
        None => own,
    }
}

/// How late a run will be, as the bookkeeper's metrics say; `None` where nothing is open.
fn lateness(
    control: &Control,
    entry: &RunControl,
    run: &ReadRun<'_>,
    tally: &Tally,
    deadline: Timestamp,
    now: Timestamp,
) -> Option<Lateness> {
    if entry.closed.is_some() || run.sum.is_settled() || entry.state == RunState::Cancelled {
        return None;
    }
    let open = OpenRun {
        deadline,
        left: run.sum.deliveries_expected()?,
        rate: run.watch.rate.per_second(),
        sending_since: tally.first.unwrap_or(now),
        is_paused: entry.state == RunState::Paused,
    };
    let consumers = control.stack().consumers_of(entry.lane);
    let consumers = consumers.unwrap_or_default();
    let best = best_pace(consumers, run.watch.latency(), control.pace());
    Some(Lateness::of(&open, best, now))
}

/// People accepted a second, in the minute before the last outcome; `None` before the first one.
fn people_per_second(tally: &Tally) -> Option<f64> {
    let (first, last) = (tally.first?, tally.last?);
    let width = tally.accepted_over_time.seconds();
    let bins = PACE_SECONDS.div_euclid(width).max(1);
    let from = (last.as_second().div_euclid(width) - bins + 1) * width;
    let accepted = tally.accepted_over_time.iter();
    let people: u64 = accepted
        .filter(|(begins, _)| begins.as_second() >= from)
        .map(|(_, people)| people)
        .sum();
    let since = first.as_second().max(from);
    let seconds = (last.as_second() - since + 1).max(1);
    #[expect(
        clippy::cast_precision_loss,
        reason = "the people and the seconds of a minute or so"
    )]
    Some(people as f64 / seconds as f64)
}
