//! The image file of a message. It is fetched once for each environment.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
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

/// No larger file is read. LINE publishes no limit for an uploaded file; for an image in a message
/// it is 10 MB. <https://developers.line.biz/en/reference/messaging-api/#image-message>
const MAX_IMAGE: u64 = 10_000_000;

/// Why there is no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    /// Nothing has this name.
    #[error("`image_file` names a file that does not exist")]
    Missing,
    /// It is no regular file: reading it might never end.
    #[error("`image_file` is not a regular file")]
    NotAFile,
    /// A function's own files are nobody's images.
    #[error("`image_file` is a path, and on Lambda only an `s3://` URI can be read")]
    PathOnLambda,
    /// It would not fit in the memory beside the other deliveries.
    #[error("`image_file` is larger than {} MB", MAX_IMAGE / 1_000_000)]
    TooLarge,
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
    is_on_lambda: bool,
    by_name: Mutex<HashMap<String, Arc<OnceCell<Image>>>>,
}

impl Images {
    /// No image is fetched yet.
    pub(crate) fn new(s3: aws_sdk_s3::Client, is_on_lambda: bool) -> Self {
        Self {
            s3,
            is_on_lambda,
            by_name: Mutex::default(),
        }
    }

    /// The image with this name, an `s3://` URI or a path. All who ask at the same time wait for
    /// one fetch.
    pub(crate) async fn get(&self, name: &str) -> Result<Image, ImageError> {
        let image = Arc::clone(
            self.by_name
                .lock()
                .await
                .entry(name.to_owned())
                .or_default(),
        );
        image.get_or_try_init(|| self.fetch(name)).await.cloned()
    }

    async fn fetch(&self, name: &str) -> Result<Image, ImageError> {
        let bytes = if S3Uri::is_meant(name) {
            let object = S3Uri::object(name).map_err(|_| ImageError::Missing)?;
            self.object(&object).await?
        } else if self.is_on_lambda {
            return Err(ImageError::PathOnLambda);
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
        // The size is known before the body is read.
        let size = response
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        if size.ok_or(ImageError::Unavailable)? > MAX_IMAGE {
            return Err(ImageError::TooLarge);
        }
        let body = response.body.collect().await;
        body.map(AggregatedBytes::into_bytes).map_err(|error| {
            tracing::error!(error = aws_error::innermost(&error), "image not read");
            ImageError::Unavailable
        })
    }
}

async fn file(path: String) -> Result<Bytes, ImageError> {
    let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
    read.unwrap_or(Err(ImageError::Unavailable))
}

/// Reads a regular file that is not too large.
fn read_file(path: &str) -> Result<Bytes, ImageError> {
    let unread = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => ImageError::Missing,
        _ => ImageError::Unavailable,
    };
    // A pipe must not even be opened: that waits for somebody at its other end.
    if !fs::metadata(path).map_err(unread)?.is_file() {
        return Err(ImageError::NotAFile);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unread)?;
    // One byte more tells that it is too large, even if it grows now.
    file.take(MAX_IMAGE + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > MAX_IMAGE {
        return Err(ImageError::TooLarge);
    }
    Ok(bytes.into())
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
    fn only_a_regular_file_that_is_not_too_large_is_read() {
        let folder = std::env::temp_dir().join(format!("fanline-image-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, size: u64| {
            let path = folder.join(name);
            File::create(&path).unwrap().set_len(size).unwrap();
            path.to_str().unwrap().to_owned()
        };
        for (path, expected) in [
            (file("whole", MAX_IMAGE), Ok(10_000_000)),
            (file("large", MAX_IMAGE + 1), Err(ImageError::TooLarge)),
            ("/dev/zero".to_owned(), Err(ImageError::NotAFile)),
            (
                folder.to_str().unwrap().to_owned(),
                Err(ImageError::NotAFile),
            ),
            ("/no/such/file".to_owned(), Err(ImageError::Missing)),
        ] {
            let read = read_file(&path).map(|bytes| bytes.len());
            assert_eq!(read, expected, "{path}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_kind_has_a_valid_media_type() {
        for kind in [ImageKind::Png, ImageKind::Jpeg] {
            let part = reqwest::multipart::Part::text("");
            assert!(part.mime_str(kind.media_type()).is_ok(), "{kind:?}");
        }
    }
}
