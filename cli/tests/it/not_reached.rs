//! The file of everybody who did not get the message of a run.

use std::collections::BTreeSet;

use fanline_local::{LineOptions, LineServer};
use serde_json::{Value, json};

use crate::support::{Answer, Folder, PERSONAL, campaign, list, user};

const BESIDE: &str = "list.csv.rejects/test/not-reached.csv";

async fn line(unknown: &[usize]) -> LineServer {
    let unknown: BTreeSet<_> = unknown.iter().map(|n| user(*n)).collect();
    let line = LineServer::start(LineOptions {
        unknown,
        ..LineOptions::default()
    });
    line.await.unwrap()
}

/// Three people, a row that can't be sent, and the second person again.
fn world() -> Folder {
    let text = campaign(PERSONAL).replacen('{', r#"{"max_bad_rows": 5, "#, 1);
    let odd = format!("nobody,\"b, c\"\n{},again\n", user(1));
    Folder::new()
        .with("campaign.json", text)
        .with("list.csv", format!("{}{odd}", list(3)))
}

fn run(folder: &Folder, line: &LineServer, more: &[&str]) -> Answer {
    let variables = [
        ("LINE_CHANNEL_ACCESS_TOKEN", "any"),
        ("LINE_API_BASE", line.url()),
    ];
    let args = ["run", "campaign.json", "--live", "--yes"];
    folder.fanline_with(&[&args[..], more].concat(), &variables)
}

fn expected() -> String {
    let refused = user(2);
    format!(
        "row,to,name,outcome,reason\n\
         3,{refused},name 2,refused,\n\
         4,nobody,\"b, c\",rejected,\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_run_writes_who_did_not_get_it_beside_its_list() {
    let folder = world();
    let answer = run(&folder, &line(&[2]).await, &["--json"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert_eq!(answer.json()["not_reached"], BESIDE);
    assert_eq!(folder.read(BESIDE), expected());
    let answer = run(&folder, &line(&[2]).await, &["--at", "other"]);
    let words = format!("who did not get it: {BESIDE}\n");
    assert!(answer.out.contains(&words), "{answer:?}");
    assert_eq!(folder.read(BESIDE), expected());
    // Nobody is left: the file of before would be wrong.
    folder.write("list.csv", list(3));
    let answer = run(&folder, &line(&[]).await, &["--at", "third", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json().get("not_reached"), None);
    assert!(!folder.has(BESIDE));
}

#[test]
fn a_rehearsal_writes_it_where_the_flag_says_and_leaves_nothing_else() {
    let folder = world();
    for (args, code) in [
        (&["run", "campaign.json"][..], 1),
        (&["run", "campaign.json", "--json"], 1),
    ] {
        let answer = folder.fanline(args);
        assert_eq!(answer.code, Some(code), "{answer:?}");
        assert!(!answer.out.contains("who did not get it"), "{answer:?}");
        assert!(!folder.has(BESIDE));
    }
    for _ in 0..2 {
        let args = ["run", "campaign.json", "--not-reached", "left.csv"];
        let answer = folder.fanline(&args);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(
            answer.out.contains("who did not get it: left.csv\n"),
            "{answer:?}"
        );
        let rows = "row,to,name,outcome,reason\n4,nobody,\"b, c\",rejected,\n";
        assert_eq!(folder.read("left.csv"), rows);
        assert!(!folder.has("left.csv.part"));
    }
}

#[test]
fn rows_of_ndjson_keep_their_fields() {
    let row = json!({"to": user(0), "name": "a", "row": 7});
    let text = campaign(PERSONAL).replacen('{', r#"{"max_bad_rows": 5, "#, 1);
    let folder = Folder::new()
        .with("campaign.json", text.replace("list.csv", "list.ndjson"))
        .with(
            "list.ndjson",
            format!("{row}\n{{\"to\": \"nobody\", \"name\": \"b\", \"row\": 8}}\n"),
        );
    for name in ["left.ndjson", "left.csv"] {
        let answer = folder.fanline(&["run", "campaign.json", "--not-reached", name, "--json"]);
        let code = if name.ends_with("csv") { 2 } else { 1 };
        assert_eq!(answer.code, Some(code), "{answer:?}");
        if code == 2 {
            assert!(answer.err.contains("the list is NDJSON"), "{answer:?}");
            assert!(answer.err.contains("write .ndjson"), "{answer:?}");
            continue;
        }
        let line: Value = serde_json::from_str(&folder.read(name)).unwrap();
        let fields = json!({"to": "nobody", "name": "b", "row": 8,
            "fanline_row": "2", "outcome": "rejected"});
        assert_eq!(line, fields);
    }
}

#[test]
fn no_other_file_is_overwritten() {
    let folder = world()
        .with("notes.csv", "to do\n")
        .with("old.csv", "row,to,name,outcome,reason\n")
        .with(
            "inline.json",
            campaign(PERSONAL).replace(r#""list.csv""#, r#"[{"to": "x"}]"#),
        );
    for (campaign, file, problem) in [
        (
            "campaign.json",
            "campaign.json",
            "it is read by this command",
        ),
        ("campaign.json", "./list.csv", "it is read by this command"),
        (
            "campaign.json",
            "notes.csv",
            "it is no such file of fanline's",
        ),
        (
            "campaign.json",
            "left.txt",
            "ends in neither `.csv` nor `.ndjson`",
        ),
        ("campaign.json", "no/such/folder.csv", "No such file"),
        ("inline.json", "left.csv", "the rows stand in the campaign"),
    ] {
        let answer = folder.fanline(&["run", campaign, "--not-reached", file]);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{file}");
        assert!(answer.err.contains(problem), "{answer:?}");
    }
    assert_eq!(folder.read("notes.csv"), "to do\n");
    let args = [
        "run",
        "campaign.json",
        "--list",
        "old.csv",
        "--not-reached",
        "old.csv",
    ];
    let answer = folder.fanline(&args);
    assert!(
        answer.err.contains("it is read by this command"),
        "{answer:?}"
    );
}
