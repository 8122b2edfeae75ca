//! Objects in a bucket of S3.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::service_config::ServiceConfigKey;
use bytes::Bytes;
use fanline_core::s3_uri::S3Uri;
use fanline_telemetry::aws_error::{denied_action, innermost, is_denied, status, words};

use super::{Expect, Fetched, Listed, Object, Put, StoreError, Tag};

/// What a request needs. Without `s3:ListBucket` S3 answers 403 for an object that is not there.
const GET: &str = "`s3:GetObject`, and for what is not there `s3:ListBucket`";
const PUT: &str = "`s3:PutObject`";
const LIST: &str = "`s3:ListBucket`";
const DELETE: &str = "`s3:DeleteObject`";

/// A bucket, and what the keys in it begin with.
///
/// The SDK's settings hold, `AWS_ENDPOINT_URL` and its line for S3 too. The role needs
/// `s3:GetObject`, `s3:PutObject`, and `s3:ListBucket`: without that S3 answers 403 for an object
/// that is not there.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    place: S3Uri,
}

impl Bucket {
    /// The objects below this place: its key, with a slash at the end or empty, stands before every
    /// object's.
    pub fn new(config: &SdkConfig, place: S3Uri) -> Self {
        let slash = !place.key.is_empty() && !place.key.ends_with('/');
        Self {
            client: s3_client(config),
            place: if slash { place.join("/") } else { place },
        }
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        match self.request(key).send().await {
            Ok(answer) => Ok(Some(self.object(key, answer).await?)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.failed(key, GET, &error)),
        }
    }

    pub(super) async fn get_unless(&self, key: &str, known: &Tag) -> Result<Fetched, StoreError> {
        let request = self.request(key).if_none_match(known.as_str());
        match request.send().await {
            Ok(answer) => Ok(Fetched::Object(self.object(key, answer).await?)),
            Err(error) if status(&error) == Some(304) => Ok(Fetched::Same),
            Err(error) if is_absent(&error) => Ok(Fetched::Absent),
            Err(error) => Err(self.failed(key, GET, &error)),
        }
    }

    pub(super) async fn get_head(
        &self,
        key: &str,
        bytes: usize,
    ) -> Result<Option<Bytes>, StoreError> {
        let Some(last) = bytes.checked_sub(1) else {
            return Ok(Some(Bytes::new()));
        };
        let request = self.request(key).range(format!("bytes=0-{last}"));
        match request.send().await {
            Ok(answer) => {
                let mut bytes_read = self.object(key, answer).await?.bytes;
                // Where a range is not understood, the whole comes.
                bytes_read.truncate(bytes);
                Ok(Some(bytes_read))
            }
            // An empty object has no first byte.
            Err(error) if status(&error) == Some(416) => Ok(Some(Bytes::new())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.failed(key, GET, &error)),
        }
    }

    pub(super) async fn put(
        &self,
        key: &str,
        content: Put,
        expect: &Expect,
    ) -> Result<Tag, StoreError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.place.bucket)
            .key(self.key(key));
        let request = match expect {
            Expect::Absent => request.if_none_match("*"),
            Expect::Tag(tag) => request.if_match(tag.as_str()),
            Expect::Any => request,
        };
        let answer = match content {
            Put::Bytes(bytes) => request.body(ByteStream::from(bytes)).send().await,
            Put::File(path) => {
                let body = ByteStream::from_path(&path).await;
                let body = body.map_err(|error| self.problem(key, innermost(&error)))?;
                // A checksum behind a streamed body needs a chunked encoding that not every
                // stand-in for S3 reads.
                let plain = aws_sdk_s3::config::Builder::new()
                    .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
                let request = request.body(body).customize();
                request.config_override(plain).send().await
            }
        };
        match answer {
            Ok(answer) => answer
                .e_tag()
                .map(Tag::new)
                .ok_or_else(|| self.problem(key, "S3 gave no `ETag`".into())),
            // 409: another put was under way. 404: what should have a tag is not there.
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            Err(error) => Err(match (status(&error), expect) {
                (Some(409 | 412), Expect::Absent | Expect::Tag(_)) => self.conflict(key),
                (Some(404), Expect::Tag(_)) if is_absent(&error) => self.conflict(key),
                _ => self.failed(key, PUT, &error),
            }),
        }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(self.key(prefix));
        let mut pages = request.into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(prefix, LIST, &error))?;
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                listed.push(Listed {
                    key: self.own_key(prefix, key)?,
                    bytes: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
                });
            }
        }
        Ok(listed)
    }

    pub(super) async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(self.key(prefix))
            .delimiter("/");
        let mut pages = request.into_paginator().send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(prefix, LIST, &error))?;
            for folder in page.common_prefixes() {
                let key = folder.prefix().unwrap_or_default();
                folders.push(self.own_key(prefix, key)?);
            }
        }
        Ok(folders)
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.place.bucket)
            .key(self.key(key));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(self.failed(key, DELETE, &error)),
        }
    }

    fn request(&self, key: &str) -> GetObjectFluentBuilder {
        self.client
            .get_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.place.key)
    }

    /// The key below our place of what S3 listed under a prefix.
    fn own_key(&self, prefix: &str, listed: &str) -> Result<String, StoreError> {
        let key = listed.strip_prefix(&self.place.key).map(str::to_owned);
        key.ok_or_else(|| self.problem(prefix, "S3 listed an object of another prefix".into()))
    }

    async fn object(&self, key: &str, answer: GetObjectOutput) -> Result<Object, StoreError> {
        let tag = answer.e_tag().map(Tag::new);
        let tag = tag.ok_or_else(|| self.problem(key, "S3 gave no `ETag`".into()))?;
        let body = answer.body.collect().await;
        let body = body.map_err(|error| self.problem(key, innermost(&error)))?;
        Ok(Object {
            bytes: body.into_bytes(),
            tag,
        })
    }

    fn conflict(&self, key: &str) -> StoreError {
        StoreError::Conflict(self.place.join(key).to_string())
    }

    fn problem(&self, key: &str, problem: String) -> StoreError {
        StoreError::Failed {
            place: self.place.join(key).to_string(),
            problem,
        }
    }

    /// `rights`: what the request needs.
    fn failed<E>(
        &self,
        key: &str,
        rights: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if error.code() == Some("NoSuchBucket") {
            return StoreError::Missing(format!("s3://{}", self.place.bucket));
        }
        if !is_denied(error) {
            return self.problem(key, words(error));
        }
        let named = denied_action(error).map(|action| format!("`{action}`"));
        StoreError::Denied {
            place: self.place.join(key).to_string(),
            rights: named.unwrap_or_else(|| rights.to_owned()),
        }
    }
}

/// A client of S3 with the SDK's settings.
pub fn s3_client(config: &SdkConfig) -> Client {
    // What stands at an address of its own, such as a stand-in for S3, answers to no `BUCKET.` host
    // name.
    let elsewhere = config.endpoint_url().is_some() || has_s3_endpoint(config);
    let s3 = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(elsewhere)
        .build();
    Client::from_conf(s3)
}

/// Whether there is no such object. A bucket that is not there is another thing.
fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

/// Whether `AWS_ENDPOINT_URL_S3`, or its line in the profile, is set.
fn has_s3_endpoint(config: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let service = config.service_config();
    service
        .zip(key.ok())
        .is_some_and(|(service, key)| service.load_config(key).is_some())
}
