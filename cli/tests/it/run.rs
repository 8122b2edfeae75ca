//! Whole campaigns, from a list to the simulated LINE.

use std::time::Instant;

use crate::support::{Folder, ONE_TEXT, PERSONAL, campaign, list, user};
use crate::worker::Process;

#[test]
fn a_campaign_reaches_everybody_once_and_the_sum_adds_up() {
    for (messages, deliveries) in [(ONE_TEXT, 3), (PERSONAL, 1200)] {
        let folder = Folder::new()
            .with("campaign.json", campaign(messages))
            .with("list.csv", list(1200));
        let began = Instant::now();
        let answer = folder.fanline(&["run", "campaign.json", "--json", "--no-rate-limit"]);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        // One line in ten seconds, where a busy machine takes as long.
        let most = usize::try_from(began.elapsed().as_secs() / 10).unwrap();
        let lines = answer.err.lines().count();
        assert!(lines <= most, "quiet where nobody watches: {answer:?}");
        let report = answer.json();
        assert_eq!(report["rows"], 1200);
        assert_eq!(report["accepted"], 1200);
        assert_eq!(report["deliveries"], deliveries);
        assert_eq!(
            report["line"]["recipients_accepted"], 1200,
            "the simulated LINE counts by itself"
        );
    }
}

#[test]
fn an_urgent_campaign_is_rehearsed_although_this_machine_has_no_urgent_queue() {
    let urgent = campaign(PERSONAL).replace("{\"campaign\"", "{\"lane\": \"urgent\", \"campaign\"");
    let folder = Folder::new()
        .with("campaign.json", urgent)
        .with("list.csv", list(30));
    for command in ["check", "plan"] {
        assert_eq!(folder.fanline(&[command, "campaign.json"]).code, Some(0));
    }
    let answer = folder.fanline(&["run", "campaign.json", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json()["accepted"], 30);
}

#[test]
fn bad_rows_and_duplicates_are_accounted_for() {
    let rows = format!("{}nobody,x\n{},again\n", list(200), user(7));
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", rows);
    let answer = folder.fanline(&["run", "campaign.json", "--json"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let report = answer.json();
    assert_eq!(
        (
            &report["rows"],
            &report["accepted"],
            &report["rejected"],
            &report["duplicates"]
        ),
        (&202.into(), &200.into(), &1.into(), &1.into())
    );
}

#[test]
fn a_campaign_that_is_over_is_refused_before_anything_is_published() {
    let text = campaign(PERSONAL).replace(
        "{\"campaign\"",
        "{\"expires_at\": \"2026-01-01T00:00:00Z\", \"campaign\"",
    );
    let folder = Folder::new()
        .with("campaign.json", text)
        .with("list.csv", list(5));
    for command in ["check", "run"] {
        let answer = folder.fanline(&[command, "campaign.json"]);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{answer:?}"
        );
        let expected = "`expires_at` is past: nothing could be sent";
        assert!(answer.err.contains(expected), "{answer:?}");
    }
}

#[test]
fn a_live_run_needs_a_token_and_asks_line_before_it_sends() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let answer = folder.fanline(&["run", "campaign.json", "--live"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("LINE_CHANNEL_ACCESS_TOKEN"),
        "{answer:?}"
    );
    let token = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token"),
        ("LINE_API_BASE", "http://127.0.0.1:9"),
    ];
    let answer = folder.fanline_with(&["run", "campaign.json", "--live"], &token);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("can't be reached"), "{answer:?}");
    assert!(!answer.err.contains("secret-token"));
}

#[test]
fn a_run_ends_and_reports_unknown_when_line_does_not_answer() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let mut line = Process::line_without_answers();
    let line = line.url();
    let no_answers = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token"),
        ("LINE_API_BASE", &line),
    ];
    let args = [
        "run",
        "campaign.json",
        "--live",
        "--yes",
        "--json",
        "--give-up-after",
        "2",
    ];
    let answer = folder.fanline_with(&args, &no_answers);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert_eq!(
        (&answer.json()["accepted"], &answer.json()["unknown"]),
        (&0.into(), &3.into())
    );
    assert!(
        answer.json()["problem"]
            .as_str()
            .unwrap()
            .contains("no delivery got an outcome"),
        "{answer:?}"
    );
}

#[test]
fn a_run_does_not_begin_when_the_queue_server_does_not_answer() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let answer = folder.fanline(&[
        "run",
        "campaign.json",
        "--queue-endpoint",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("127.0.0.1:9"), "{answer:?}");
    assert_eq!(answer.out, "", "{answer:?}");
}

#[test]
fn a_run_with_every_kind_of_fault_reaches_everybody_once_and_reports_it() {
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(150));
    let faults = "error-before=10%,error-after=10%,reset-after=10%,garbled=5%,\
                  failed=5%,throttled=5%,lost=5%,duplicated=10%,kill=3%,panic=3%";
    let answer = folder.fanline(&[
        "run",
        "campaign.json",
        "--json",
        "--faults",
        faults,
        "--seed",
        "11",
        "--report",
        "report.html",
    ]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let report = answer.json();
    assert_eq!(
        report["accepted"].as_u64().unwrap() + report["already_accepted"].as_u64().unwrap(),
        150
    );
    assert!(
        report["retries"].as_u64().unwrap() > 0,
        "faults make retries: {report}"
    );
    assert_eq!(
        (
            &report["line"]["recipients_accepted"],
            &report["line"]["recipients_doubled"]
        ),
        (&150.into(), &0.into())
    );
    let page = folder.read("report.html");
    assert!(
        page.contains("LINE accepted all 150.") && !page.contains("http"),
        "a page that needs nothing else"
    );
    assert!(!page.contains(&user(1)[1..]), "no recipient in the report");
}

#[test]
fn a_token_that_line_refuses_ends_the_run_and_is_named_as_the_cause() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let answer = folder.fanline(&[
        "run",
        "campaign.json",
        "--json",
        "--faults",
        "unauthorized=100%",
    ]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let report = answer.json();
    assert_eq!(
        (&report["accepted"], &report["unknown"]),
        (&0.into(), &3.into())
    );
    assert!(
        report["problem"]
            .as_str()
            .unwrap()
            .contains("is the token valid?"),
        "{report}"
    );
}
