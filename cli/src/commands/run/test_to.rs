//! `run --test-to`: the message of one row, sent to people who are named, under a run of its own.

use std::fs;
use std::path::Path;

use fanline_core::channel::Channel;
use fanline_core::recipient::Recipient;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::args::RunArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::commands::check;
use crate::exit::InputError;

/// A campaign's id has at most this many characters.
const MAX_ID: usize = 64;

/// Fields of a campaign that belong to its list, its time or its run, and not to the test.
const NOT_IN_A_TEST: [&str; 9] = [
    "scheduled_time",
    "deliver_at",
    "format",
    "encoding",
    "sheet",
    "max_bad_rows",
    "canary",
    "brake",
    "statistics",
];

/// The campaign of the test: the messages of one row for the people that the flags name. Its name
/// has the time in it, so every test is sent, and the keys of the real run are not touched.
pub(super) async fn campaign(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<CampaignFile> {
    if file.campaign.channel == Channel::LineNotify {
        let problem = "--test-to takes LINE IDs, and this campaign is for LINE Notify";
        return Err(InputError(problem.into()).into());
    }
    let people = people(&args.test_to)?;
    let config = aws::config(AwsResource::for_check(&file.campaign, false)).await?;
    let mut rejected = None;
    let preview = check::read_list(file, &config, args.seals(), args.row, |bad| {
        rejected = rejected
            .take()
            .or(args.row.filter(|row| bad.is_row(*row)).map(|_| bad));
    })
    .await?;
    if let Some(row) = args.row {
        check::require_row(row, &preview, rejected.as_ref())?;
    }
    let sample = preview.samples.iter().next();
    let sample = sample.ok_or_else(|| InputError("no row of the list can be sent".into()))?;
    let row: Map<String, Value> = serde_json::from_str(&sample.row)?;
    let rows = people.into_iter().map(|to| {
        let mut row = row.clone();
        row.insert(Channel::Line.recipient_column().into(), to.into());
        Value::Object(row)
    });
    let mut event = file.event.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|name, _| !NOT_IN_A_TEST.contains(&name.as_str()));
        fields.insert("recipients".into(), rows.collect());
        let id = test_id(&file.campaign.id, Timestamp::now());
        fields.insert("campaign".into(), id.into());
    }
    Ok(CampaignFile::of_event(event)?)
}

/// The id of a test that begins now.
fn test_id(campaign: &str, now: Timestamp) -> String {
    let suffix = now.strftime(".test-%Y%m%dT%H%M%S").to_string();
    // An id is ASCII, so every place is the beginning of a character.
    let kept = campaign.len().min(MAX_ID - suffix.len());
    format!("{}{suffix}", campaign.get(..kept).unwrap_or_default())
}

/// The IDs that the flags name, or that stand in the files that they name. Each comes once.
fn people(named: &[String]) -> Result<Vec<String>, InputError> {
    let mut people: Vec<String> = Vec::new();
    for name in named {
        let ids = if Recipient::parse(Channel::Line, name).is_ok() {
            vec![name.clone()]
        } else {
            of_file(Path::new(name))?
        };
        for id in ids {
            if !people.contains(&id) {
                people.push(id);
            }
        }
    }
    Ok(people)
}

/// The IDs in a file: one in each line. Empty lines, a header `to`, and what follows a `#` or a
/// comma are left out.
fn of_file(path: &Path) -> Result<Vec<String>, InputError> {
    let wrong = |problem: String| InputError(format!("--test-to: {}: {problem}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| {
        wrong(format!(
            "is neither a LINE ID (`U` and 32 lower-case hexadecimal digits) nor a file of them: \
             {error}"
        ))
    })?;
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let id = line.split(['#', ',']).next().unwrap_or_default().trim();
        if id.is_empty() || id == Channel::Line.recipient_column() {
            continue;
        }
        Recipient::parse(Channel::Line, id)
            .map_err(|error| wrong(format!("line {number} {error}")))?;
        ids.push(id.to_owned());
    }
    if ids.is_empty() {
        return Err(wrong("has no LINE ID in it".into()));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_has_an_id_of_its_own_that_is_not_too_long() {
        let now = "2026-12-25T08:09:10Z".parse().unwrap();
        assert_eq!(test_id("xmas", now), "xmas.test-20261225T080910");
        let long = test_id(&"x".repeat(64), now);
        assert_eq!(long.len(), 64);
        assert!(long.ends_with("x.test-20261225T080910"), "{long}");
    }
}
