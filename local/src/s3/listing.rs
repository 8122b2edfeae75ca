//! The answers to listings, as XML.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use crate::s3::bucket::{Bucket, Version};
use crate::s3::call::ListQuery;

/// One page of `ListObjectsV2`, with at most so many entries.
pub(crate) fn page(bucket: &Bucket, query: &ListQuery, most: usize) -> String {
    let most = query.max_keys.map_or(most, |keys| keys.min(most));
    let (mut entries, mut last, mut count, mut is_truncated) =
        (String::new(), String::new(), 0, false);
    for (key, version) in bucket.list(&query.prefix, &query.after) {
        let folder = folder(key, query);
        // All objects of a folder are one entry. It was on the page before, where that ended in it.
        if folder.is_some_and(|folder| folder == last || folder == query.after) {
            continue;
        }
        if count == most {
            is_truncated = true;
            break;
        }
        count += 1;
        let entry = match folder {
            Some(folder) => common_prefix(folder),
            None => contents(key, version),
        };
        entries.push_str(&entry);
        folder.unwrap_or(key).clone_into(&mut last);
    }
    let token = if is_truncated {
        element("NextContinuationToken", &last)
    } else {
        String::new()
    };
    format!(
        "<ListBucketResult>{}<KeyCount>{count}</KeyCount><IsTruncated>{is_truncated}\
         </IsTruncated>{token}{entries}</ListBucketResult>",
        element("Prefix", &query.prefix)
    )
}

/// All versions below a prefix, in one page.
pub(crate) fn versions(bucket: &Bucket, prefix: &str) -> String {
    let mut entries = String::new();
    for (key, version, is_newest) in bucket.versions(prefix) {
        let name = if version.content.is_some() {
            "Version"
        } else {
            "DeleteMarker"
        };
        let inside = format!(
            "{}{}<IsLatest>{is_newest}</IsLatest>{}",
            element("Key", key),
            element("VersionId", &version.id),
            about(version)
        );
        let entry = format!("<{name}>{inside}</{name}>");
        entries.push_str(&entry);
    }
    format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{entries}</ListVersionsResult>")
}

/// The folder of a key: up to the first delimiter behind the prefix.
fn folder<'a>(key: &'a str, query: &ListQuery) -> Option<&'a str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let rest = key.get(query.prefix.len()..)?;
    let end = rest.find(&query.delimiter)? + query.delimiter.len();
    key.get(..query.prefix.len() + end)
}

fn contents(key: &str, version: &Version) -> String {
    format!(
        "<Contents>{}{}</Contents>",
        element("Key", key),
        about(version)
    )
}

fn common_prefix(folder: &str) -> String {
    let prefix = element("Prefix", folder);
    format!("<CommonPrefixes>{prefix}</CommonPrefixes>")
}

fn about(version: &Version) -> String {
    let modified = element("LastModified", &version.modified.to_string());
    match &version.content {
        Some(content) => format!(
            "{modified}{}<Size>{}</Size>",
            element("ETag", &version.etag),
            content.len()
        ),
        None => modified,
    }
}

/// An element with this text.
pub(crate) fn element(name: &str, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            other => escaped.push(other),
        }
    }
    format!("<{name}>{escaped}</{name}>")
}
