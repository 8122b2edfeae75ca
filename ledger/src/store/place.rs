//! Where the control object is, as a setting names it.

use std::path::PathBuf;
use std::str::FromStr;

use aws_config::SdkConfig;
use fanline_core::s3_uri::S3Uri;

use super::{Bucket, Folder, Store};
use crate::keys::CONTROL_KEY;

/// The setting `CONTROL_URI`: `s3://BUCKET/control/control.json`, or on one machine
/// `file:///FOLDER/control/control.json`. What stands before the key of the control object is where
/// the store is, with the ledger beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlPlace {
    /// In a bucket.
    Bucket(S3Uri),
    /// In a folder of this machine.
    Folder(PathBuf),
}

/// The text names no control object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not `s3://BUCKET/{CONTROL_KEY}` or `file:///FOLDER/{CONTROL_KEY}`")]
pub struct ControlPlaceError;

impl ControlPlace {
    /// The store that the control object is in.
    pub fn open(&self, config: &SdkConfig) -> Store {
        match self {
            Self::Bucket(place) => Store::Bucket(Bucket::new(config, place.clone())),
            Self::Folder(folder) => Store::Folder(Folder::new(folder)),
        }
    }
}

impl FromStr for ControlPlace {
    type Err = ControlPlaceError;

    fn from_str(text: &str) -> Result<Self, ControlPlaceError> {
        let place = text.strip_suffix(CONTROL_KEY).ok_or(ControlPlaceError)?;
        let place = place.strip_suffix('/').ok_or(ControlPlaceError)?;
        if let Some(folder) = place.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            let is_from_root = folder.is_absolute();
            return is_from_root
                .then_some(Self::Folder(folder))
                .ok_or(ControlPlaceError);
        }
        let place = place.parse();
        place.map(Self::Bucket).map_err(|_| ControlPlaceError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_what_stands_before_the_key() {
        let bucket = |key: &str| {
            Some(ControlPlace::Bucket(S3Uri {
                bucket: "b".into(),
                key: key.into(),
            }))
        };
        for (text, expected) in [
            ("s3://b/control/control.json", bucket("")),
            ("s3://b/a/b/control/control.json", bucket("a/b")),
            (
                "file:///var/lib/fanline/control/control.json",
                Some(ControlPlace::Folder("/var/lib/fanline".into())),
            ),
            ("file://fanline/control/control.json", None),
            ("s3://control/control.json", None),
            ("s3://b/acontrol/control.json", None),
            ("s3://b", None),
            ("/control/control.json", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
