//! A bucket: objects, each with its versions. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use md5::{Digest as _, Md5};

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// By key, the oldest version first.
    objects: BTreeMap<String, Vec<Version>>,
    /// Numbers the versions.
    written: u64,
}

/// One version of an object.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    /// `None`: the object was deleted here.
    pub(crate) content: Option<Bytes>,
    /// Of the content, with its quotation marks.
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    /// What its writer wrote beside it: names and values of headers.
    pub(crate) metadata: Vec<(String, String)>,
}

/// What must be true of an object that is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutRefusal {
    /// There is one, or it has another tag.
    Failed,
    /// There is none that could have the tag.
    Absent,
}

impl Bucket {
    /// The newest version, unless it is a deletion.
    pub(crate) fn get(&self, key: &str) -> Option<&Version> {
        let newest = self.objects.get(key)?.last()?;
        newest.content.is_some().then_some(newest)
    }

    /// The version with this ID.
    pub(crate) fn version(&self, key: &str, id: &str) -> Option<&Version> {
        self.objects.get(key)?.iter().find(|found| found.id == id)
    }

    /// Puts an object if `if_match` and `if_none_match` allow it.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    pub(crate) fn put(
        &mut self,
        key: &str,
        content: Bytes,
        if_match: Option<&str>,
        if_none_match: Option<&str>,
        keeps_versions: bool,
    ) -> Result<&Version, PutRefusal> {
        let now = self.get(key).map(|version| version.etag.as_str());
        if if_none_match == Some("*") && now.is_some() {
            return Err(PutRefusal::Failed);
        }
        match (if_match, now) {
            (Some(_), None) => return Err(PutRefusal::Absent),
            (Some(expected), Some(now)) if expected != now => return Err(PutRefusal::Failed),
            _ => {}
        }
        let etag = etag(&content);
        Ok(self.write(key, Some(content), etag, keeps_versions))
    }

    /// Writes something beside the newest version of an object.
    pub(crate) fn describe(&mut self, key: &str, metadata: Vec<(String, String)>) {
        if let Some(version) = self.objects.get_mut(key).and_then(|found| found.last_mut()) {
            version.metadata = metadata;
        }
    }

    /// Deletes an object: with versions it is still there under its version's ID.
    pub(crate) fn delete(&mut self, key: &str, keeps_versions: bool) {
        if !keeps_versions {
            self.objects.remove(key);
        } else if self.get(key).is_some() {
            self.write(key, None, String::new(), true);
        }
    }

    /// Deletes one version for good.
    pub(crate) fn delete_version(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|version| version.id != id);
        }
    }

    /// All objects whose keys begin so and lie behind `after`, in the order of their keys.
    pub(crate) fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Version)> {
        let from = prefix.max(after).to_owned();
        let keys = self.objects.range(from..);
        keys.take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(key, _)| after.is_empty() || key.as_str() > after)
            .filter_map(|(key, _)| Some((key.as_str(), self.get(key)?)))
    }

    /// All versions of the objects whose keys begin so, the newest of each first.
    pub(crate) fn versions<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Version, bool)> {
        let keys = self.objects.range(prefix.to_owned()..);
        keys.take_while(move |(key, _)| key.starts_with(prefix))
            .flat_map(|(key, versions)| {
                let newest = versions.last().map(|version| version.id.as_str());
                let newest_first = versions.iter().rev();
                newest_first.map(move |version| {
                    let is_newest = newest == Some(version.id.as_str());
                    (key.as_str(), version, is_newest)
                })
            })
    }

    fn write(
        &mut self,
        key: &str,
        content: Option<Bytes>,
        etag: String,
        keeps_versions: bool,
    ) -> &Version {
        self.written += 1;
        let version = Version {
            id: format!("v{:016x}", self.written),
            content,
            etag,
            modified: Timestamp::now(),
            metadata: Vec::new(),
        };
        let versions = self.objects.entry(key.to_owned()).or_default();
        if !keeps_versions {
            versions.clear();
        }
        versions.push(version);
        #[expect(clippy::expect_used, reason = "one was pushed")]
        versions.last().expect("one was pushed")
    }
}

/// The MD5 of the content in hexadecimal digits, as S3 gives it for an object put at once.
fn etag(content: &Bytes) -> String {
    let digest = Md5::digest(content);
    let tag = digest
        .iter()
        .fold("\"".to_owned(), |tag, byte| tag + &format!("{byte:02x}"));
    tag + "\""
}
