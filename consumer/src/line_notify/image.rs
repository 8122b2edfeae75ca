//! The image file of a message. It is fetched once for each environment.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;

use aws_sdk_s3::primitives::AggregatedBytes;
use bytes::Bytes;
use fanline_core::s3_uri::S3Uri;
use fanline_telemetry::aws_error;
use tokio::sync::{Mutex, OnceCell};

/// An image that is uploaded with a message.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The file.
    pub bytes: Bytes,
    /// What kind of file it is.
    pub kind: ImageKind,
}

/// The kinds of files that LINE Notify accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl ImageKind {
    /// The kind of a file by its first bytes. Its name does not count: a message that names a path
    /// must not be able to send any file of this machine.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }

    /// The media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// The name of the uploaded file.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Png => "image.png",
            Self::Jpeg => "image.jpeg",
        }
    }
}

/// Why there is no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    /// Nothing has this name.
    #[error("`image_file` names a file that does not exist")]
    Missing,
    /// LINE Notify does not accept such a file, so it is not sent.
    #[error("`image_file` is neither a PNG nor a JPEG")]
    NotAnImage,
    /// It could not be read this time.
    #[error("`image_file` could not be read this time")]
    Unavailable,
}

/// The images of this environment, by the name that the messages give them.
pub(crate) struct Images {
    s3: aws_sdk_s3::Client,
    images: Mutex<HashMap<String, Arc<OnceCell<Image>>>>,
}

impl Images {
    /// No image is fetched yet.
    pub(crate) fn new(s3: aws_sdk_s3::Client) -> Self {
        Self {
            s3,
            images: Mutex::default(),
        }
    }

    /// The image with this name, an `s3://` URI or a path. All who ask at the same time wait for
    /// one fetch.
    pub(crate) async fn get(&self, name: &str) -> Result<Image, ImageError> {
        let image = Arc::clone(self.images.lock().await.entry(name.to_owned()).or_default());
        image.get_or_try_init(|| self.fetch(name)).await.cloned()
    }

    async fn fetch(&self, name: &str) -> Result<Image, ImageError> {
        let bytes = if S3Uri::is_meant(name) {
            let object = S3Uri::object(name).map_err(|_| ImageError::Missing)?;
            self.object(&object).await?
        } else {
            file(name.to_owned()).await?
        };
        let kind = ImageKind::of(&bytes).ok_or(ImageError::NotAnImage)?;
        Ok(Image { bytes, kind })
    }

    async fn object(&self, object: &S3Uri) -> Result<Bytes, ImageError> {
        let request = self.s3.get_object();
        let request = request.bucket(&object.bucket).key(&object.key);
        let response = request.send().await.map_err(|error| {
            let status = aws_error::status(&error);
            tracing::error!(status, error = aws_error::words(&error), "image not read");
            if status == Some(404) {
                ImageError::Missing
            } else {
                ImageError::Unavailable
            }
        })?;
        let body = response.body.collect().await;
        body.map(AggregatedBytes::into_bytes).map_err(|error| {
            tracing::error!(error = aws_error::innermost(&error), "image not read");
            ImageError::Unavailable
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_an_image_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some(ImageKind::Png)),
            (b"\xff\xd8\xff\xe0rest", Some(ImageKind::Jpeg)),
            (b"\x89PNG", None),
            (b"GIF89a", None),
            (b"", None),
        ] {
            assert_eq!(ImageKind::of(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn every_kind_has_a_valid_media_type() {
        for kind in [ImageKind::Png, ImageKind::Jpeg] {
            let part = reqwest::multipart::Part::text("");
            assert!(part.mime_str(kind.media_type()).is_ok(), "{kind:?}");
        }
    }
}
