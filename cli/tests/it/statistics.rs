//! A run whose messages LINE counts, and what it counted.

use fanline_local::{LineOptions, LineServer};

use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list};

fn folder(messages: &str) -> Folder {
    let counted =
        campaign(messages).replace("{\"campaign\"", "{\"statistics\": true, \"campaign\"");
    Folder::new()
        .with("campaign.json", counted)
        .with("list.csv", list(90))
}

fn with_token(folder: &Folder, line: &LineServer, args: &[&str]) -> Answer {
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ("LINE_API_BASE", line.url()),
    ];
    folder.fanline_with(args, &variables)
}

async fn simulated_line() -> LineServer {
    let options = LineOptions {
        opened_share: 0.5,
        ..LineOptions::default()
    };
    LineServer::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_counted_under_one_name_and_its_statistics_are_read() {
    for messages in [ONE_TEXT, PERSONAL] {
        let line = simulated_line().await;
        let folder = folder(messages);
        let plan = with_token(&folder, &line, &["plan", "campaign.json"]);
        assert_eq!(plan.code, Some(0), "{plan:?}");
        let expected = "counted   0 of the 1,000 runs with statistics of this month";
        assert!(plan.out.contains(expected), "{}", plan.out);
        let sent = with_token(&folder, &line, &["run", "campaign.json", "--live", "--yes"]);
        assert_eq!(sent.code, Some(0), "{sent:?}");
        let plan = with_token(&folder, &line, &["plan", "campaign.json", "--json"]);
        assert_eq!(plan.json()["account"]["units"], 1, "one name for the run");
        let stats = with_token(&folder, &line, &["stats", "test", "--json"]);
        assert_eq!(stats.code, Some(0), "{stats:?}");
        assert_eq!(stats.json()["overview"]["unique_impression"], 45);
        let stats = with_token(&folder, &line, &["stats", "te"]);
        for words in [
            "opened           45\n",
            "followed a link  fewer than 20 people, or nobody\n",
            "LINE's numbers change for 14 days",
        ] {
            assert!(stats.out.contains(words), "{words}: {}", stats.out);
        }
        // The same firing again has the same requests.
        let again = with_token(&folder, &line, &["run", "campaign.json", "--live", "--yes"]);
        assert_eq!(again.code, Some(0), "{again:?}");
        assert_eq!(line.ledger().accepted_recipients, 90);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_statistics_has_none_and_a_run_can_not_change_it() {
    let line = simulated_line().await;
    let folder = folder(PERSONAL);
    let counted = folder.read("campaign.json");
    folder.write("campaign.json", campaign(PERSONAL));
    let run = ["run", "campaign.json", "--live", "--yes"];
    assert_eq!(with_token(&folder, &line, &run).code, Some(0));
    let stats = with_token(&folder, &line, &["stats", "test"]);
    assert_eq!(stats.code, Some(2), "{stats:?}");
    let expected = "LINE does not count the run `test`";
    assert!(stats.err.contains(expected), "{stats:?}");
    folder.write("campaign.json", counted);
    let changed = with_token(&folder, &line, &run);
    assert_eq!(changed.code, Some(2), "{changed:?}");
    let expected = "the run `test` began with other messages";
    assert!(changed.err.contains(expected), "{changed:?}");
    assert_eq!(line.ledger().accepted_recipients, 90);
}
