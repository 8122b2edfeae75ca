//! The object store: as much of S3 as the producer and the consumer use.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use parking_lot::Mutex;

use crate::network::listing::listing;

/// The objects by their paths, `/BUCKET/KEY`.
#[derive(Debug, Default)]
pub(crate) struct Objects(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    versions: u64,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    version: u64,
}

impl Object {
    fn etag(&self) -> String {
        format!("\"{:032x}\"", self.version)
    }
}

impl Objects {
    /// Writes an object, and returns its tag.
    pub(crate) fn put(&self, path: &str, bytes: impl Into<Bytes>) -> String {
        let mut state = self.0.lock();
        state.versions += 1;
        let object = Object {
            bytes: bytes.into(),
            version: state.versions,
        };
        let etag = object.etag();
        state.objects.insert(path.to_owned(), object);
        etag
    }

    /// Answers a request of an S3 client. `is_down`: only the lists can be read.
    pub(crate) fn answer(&self, request: &Request<Bytes>, is_down: bool) -> Response<Bytes> {
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or_default();
        let is_listing = query.contains("list-type=2");
        let is_kept = path.contains("/ledger/") || path.contains("/control/");
        if is_down && (is_kept || is_listing) {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
        }
        if is_listing {
            return self.list(path, query);
        }
        let object = self.0.lock().objects.get(path).cloned();
        match *request.method() {
            Method::GET | Method::HEAD => match object {
                Some(object) => read(&object, request.headers()),
                None => refusal(StatusCode::NOT_FOUND, "NoSuchKey"),
            },
            Method::PUT if may_write(object.as_ref(), request.headers()) => {
                let etag = self.put(path, request.body().clone());
                with_etag(Response::new(Bytes::new()), &etag)
            }
            Method::PUT => refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }
}

impl Objects {
    fn list(&self, path: &str, query: &str) -> Response<Bytes> {
        let bucket = format!("/{}/", path.trim_matches('/'));
        let state = self.0.lock();
        let keys = state.objects.iter().filter_map(|(path, object)| {
            let key = path.strip_prefix(&bucket)?;
            Some((key, object.bytes.len()))
        });
        Response::new(listing(query, keys).into())
    }
}

/// Whether the conditions of a write are met. `object`: what is there.
fn may_write(object: Option<&Object>, headers: &HeaderMap) -> bool {
    let is_absent = object.is_none() || !headers.contains_key("if-none-match");
    let wanted = header(headers, "if-match");
    is_absent && wanted.is_none_or(|tag| object.is_some_and(|object| object.etag() == tag))
}

fn read(object: &Object, headers: &HeaderMap) -> Response<Bytes> {
    let etag = object.etag();
    if header(headers, "if-match").is_some_and(|tag| tag != etag) {
        return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    if header(headers, "if-none-match").is_some_and(|tag| tag == etag) {
        return refusal(StatusCode::NOT_MODIFIED, "NotModified");
    }
    let mut response = Response::new(object.bytes.clone());
    if let Some(range) = header(headers, "range").and_then(|range| range.strip_prefix("bytes=")) {
        let length = object.bytes.len();
        let (from, to) = range.split_once('-').unwrap_or((range, ""));
        let from = from.parse().unwrap_or(usize::MAX);
        if from >= length {
            return refusal(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        let to = to.parse().map_or(length, |to: usize| length.min(to + 1));
        *response.body_mut() = object.bytes.slice(from..to.max(from));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {from}-{}/{length}", to.max(from + 1) - 1);
        let range = range.parse().expect("digits are a header");
        response.headers_mut().insert("content-range", range);
    }
    with_etag(response, &etag)
}

fn with_etag(mut response: Response<Bytes>, etag: &str) -> Response<Bytes> {
    let etag = etag.parse().expect("digits are a header");
    response.headers_mut().insert("etag", etag);
    response
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn refusal(status: StatusCode, code: &str) -> Response<Bytes> {
    let mut body = String::new();
    write!(body, "<Error><Code>{code}</Code></Error>").expect("a `String` takes every write");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}
