//! `who` and `export`.

use std::io::Read;

use fanline_ledger::{CellReason, Store};
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::world::{accepted, forget_outcomes, outcome, settle, store, write_run};
use crate::support::{Folder, PERSONAL, campaign, user};

/// Rows 1 to 6: two accepted, one refused, one waiting, one rejected, one duplicate.
fn world() -> (Folder, Store) {
    let rows = [
        format!("{},\"Wang, \"\"Ming\"\"\"\n", user(0)),
        format!("{},b\n", user(1)),
        format!("{},c\n", user(2)),
        format!("{},d\n", user(3)),
        "nobody,e\n".to_owned(),
        format!("{},f\n", user(1)),
    ];
    let list = format!("to,name\n{}", rows.concat());
    let text = campaign(PERSONAL).replacen('{', r#"{"max_bad_rows": 5, "#, 1);
    let folder = Folder::new()
        .with("campaign.json", text)
        .with("list.csv", list);
    // One row can't be sent, so the run ends with 1.
    let answer = folder.fanline(&["run", "campaign.json", "--at", "records", "--json"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    forget_outcomes(&folder, "test");
    let store = store(&folder);
    let mut outcomes = accepted(0..2);
    outcomes.push(outcome(2, CellReason::Refused, Some(400)));
    settle(&store, "test", outcomes);
    (folder, store)
}

const EXPORTED: &str = "\
to,name,outcome,reason,status,request_id,time
U00000000000000000000000000000000,\"Wang, \"\"Ming\"\"\",accepted,,200,request-0,2026-12-25T08:00:03Z
U00000000000000000000000000000001,b,accepted,,200,request-1,2026-12-25T08:00:03Z
U00000000000000000000000000000002,c,refused,,400,request-2,2026-12-25T08:00:03Z
U00000000000000000000000000000003,d,waiting,,,,
nobody,e,rejected,,,,
U00000000000000000000000000000001,f,duplicate,,,,
";

fn export(folder: &Folder, more: &[&str]) -> crate::support::Answer {
    folder.fanline(&[&["export", "test", "--at", "records"], more].concat())
}

#[test]
fn an_export_is_the_list_with_what_became_of_each_row() {
    let (folder, _) = world();
    let answer = export(&folder, &["--out", "out.csv"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.out, "out.csv: 6 of 6 rows\n");
    assert_eq!(folder.read("out.csv"), EXPORTED);
    assert!(!folder.path("out.csv.part").exists());
    let answer = export(&folder, &["--out", "few.csv", "--only", "refused,waiting"]);
    assert_eq!(answer.out, "few.csv: 2 of 6 rows\n");
    let few: Vec<_> = folder.read("few.csv").lines().map(str::to_owned).collect();
    assert_eq!((few.len(), few[1].contains(",refused,")), (3, true));
}

#[test]
fn an_export_is_packed_as_its_name_says() {
    let (folder, _) = world();
    let packed = |name: &str| {
        assert_eq!(export(&folder, &["--out", name]).code, Some(0));
        std::fs::read(folder.path(name)).unwrap()
    };
    let zstd = zstd::decode_all(&packed("out.csv.zst")[..]).unwrap();
    assert_eq!(String::from_utf8(zstd).unwrap(), EXPORTED);
    let mut gzip = String::new();
    flate2::read::GzDecoder::new(&packed("OUT.CSV.GZ")[..])
        .read_to_string(&mut gzip)
        .unwrap();
    assert_eq!(gzip, EXPORTED);
    let answer = export(&folder, &["--out", "out.ndjson"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let lines = folder.read("out.ndjson");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[2],
        json!({
            "to": user(2), "name": "c", "outcome": "refused", "status": "400",
            "request_id": "request-2", "time": "2026-12-25T08:00:03Z",
        })
    );
    assert_eq!(
        lines[3],
        json!({"to": user(3), "name": "d", "outcome": "waiting"})
    );
}

#[test]
fn columns_that_the_list_has_already_are_not_written_twice() {
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", format!("to,name,status\n{},a,gold\n", user(0)));
    write_run(&folder, "campaign.json");
    settle(&store(&folder), "test", accepted(0..1));
    assert_eq!(export(&folder, &["--out", "out.csv"]).code, Some(0));
    let head = "to,name,status,outcome,reason,fanline_status,request_id,time\n";
    assert!(folder.read("out.csv").starts_with(head));
    assert_eq!(export(&folder, &["--out", "out.ndjson"]).code, Some(0));
    let line = folder.read("out.ndjson");
    assert!(
        line.contains(r#""status":"gold","outcome":"accepted","fanline_status":"200""#),
        "{line}"
    );
}

#[test]
fn an_ndjson_list_is_exported_as_ndjson_only() {
    let rows = format!(
        "{{\"to\": \"{}\", \"name\": \"a\", \"more\": {{\"a\": {{}}}}}}\n",
        user(0)
    );
    let text = campaign(PERSONAL).replace("list.csv", "list.ndjson");
    let folder = Folder::new()
        .with("campaign.json", text)
        .with("list.ndjson", rows);
    write_run(&folder, "campaign.json");
    assert_eq!(export(&folder, &["--out", "out.ndjson"]).code, Some(0));
    let line: Value = serde_json::from_str(&folder.read("out.ndjson")).unwrap();
    assert_eq!(
        line,
        json!({"to": user(0), "name": "a", "more": {"a": {}}, "outcome": "waiting"})
    );
    let answer = export(&folder, &["--out", "out.csv"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("write .ndjson"), "{answer:?}");
    assert!(!folder.path("out.csv").exists() && !folder.path("out.csv.part").exists());
}

#[test]
fn another_list_than_the_run_has_read_is_never_joined() {
    let (folder, _) = world();
    let list = folder.read("list.csv");
    folder.write("copy.csv", &list);
    folder.write("list.csv", list.replace(",b\n", ",B\n"));
    let answer = export(&folder, &["--out", "out.csv"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("was changed"), "{answer:?}");
    assert!(answer.err.contains("--list"), "{answer:?}");
    let args = ["--out", "out.csv", "--list", "copy.csv"];
    assert_eq!(export(&folder, &args).code, Some(0));
    assert_eq!(folder.read("out.csv"), EXPORTED);
    for other in [
        list.replace(&user(3), &user(4)),
        list.replace(&format!("{},d\n", user(3)), ""),
        format!("{list}{},g\n", user(9)),
    ] {
        folder.write("copy.csv", other);
        let answer = export(&folder, &args);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let expected = "error: `copy.csv` is not the list of the run `test`\n";
        assert_eq!(answer.err, expected);
    }
    let answer = export(&folder, &["--out", "out.txt"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("ends in neither `.csv` nor `.ndjson`"),
        "{answer:?}"
    );
}

#[test]
fn who_answers_for_each_id_and_names_none_of_them() {
    let (folder, _) = world();
    let ids = [
        user(0),
        user(2),
        user(3),
        user(1),
        user(77),
        String::new(),
        "x".into(),
    ];
    let ids = ids.join("\n");
    let args = ["who", "test", "--at", "records"];
    let answer = folder.fanline_from(&args, ids.as_bytes());
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert_eq!(
        answer.out,
        "line 1: row 1, accepted, status 200, request request-0, at 2026-12-25T08:00:03Z\n\
         line 2: row 3, refused, status 400, request request-2, at 2026-12-25T08:00:03Z\n\
         line 3: row 4, waiting\n\
         line 4: row 2, accepted, status 200, request request-1, at 2026-12-25T08:00:03Z\n\
         line 4: row 6, duplicate\n\
         line 5: in no row that was sent, or in none that is read yet\n\
         line 7: in no row that was sent, or in none that is read yet\n"
    );
    let json = [&args[..], &["--json"]].concat();
    let answer = folder.fanline_from(&json, user(1).as_bytes());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json()[0]["at"], "1:1:0");
    let answer = folder.fanline_from(&args, b"\n\n");
    assert_eq!(answer.code, Some(2), "{answer:?}");
}

#[test]
fn who_needs_the_key_that_the_run_was_sent_with() {
    let (folder, _) = world();
    let variables = [("LOG_HASH_KEY", "another")];
    let args = [
        "export", "test", "--at", "records", "--out", "a.csv", "--list", "list.csv",
    ];
    let answer = folder.fanline_with(&args, &variables);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let expected = "error: `LOG_HASH_KEY` is not the key that the run was sent with\n";
    assert_eq!(answer.err, expected);
}

#[test]
fn a_run_whose_ledger_is_in_a_bucket_is_exported_beside_its_local_list() {
    let (folder, _) = world();
    let bucket = Bucket::of(&folder);
    let args = ["export", "test", "--at", "s3://ours", "--out", "out.csv"];
    let answer = bucket.fanline(&folder, &args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(folder.read("out.csv"), EXPORTED);
}
