//! Sending again: the buttons run what `fanline redrive` and `fanline resend` run. Both ask for the
//! run's name; a resend shows first who would be on its list.

use std::sync::Arc;

use anyhow::Context;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use clap::ValueEnum;
use serde::Serialize;

use super::access::Refusal;
use super::page::NamedRun;
use super::server::Server;
use crate::args::{NamedRunArgs, RedriveArgs, RedriveOnly, ResendArgs, ResendOnly, SignArgs};
use crate::commands::ledger::place::Ledger;
use crate::commands::ledger::status::known::KnownRun;
use crate::commands::ledger::{redrive, resend};

/// The fields of a form as they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields {
    form: String,
    typed_run: String,
    why: String,
    only: Vec<String>,
    may_double: bool,
    /// Whether the plan was seen, and the resend is to be made.
    is_make: bool,
}

/// What a form shows.
#[derive(Serialize)]
struct FormView<'a> {
    run: &'a str,
    query: String,
    form_token: &'a str,
    choices: Vec<ChoiceView>,
}

/// A kind of people to choose.
#[derive(Serialize)]
struct ChoiceView {
    value: &'static str,
    words: &'static str,
    people: u64,
}

/// Who would be on the list of a resend.
#[derive(Serialize)]
struct PlanView<'a> {
    run: &'a str,
    query: String,
    form_token: &'a str,
    only: &'a [String],
    is_doubling: bool,
    chosen: Vec<(&'static str, u64)>,
    people: u64,
    certain: u64,
    may_double: u64,
    perhaps: u64,
    held: u64,
}

/// What a redrive did.
#[derive(Serialize)]
struct RedrivenView {
    lines: Vec<String>,
    query: String,
}

/// What was made.
#[derive(Serialize)]
struct MadeView {
    id: String,
    people: u64,
    campaign: String,
    query: String,
}

impl Fields {
    fn read(body: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            let value = value.trim();
            match &*name {
                "form" => value.clone_into(&mut fields.form),
                "typed_run" => value.clone_into(&mut fields.typed_run),
                "why" => value.clone_into(&mut fields.why),
                "only" => fields.only.push(value.to_owned()),
                "may_double" => fields.may_double = value == "yes",
                "step" => fields.is_make = value == "make",
                _ => {}
            }
        }
        fields
    }

    /// The values of the choices, as the command's flag takes them.
    fn only<T: ValueEnum>(&self) -> anyhow::Result<Vec<T>> {
        let values = self.only.iter().map(|word| T::from_str(word, false));
        let values: Result<Vec<T>, _> = values.collect();
        let values = values.ok().filter(|values| !values.is_empty());
        values.context("choose at least one kind of people")
    }

    fn sign(&self) -> SignArgs {
        SignArgs {
            why: (!self.why.is_empty()).then(|| self.why.clone()),
            by: None,
        }
    }
}

/// `GET /redrive`.
pub(super) async fn redrive_form(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    let choices = |run: &KnownRun| {
        let rows = &run.rows;
        vec![
            choice(
                "set-aside",
                "set aside for want of a quota or a token",
                rows.set_aside,
            ),
            choice("expired", "expired before they were sent", rows.expired),
            choice("missing", "without an outcome", rows.waiting),
        ]
    };
    form(&server, &uri, "redrive", "Redrive", choices).await
}

/// `GET /resend`.
pub(super) async fn resend_form(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    let choices = |run: &KnownRun| {
        let rows = &run.rows;
        vec![
            choice("cancelled", "cancelled", rows.cancelled),
            choice("expired", "expired", rows.expired),
            choice("set-aside", "set aside", rows.set_aside),
            choice("missing", "without an outcome", rows.open()),
            choice(
                "refused",
                "refused: LINE refuses the same message again",
                rows.refused,
            ),
            choice(
                "unknown",
                "unknown: LINE may have accepted it",
                rows.unknown,
            ),
        ]
    };
    form(&server, &uri, "resend", "Resend", choices).await
}

fn choice(value: &'static str, words: &'static str, people: u64) -> ChoiceView {
    ChoiceView {
        value,
        words,
        people,
    }
}

async fn form(
    server: &Arc<Server>,
    uri: &Uri,
    template: &str,
    title: &str,
    choices: impl Fn(&KnownRun) -> Vec<ChoiceView>,
) -> Response {
    let Some(named) = NamedRun::of(uri) else {
        return server.missing();
    };
    match server.known(&named).await {
        Ok(Some(run)) => {
            let mut choices = choices(&run);
            choices.retain(|choice| choice.people > 0);
            let view = FormView {
                run: &run.run,
                query: named.query(),
                form_token: server.access.form_token(),
                choices,
            };
            let title = format!("{title}: {}", run.run);
            server.still(StatusCode::OK, &title, template, &view)
        }
        Ok(None) => server.missing(),
        Err(error) => server.unusable("The ledger can’t be read", &error),
    }
}

/// `POST /redrive`: does what `fanline redrive` does, and says what that was.
pub(super) async fn redrive(State(server): State<Arc<Server>>, uri: Uri, body: String) -> Response {
    let (named, fields) = match admitted(&server, &uri, &body) {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    if let Some(refused) = wrong_name(&server, &named, &fields) {
        return refused;
    }
    let query = named.query();
    let done = server.on_a_thread(async move |server| {
        let args = RedriveArgs {
            run: named_args(&server, &named)?,
            only: fields.only::<RedriveOnly>()?,
            sign: fields.sign(),
            json: false,
        };
        Ok(Box::pin(redrive::redrive(&args)).await?.lines())
    });
    match done.await {
        Ok(lines) => {
            server.forget();
            let view = RedrivenView { lines, query };
            server.still(StatusCode::OK, "Redriven", "redriven", &view)
        }
        Err(error) => not_done(&server, &error),
    }
}

/// `POST /resend`: shows the plan, and makes the campaign once the plan was seen.
pub(super) async fn resend(State(server): State<Arc<Server>>, uri: Uri, body: String) -> Response {
    let (named, fields) = match admitted(&server, &uri, &body) {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    if !fields.is_make {
        return plan(&server, named, fields).await;
    }
    if let Some(refused) = wrong_name(&server, &named, &fields) {
        return refused;
    }
    let query = named.query();
    let made = server.on_a_thread(async move |server| make(&server, &named, &fields).await);
    match made.await {
        Ok(made) => {
            server.forget();
            let view = MadeView { query, ..made };
            server.still(StatusCode::OK, "The resend is made", "resend_made", &view)
        }
        Err(error) => not_done(&server, &error),
    }
}

async fn plan(server: &Arc<Server>, named: NamedRun, fields: Fields) -> Response {
    let (run, only, is_doubling) = (named.clone(), fields.only.clone(), fields.may_double);
    let planning = server.on_a_thread(async move |server| {
        let args = resend_args(&server, &run, &fields)?;
        let plan = resend::plan(ledger(&server, &run)?, &args);
        Ok(Box::pin(plan).await?.counts)
    });
    let counts = match planning.await {
        Ok(counts) => counts,
        Err(error) => return not_done(server, &error),
    };
    let people = counts.people();
    let view = PlanView {
        run: &named.run,
        query: named.query(),
        form_token: server.access.form_token(),
        only: &only,
        is_doubling,
        people,
        certain: people.saturating_sub(counts.may_double),
        may_double: counts.may_double,
        perhaps: counts.perhaps,
        held: counts.held,
        chosen: counts.chosen.into_iter().collect(),
    };
    let title = format!("Resend: {}", named.run);
    server.still(StatusCode::OK, &title, "resend_plan", &view)
}

async fn make(server: &Server, named: &NamedRun, fields: &Fields) -> anyhow::Result<MadeView> {
    let args = resend_args(server, named, fields)?;
    let ledger = ledger(server, named)?;
    let plan = Box::pin(resend::plan(ledger, &args)).await?;
    if plan.counts.people() == 0 {
        anyhow::bail!("there is nobody to resend to");
    }
    let (written, counts) = Box::pin(resend::make(ledger, &plan, &args)).await?;
    let campaign = std::path::absolute(&written.campaign)?;
    Ok(MadeView {
        id: written.id,
        people: counts.people(),
        campaign: campaign.display().to_string(),
        query: String::new(),
    })
}

fn resend_args(server: &Server, named: &NamedRun, fields: &Fields) -> anyhow::Result<ResendArgs> {
    Ok(ResendArgs {
        run: named_args(server, named)?,
        only: fields.only::<ResendOnly>()?,
        mend: None,
        may_double: fields.may_double,
        out: None,
        list: None,
        yes: true,
        sign: fields.sign(),
        json: false,
    })
}

fn ledger<'a>(server: &'a Server, named: &NamedRun) -> anyhow::Result<&'a Ledger> {
    let stack = server.stacks.get(named.at);
    Ok(stack.context("there is no such stack")?.ledger())
}

fn named_args(server: &Server, named: &NamedRun) -> anyhow::Result<NamedRunArgs> {
    let stack = server.stacks.get(named.at);
    Ok(NamedRunArgs {
        run: named.run.clone(),
        ledger: stack.context("there is no such stack")?.place(),
    })
}

/// The run and the fields of a form of ours, or the answer that refuses it.
#[expect(clippy::result_large_err, reason = "an answer is made once a click")]
fn admitted(server: &Server, uri: &Uri, body: &str) -> Result<(NamedRun, Fields), Response> {
    let fields = Fields::read(body);
    if !server.access.is_own_form(&fields.form) {
        let refusal = Refusal::Form;
        return Err(server.sentence(refusal.status(), "Not done", refusal.words()));
    }
    match NamedRun::of(uri) {
        Some(named) if server.stacks.get(named.at).is_some() => Ok((named, fields)),
        _ => Err(server.missing()),
    }
}

fn wrong_name(server: &Server, named: &NamedRun, fields: &Fields) -> Option<Response> {
    let words = format!("Nothing was done: the name is not `{}`.", named.run);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    (fields.typed_run != named.run).then(|| server.sentence(status, "Not done", &words))
}

fn not_done(server: &Server, error: &anyhow::Error) -> Response {
    server.change_failed();
    let words = format!("{error:#}");
    server.sentence(StatusCode::UNPROCESSABLE_ENTITY, "Not done", &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_whom_it_means_in_the_words_of_the_flags() {
        let fields = Fields::read("form=a&only=missing&only=set-aside&may_double=yes&step=make");
        assert!(fields.may_double && fields.is_make);
        let only = fields.only::<ResendOnly>().unwrap();
        assert_eq!(only, [ResendOnly::Missing, ResendOnly::SetAside]);
        for nobody in ["form=a", "only=everybody", "only=missing&only="] {
            assert!(
                Fields::read(nobody).only::<RedriveOnly>().is_err(),
                "{nobody}"
            );
        }
    }
}
