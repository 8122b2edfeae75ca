//! Where lists are, and campaigns, and rejected rows: S3, files, or the campaign itself.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_types::service_config::ServiceConfigKey;
use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::list::Format;
use fanline_core::s3_uri::S3Uri;

use crate::list::source::{Place, Source, SourceError, refused, unreadable_file, version};
use fanline_telemetry::aws_error::{status, words};

/// Opens lists, wherever they are.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    s3: Client,
    local_files: bool,
}

impl Lists {
    /// Reads lists with the SDK's settings; a path only where `local_files` says so.
    pub(crate) fn new(config: &SdkConfig, local_files: bool) -> Self {
        // What stands at an address of its own, such as a stand-in for S3, answers to no `BUCKET.` host name.
        let elsewhere = config.endpoint_url().is_some() || has_s3_endpoint(config);
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(elsewhere)
            .build();
        Self {
            s3: Client::from_conf(s3),
            local_files,
        }
    }

    /// Reads paths as well.
    pub(crate) fn with_local_files(mut self) -> Self {
        self.local_files = true;
        self
    }

    /// Opens the list of a campaign; with an `etag`, only that version of it.
    pub(crate) async fn open(
        &self,
        campaign: &Campaign,
        etag: Option<&str>,
    ) -> Result<Source, SourceError> {
        let source = match &campaign.recipients {
            Recipients::S3(object) => self.object(object, campaign.format).await?,
            Recipients::Path(path) if self.local_files => file(path, campaign.format)?,
            Recipients::Path(_) => return Err(SourceError::LocalFile),
            Recipients::Inline(rows) => inline(rows),
        };
        match etag {
            Some(etag) if etag != source.etag => Err(SourceError::Changed(source.name)),
            _ => Ok(source),
        }
    }

    async fn object(&self, object: &S3Uri, format: Option<Format>) -> Result<Source, SourceError> {
        let name = object.to_string();
        let first = self
            .s3
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .range("bytes=0-0")
            .send()
            .await;
        let (etag, length) = match first {
            Ok(first) => (
                first.e_tag().unwrap_or_default().to_owned(),
                whole_length(&first),
            ),
            // An empty object has no first byte.
            Err(error) if status(&error) == Some(416) => (String::new(), Some(0)),
            Err(error) => return Err(refused(object, &error)),
        };
        let length = length.ok_or_else(|| SourceError::Unreadable {
            list: name.clone(),
            problem: "the store does not say how long it is".into(),
        })?;
        let place = Place::S3 {
            client: self.s3.clone(),
            object: object.clone(),
        };
        Ok(Source::new(place, name, etag, length, format))
    }

    /// Reads a small object whole, as text.
    pub(crate) async fn text(&self, object: &S3Uri) -> Result<String, SourceError> {
        let list = object.to_string();
        let answer = self
            .s3
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .send()
            .await;
        let answer = answer.map_err(|error| refused(object, &error))?;
        let unreadable = |problem: String| SourceError::Unreadable {
            list: list.clone(),
            problem,
        };
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("it is not UTF-8".into()))
    }

    /// Writes a small object whole.
    pub(crate) async fn put(&self, object: &S3Uri, bytes: Vec<u8>) -> Result<(), String> {
        let body = ByteStream::from(bytes);
        let put = self
            .s3
            .put_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .content_type("text/csv")
            .body(body);
        put.send().await.map(|_| ()).map_err(|error| words(&error))
    }
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

fn file(path: &str, format: Option<Format>) -> Result<Source, SourceError> {
    let failed = |error: std::io::Error| unreadable_file(path, &error);
    let file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(SourceError::Unreadable {
            list: path.into(),
            problem: "it is a directory".into(),
        });
    }
    let etag = version(&metadata);
    Ok(Source::new(
        Place::File(file),
        path.into(),
        etag,
        metadata.len(),
        format,
    ))
}

/// The rows as NDJSON, so that they are read like any list.
fn inline(rows: &[serde_json::Map<String, serde_json::Value>]) -> Source {
    let mut text = String::new();
    for row in rows {
        fanline_core::text::push_json(&mut text, row);
        text.push('\n');
    }
    let length = text.len() as u64;
    Source::new(
        Place::Inline(text.into()),
        "recipients".into(),
        "inline".into(),
        length,
        Some(Format::Ndjson),
    )
}

/// The length of the whole object, out of `bytes 0-0/LENGTH`.
fn whole_length(answer: &GetObjectOutput) -> Option<u64> {
    answer.content_range()?.rsplit_once('/')?.1.parse().ok()
}
