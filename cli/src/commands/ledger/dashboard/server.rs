//! What the answers are made of: the stacks, the templates, and what was read a moment ago.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio::runtime::Handle;

use super::access::Access;
use super::cache::Cache;
use super::page::{NamedRun, Page};
use super::parts::Parts;
use super::render::Renderer;
use super::stacks::Stack;
use super::statistics::Statistics;
use super::view::Beside;
use crate::commands::ledger::status::known::KnownRun;
use crate::html::Frame;

/// A page shows what was read less than this time ago.
const MAX_AGE: Duration = Duration::from_millis(900);
/// A list of runs, and a run that is over, changes rarely.
const MAX_AGE_OF_RUNS: Duration = Duration::from_millis(1_900);
const MAX_AGE_OF_OVER: Duration = Duration::from_secs(5);
/// The page above that of a run.
const ALL_RUNS: (&str, &str) = ("/", "All runs");

/// The dashboard.
pub(super) struct Server {
    pub(super) access: Access,
    pub(super) stacks: Vec<Stack>,
    /// A run that is about to begin, and so has a page already.
    awaited: Option<NamedRun>,
    renderer: Renderer,
    cache: Cache,
    statistics: Arc<Statistics>,
}

impl Server {
    pub(super) fn new(
        access: Access,
        stacks: Vec<Stack>,
        awaited: Option<NamedRun>,
    ) -> Result<Self, minijinja::Error> {
        Ok(Self {
            access,
            stacks,
            awaited,
            renderer: Renderer::new()?,
            cache: Cache::default(),
            statistics: Arc::default(),
        })
    }

    /// The parts of a page as they are now; `None` where there is no such page.
    pub(super) async fn parts(self: &Arc<Self>, page: &Page) -> anyhow::Result<Option<Arc<Parts>>> {
        let max_age = |parts: &Parts| match page {
            Page::Runs => MAX_AGE_OF_RUNS,
            Page::Run(_) if parts.is_over => MAX_AGE_OF_OVER,
            Page::Run(_) => MAX_AGE,
        };
        let named = page.clone();
        let read = self.on_a_thread(async move |server| server.read(&named).await);
        self.cache.get(page, max_age, read).await
    }

    /// A run as it is now; `None` where there is none of this name.
    pub(super) async fn known(
        self: &Arc<Self>,
        named: &NamedRun,
    ) -> anyhow::Result<Option<KnownRun>> {
        let named = named.clone();
        let read = async move |server: Arc<Self>| match server.stacks.get(named.at) {
            Some(stack) => stack.run(&named).await,
            None => Ok(None),
        };
        self.on_a_thread(read).await
    }

    /// Works with the ledgers on a thread of its own: a large run takes a while to add up.
    pub(super) async fn on_a_thread<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> anyhow::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = anyhow::Result<T>>,
    {
        let server = Arc::clone(self);
        let work = move || Handle::current().block_on(work(server));
        tokio::task::spawn_blocking(work).await?
    }

    async fn read(&self, page: &Page) -> anyhow::Result<Option<Parts>> {
        let Page::Run(named) = page else {
            let mut stacks = Vec::new();
            for stack in &self.stacks {
                stacks.push((stack.name(), stack.runs().await));
            }
            return Ok(Some(self.renderer.runs(&stacks)?));
        };
        let Some(stack) = self.stacks.get(named.at) else {
            return Ok(None);
        };
        match stack.shown(named).await? {
            Some(shown) => Ok(Some(self.renderer.run(
                &shown.run,
                &Beside {
                    stack: stack.name(),
                    named,
                    form_token: self.access.form_token(),
                    lock: shown.lock.as_deref(),
                    family: &shown.family,
                    statistics: self.statistics.of_run(named, &shown.record),
                },
            )?)),
            None if self.awaited.as_ref() == Some(named) => Ok(Some(Renderer::awaited(named))),
            None => Ok(None),
        }
    }

    /// The page of these parts, which hears what is new.
    pub(super) fn live(&self, page: &Page, parts: &Parts) -> Response {
        let events = page.events_url();
        let frame = Frame {
            title: &parts.title,
            events: Some(&events),
            up: matches!(page, Page::Run(_)).then_some(ALL_RUNS),
            ..Frame::default()
        };
        answer(StatusCode::OK, self.renderer.around(parts, &frame))
    }

    /// A page of one template, which stays as it is.
    pub(super) fn still(
        &self,
        status: StatusCode,
        title: &str,
        template: &str,
        data: &impl Serialize,
    ) -> Response {
        let frame = Frame {
            title,
            up: Some(ALL_RUNS),
            ..Frame::default()
        };
        answer(status, self.renderer.page(template, data, &frame))
    }

    /// A page with one sentence.
    pub(super) fn sentence(&self, status: StatusCode, title: &str, words: &str) -> Response {
        let data = json!({"title": title, "words": words});
        self.still(status, title, "problem", &data)
    }

    pub(super) fn missing(&self) -> Response {
        let words = "There is no such run or page.";
        self.sentence(StatusCode::NOT_FOUND, "Not found", words)
    }

    /// What can't be read or changed, and why.
    pub(super) fn unusable(&self, title: &str, error: &anyhow::Error) -> Response {
        self.sentence(StatusCode::BAD_GATEWAY, title, &format!("{error:#}"))
    }

    /// Something was changed: everything is read again.
    pub(super) fn forget(&self) {
        self.cache.clear();
    }

    /// A change has failed: perhaps a right is missing, and the pages are to say so.
    pub(super) fn change_failed(&self) {
        self.stacks.iter().for_each(Stack::forget_lock);
        self.forget();
    }
}

fn answer(status: StatusCode, page: Result<String, minijinja::Error>) -> Response {
    match page {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            let words = format!("a page can't be made: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}
