//! A run and its resends together, and rows that were mended.

use fanline_ledger::CellReason;
use serde_json::json;

use super::resend::{EVERYTHING, names, resend, settle_and_close, world};
use super::world::{outcome, write_run};
use crate::support::user;

#[test]
fn a_mended_row_is_sent_to_a_person_who_is_nowhere_else_in_the_family() {
    let (folder, _) = world();
    let columns = folder.read("list.csv").lines().next().unwrap().to_owned();
    let mended = |number: usize| format!("{},mended {number}\n", user(number));
    // The first one is in the list already, and the last one comes twice.
    let rows = [mended(0), mended(90), mended(91), mended(91)].concat();
    let folder = folder.with("mended.csv", format!("{columns}\n{rows}"));
    let answer = resend(&folder, "refused", &["--mend", "mended.csv", "--json"]);
    let report = answer.json();
    let counts = (&report["people"], &report["left_out_mended"]);
    assert_eq!(counts, (&json!(3), &json!(2)), "{answer:?}");
    assert_eq!(
        names(&folder, "test.r1"),
        ["name 1", "mended 90", "mended 91"]
    );
    // They are in a resend now, so no other one has them.
    let args = [
        "resend",
        "test",
        "--mend",
        "mended.csv",
        "--at",
        "records",
        "--yes",
    ];
    let answer = folder.fanline(&args);
    assert_eq!(
        answer.out, "test: there is nobody to resend to\n",
        "{answer:?}"
    );
    for (file, problem) in [
        ("name,user\nx,y\n", "its columns are not those of the list"),
        (&format!("{columns}\nnobody,x\n"), "row 1 has no recipient"),
    ] {
        let folder = world().0.with("mended.csv", file);
        let answer = folder.fanline(&args);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(problem), "{answer:?}");
        assert!(!folder.path("test.r1/campaign.json").exists());
    }
}

#[test]
fn a_run_and_its_resends_together_show_each_person_once_with_the_best_outcome() {
    let (folder, store) = world();
    assert_eq!(resend(&folder, EVERYTHING, &[]).code, Some(0));
    write_run(&folder, "test.r1/campaign.json");
    // The refused one is accepted now, and who had no quota is refused.
    let outcomes = vec![
        outcome(0, CellReason::Accepted, Some(200)),
        outcome(1, CellReason::Refused, Some(400)),
    ];
    settle_and_close(&store, "test.r1", outcomes);
    let at = ["--at", "records"];
    for run in ["test", "test.r1"] {
        let status = folder.fanline(&[&["status", run, "--family", "--json"], &at[..]].concat());
        assert_eq!(status.code, Some(1), "{status:?}");
        assert_eq!(
            status.json(),
            json!({
                "family": ["test", "test.r1"], "closed": true, "rows": 6, "accepted": 2,
                "refused": 1, "unknown": 1, "expired": 1, "set_aside": 0, "cancelled": 0,
                "waiting": 1, "rejected": 0, "duplicates": 0, "unread": 0, "difference": 0,
            })
        );
    }
    let status = folder.fanline(&[&["status", "test", "--family"], &at[..]].concat());
    assert!(
        status.out.starts_with("test and 1 resend: test.r1\n"),
        "{status:?}"
    );
    assert!(
        status
            .out
            .contains("6 rows = 2 accepted + 1 refused + 1 unknown + 1 expired + 1 waiting"),
        "{status:?}"
    );

    let args = ["export", "test", "--family", "--out", "rows.csv"];
    let answer = folder.fanline(&[&args, &at[..]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let rows = folder.read("rows.csv");
    let ends = [
        "outcome,reason,status,request_id,time,run",
        "accepted,,200,request-0,2026-12-25T08:00:03Z,test",
        "accepted,,200,request-0,2026-12-25T08:00:03Z,test.r1",
        "refused,,400,request-1,2026-12-25T08:00:03Z,test.r1",
        "expired,,,,2026-12-25T08:00:03Z,test",
        "unknown,unanswered,,,2026-12-25T08:00:03Z,test",
        "waiting,,,,,test",
    ];
    assert_eq!(rows.lines().count(), ends.len());
    for (row, end) in rows.lines().zip(ends) {
        assert!(row.ends_with(end), "{row}");
    }
    let args = [
        "export", "test.r1", "--family", "--only", "refused", "--out", "one.csv",
    ];
    let answer = folder.fanline(&[&args, &at[..]].concat());
    assert!(answer.out.contains("1 of 6 rows"), "{answer:?}");
}
