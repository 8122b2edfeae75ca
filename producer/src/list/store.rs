//! Where lists, campaigns and rejected rows are: in S3, in files, or in the campaign itself.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::channel::Channel;
use fanline_core::s3_uri::S3Uri;
use fanline_core::surroundings::Random;
use fanline_core::text::push_json;
use fanline_ledger::{ListVersion, s3_client};
use fanline_telemetry::aws_error::{innermost, status, words};
use serde_json::{Map, Value};

use crate::list::form::{BEGINNING_BYTES, Form};
use crate::list::source::{Source, SourceError, Storage, file, file_error, s3_error};

/// Opens lists, wherever they are.
#[derive(Debug, Clone)]
pub(crate) struct ListStore {
    s3: Client,
    /// Whether a campaign may name a file.
    local_files: bool,
    random: Random,
}

impl ListStore {
    /// Reads lists with the SDK's settings. `local_files`: whether a campaign may name a file.
    pub(crate) fn new(config: &SdkConfig, local_files: bool, random: Random) -> Self {
        Self {
            s3: s3_client(config),
            local_files,
            random,
        }
    }

    /// Lets campaigns name files too.
    pub(crate) fn with_local_files(mut self) -> Self {
        self.local_files = true;
        self
    }

    /// Opens the version of a campaign's list that a slice was cut from, also where the list was
    /// replaced since, if the bucket keeps versions.
    pub(crate) async fn open_version(
        &self,
        campaign: &Campaign,
        etag: &str,
        version_id: Option<&str>,
    ) -> Result<Source, SourceError> {
        let mut source = self.open(campaign).await?;
        if let (Recipients::S3(object), Some(_)) = (&campaign.recipients, version_id)
            && source.etag != etag
        {
            source = self.open_object(object, version_id, campaign).await?;
        }
        if source.etag == etag {
            Ok(source)
        } else {
            Err(SourceError::Changed(source.name))
        }
    }

    /// Opens the list of a campaign as it is now.
    pub(crate) async fn open(&self, campaign: &Campaign) -> Result<Source, SourceError> {
        let source = match &campaign.recipients {
            Recipients::S3(object) => self.open_object(object, None, campaign).await?,
            Recipients::Path(path) if self.local_files => open_file(path, campaign).await?,
            Recipients::Path(_) => return Err(SourceError::LocalFile),
            Recipients::Inline(_)
                if !self.local_files && campaign.channel == Channel::LineNotify =>
            {
                return Err(SourceError::InlineTokens);
            }
            Recipients::Inline(rows) => open_inline(rows),
        };
        Ok(source)
    }

    /// Opens the newest version of an object, or the one of this name.
    async fn open_object(
        &self,
        object: &S3Uri,
        version_id: Option<&str>,
        campaign: &Campaign,
    ) -> Result<Source, SourceError> {
        let name = object.to_string();
        let beginning = self
            .s3
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .range(format!("bytes=0-{}", BEGINNING_BYTES - 1))
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await;
        let (etag, length, version_id, beginning) = match beginning {
            Ok(answer) => {
                let (etag, length, version_id) = version_and_length(&name, &answer)?;
                (etag, length, version_id, body(object, answer).await?)
            }
            // The object is empty: nothing of it will be read, so its version does not matter.
            Err(error) if status(&error) == Some(416) => (String::new(), 0, None, Bytes::new()),
            Err(error) => return Err(s3_error(object, &error)),
        };
        let form = form(&name, campaign, &beginning).await?;
        let storage = Storage::S3 {
            client: self.s3.clone(),
            object: object.clone(),
            random: self.random.clone(),
        };
        Ok(Source::new(storage, name, etag, length, form).with_version_id(version_id))
    }

    /// Reads a small object as a whole, as text.
    pub(crate) async fn read_text(&self, object: &S3Uri) -> Result<String, SourceError> {
        let unreadable = |problem: String| SourceError::Unreadable {
            list: object.to_string(),
            problem,
        };
        let answer = self
            .s3
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .send()
            .await
            .map_err(|error| s3_error(object, &error))?;
        let bytes = body(object, answer).await?;
        String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("it is not UTF-8".into()))
    }

    /// Writes a CSV object as a whole. The error is S3's own words.
    pub(crate) async fn put_csv(&self, object: &S3Uri, bytes: Vec<u8>) -> Result<(), String> {
        let put = self
            .s3
            .put_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .content_type("text/csv")
            .body(ByteStream::from(bytes));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(words(&error)),
        }
    }
}

async fn body(object: &S3Uri, answer: GetObjectOutput) -> Result<Bytes, SourceError> {
    let bytes = answer.body.collect().await;
    let bytes = bytes.map_err(|error| SourceError::Unreadable {
        list: object.to_string(),
        problem: innermost(&error),
    })?;
    Ok(bytes.into_bytes())
}

async fn form(name: &str, campaign: &Campaign, beginning: &[u8]) -> Result<Form, SourceError> {
    let form = Form::find(name, campaign, beginning).await;
    form.map_err(|problem| SourceError::Form {
        list: name.into(),
        problem,
    })
}

/// The version of an object by its `ETag`, the length that `bytes 0-…/LENGTH` names, and the
/// version's name in a bucket that keeps versions.
fn version_and_length(
    name: &str,
    answer: &GetObjectOutput,
) -> Result<(String, u64, Option<String>), SourceError> {
    let etag = answer
        .e_tag()
        .filter(|etag| !etag.is_empty())
        .ok_or_else(|| SourceError::NoEtag(name.into()))?;
    let length = answer
        .content_range()
        .and_then(|range| range.rsplit_once('/'))
        .and_then(|(_, length)| length.parse().ok())
        .ok_or_else(|| SourceError::Unreadable {
            list: name.into(),
            problem: "the store does not say how long it is".into(),
        })?;
    // An object from before the bucket kept versions has this name, and loses it when replaced.
    let version_id = answer.version_id().filter(|id| *id != "null");
    Ok((etag.to_owned(), length, version_id.map(str::to_owned)))
}

async fn open_file(path: &str, campaign: &Campaign) -> Result<Source, SourceError> {
    let failed = |error: io::Error| file_error(path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(SourceError::Unreadable {
            list: path.into(),
            problem: "it is a directory".into(),
        });
    }
    let mut beginning = Vec::new();
    let first = (&file).take(BEGINNING_BYTES).read_to_end(&mut beginning);
    first.map_err(failed)?;
    let form = form(path, campaign, &beginning).await?;
    Ok(Source::new(
        Storage::File(Arc::new(file)),
        path.into(),
        file::version(&metadata),
        metadata.len(),
        form,
    ))
}

/// The rows of a campaign as NDJSON, so that they are read like any list.
fn open_inline(rows: &[Map<String, Value>]) -> Source {
    let mut text = String::new();
    for row in rows {
        push_json(&mut text, row);
        text.push('\n');
    }
    let length = text.len() as u64;
    let etag = ListVersion::inline(&Value::from(text.as_str())).etag;
    Source::new(
        Storage::Inline(text.into()),
        "recipients".into(),
        etag,
        length,
        Form::of_inline(),
    )
}
