//! The image file of a LINE Notify message, fetched once for each environment.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use fanline_core::s3_uri::S3Uri;
use tokio::sync::{Mutex, OnceCell};

use crate::line_notify::client::Image;

/// Why there is no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    /// Nothing of that name.
    #[error("`image_file` names nothing that is there")]
    Missing,
    /// Something else than LINE Notify takes; whatever it is, it stays here.
    #[error("`image_file` is neither a PNG nor a JPEG")]
    NotAnImage,
    /// It could not be read this time.
    #[error("`image_file` could not be read this time")]
    Unavailable,
}

/// The images of this environment, by the name that the message gives them.
pub(crate) struct Images {
    s3: aws_sdk_s3::Client,
    kept: Mutex<HashMap<String, Arc<OnceCell<Image>>>>,
}

impl Images {
    /// None is fetched yet.
    pub(crate) fn new(s3: aws_sdk_s3::Client) -> Self {
        Self {
            s3,
            kept: Mutex::default(),
        }
    }

    /// The image of this name, an `s3://` URI or a path. All who ask for it at once wait for the one fetch.
    pub(crate) async fn get(&self, name: &str) -> Result<Image, ImageError> {
        let cell = Arc::clone(self.kept.lock().await.entry(name.to_owned()).or_default());
        cell.get_or_try_init(|| self.fetch(name)).await.cloned()
    }

    async fn fetch(&self, name: &str) -> Result<Image, ImageError> {
        let bytes = if S3Uri::is_meant(name) {
            let object = S3Uri::object(name).map_err(|_| ImageError::Missing)?;
            self.object(&object).await?
        } else {
            file(name.to_owned()).await?
        };
        // By its first bytes and not by its name: a path that a message names must not send just any file of this machine.
        let kind = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            "image/jpeg"
        } else {
            return Err(ImageError::NotAnImage);
        };
        Ok(Image { bytes, kind })
    }

    async fn object(&self, object: &S3Uri) -> Result<Bytes, ImageError> {
        let answer = self
            .s3
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .send()
            .await;
        let object = answer.map_err(|error| {
            let status = error.raw_response().map(|raw| raw.status().as_u16());
            tracing::error!(status, "the image file could not be read from S3");
            if status == Some(404) {
                ImageError::Missing
            } else {
                ImageError::Unavailable
            }
        })?;
        let body = object.body.collect().await;
        body.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes)
            .map_err(|_| ImageError::Unavailable)
    }
}

async fn file(path: String) -> Result<Bytes, ImageError> {
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Err(ImageError::Missing),
        _ => Err(ImageError::Unavailable),
    }
}
