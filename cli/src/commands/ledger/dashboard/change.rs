//! What the buttons do: each is an edit of the control object, as the command of the same name
//! makes it. What can't be undone asks for the run's name first.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use fanline_ledger::{Control, deadline};
use serde::Serialize;

use super::access::Refusal;
use super::page::{NamedRun, Page, query};
use super::server::Server;
use crate::args::{PaceLimit, SignArgs};
use crate::commands::ledger::control::{Verb, edit_named, set_pace, unpark};
use crate::commands::ledger::status::known::KnownRun;
use crate::print;

/// A change that a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Pause,
    Resume,
    Cancel,
    Release,
    Extend,
    Pace,
}

/// The fields of a form as they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields {
    form: String,
    change: String,
    typed_run: String,
    why: String,
    expires_at: String,
    push: String,
    multicast: String,
}

/// What the page of a form shows.
#[derive(Serialize)]
struct FormView<'a> {
    run: &'a str,
    query: String,
    form_token: &'a str,
    change: &'static str,
    title: String,
    /// What will happen.
    words: &'static str,
    button: &'static str,
    /// Whether the run's name has to be typed.
    asks_name: bool,
    asks_time: bool,
    asks_pace: bool,
    push: Option<u32>,
    multicast: Option<u32>,
    /// Up to when a run can be extended.
    horizon: String,
    deadline: String,
}

impl Change {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "cancel" => Self::Cancel,
            "release" => Self::Release,
            "extend" => Self::Extend,
            "pace" => Self::Pace,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Release => "release",
            Self::Extend => "extend",
            Self::Pace => "pace",
        }
    }

    /// The button on the form, and what it does.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Pause => ("Pause", "Nothing more is sent until the run is resumed."),
            Self::Resume => ("Resume", "The run goes on."),
            Self::Cancel => (
                "Cancel the run",
                "Nothing more of this run is ever sent. This can’t be undone.",
            ),
            Self::Release => (
                "Send to everybody",
                "The sample has been sent first. Now everybody else is sent to. What is sent can’t \
                 be taken back.",
            ),
            Self::Extend => (
                "Change the time",
                "What is not sent by this time expires. What has expired already stays so.",
            ),
            Self::Pace => (
                "Set the pace",
                "This limits the requests a second of the whole stack, below LINE’s own limits. An \
                 empty field sets no limit.",
            ),
        }
    }

    fn asks_name(self) -> bool {
        matches!(self, Self::Cancel | Self::Release)
    }
}

/// `GET /change`: the form for one change of a run.
pub(super) async fn form(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    let change = query(&uri, "do").and_then(|word| Change::of(&word));
    let (Some(change), Some(named)) = (change, NamedRun::of(&uri)) else {
        return server.missing();
    };
    match server.known(&named).await {
        Ok(Some(run)) => {
            let view = FormView::new(change, &run, &named, server.access.form_token());
            server.still(StatusCode::OK, &view.title, "change", &view)
        }
        Ok(None) => server.missing(),
        Err(error) => server.unusable("The ledger can’t be read", &error),
    }
}

impl<'a> FormView<'a> {
    fn new(change: Change, run: &'a KnownRun, named: &NamedRun, form_token: &'a str) -> Self {
        let (button, words) = change.words();
        let horizon = deadline(run.started_at, None).to_string();
        Self {
            run: &run.run,
            query: named.query(),
            form_token,
            change: change.word(),
            title: format!("{button}: {}", run.run),
            words,
            button,
            asks_name: change.asks_name(),
            asks_time: change == Change::Extend,
            asks_pace: change == Change::Pace,
            push: run.details.pace.push,
            multicast: run.details.pace.multicast,
            horizon,
            deadline: run.deadline.to_string(),
        }
    }
}

/// `POST /change`: makes a change, and goes back to the run.
pub(super) async fn apply(State(server): State<Arc<Server>>, uri: Uri, body: String) -> Response {
    let fields = Fields::read(&body);
    if !server.access.is_own_form(&fields.form) {
        let refusal = Refusal::Form;
        return server.sentence(refusal.status(), "Not changed", refusal.words());
    }
    let (Some(change), Some(named)) = (Change::of(&fields.change), NamedRun::of(&uri)) else {
        return server.missing();
    };
    if server.stacks.get(named.at).is_none() {
        return server.missing();
    }
    if change.asks_name() && fields.typed_run.trim() != named.run {
        let words = format!("Nothing was changed: the name is not `{}`.", named.run);
        return server.sentence(StatusCode::UNPROCESSABLE_ENTITY, "Not changed", &words);
    }
    let page = Page::Run(named.clone());
    let made = server.on_a_thread(move |server| make(server, change, named, fields));
    match made.await {
        Ok(()) => {
            server.forget();
            (StatusCode::SEE_OTHER, [(header::LOCATION, page.url())]).into_response()
        }
        Err(error) => {
            server.change_failed();
            let words = format!("{error:#}");
            server.sentence(StatusCode::UNPROCESSABLE_ENTITY, "Not changed", &words)
        }
    }
}

impl Fields {
    /// Reads a form. A field that is there twice counts as it is the first time.
    fn read(body: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            let field = match &*name {
                "form" => &mut fields.form,
                "do" => &mut fields.change,
                "typed_run" => &mut fields.typed_run,
                "why" => &mut fields.why,
                "expires_at" => &mut fields.expires_at,
                "push" => &mut fields.push,
                "multicast" => &mut fields.multicast,
                _ => continue,
            };
            if field.is_empty() {
                value.trim().clone_into(field);
            }
        }
        fields
    }

    fn verb(&self, change: Change) -> anyhow::Result<Option<Verb>> {
        Ok(Some(match change {
            Change::Pause => Verb::Pause(None),
            Change::Resume => Verb::Resume,
            Change::Cancel => Verb::Cancel,
            Change::Release => Verb::Release,
            Change::Extend => {
                let time = self.expires_at.parse();
                let problem = "the time is not like `2026-12-25T20:00:00+08:00`";
                Verb::Extend(time.ok().context(problem)?)
            }
            Change::Pace => return Ok(None),
        }))
    }
}

/// A limit as it was typed: nothing is no limit.
fn limit(text: &str) -> anyhow::Result<PaceLimit> {
    if text.is_empty() {
        return Ok(PaceLimit(None));
    }
    text.parse()
        .map_err(|problem| anyhow!("`{text}`: {problem}"))
}

async fn make(
    server: Arc<Server>,
    change: Change,
    named: NamedRun,
    fields: Fields,
) -> anyhow::Result<()> {
    let stack = server
        .stacks
        .get(named.at)
        .context("there is no such stack")?;
    let sign = SignArgs {
        why: (!fields.why.is_empty()).then(|| fields.why.clone()),
        by: None,
    };
    let Some(verb) = fields.verb(change)? else {
        let (push, multicast) = (limit(&fields.push)?, limit(&fields.multicast)?);
        set_pace(stack.ledger(), &sign, Some(push), Some(multicast)).await?;
        return Ok(());
    };
    let edited = edit_named(stack.ledger(), &named.run, &sign, verb).await?;
    if change == Change::Resume {
        unpark_behind(Arc::clone(&server), named, edited.after);
    }
    Ok(())
}

/// Puts parked deliveries back while the page goes on: a million of them take minutes. Where the
/// dashboard is stopped in the middle, `fanline resume` does the rest.
fn unpark_behind(server: Arc<Server>, named: NamedRun, control: Control) {
    let work = async move |server: Arc<Server>| match server.stacks.get(named.at) {
        Some(stack) => unpark(stack.ledger(), &named.run, &control).await,
        None => Ok(0),
    };
    tokio::spawn(async move {
        if let Err(error) = server.on_a_thread(work).await {
            print::error(&error.context("parked deliveries were not put back"));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Change; 6] = [
        Change::Pause,
        Change::Resume,
        Change::Cancel,
        Change::Release,
        Change::Extend,
        Change::Pace,
    ];

    #[test]
    fn every_change_has_a_word_and_what_can_not_be_undone_asks_for_the_name() {
        for change in ALL {
            assert_eq!(Change::of(change.word()), Some(change));
        }
        assert_eq!(Change::of("redrive"), None);
        let asking: Vec<_> = ALL
            .into_iter()
            .filter(|change| change.asks_name())
            .collect();
        assert_eq!(asking, [Change::Cancel, Change::Release]);
    }

    #[test]
    fn a_form_is_read_field_by_field() {
        let fields = Fields::read("do=extend&form=abc&why=a%26b+c&other=1&do=cancel");
        let expected = Fields {
            form: "abc".into(),
            change: "extend".into(),
            why: "a&b c".into(),
            ..Fields::default()
        };
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_time_needs_its_offset_and_a_limit_is_a_number_or_nothing() {
        let extend = |time: &str| {
            let fields = Fields {
                expires_at: time.into(),
                ..Fields::default()
            };
            fields.verb(Change::Extend).is_ok()
        };
        assert!(extend("2026-12-25T20:00:00+08:00") && extend("2026-12-25T12:00:00Z"));
        for time in ["", "2026-12-25", "2026-12-25T20:00:00", "tomorrow"] {
            assert!(!extend(time), "{time}");
        }
        assert_eq!(limit("").unwrap(), PaceLimit(None));
        assert_eq!(limit("500").unwrap(), PaceLimit(Some(500)));
        assert!(limit("fast").is_err());
    }
}
