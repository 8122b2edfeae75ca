//! Where a file lies: in the outbox, in one of its folders of settled files, or elsewhere. Pure.

use fanline_core::campaign::CampaignError;
use fanline_core::s3_uri::S3Uri;

/// The folder of files whose run is on the queues.
pub(crate) const DONE: &str = "done/";
/// The folder of files that can't be sent.
pub(crate) const FAILED: &str = "failed/";

/// What a key is to the outbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A campaign, by its name below the outbox.
    Campaign(&'a str),
    /// A settled file, or the reason beside one.
    Settled,
    /// A file in the outbox whose name does not end in `.json`.
    NoJson,
    /// Not in the outbox.
    Elsewhere,
}

/// What a key is to the outbox, whose own key ends in a slash.
pub(crate) fn place_of<'a>(outbox: &str, key: &'a str) -> Place<'a> {
    match key.strip_prefix(outbox) {
        None => Place::Elsewhere,
        Some(name) if name.starts_with(DONE) || name.starts_with(FAILED) => Place::Settled,
        Some(name) if name.strip_suffix(".json").is_some() => Place::Campaign(name),
        Some(_) => Place::NoJson,
    }
}

/// The list that a campaign names by a path relative to the campaign's file.
pub(crate) fn list_uri(bucket: &str, file: &str, list: &str) -> Result<S3Uri, CampaignError> {
    let error = |problem: &str| CampaignError::field("recipients", problem);
    if list.starts_with('/') {
        return Err(error(
            "begins with `/`: write `s3://BUCKET/KEY`, or a path relative to the campaign's file",
        ));
    }
    let (folder, _) = file.rsplit_once('/').unwrap_or(("", file));
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in list.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                let above = parts.pop();
                above.ok_or_else(|| error("leads out of the bucket: it has too many `..`"))?;
            }
            part => parts.push(part),
        }
    }
    let uri = format!("s3://{bucket}/{}", parts.join("/"));
    S3Uri::object(&uri).map_err(|problem| error(&problem.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_place() {
        for (key, place) in [
            ("outbox/xmas.json", Place::Campaign("xmas.json")),
            ("outbox/shop/xmas.json", Place::Campaign("shop/xmas.json")),
            ("outbox/名單 1+1.json", Place::Campaign("名單 1+1.json")),
            ("outbox/done.json", Place::Campaign("done.json")),
            (
                "outbox/shop/done/x.json",
                Place::Campaign("shop/done/x.json"),
            ),
            ("outbox/.json", Place::Campaign(".json")),
            ("outbox/done/xmas.json", Place::Settled),
            ("outbox/failed/xmas.json", Place::Settled),
            ("outbox/failed/xmas.json.reason.txt", Place::Settled),
            ("outbox/friends.csv", Place::NoJson),
            ("outbox/xmas.JSON", Place::NoJson),
            ("outbox/xmas.json.bak", Place::NoJson),
            ("outbox/", Place::NoJson),
            ("outbox", Place::Elsewhere),
            ("outbox2/xmas.json", Place::Elsewhere),
            ("lists/outbox/xmas.json", Place::Elsewhere),
            ("Outbox/xmas.json", Place::Elsewhere),
        ] {
            assert_eq!(place_of("outbox/", key), place, "{key}");
        }
    }

    #[test]
    fn a_list_is_relative_to_its_campaign() {
        for (file, list, uri) in [
            ("outbox/x.json", "friends.csv", "s3://b/outbox/friends.csv"),
            ("outbox/x.json", "./a//f.csv", "s3://b/outbox/a/f.csv"),
            (
                "outbox/x.json",
                "../lists/名單 1.csv",
                "s3://b/lists/名單 1.csv",
            ),
            ("outbox/shop/x.json", "../f.csv", "s3://b/outbox/f.csv"),
            ("x.json", "f.csv", "s3://b/f.csv"),
        ] {
            let found = list_uri("b", file, list).unwrap();
            assert_eq!(found.to_string(), uri, "{list}");
        }
        for (list, problem) in [
            ("../../f.csv", "leads out of the bucket"),
            ("/lists/f.csv", "begins with `/`"),
            ("..", "it names no object in the bucket"),
        ] {
            let error = list_uri("b", "outbox/x.json", list).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with("`recipients` "), "{error}");
            assert!(error.contains(problem), "{error}");
        }
    }
}
