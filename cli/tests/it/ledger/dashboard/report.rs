//! `report`: the page of a run as a file.

use crate::ledger::world::half_done;

const REPORT: [&str; 6] = ["report", "test", "--at", "records", "--out", "r.html"];

#[test]
fn a_run_is_written_as_one_page_without_buttons() {
    let folder = half_done();
    let answer = folder.fanline(&REPORT);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let page = folder.read("r.html");
    for text in [
        "10 rows = 6 accepted + 1 refused + 1 set aside + 2 waiting",
        "refused, status 400",
        "As of 20",
        "· fanline</title>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for other in ["<button", "<form", "<script", "<link", "href=\"/"] {
        assert!(!page.contains(other), "{other}: {page}");
    }
    assert_eq!(folder.fanline(&REPORT).code, Some(0), "it replaces itself");
}

#[test]
fn a_report_replaces_no_other_file() {
    let folder = half_done();
    folder.write("r.html", "<title>my page</title>");
    let answer = folder.fanline(&REPORT);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("--out: "), "{answer:?}");
    assert_eq!(folder.read("r.html"), "<title>my page</title>");
}
