//! Whether a run's list can be read again.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use fanline_core::s3_uri::S3Uri;
use fanline_ledger::{ListVersion, s3_client};
use fanline_telemetry::aws_error::{status, words};

/// The lists of the runs.
///
/// Their bucket is asked only before a sweep, for the head of the list. The role needs
/// `s3:GetObject` there; without it every list counts as readable, and the producer will say.
#[derive(Debug)]
pub(crate) struct Lists(Client);

impl Lists {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self(s3_client(config))
    }

    /// Whether the run's version of its list is lost: it was overwritten or deleted, and its bucket
    /// keeps no versions.
    pub(crate) async fn is_lost(&self, list: &ListVersion) -> bool {
        let (Ok(place), None) = (S3Uri::object(&list.uri), &list.version_id) else {
            return false;
        };
        let head = self.0.head_object().bucket(place.bucket).key(place.key);
        match head.if_match(&list.etag).send().await {
            Ok(_) => false,
            Err(error) => {
                let is_lost = matches!(status(&error), Some(404 | 412));
                if !is_lost {
                    let error = words(&error);
                    tracing::warn!(list = list.uri, error, "list not looked at");
                }
                is_lost
            }
        }
    }
}
