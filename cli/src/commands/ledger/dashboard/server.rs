//! The server: each request passes the guard, then a handler answers it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::runtime::Handle;

use super::access::{Access, Admission};
use super::cache::Cache;
use super::events;
use super::page::Page;
use super::parts::Parts;
use super::render::Renderer;
use super::stacks::Stack;
use crate::html::{Frame, STYLE};

/// A form has a few short fields.
const MAX_BODY_BYTES: usize = 4096;
/// A page shows what was read less than this time ago.
const MAX_AGE: Duration = Duration::from_millis(900);
/// A list of runs, and a run that is over, changes rarely.
const MAX_AGE_OF_RUNS: Duration = Duration::from_millis(1_900);
const MAX_AGE_OF_OVER: Duration = Duration::from_secs(5);

/// What a browser may do with a page of this server.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// The dashboard.
pub(super) struct Server {
    pub(super) access: Access,
    pub(super) stacks: Vec<Stack>,
    renderer: Renderer,
    cache: Cache,
}

impl Server {
    pub(super) fn new(access: Access, stacks: Vec<Stack>) -> Result<Self, minijinja::Error> {
        Ok(Self {
            access,
            stacks,
            renderer: Renderer::new()?,
            cache: Cache::default(),
        })
    }

    /// The parts of a page as they are now; `None` where there is no such page.
    pub(super) async fn parts(self: &Arc<Self>, page: &Page) -> anyhow::Result<Option<Arc<Parts>>> {
        let max_age = |parts: &Parts| match page {
            Page::Runs => MAX_AGE_OF_RUNS,
            Page::Run(_) if parts.is_over => MAX_AGE_OF_OVER,
            Page::Run(_) => MAX_AGE,
        };
        let (server, named) = (Arc::clone(self), page.clone());
        // On a thread of its own: a large run takes a while to add up.
        let read = async {
            let read = move || Handle::current().block_on(server.read(&named));
            tokio::task::spawn_blocking(read).await?
        };
        self.cache.get(page, max_age, read).await
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
        match stack.run(named).await? {
            Some(run) => Ok(Some(self.renderer.run(&run, stack.name(), named)?)),
            None => Ok(None),
        }
    }

    /// A page with one sentence.
    fn sentence(&self, status: StatusCode, title: &str, words: &str) -> Response {
        let content = json!({"title": title, "words": words});
        let frame = Frame {
            title,
            up: Some(("/", "All runs")),
            ..Frame::default()
        };
        match self.renderer.page("problem", &content, &frame) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, words.to_owned()).into_response(),
        }
    }
}

/// All addresses of the dashboard.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/run", get(page))
        .route("/events", get(events))
        .route("/style.css", get(style))
        .route("/app.js", get(script))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), guard))
        .with_state(server)
}

/// Lets a request through or refuses it, and adds the headers to each answer.
async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match server.access.admit(&parts) {
        Admission::Admitted => next.run(Request::from_parts(parts, body)).await,
        Admission::Exchange(page) => {
            let cookie = server.access.cookie();
            let headers = [(header::LOCATION, page), (header::SET_COOKIE, cookie)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Admission::Refused(refusal) => (refusal.status(), refusal.words()).into_response(),
    };
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

async fn page(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    let Some(page) = Page::of(&uri) else {
        return missing(State(server)).await;
    };
    match server.parts(&page).await {
        Ok(Some(parts)) => {
            let events = page.events_url();
            let frame = Frame {
                title: &parts.title,
                events: Some(&events),
                up: matches!(page, Page::Run(_)).then_some(("/", "All runs")),
                ..Frame::default()
            };
            match server.renderer.around(&parts, &frame) {
                Ok(page) => Html(page).into_response(),
                Err(error) => unreadable(&server, &error.into()),
            }
        }
        Ok(None) => missing(State(server)).await,
        Err(error) => unreadable(&server, &error),
    }
}

async fn events(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    match Page::of(&uri) {
        Some(page) => events::stream(server, page).into_response(),
        None => missing(State(server)).await,
    }
}

async fn missing(State(server): State<Arc<Server>>) -> Response {
    let words = "There is no such run or page.";
    server.sentence(StatusCode::NOT_FOUND, "Not found", words)
}

fn unreadable(server: &Server, error: &anyhow::Error) -> Response {
    let title = "The ledger can’t be read";
    server.sentence(StatusCode::BAD_GATEWAY, title, &format!("{error:#}"))
}

async fn style() -> Result<impl IntoResponse, Infallible> {
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE))
}

async fn script() -> Result<impl IntoResponse, Infallible> {
    let script = include_str!("app.js");
    Ok((
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        script,
    ))
}
