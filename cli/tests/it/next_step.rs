//! Each command says the next one, from the example to the live run.

use fanline_local::{LineOptions, LineServer};

use crate::support::{Answer, Folder, PERSONAL, campaign, list, user};

/// The command that was printed as the next one, as words behind `fanline`.
fn next(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let mut lines = answer.err.lines();
    let next = lines.find_map(|line| line.strip_prefix("Next: fanline "));
    let next = next.unwrap_or_else(|| panic!("no next command in {answer:?}"));
    next.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_commands_lead_from_the_example_to_a_test_to_oneself() {
    let line = LineServer::start(LineOptions::default()).await.unwrap();
    let variables = [
        ("LINE_API_BASE", line.url()),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
    ];
    let folder = Folder::new().with("my.csv", list(3));
    std::fs::create_dir(folder.path("events")).unwrap();
    folder.write("events/example.json", campaign(PERSONAL));
    folder.write("events/list.csv", list(5));
    let me = user(90);

    let mut command = vec!["run".to_owned(), "events/example.json".to_owned()];
    let mut ran = Vec::new();
    for _ in 0..5 {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let answer = folder.fanline_with(&words, &variables);
        ran.push(command[0].clone());
        command = next(&answer)
            .into_iter()
            .map(|word| match word.as_str() {
                "YOUR-LIST.csv" => "my.csv".to_owned(),
                "YOUR-USER-ID" => me.clone(),
                _ => word,
            })
            .collect();
        if command.contains(&"--live".to_owned()) {
            command.push("--yes".to_owned());
        }
    }
    assert_eq!(ran, ["run", "check", "plan", "run", "run"]);
    assert_eq!(line.receipts(&me).len(), 1);
    assert_eq!(line.ledger().accepted_recipients, 1, "nobody else");
    // The sixth is the live run, for everybody on the list.
    let last = [
        "run",
        "events/example.json",
        "--list",
        "my.csv",
        "--live",
        "--yes",
    ];
    assert_eq!(command, last);
}

#[test]
fn a_program_and_a_run_that_failed_are_told_no_next_command() {
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", format!("{}nobody,x\n", list(3)));
    for words in [
        &["check", "campaign.json", "--json"][..],
        &["check", "campaign.json"],
        &["run", "campaign.json"],
        &["plan", "campaign.json", "--json"],
    ] {
        let answer = folder.fanline(words);
        assert!(!answer.err.contains("Next:"), "{words:?}: {answer:?}");
    }
}
