//! The templates of the dashboard, and what they are filled with.

use jiff::Timestamp;
use minijinja::Value;
use serde::Serialize;
use serde_json::json;

use super::page::NamedRun;
use super::parts::{Part, Parts};
use super::view::{self, Beside, RunView, StackView};
use crate::args::VERSION;
use crate::commands::ledger::runs::NewestRuns;
use crate::commands::ledger::status::known::KnownRun;
use crate::html::{Frame, Templates, chart};

const RUNS: &str = "runs";
const COURSE: &str = "course";
const CONTROLS: &str = "controls";

const TEMPLATES: [(&str, &str); 18] = [
    (RUNS, include_str!("templates/runs.html.j2")),
    ("state", include_str!("templates/state.html.j2")),
    ("figures", include_str!("templates/figures.html.j2")),
    (COURSE, include_str!("templates/course.html.j2")),
    ("outcomes", include_str!("templates/outcomes.html.j2")),
    ("reasons", include_str!("templates/reasons.html.j2")),
    ("facts", include_str!("templates/facts.html.j2")),
    ("slices", include_str!("templates/slices.html.j2")),
    ("family", include_str!("templates/family.html.j2")),
    ("statistics", include_str!("templates/statistics.html.j2")),
    (CONTROLS, include_str!("templates/controls.html.j2")),
    ("redrive", include_str!("templates/redrive.html.j2")),
    ("redriven", include_str!("templates/redriven.html.j2")),
    ("resend", include_str!("templates/resend.html.j2")),
    ("resend_plan", include_str!("templates/resend_plan.html.j2")),
    ("resend_made", include_str!("templates/resend_made.html.j2")),
    ("change", include_str!("templates/change.html.j2")),
    ("problem", include_str!("templates/problem.html.j2")),
];

/// The parts of a run's page, in their order. Each has a template of its name.
const RUN_PARTS: [&str; 10] = [
    "state",
    CONTROLS,
    "figures",
    COURSE,
    "outcomes",
    "facts",
    "reasons",
    "family",
    "statistics",
    "slices",
];

/// The templates of the dashboard.
pub(super) struct Renderer(Templates);

impl Renderer {
    pub(super) fn new() -> Result<Self, minijinja::Error> {
        Ok(Self(Templates::new(&TEMPLATES)?))
    }

    /// A page of one template.
    pub(super) fn page(
        &self,
        template: &str,
        data: &impl Serialize,
        frame: &Frame<'_>,
    ) -> Result<String, minijinja::Error> {
        self.0.page(frame, self.0.part(template, data)?)
    }

    /// A page of these parts.
    pub(super) fn around(
        &self,
        parts: &Parts,
        frame: &Frame<'_>,
    ) -> Result<String, minijinja::Error> {
        self.0.page(frame, parts.content())
    }

    /// The runs of all stacks.
    pub(super) fn runs(
        &self,
        stacks: &[(&str, anyhow::Result<NewestRuns>)],
    ) -> Result<Parts, minijinja::Error> {
        let stacks = stacks.iter().enumerate();
        let stacks: Vec<_> = stacks
            .map(|(at, (name, runs))| StackView::new(at, name, runs))
            .collect();
        let html = self.0.part(RUNS, &json!({"stacks": stacks}))?;
        Ok(Parts {
            title: "Runs".into(),
            all: vec![Part { id: RUNS, html }],
            is_over: false,
        })
    }

    /// One run.
    pub(super) fn run(
        &self,
        run: &KnownRun,
        beside: &Beside<'_>,
    ) -> Result<Parts, minijinja::Error> {
        let view = RunView::new(run, beside);
        let mut parts = Vec::new();
        for id in RUN_PARTS {
            let html = if id == COURSE {
                self.course(run)?
            } else {
                self.0.part(id, &view)?
            };
            parts.push(Part { id, html });
        }
        Ok(Parts {
            title: run.run.clone(),
            all: parts,
            is_over: run.is_over(),
        })
    }

    /// One run as a page that needs no other file.
    pub(super) fn report(&self, run: &KnownRun, stack: &str) -> Result<String, minijinja::Error> {
        let named = NamedRun {
            at: 0,
            run: run.run.clone(),
        };
        let beside = Beside {
            stack,
            named: &named,
            form_token: "",
            lock: None,
            family: &[],
            statistics: None,
        };
        let mut parts = self.run(run, &beside)?;
        parts.all.retain(|part| part.id != CONTROLS);
        let frame = Frame {
            title: &parts.title,
            is_file: true,
            ..Frame::default()
        };
        let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let as_of = format!("<p class=\"dim\">As of {now}, by fanline {VERSION}.</p>\n");
        self.0.page(&frame, as_of + &parts.content())
    }

    /// A run that is about to begin: all parts are there, to be filled.
    pub(super) fn awaited(named: &NamedRun) -> Parts {
        let part = |id| Part {
            id,
            html: String::new(),
        };
        let mut all: Vec<_> = RUN_PARTS.into_iter().map(part).collect();
        if let Some(first) = all.first_mut() {
            first.html = "<h1>The run is about to begin.</h1>".into();
        }
        Parts {
            title: named.run.clone(),
            all,
            is_over: false,
        }
    }

    fn course(&self, run: &KnownRun) -> Result<String, minijinja::Error> {
        let chart = view::chart(run).map(|chart| self.0.part(chart::TEMPLATE, &chart));
        let chart = chart.transpose()?.map(Value::from_safe_string);
        self.0.part(COURSE, &minijinja::context! { chart })
    }
}
