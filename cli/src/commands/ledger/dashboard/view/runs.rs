//! The runs of all stacks as their page shows them.

use fanline_ledger::RunState;
use serde::Serialize;

use super::super::page::{NamedRun, Page};
use crate::commands::ledger::runs::NewestRuns;
use crate::commands::ledger::status::known::KnownRun;
use crate::commands::ledger::status::text::state_word;
use crate::commands::ledger::words::{percent, time};

/// A stack with its newest runs.
#[derive(Serialize)]
pub(in super::super) struct StackView<'a> {
    name: &'a str,
    runs: Vec<RunRow>,
    older: usize,
    /// Why something of it can't be read.
    problem: Option<String>,
}

/// A state, and the class that colours it.
#[derive(Serialize)]
pub(super) struct State {
    word: &'static str,
    class: &'static str,
}

/// A run in one row.
#[derive(Serialize)]
pub(super) struct RunRow {
    run: String,
    url: String,
    state: State,
    began: String,
    rows: u64,
    accepted: String,
    open: u64,
    without: u64,
}

impl State {
    pub(super) fn of(run: &KnownRun) -> Self {
        let class = match run.state {
            Some(RunState::Paused | RunState::Cancelled) => "warn",
            _ if run.is_over() && run.rows.without() > 0 => "bad",
            _ if run.is_over() => "good",
            _ => "",
        };
        Self {
            word: state_word(run),
            class,
        }
    }
}

impl<'a> StackView<'a> {
    pub(in super::super) fn new(
        at: usize,
        name: &'a str,
        runs: &anyhow::Result<NewestRuns>,
    ) -> Self {
        match runs {
            Ok(newest) => Self {
                name,
                runs: newest.runs.iter().map(|run| RunRow::new(at, run)).collect(),
                older: newest.older,
                problem: newest
                    .control_problem
                    .as_ref()
                    .map(|problem| format!("the control object can't be read: {problem}")),
            },
            Err(error) => Self {
                name,
                runs: Vec::new(),
                older: 0,
                problem: Some(format!("{error:#}")),
            },
        }
    }
}

impl RunRow {
    pub(super) fn new(at: usize, known: &KnownRun) -> Self {
        let run = known.run.clone();
        let named = NamedRun { at, run };
        Self {
            state: State::of(known),
            began: time(known.started_at),
            rows: known.rows.rows,
            accepted: percent(known.rows.accepted, known.rows.rows),
            open: known.rows.open(),
            without: known.rows.without(),
            run: named.run.clone(),
            url: Page::Run(named).url(),
        }
    }
}
