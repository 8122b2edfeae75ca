//! The addresses of the dashboard: each request passes the guard, then a handler answers it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::access::Admission;
use super::page::Page;
use super::server::Server;
use super::{again, change, events};
use crate::html::STYLE;

/// A form has a few short fields.
const MAX_BODY_BYTES: usize = 4096;

/// What a browser may do with a page of this server.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    // Without any referrer a browser would send no origin with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
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

/// All addresses of the dashboard.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/run", get(page))
        .route("/change", get(change::form).post(change::apply))
        .route("/redrive", get(again::redrive_form).post(again::redrive))
        .route("/resend", get(again::resend_form).post(again::resend))
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
        return server.missing();
    };
    match server.parts(&page).await {
        Ok(Some(parts)) => server.live(&page, &parts),
        Ok(None) => server.missing(),
        Err(error) => server.unusable("The ledger can’t be read", &error),
    }
}

async fn events(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    match Page::of(&uri) {
        Some(page) => events::stream(server, page).into_response(),
        None => server.missing(),
    }
}

async fn missing(State(server): State<Arc<Server>>) -> Response {
    server.missing()
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn script() -> impl IntoResponse {
    let script = include_str!("app.js");
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        script,
    )
}
