//! Standard output: what a program or a person reads there, and what happens when nobody does.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::support::{Folder, ONE_TEXT, campaign, list};

fn folder() -> Folder {
    Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3))
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let folder = folder();
    for args in [
        &["check", "campaign.json"][..],
        &["check", "campaign.json", "--json"],
        &["run", "campaign.json"],
        &["run", "campaign.json", "--json"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let answer = folder.fanline_into(args, full);
        assert_eq!(answer.code, Some(1), "{args:?}: {answer:?}");
        assert!(answer.err.contains("No space left"), "{answer:?}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let folder = folder();
    let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    let answer = folder.fanline_into(&["check", "campaign.json"], pipe);
    let next = "Next: fanline plan campaign.json\n";
    assert_eq!((answer.code, &*answer.err), (Some(0), next), "{answer:?}");
}
