//! A canary on one machine: a sample is sent to first, and then all others.

use std::process::Child;
use std::time::Duration;

use fanline_local::{LineOptions, LineServer};
use serde_json::Value;

use crate::support::{Folder, PERSONAL, campaign, list, user};

const PEOPLE: u64 = 400;

/// A live run that is killed at the latest when the test ends.
struct Run(Child);

impl Run {
    fn start(folder: &Folder, line: &LineServer) -> Self {
        let args = ["run", "campaign.json", "--live", "--yes", "--json"];
        let variables = [
            ("LINE_CHANNEL_ACCESS_TOKEN", "any"),
            ("LINE_API_BASE", line.url()),
        ];
        Self(folder.start(&args, &variables))
    }

    async fn exit_code(&mut self) -> Option<i32> {
        wait_for(|| self.0.try_wait().unwrap().is_some()).await;
        self.0.try_wait().unwrap().unwrap().code()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A campaign to all with a fifth of them as the sample.
fn people(wait_seconds: u32) -> Folder {
    let canary = format!(r#"{{"share": "20%", "wait_seconds": {wait_seconds}}}"#);
    let with_canary = campaign(PERSONAL).replace(
        "{\"campaign\"",
        &format!("{{\"canary\": {canary}, \"campaign\""),
    );
    Folder::new()
        .with("campaign.json", with_canary)
        .with("list.csv", list(400))
}

async fn simulated_line(options: LineOptions) -> LineServer {
    LineServer::start(options).await.unwrap()
}

async fn wait_for(mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + Duration::from_mins(2);
    while !is_so() {
        assert!(std::time::Instant::now() < until, "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn status(folder: &Folder) -> Value {
    folder.fanline(&["status", "test", "--json"]).json()
}

/// Whether the whole sample has an outcome in the ledger, and nobody else has.
fn is_sample_sent(folder: &Folder) -> bool {
    let answer = folder.fanline(&["status", "test", "--json"]);
    if answer.code == Some(2) {
        return false; // The run has not begun.
    }
    let status = answer.json();
    let of = |term: &str| status[term].as_u64().unwrap();
    let settled = of("accepted") + of("refused");
    settled >= 50 && of("waiting") == 0
}

#[test]
fn a_rehearsal_sends_to_the_sample_and_after_the_wait_to_all_others() {
    let folder = people(1);
    folder.write(
        "list.csv",
        format!("{}nobody,x\n{},again\n", list(400), user(3)),
    );
    let answer = folder.fanline(&["run", "campaign.json", "--json", "--at", "records"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let expected = "To send to them now: `fanline release test --at records`";
    assert!(answer.err.contains(expected), "{answer:?}");
    let report = answer.json();
    for (term, people) in [
        ("rows", 402),
        ("accepted", PEOPLE),
        ("rejected", 1),
        ("duplicates", 1),
        ("not_sent", 0),
    ] {
        assert_eq!(report[term], people, "{term}: {report}");
    }
    assert_eq!(report["rejects"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["line"]["recipients_accepted"], PEOPLE);
    assert_eq!(report["line"]["recipients_doubled"], 0);
    let status = folder.fanline(&["status", "test", "--json", "--at", "records"]);
    assert_eq!(status.json()["canary"], "passed");
    assert_eq!(status.json()["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_releases_the_others_and_everybody_is_reached_once() {
    let line = simulated_line(LineOptions::default()).await;
    let folder = people(3_600);
    let mut run = Run::start(&folder, &line);
    wait_for(|| is_sample_sent(&folder)).await;
    let sample = line.ledger().accepted_recipients;
    assert!((50..150).contains(&sample), "{sample}");
    assert_eq!(status(&folder)["canary"], "waiting");
    // Killed while it waits, the same command goes on, and the others still wait.
    drop(run);
    run = Run::start(&folder, &line);
    wait_for(|| status(&folder)["state"] == "open").await;
    let answer = folder.fanline(&["release", "test", "--by", "mei"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(run.exit_code().await, Some(0));
    let ledger = line.ledger();
    assert_eq!(ledger.distinct_recipients, PEOPLE, "{ledger:?}");
    assert_eq!((ledger.accepted_recipients, ledger.duplicates), (PEOPLE, 0));
    assert_eq!(status(&folder)["accepted"], PEOPLE);
    assert_eq!(status(&folder)["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sample_pauses_the_run_which_waits_for_an_operator() {
    let line = simulated_line(LineOptions {
        unknown: (0..400).step_by(2).map(user).collect(),
        ..LineOptions::default()
    })
    .await;
    let folder = people(0);
    let mut run = Run::start(&folder, &line);
    wait_for(|| is_sample_sent(&folder)).await;
    wait_for(|| status(&folder)["state"] == "paused").await;
    assert_eq!(status(&folder)["by"], "brake");
    assert_eq!(status(&folder)["canary"], "waiting");
    let sample = line.ledger().accepted_recipients;
    assert!(run.0.try_wait().unwrap().is_none(), "it waits");
    let answer = folder.fanline(&["cancel", "test", "--yes"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(run.exit_code().await, Some(1));
    assert_eq!(line.ledger().accepted_recipients, sample, "nobody else");
}

#[test]
fn a_canary_needs_a_list_that_can_be_read_again() {
    let rows = format!(r#"[{{"to": "{}", "name": "Ann"}}]"#, user(1));
    let folder = people(0);
    let inline = folder.read("campaign.json").replace("\"list.csv\"", &rows);
    folder.write("campaign.json", inline);
    for command in ["check", "plan", "run"] {
        let answer = folder.fanline(&[command, "campaign.json"]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let expected = "needs its list in a file or in S3";
        assert!(answer.err.contains(expected), "{answer:?}");
    }
}
