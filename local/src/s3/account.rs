//! The buckets by name, and what each request does with them.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use hyper::StatusCode;

use crate::s3::answer::Answer;
use crate::s3::bucket::{Bucket, PutRefusal};
use crate::s3::call::{Action, Call, Conditions, CopySource, Range};
use crate::s3::faults::{S3Call, S3Fault, S3Faults};
use crate::s3::listing;
use crate::s3::options::{MAX_PAGE_ENTRIES, S3Options};

type Script = Box<dyn FnMut(&S3Call) -> Option<S3Fault> + Send>;

/// What was requested so far, as S3 bills it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct S3Counts {
    /// `GET` and `HEAD`.
    pub gets: u64,
    /// `PUT`.
    pub puts: u64,
    /// Listings.
    pub lists: u64,
    /// `DELETE`, which costs nothing.
    pub deletes: u64,
}

/// All buckets, and the settings of the stand-in.
pub(crate) struct Account {
    options: S3Options,
    buckets: BTreeMap<String, Bucket>,
    pub(crate) counts: S3Counts,
    pub(crate) script: Option<Script>,
    requests: u64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets: Vec<_> = self.buckets.keys().collect();
        f.debug_struct("Account")
            .field("buckets", &buckets)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Account {
    pub(crate) fn new(options: S3Options) -> Self {
        let names = options.buckets.iter();
        Self {
            buckets: names
                .map(|name| (name.clone(), Bucket::default()))
                .collect(),
            options,
            counts: S3Counts::default(),
            script: None,
            requests: 0,
        }
    }

    pub(crate) fn set_faults(&mut self, faults: S3Faults) {
        self.options.faults = faults;
    }

    pub(crate) fn put(&mut self, bucket: &str, key: &str, content: Bytes) -> bool {
        let versions = self.options.versions;
        let bucket = self.buckets.get_mut(bucket);
        bucket.is_some_and(|bucket| bucket.put(key, content, None, None, versions).is_ok())
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.buckets.get(bucket)?.get(key)?.content.clone()
    }

    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let bucket = self.buckets.get(bucket).into_iter();
        let listed = bucket.flat_map(|bucket| bucket.list(prefix, ""));
        listed.map(|(key, _)| key.to_owned()).collect()
    }

    /// Answers a request, unless it has a fault.
    pub(crate) fn answer(&mut self, call: &Call, body: Bytes) -> Answer {
        self.count(call);
        let told = self.script.as_mut().and_then(|script| script(&call.seen()));
        let drawn = || {
            let faults = &self.options.faults;
            faults.draw(self.requests, call.is_conditional_put())
        };
        let fault = told.or_else(drawn);
        let error = |status, code| Answer::error(status, code);
        match fault {
            None => self.act(call, body),
            Some(S3Fault::Unavailable) => error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Some(S3Fault::PutUnderWay) => error(StatusCode::CONFLICT, "ConditionalRequestConflict"),
            Some(S3Fault::Denied) => error(StatusCode::FORBIDDEN, "AccessDenied"),
            Some(S3Fault::KeyDenied) => Answer::key_denied(),
            Some(S3Fault::OtherRegion) => Answer::other_region(),
            Some(S3Fault::Silent) => Answer::Silent,
            Some(S3Fault::LostAnswer) => {
                self.act(call, body);
                error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
            }
            Some(S3Fault::DoneAndSilent) => {
                self.act(call, body);
                Answer::Silent
            }
        }
    }

    fn count(&mut self, call: &Call) {
        self.requests += 1;
        let count = match &call.action {
            Action::Get { .. } | Action::Notifications => &mut self.counts.gets,
            Action::Put | Action::Copy(_) | Action::CreateBucket => &mut self.counts.puts,
            Action::Delete { .. } => &mut self.counts.deletes,
            Action::List(_) | Action::ListVersions { .. } => &mut self.counts.lists,
        };
        *count += 1;
    }

    fn act(&mut self, call: &Call, body: Bytes) -> Answer {
        if self.options.forbidden.contains(&call.bucket) {
            return Answer::error(StatusCode::FORBIDDEN, "AccessDenied");
        }
        if matches!(call.action, Action::CreateBucket) {
            self.buckets.entry(call.bucket.clone()).or_default();
            return Answer::empty(StatusCode::OK);
        }
        let versions = self.options.versions;
        if let Action::Copy(source) = &call.action {
            return self.copy(source, call);
        }
        let most = self.options.page_entries.clamp(1, MAX_PAGE_ENTRIES);
        let Some(bucket) = self.buckets.get_mut(&call.bucket) else {
            return Answer::error(StatusCode::NOT_FOUND, "NoSuchBucket");
        };
        match &call.action {
            Action::Get { version, range, .. } => {
                get(bucket, call, version.as_deref(), *range, versions)
            }
            Action::Put => {
                let Conditions {
                    if_match,
                    if_none_match,
                } = &call.conditions;
                let (if_match, if_none_match) = (if_match.as_deref(), if_none_match.as_deref());
                let answer = match bucket.put(&call.key, body, if_match, if_none_match, versions) {
                    Ok(version) => Answer::put(version, versions),
                    Err(refusal) => return Answer::refused(refusal),
                };
                bucket.describe(&call.key, call.metadata.clone());
                answer
            }
            Action::Delete { version } => {
                let expected = call.conditions.if_match.as_ref();
                let found = bucket.get(&call.key).map(|found| &found.etag);
                if expected.is_some() && found.is_some() && found != expected {
                    return Answer::refused(PutRefusal::Failed);
                }
                match version {
                    Some(id) => bucket.delete_version(&call.key, id),
                    None => bucket.delete(&call.key, versions),
                }
                Answer::empty(StatusCode::NO_CONTENT)
            }
            Action::List(query) => Answer::xml(listing::page(bucket, query, most)),
            Action::ListVersions { prefix } => Answer::xml(listing::versions(bucket, prefix)),
            Action::Notifications => Answer::notifications(self.options.tells_event_bridge),
            Action::CreateBucket | Action::Copy(_) => Answer::empty(StatusCode::OK),
        }
    }
}

impl Account {
    fn copy(&mut self, source: &CopySource, call: &Call) -> Answer {
        if self.options.forbidden.contains(&source.bucket) {
            return Answer::error(StatusCode::FORBIDDEN, "AccessDenied");
        }
        let found = self.buckets.get(&source.bucket);
        let found = found.and_then(|bucket| bucket.get(&source.key));
        let Some((found, content)) = found.and_then(|found| Some((found, found.content.clone()?)))
        else {
            return Answer::no_key();
        };
        let expected = source.if_match.as_ref();
        if expected.is_some_and(|expected| *expected != found.etag) {
            return Answer::refused(PutRefusal::Failed);
        }
        let (versions, metadata) = (self.options.versions, call.metadata.clone());
        let Some(bucket) = self.buckets.get_mut(&call.bucket) else {
            return Answer::error(StatusCode::NOT_FOUND, "NoSuchBucket");
        };
        let answer = match bucket.put(&call.key, content, None, None, versions) {
            Ok(version) => Answer::copied(version),
            Err(refusal) => return Answer::refused(refusal),
        };
        bucket.describe(&call.key, metadata);
        answer
    }
}

fn get(
    bucket: &Bucket,
    call: &Call,
    version: Option<&str>,
    range: Option<Range>,
    versions: bool,
) -> Answer {
    let found = match version {
        Some(id) => bucket.version(&call.key, id),
        None => bucket.get(&call.key),
    };
    let Some((found, content)) = found.and_then(|found| Some((found, found.content.as_ref()?)))
    else {
        return Answer::no_key();
    };
    let is_found = |tag: &String| *tag == found.etag;
    if call
        .conditions
        .if_match
        .as_ref()
        .is_some_and(|tag| !is_found(tag))
    {
        return Answer::error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    if call.conditions.if_none_match.as_ref().is_some_and(is_found) {
        return Answer::not_modified(found);
    }
    Answer::object(found, content, range, versions)
}
