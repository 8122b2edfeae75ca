//! A live run whose process is killed, or that an operator pauses: it goes on where it was.

use std::process::Child;
use std::time::Duration;

use fanline_local::{LineOptions, LineServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{Folder, PERSONAL, campaign, list};

const ARGS: [&str; 5] = ["run", "campaign.json", "--live", "--yes", "--json"];
const RECORD: &str = "state/fanline/ledger/test/run.json";
const PAGES: &str = "state/fanline/ledger/test/pages";

/// A process that is killed at the latest when the test ends.
struct Run(Child);

impl Run {
    fn start(folder: &Folder, line: &LineServer) -> Self {
        Self(folder.start(&ARGS, &variables(line)))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // SIGKILL: the process can't do anything more.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn variables(line: &LineServer) -> [(&'static str, &str); 2] {
    [
        ("LINE_CHANNEL_ACCESS_TOKEN", "any"),
        ("LINE_API_BASE", line.url()),
    ]
}

async fn simulated_line() -> LineServer {
    LineServer::start(LineOptions::default()).await.unwrap()
}

fn people(n: usize) -> Folder {
    Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(n))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_twenty_times_reaches_everybody_once() {
    const PEOPLE: u64 = 3_500;
    let line = simulated_line().await;
    let folder = people(3_500);
    for kill in 0..20_u64 {
        let before = line.ledger().accepted_recipients;
        // The outcomes of the first process reach the ledger. Those of the others die with them.
        let until = before + kill * 37 % 32;
        let goes_on = || match kill {
            0 => folder.files(PAGES).is_empty(),
            _ => line.ledger().accepted_recipients <= until,
        };
        let mut run = Run::start(&folder, &line);
        while goes_on() {
            assert!(!run.has_ended(), "after {before} people");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let before = line.ledger();
    assert!(before.accepted_recipients < PEOPLE, "{before:?}");
    let answer = folder.fanline_with(&ARGS, &variables(&line));
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.err.contains("This continues a run"), "{answer:?}");
    let report = answer.json();
    assert_eq!(report["rows"], PEOPLE);
    let of = |term: &str| report[term].as_u64().unwrap();
    assert_eq!(of("accepted") + of("already_accepted"), PEOPLE);
    let ledger = line.ledger();
    let reached = (ledger.distinct_recipients, ledger.accepted_recipients);
    assert_eq!(reached, (PEOPLE, PEOPLE), "{ledger:?}");
    assert_eq!((ledger.duplicates, ledger.changed_under_key), (0, 0));
    let status = folder.fanline(&["status", "test", "--json"]).json();
    assert_eq!(status["accepted"], PEOPLE, "{status}");
    assert_eq!(
        (&status["waiting"], &status["state"]),
        (&0.into(), &"done".into())
    );
    // The run is over: a further firing sends nothing to LINE.
    let pushes = line.ledger().requests["push"].clone();
    let again = folder.fanline_with(&ARGS, &variables(&line));
    assert_eq!(
        (again.code, &again.json()["already_accepted"]),
        (Some(0), &PEOPLE.into())
    );
    assert_eq!(line.ledger().requests["push"], pushes);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_23_hours_nothing_is_sent_and_the_cure_is_named() {
    let line = simulated_line().await;
    let folder = people(600);
    let mut run = Run::start(&folder, &line);
    while line.ledger().accepted_recipients == 0 {
        assert!(!run.has_ended());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(run);
    let mut record: Value = serde_json::from_str(&folder.read(RECORD)).unwrap();
    let began: Timestamp = record["started_at"].as_str().unwrap().parse().unwrap();
    record["started_at"] = (began - SignedDuration::from_hours(24)).to_string().into();
    folder.write(RECORD, record.to_string());
    let requests = line.ledger().requests;
    let answer = folder.fanline_with(&ARGS, &variables(&line));
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    for words in [
        "more than 23 hours ago",
        "of its 600 rows have no outcome",
        "fanline resend test",
    ] {
        assert!(answer.err.contains(words), "{answer:?}");
    }
    assert_eq!(line.ledger().requests, requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_while_an_operator_pauses_it_and_a_cancelled_one_ends() {
    let line = simulated_line().await;
    let folder = people(3_000);
    let reached = || line.ledger().accepted_recipients;
    let mut run = Run::start(&folder, &line);
    wait_for(|| reached() > 50).await;
    let answer = folder.fanline(&["pause", "test", "--why", "wrong text"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let status = || folder.fanline(&["status", "test", "--json"]).json();
    // Every outcome of what departed is in the ledger: nothing more comes.
    wait_for(|| status()["accepted"] == reached()).await;
    assert!(!run.has_ended());
    assert!(reached() < 3_000, "it was over before");
    assert_eq!(status()["why"], "wrong text");
    assert_eq!(folder.fanline(&["resume", "test"]).code, Some(0));
    let before = reached();
    wait_for(|| reached() > before).await;
    assert_eq!(folder.fanline(&["cancel", "test", "--yes"]).code, Some(0));
    wait_for(|| run.has_ended()).await;
    let status = status();
    let of = |term: &str| status[term].as_u64().unwrap();
    assert_eq!(of("accepted"), reached());
    assert_eq!(of("accepted") + of("cancelled"), 3_000, "{status}");
    assert_eq!(line.ledger().duplicates, 0);
}

async fn wait_for(mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + Duration::from_mins(2);
    while !is_so() {
        assert!(std::time::Instant::now() < until, "it did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
