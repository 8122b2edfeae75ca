//! `fanline plan` says what a campaign needs, and `fanline make-list` makes lists to plan with.

use fanline_local::{LineOptions, LineServer};

use serde_json::json;

use crate::odd_line::odd_line;
use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list, user};

async fn line(options: LineOptions) -> LineServer {
    LineServer::start(options).await.unwrap()
}

/// Plans with a token for this LINE.
fn planned(folder: &Folder, line: &LineServer, more: &[&str]) -> Answer {
    let args = [&["plan", "campaign.json"], more].concat();
    let variables = [
        ("LINE_API_BASE", line.url()),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
    ];
    folder.fanline_with(&args, &variables)
}

#[test]
fn a_plan_counts_requests_and_asks_nobody_without_a_token() {
    let rows = format!("{}{},again\n", list(1_200), user(3));
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", rows);
    let answer = folder.fanline(&["plan", "campaign.json", "--fee", "3"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for words in [
        "test: 1,201 rows = 1,200 recipients + 0 that can't be sent + 1 duplicates",
        "requests  3 multicasts",
        "400.0 people in a multicast",
        "broadcast is one request",
        "10 s on a stack with 40 consumers",
        "quota     not known: set `LINE_CHANNEL_ACCESS_TOKEN`",
        "LINE      3,600 at most",
    ] {
        assert!(answer.out.contains(words), "{words}: {}", answer.out);
    }
    folder.write("campaign.json", campaign(PERSONAL));
    let plan = folder.fanline(&["plan", "campaign.json", "--json"]).json();
    assert_eq!(plan["requests"]["push"], 1_200);
    assert_eq!(plan["one_text"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_asks_line_for_the_account_and_the_quota() {
    let line = line(LineOptions {
        display_name: "Corner shop".into(),
        monthly_quota: Some(100),
        ..LineOptions::default()
    })
    .await;
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(30));
    let answer = planned(&folder, &line, &[]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for words in [
        "account   Corner shop (@",
        "quota     needs 30; this month has 100 left, 70 after it",
    ] {
        assert!(answer.out.contains(words), "{words}: {}", answer.out);
    }
    assert_eq!(line.ledger().accepted_requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_can_not_work_ends_with_2_and_the_number_that_would_do() {
    let line = line(LineOptions {
        monthly_quota: Some(20),
        ..LineOptions::default()
    })
    .await;
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(30));
    let short = planned(&folder, &line, &[]);
    assert_eq!(short.code, Some(2), "{short:?}");
    let words = "problem   it needs 30 messages, and this month has 20 left: 10 more would do";
    assert!(short.out.contains(words), "{}", short.out);

    line.change(|options| options.monthly_quota = None);
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let expiring = campaign(PERSONAL).replace(
        "{\"campaign\"",
        &format!("{{\"expires_at\": \"{soon}\", \"campaign\""),
    );
    folder.write("campaign.json", expiring);
    let late = planned(&folder, &line, &[]);
    assert_eq!(late.code, Some(2), "{late:?}");
    assert!(
        late.out.contains("`expires_at` has to be after"),
        "{}",
        late.out
    );

    folder.write("campaign.json", campaign(PERSONAL));
    line.change(|options| {
        options.revoked.insert("a-token".into());
    });
    let refused = planned(&folder, &line, &["--json"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let problem = &refused.json()["problems"][0];
    assert_eq!(problem, "LINE refuses the channel access token (401)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_who_is_no_friend() {
    let friends = (0..2_500).filter(|number| number % 5 > 0).map(user);
    let line = line(LineOptions {
        friends: friends.collect(),
        ..LineOptions::default()
    })
    .await;
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", format!("{}C{:032x},all\n", list(1_000), 1));
    let answer = planned(&folder, &line, &["--friends"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let words = "friends   800 of 1,000 users in the list; no friends: 200, who get nothing";
    assert!(answer.out.contains(words), "{}", answer.out);
    let plan = planned(&folder, &line, &["--friends", "--json"]).json();
    let counts = json!({"of_the_account": 2_000, "users": 1_000, "not_friends": 200});
    assert_eq!(plan["friends"], counts);
    folder.write("list.csv", format!("to,name\n{},Ann\n", user(1)));
    let answer = planned(&folder, &line, &["--friends"]);
    let words = "friends   1 user in the list, and all of them are friends of the account";
    assert!(answer.out.contains(words), "{}", answer.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_asked_for_with_a_token_of_a_verified_account() {
    let line = line(LineOptions {
        verified: false,
        ..LineOptions::default()
    })
    .await;
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(3));
    for (answer, words) in [
        (
            planned(&folder, &line, &["--friends"]),
            "--friends: LINE gives the IDs of friends only to an account that is verified or \
             premium (403), and this one is neither",
        ),
        (
            folder.fanline(&["plan", "campaign.json", "--friends"]),
            "--friends: it asks LINE, so set `LINE_CHANNEL_ACCESS_TOKEN`",
        ),
    ] {
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
    }
}

#[test]
fn what_line_refuses_of_a_row_drawn_from_the_list_is_a_problem_with_its_row() {
    // One of the eight rows that are drawn from a list of 300; neither the first nor the longest.
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(300));
    let url = odd_line("hello name 254\"");
    let variables = [
        ("LINE_API_BASE", url.as_str()),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
    ];
    for (args, out) in [
        (&["plan", "campaign.json"][..], true),
        (&["check", "campaign.json", "--live"][..], false),
    ] {
        let answer = folder.fanline_with(args, &variables);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let words = "row 255 (line 256): LINE refuses the messages: Not this one";
        let said = if out { &answer.out } else { &answer.err };
        assert!(said.contains(words), "{answer:?}");
    }
}

#[test]
fn a_made_list_can_be_planned_and_rehearsed_as_it_stands() {
    let folder = Folder::new().with("campaign.json", campaign(PERSONAL));
    for (args, pushes, multicasts) in [
        (&["make-list", "600", "--personalised"][..], 600, 0),
        (&["make-list", "600"][..], 0, 2),
    ] {
        let made = folder.fanline(args);
        assert_eq!(made.code, Some(0), "{made:?}");
        folder.write("list.csv", &made.out);
        let plan = folder.fanline(&["plan", "campaign.json", "--json"]).json();
        assert_eq!(plan["requests"]["push"], pushes, "{plan}");
        assert_eq!(plan["requests"]["multicast"], multicasts, "{plan}");
        assert_eq!(plan["recipients"], 600);
    }
    let run = folder.fanline(&["run", "campaign.json", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn the_wait_for_a_canary_is_planned() {
    let with_canary = campaign(PERSONAL).replace(
        "{\"campaign\"",
        "{\"canary\": {\"share\": \"1%\", \"wait_seconds\": 300}, \"campaign\"",
    );
    let folder = Folder::new()
        .with("campaign.json", with_canary.clone())
        .with("list.csv", list(30));
    let plan = folder.fanline(&["plan", "campaign.json"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.out.contains("5 min 10 s on a stack"), "{}", plan.out);
    assert!(
        plan.out.contains("5 min 0 s of it for watching the canary"),
        "{}",
        plan.out
    );
    folder.write("campaign.json", with_canary.replace("1%", "one"));
    let check = folder.fanline(&["check", "campaign.json"]);
    assert!(
        check.code == Some(2) && check.err.contains("`canary`"),
        "{check:?}"
    );
}
