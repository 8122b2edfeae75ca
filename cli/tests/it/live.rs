//! The question before a live send, and tests to named people.

use fanline_local::{LineOptions, LineServer};

use serde_json::Value;

use crate::odd_line::odd_line;
use crate::support::{Answer, Folder, PERSONAL, campaign, list, user};

async fn line(options: LineOptions) -> LineServer {
    LineServer::start(options).await.unwrap()
}

fn folder(people: usize) -> Folder {
    Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(people))
}

/// A live run with a token for this address.
fn live(folder: &Folder, base: &str, more: &[&str]) -> Answer {
    let args = [&["run", "campaign.json", "--live"], more].concat();
    let variables = [
        ("LINE_API_BASE", base),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
    ];
    folder.fanline_with(&args, &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_names_account_host_people_requests_quota_and_a_message() {
    let line = line(LineOptions {
        display_name: "Corner shop".into(),
        monthly_quota: Some(100),
        ..LineOptions::default()
    })
    .await;
    let folder = folder(30);
    let asked = live(&folder, line.url(), &[]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    for words in [
        "This sends campaign `test` to 30 people.",
        "account   Corner shop (@",
        &format!("at {}, which is not LINE itself", line.url()),
        "requests  30 pushes",
        "time      1 s at LINE's limit",
        "quota     needs 30; this month has 100 left, 70 after it",
        "message   hello name 0",
        "standard input is no terminal to ask on: add --yes",
    ] {
        assert!(asked.err.contains(words), "{words}: {}", asked.err);
    }
    assert_eq!(line.ledger().accepted_requests, 0);
    let sent = live(&folder, line.url(), &["--yes"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(line.ledger().accepted_recipients, 30);
}

#[test]
fn the_question_says_that_the_months_names_for_statistics_are_used_up() {
    let url = odd_line("nothing is refused");
    let with_statistics =
        campaign(PERSONAL).replace("{\"campaign\"", "{\"statistics\": true, \"campaign\"");
    let folder = folder(3).with("campaign.json", with_statistics);
    let asked = live(&folder, &url, &[]);
    let words = "warning   `statistics`: this month has 1,000 runs with statistics";
    assert!(asked.err.contains(words), "{asked:?}");
    assert!(asked.err.contains("no terminal to ask on"), "{asked:?}");
    folder.write("campaign.json", campaign(PERSONAL));
    let asked = live(&folder, &url, &[]);
    assert!(!asked.err.contains("warning"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_no_network_and_too_little_quota_end_with_2_before_anything_is_sent() {
    let line = line(LineOptions {
        monthly_quota: Some(40),
        reserved_quota: 0,
        ..LineOptions::default()
    })
    .await;
    let folder = folder(50);
    let short = live(&folder, line.url(), &["--yes"]);
    let words = "it needs 50 messages, and this month has 40 left: 10 more would do";
    assert!(
        short.code == Some(2) && short.err.contains(words),
        "{short:?}"
    );
    line.change(|options| {
        options.revoked.insert("a-token".into());
    });
    let refused = live(&folder, line.url(), &["--yes"]);
    let words = "LINE refuses the channel access token (401); nothing was sent";
    assert!(
        refused.code == Some(2) && refused.err.contains(words),
        "{refused:?}"
    );
    let nowhere = live(&folder, "http://127.0.0.1:9", &["--yes"]);
    let words = "LINE can't be reached at http://127.0.0.1:9: no connection";
    assert!(
        nowhere.code == Some(2) && nowhere.err.contains(words),
        "{nowhere:?}"
    );
    assert_eq!(line.ledger().accepted_requests, 0);
    assert!(
        !folder.has("state"),
        "a run that did not begin has no record"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_to_the_named_people_alone_and_the_real_run_still_to_everybody() {
    let line = line(LineOptions::default()).await;
    let folder = folder(5).with(
        "staff.txt",
        format!("to\n{} # Ann\n\n{}\n", user(3), user(91)),
    );
    let args = [
        "--yes",
        "--test-to",
        &user(90),
        "--test-to",
        "staff.txt",
        "--row",
        "2",
    ];
    let test = live(&folder, line.url(), &args);
    assert_eq!(test.code, Some(0), "{test:?}");
    assert!(
        test.err.contains("This sends campaign `test.test-"),
        "{test:?}"
    );
    for staff in [90, 3, 91] {
        let got = line.receipts(&user(staff));
        assert_eq!(got.len(), 1, "{staff}");
        assert!(
            got[0].messages.as_ref().unwrap().contains("hello name 1"),
            "{got:?}"
        );
    }
    assert_eq!(line.ledger().accepted_recipients, 3);
    let records = folder.files("state");
    let record = records
        .iter()
        .find(|path| path.ends_with("run.json"))
        .unwrap();
    let record: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    assert_eq!(record["kind"], "test");

    let real = live(&folder, line.url(), &["--yes"]);
    assert_eq!(real.code, Some(0), "{real:?}");
    assert_eq!(line.ledger().accepted_recipients, 3 + 5);
    // Who got the test of row 2 gets the message of their own row too.
    assert_eq!(line.receipts(&user(3)).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_to_nobody_or_of_no_row_is_refused() {
    let line = line(LineOptions::default()).await;
    let folder = folder(2).with("empty.txt", "# nobody\n");
    for (args, words) in [
        (&["--test-to", "Uabc"][..], "is neither a LINE ID"),
        (&["--test-to", "empty.txt"][..], "has no LINE ID in it"),
        (
            &["--test-to", &user(1), "--row", "9"][..],
            "it has no row 9",
        ),
    ] {
        let answer = live(&folder, line.url(), &[args, &["--yes"]].concat());
        assert!(
            answer.code == Some(2) && answer.err.contains(words),
            "{answer:?}"
        );
    }
    assert_eq!(line.ledger().accepted_requests, 0);
}
