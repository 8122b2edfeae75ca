//! The outbox in S3: a file is read, and moved away when it is settled.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use fanline_core::s3_uri::S3Uri;
use fanline_ledger::s3_client;
use fanline_telemetry::aws_error::{denied_action, innermost, is_denied, status, words};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::event::upload::notice::Notice;
use crate::event::upload::place::{DONE, FAILED, Place, place_of};

/// So many bytes has an event of Lambda, or a message of SQS, at most.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_CAMPAIGN_BYTES: usize = 1024 * 1024;

/// What a settled file has in its metadata: the tag that it had in the outbox. Copies have tags of
/// their own where the bucket has a KMS key.
const TAG: &str = "outbox-etag";

const JSON: &str = "application/json";

/// What is encoded in the header that names the source of a copy.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The folder in a bucket into which campaign files are put.
#[derive(Debug)]
pub(crate) struct Outbox {
    s3: Client,
    /// Its key ends in a slash.
    place: S3Uri,
}

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Its name below the outbox.
    name: String,
    etag: Option<String>,
    /// What is in it, or why that can be no campaign.
    pub(crate) text: Result<String, OutboxError>,
}

/// Why a file of the outbox can't be sent or moved: one sentence.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboxError {
    /// The producer's role lacks an action.
    #[error("`{object}` can't be {act}: no permission for `{action}`")]
    Denied {
        /// The object.
        object: String,
        /// What was tried.
        act: &'static str,
        /// The action that is missing.
        action: String,
    },
    /// Anything else that S3 says.
    #[error("`{object}` can't be {act}: {problem}")]
    Failed {
        /// The object.
        object: String,
        /// What was tried.
        act: &'static str,
        /// What S3 said.
        problem: String,
    },
    /// The file is too long for a campaign.
    #[error(
        "the file has {0} bytes, and a campaign has at most {MAX_CAMPAIGN_BYTES}: put its rows \
         into a list of their own"
    )]
    TooLong(usize),
    /// The file is not text.
    #[error("the file is not UTF-8 from its byte {0} on: a campaign is JSON in UTF-8")]
    NotUtf8(usize),
    /// The file is not JSON.
    #[error("the file is not JSON: {0}")]
    NotJson(String),
}

impl Taken {
    /// What is written beside its copies.
    fn metadata(&self) -> Option<HashMap<String, String>> {
        let tag = self.etag.as_ref()?.trim_matches('"').to_owned();
        Some(HashMap::from([(TAG.to_owned(), tag)]))
    }
}

impl OutboxError {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is a function for `map_err`"
    )]
    pub(crate) fn not_json(error: serde_json::Error) -> Self {
        Self::NotJson(error.to_string())
    }
}

impl Outbox {
    /// The outbox at this place.
    pub(crate) fn new(config: &SdkConfig, place: S3Uri) -> Self {
        let s3 = s3_client(config);
        Self { s3, place }
    }

    /// What the file of a notice is to the outbox.
    pub(crate) fn place_of<'a>(&self, notice: &'a Notice) -> Place<'a> {
        if notice.bucket == self.place.bucket {
            place_of(&self.place.key, &notice.key)
        } else {
            Place::Elsewhere
        }
    }

    /// Reads the newest version of a file; `None` where it is gone.
    pub(crate) async fn take(&self, name: &str) -> Result<Option<Taken>, OutboxError> {
        let object = self.place.join(name);
        let request = self.s3.get_object().bucket(&object.bucket).key(&object.key);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(failed(&object, "read", "s3:GetObject", &error)),
        };
        let etag = answer.e_tag().map(str::to_owned);
        let text = match text(answer).await {
            Ok(text) => text,
            Err(problem) => {
                let object = object.to_string();
                return Err(OutboxError::Failed {
                    object,
                    act: "read",
                    problem,
                });
            }
        };
        let S3Uri { bucket, key } = object;
        Ok(Some(Taken {
            bucket,
            key,
            name: name.to_owned(),
            etag,
            text,
        }))
    }

    /// Whether a file is settled: a copy of it, made when it had this tag, is in one of the two
    /// folders.
    pub(crate) async fn has_settled(
        &self,
        name: &str,
        etag: Option<&str>,
    ) -> Result<bool, OutboxError> {
        for folder in [DONE, FAILED] {
            let copy = self.place.join(folder).join(name);
            let request = self.s3.head_object().bucket(&copy.bucket).key(&copy.key);
            match request.send().await {
                Ok(found) => {
                    let tag = found.metadata().and_then(|all| all.get(TAG));
                    if etag.is_none_or(|etag| tag.is_some_and(|tag| tag == etag)) {
                        return Ok(true);
                    }
                }
                Err(error) if status(&error) == Some(404) => {}
                Err(error) => return Err(failed(&copy, "read", "s3:GetObject", &error)),
            }
        }
        Ok(false)
    }

    /// Moves a file whose run is on the queues.
    pub(crate) async fn settle_done(&self, taken: &Taken) -> Result<(), OutboxError> {
        if self.relocate(taken, DONE).await? {
            return Ok(());
        }
        // What was sent is kept all the same. The put makes an event, which is ignored.
        let (file, to) = (taken.key.as_str(), self.place.join(DONE).join(&taken.name));
        tracing::warn!(
            file,
            "the file was replaced while its run was published: it stays"
        );
        let body = taken.text.clone().unwrap_or_default().into_bytes();
        let put = self.s3.put_object().bucket(&to.bucket).key(&to.key);
        let put = put
            .content_type(JSON)
            .set_metadata(taken.metadata())
            .body(ByteStream::from(body));
        let sent = put.send().await;
        sent.map_err(|error| failed(&to, "written", "s3:PutObject", &error))?;
        Ok(())
    }

    /// Moves a file that can't be sent, and writes down the reason beside it.
    pub(crate) async fn settle_failed(
        &self,
        taken: &Taken,
        reason: &str,
    ) -> Result<(), OutboxError> {
        let name = format!("{FAILED}{}.reason.txt", taken.name);
        let object = self.place.join(&name);
        let put = self.s3.put_object().bucket(&object.bucket).key(&object.key);
        let put = put
            .content_type("text/plain; charset=utf-8")
            .body(ByteStream::from(format!("{reason}\n").into_bytes()));
        let sent = put.send().await;
        sent.map_err(|error| failed(&object, "written", "s3:PutObject", &error))?;
        self.relocate(taken, FAILED).await?;
        Ok(())
    }

    /// Copies a file into a folder of the outbox, then deletes it. Returns `false` where it was
    /// replaced since: what took its place stays, and has an event of its own.
    async fn relocate(&self, taken: &Taken, folder: &str) -> Result<bool, OutboxError> {
        let from = self.place.join(&taken.name);
        let to = self.place.join(folder).join(&taken.name);
        let source = format!("{}/{}", from.bucket, from.key);
        let copy = self
            .s3
            .copy_object()
            .copy_source(utf8_percent_encode(&source, ENCODED).to_string())
            .set_copy_source_if_match(taken.etag.clone())
            .bucket(&to.bucket)
            .key(&to.key)
            .content_type(JSON)
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(taken.metadata())
            // Tags would need rights of their own.
            .tagging_directive(TaggingDirective::Replace);
        match copy.send().await {
            Ok(_) => {}
            // Another invocation of the same event has moved it.
            Err(error) if is_gone(&error) => return Ok(true),
            Err(error) if status(&error) == Some(412) => return Ok(false),
            Err(error) => return Err(failed(&to, "written", "s3:PutObject", &error)),
        }
        let delete = self.s3.delete_object().bucket(&from.bucket).key(&from.key);
        match delete.set_if_match(taken.etag.clone()).send().await {
            Ok(_) => Ok(true),
            Err(error) if matches!(status(&error), Some(404 | 412)) => Ok(true),
            Err(error) => Err(failed(&from, "deleted", "s3:DeleteObject", &error)),
        }
    }
}

/// The text of a file, or why it can be no campaign. The outer error is S3's.
async fn text(answer: GetObjectOutput) -> Result<Result<String, OutboxError>, String> {
    let length = answer.content_length().unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_CAMPAIGN_BYTES {
        return Ok(Err(OutboxError::TooLong(length)));
    }
    let bytes = answer.body.collect().await;
    let bytes = bytes.map_err(|error| innermost(&error))?.to_vec();
    let text = String::from_utf8(bytes);
    Ok(text.map_err(|error| OutboxError::NotUtf8(error.utf8_error().valid_up_to() + 1)))
}

/// Whether there is no such object. A bucket that is not there is another thing.
fn is_gone<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

fn failed<E>(
    object: &S3Uri,
    act: &'static str,
    action: &'static str,
    error: &SdkError<E>,
) -> OutboxError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let object = object.to_string();
    if is_denied(error) {
        let action = denied_action(error).unwrap_or(action).to_owned();
        OutboxError::Denied {
            object,
            act,
            action,
        }
    } else {
        OutboxError::Failed {
            object,
            act,
            problem: words(error),
        }
    }
}
