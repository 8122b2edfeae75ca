//! A run that was begun before, on this machine.

use fanline_local::{LineOptions, LineServer};

use crate::support::{Folder, ONE_TEXT, PERSONAL, campaign, list, user};
use crate::worker::Process;

const ARGS: [&str; 5] = ["run", "campaign.json", "--json", "--at", "records"];

#[test]
fn an_edited_message_or_list_is_refused_and_nothing_is_sent() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    assert_eq!(folder.fanline(&ARGS).code, Some(0));
    // The same run again is allowed: to LINE itself its messages have the same retry keys.
    assert_eq!(folder.fanline(&ARGS).code, Some(0));
    folder.write("campaign.json", campaign(PERSONAL));
    let answer = folder.fanline(&ARGS);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    let expected = "the run `test` began with other messages";
    assert!(answer.err.contains(expected), "{answer:?}");
    folder.write("campaign.json", campaign(ONE_TEXT));
    folder.write("list.csv", list(4));
    let answer = folder.fanline(&ARGS);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    let expected = "the run `test` began with another list";
    assert!(answer.err.contains(expected), "{answer:?}");
}

#[test]
fn rehearsals_know_nothing_of_each_other() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let args = ["run", "campaign.json"];
    assert_eq!(folder.fanline(&args).code, Some(0));
    folder.write("list.csv", list(4));
    assert_eq!(folder.fanline(&args).code, Some(0));
}

#[test]
fn messages_of_another_run_on_a_kept_queue_are_not_sent() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let queue = queue.url();
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    // LINE does not answer, so the delivery stays on the queue.
    let mut line = Process::line_without_answers();
    let line = line.url();
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token"),
        ("LINE_API_BASE", &line),
    ];
    let args = |records| {
        [
            "run",
            "campaign.json",
            "--live",
            "--yes",
            "--queue-endpoint",
            &queue,
            "--give-up-after",
            "1",
            "--at",
            records,
        ]
        .map(str::to_owned)
    };
    let run = |records| {
        let args = args(records);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        folder.fanline_with(&args, &variables)
    };
    let first = run("records");
    assert_eq!(first.code, Some(1));
    let waits = format!("what was not sent waits on the queue `{queue}");
    assert!(first.err.contains(&waits), "{first:?}");
    // Where nothing is known of that run, its messages are not sent along.
    let other = run("other");
    assert_eq!(other.code, Some(2));
    let expected = "1 messages of another run wait on the queue";
    assert!(other.err.contains(expected), "{other:?}");
    // The same run goes on.
    let again = run("records");
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("This continues a run"), "{again:?}");
}

/// What came twice, or was received without an answer, is hidden again and again.
#[test]
fn a_run_ends_well_where_everybody_has_the_message_and_only_copies_are_left() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let queue = queue.url();
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let patience = ["--give-up-after", "2", "--json", "--at", "records"];
    let args = [
        &["run", "campaign.json", "--queue-endpoint", &queue],
        &patience[..],
    ]
    .concat();
    // It makes the queues.
    assert_eq!(folder.fanline(&args).code, Some(0));
    let slices = format!("{queue}/000000000000/test-slices");
    let hidden = "Action=SendMessage&MessageBody=copy&DelaySeconds=600";
    let sent = tokio::runtime::Runtime::new().unwrap().block_on(async {
        reqwest::get(format!("{slices}?{hidden}"))
            .await
            .unwrap()
            .status()
    });
    assert!(sent.is_success(), "{sent}");
    let answer = folder.fanline(&args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json()["problem"], serde_json::Value::Null);
}

#[test]
fn a_report_takes_the_place_of_a_report_and_of_no_other_file() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3))
        .with("notes.txt", "to do")
        .with("empty.html", "");
    for (file, problem) in [
        ("campaign.json", "it is read by this command"),
        ("./list.csv", "it is read by this command"),
        ("notes.txt", "this file is no page of fanline's"),
        (".", "this file is no page of fanline's"),
        ("no/such/folder.html", "No such file"),
    ] {
        let answer = folder.fanline(&["run", "campaign.json", "--report", file]);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{file}");
        assert!(answer.err.contains(problem), "{answer:?}");
    }
    assert_eq!(folder.read("list.csv"), list(3));
    assert_eq!(folder.read("campaign.json"), campaign(ONE_TEXT));
    assert_eq!(folder.read("notes.txt"), "to do");
    for _ in 0..2 {
        let answer = folder.fanline(&["run", "campaign.json", "--report", "empty.html"]);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert!(folder.read("empty.html").contains("LINE accepted all 3."));
    }
    // A run that does not begin leaves the report as it is.
    let report = folder.read("empty.html");
    let answer = folder.fanline(&["run", "campaign.json", "--report", "empty.html", "--live"]);
    assert_eq!(answer.code, Some(2));
    assert_eq!(folder.read("empty.html"), report);
}

#[test]
fn somebody_twice_in_a_list_of_several_slices_gets_one_message() {
    // More than 64 MiB.
    let note = "x".repeat(1_000_000);
    let rows: Vec<String> = (0..70)
        .chain([0])
        .map(|n| format!("U{n:032x},{note}\n"))
        .collect();
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", format!("to,note\n{}", rows.concat()));
    let answer = folder.fanline(&["run", "campaign.json", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let report = answer.json();
    assert_eq!(
        (
            &report["accepted"],
            &report["duplicates"],
            &report["line"]["recipients_doubled"]
        ),
        (&70.into(), &1.into(), &0.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_in_lines_own_words_with_a_row() {
    let line = LineServer::start(LineOptions {
        unknown: [user(5), user(7)].into(),
        ..LineOptions::default()
    });
    let line = line.await.unwrap();
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(10));
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "any"),
        ("LINE_API_BASE", line.url()),
    ];
    let args = [
        "run",
        "campaign.json",
        "--live",
        "--yes",
        "--report",
        "report.html",
    ];
    let answer = folder.fanline_with(&[&args[..], &["--json"]].concat(), &variables);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let report = answer.json();
    assert_eq!(
        (&report["accepted"], &report["refused"]),
        (&8.into(), &2.into())
    );
    let reason = &report["reasons"][0];
    assert_eq!(
        (&reason["reason"], &reason["status"]),
        (&"refused".into(), &"400".into())
    );
    assert_eq!(reason["recipients"], 2);
    let words = reason["words"].as_str().unwrap();
    let row = reason["example_row"].as_u64().unwrap();
    assert!(!words.is_empty() && [6, 8].contains(&row), "{reason}");
    let page = folder.read("report.html");
    for text in [format!("<q>{words}</q>"), format!("For example row {row}.")] {
        assert!(page.contains(&text), "{text}: {page}");
    }
    // The same for people: where nothing is known of that run, LINE refuses these two again.
    let answer = folder.fanline_with(&[&args[..], &["--at", "other"]].concat(), &variables);
    let expected = format!("  2 refused (status 400): {words}, for example row ");
    assert!(answer.out.contains(&expected), "{answer:?}");
}
