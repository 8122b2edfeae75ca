//! `runs` and `status`.

use fanline_ledger::{CONTROL_KEY, Expect};
use serde_json::{Value, json};

use super::world::{
    accepted, edit, enter, half_done, record, runtime, settle, store, write_run, written,
};
use crate::support::{Folder, PERSONAL, campaign, list};

const STATUS: [&str; 4] = ["status", "test", "--at", "records"];

#[test]
fn a_status_has_every_row_in_one_place_and_says_why() {
    let folder = half_done();
    let answer = folder.fanline(&[&STATUS[..], &["--json"]].concat());
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let status = answer.json();
    for (field, value) in [
        ("run", json!("test")),
        ("state", json!("open")),
        ("kind", json!("test")),
        ("rows", json!(10)),
        ("accepted", json!(6)),
        ("refused", json!(1)),
        ("set_aside", json!(1)),
        ("waiting", json!(2)),
        ("unread", json!(0)),
        ("difference", json!(0)),
        ("slices", json!({"cut": 1, "read": 1, "published": 1})),
    ] {
        assert_eq!(status[field], value, "{field}: {status}");
    }
    let reasons = status["reasons"].as_array().unwrap();
    assert!(reasons.contains(&json!({"outcome": "refused", "status": 400, "people": 1})));
    let words = status["words"].as_array().unwrap();
    assert_eq!(words.len(), 1, "{status}");
    assert_eq!(words[0]["status"], 400);
    let text = folder.fanline(&STATUS).out;
    for line in [
        "test is open\n",
        "  accepted                 6   60.0 %   LINE accepted it\n",
        "\n10 rows = 6 accepted + 1 refused + 1 set aside + 2 waiting\n",
        "  1 person refused, status 400\n    \
         LINE said: The property, 'to', in the request body is invalid\n    \
         LINE refuses it each time. Change the message or the row first.\n",
        "  1 person set aside, quota, status 429\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_status_is_0_once_everybody_is_accepted_and_a_watch_ends_there() {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    assert_eq!(folder.fanline(&STATUS).code, Some(1));
    settle(&store, "test", accepted(0..3));
    let answer = folder.fanline(&[&STATUS[..], &["--watch"]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.contains("3 of 3 accepted (100 %)"), "{answer:?}");
    let answer = folder.fanline(&[&STATUS[..], &["--watch", "--json"]].concat());
    assert_eq!(answer.out.lines().count(), 1, "{answer:?}");
    assert_eq!(answer.json()["accepted"], 3);
}

#[test]
fn runs_are_listed_with_the_newest_first_and_found_by_their_beginning() {
    let folder = written(3);
    let other = campaign(PERSONAL).replace("\"test\"", "\"team\"");
    folder.write("other.json", other);
    write_run(&folder, "other.json");
    settle(&store(&folder), "team", accepted(0..2));
    let runs = folder
        .fanline(&["runs", "--at", "records", "--json"])
        .json();
    let runs = runs.as_array().unwrap();
    let newest = |run: &Value| run["started_at"].as_str().unwrap().to_owned();
    assert!(newest(&runs[0]) >= newest(&runs[1]), "{runs:?}");
    let team = runs.iter().find(|run| run["run"] == "team").unwrap();
    assert_eq!(
        (&team["accepted"], &team["waiting"]),
        (&json!(2), &json!(1))
    );
    let table = folder.fanline(&["runs", "--at", "records"]);
    assert!(table.out.contains("66.6 %"), "{table:?}");
    let one = folder.fanline(&["runs", "--at", "records", "--limit", "1"]);
    assert_eq!(one.out.lines().count(), 2, "{one:?}");
    assert!(one.err.contains("1 older runs"), "{one:?}");

    let status = |run: &str| folder.fanline(&["status", run, "--at", "records"]);
    assert!(status("tea").out.starts_with("team is "));
    for (run, problem) in [
        (
            "te",
            "error: 2 runs begin with `te`: `team`, `test`. Name one of them\n",
        ),
        (
            "tset",
            "error: there is no run `tset` in `records`: did you mean `test`?\n",
        ),
        (
            "xmas",
            "error: there is no run `xmas` in `records`: `fanline runs` lists them\n",
        ),
    ] {
        let answer = status(run);
        assert_eq!(
            (answer.code, answer.err.as_str()),
            (Some(2), problem),
            "{answer:?}"
        );
    }
}

#[test]
fn a_folder_without_runs_is_one_sentence() {
    let folder = Folder::new().with("list.csv", list(1));
    for (args, place) in [
        (&["runs", "--at", "."][..], "."),
        (&["runs", "--at", "missing"], "missing"),
        (&["status", "test", "--at", "missing"], "missing"),
    ] {
        let answer = folder.fanline(args);
        let expected = format!(
            "error: there is neither `ledger/` nor `control/` in `{place}`: name the ledger of \
             your runs with --at\n"
        );
        assert_eq!((answer.code, answer.err), (Some(2), expected), "{args:?}");
    }
    let answer = folder.fanline(&["runs", "--at", "https://bucket"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("neither `s3://BUCKET` nor a folder"),
        "{answer:?}"
    );
}

#[test]
fn a_control_object_that_was_edited_into_nonsense_is_told_beside_the_status() {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    let text = r#"{"v": 1, "runs": {"test": {"state": "running"}}}"#;
    let put = store.put(CONTROL_KEY, text, &Expect::Any);
    runtime().block_on(put).unwrap();
    let answer = folder.fanline(&STATUS);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.out.contains("field `runs.test.state`"), "{answer:?}");
    assert!(answer.out.contains("3 rows = 3 waiting"), "{answer:?}");
}

#[test]
fn who_changed_a_run_and_why_is_in_its_status() {
    let folder = written(3);
    let store = store(&folder);
    enter(&store, "test");
    edit(&store, |edit| edit.pause("test", None));
    let answer = folder.fanline(&STATUS);
    assert!(
        answer.out.contains("test is paused: its deliveries wait"),
        "{answer:?}"
    );
    assert!(answer.out.contains("), by producer\n"), "{answer:?}");
    let started_at = record(&store, "test").started_at.to_string();
    assert!(
        answer.out.contains(&format!("began {started_at}")),
        "{answer:?}"
    );
}
