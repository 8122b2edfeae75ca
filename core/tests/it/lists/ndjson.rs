//! NDJSON as databases write it.

use fanline_core::list::Format;
use proptest::prelude::*;
use serde_json::json;

use super::{in_any_chunks, shown, user};

fn ndjson(list: &str, columns: &[&str]) -> Result<Vec<String>, String> {
    shown(Format::Ndjson, list.as_bytes(), columns)
}

#[test]
fn a_row_is_an_object_in_a_line() {
    let list = concat!(
        "\u{feff}{\"to\":\"U1\",\"name\":\"a\"}\r\n\n  \n[1]\n\u{feff}\n{}\n{\"to\":null}\n",
        "{\"to\":\"U2\"}\n{\"to\":5,\"name\":\"c\"}"
    );
    assert_eq!(
        ndjson(list, &["to", "name"]).unwrap(),
        [
            "row 1 (line 1): U1|a",
            "row 2 (line 4): is not a JSON object",
            "row 3 (line 8): U2|∅",
            "row 4 (line 9): 5|c"
        ]
    );
}

#[test]
fn a_quote_that_is_not_closed_spoils_its_line_and_no_other() {
    let list =
        "{\"to\":\"U1\",\"a\":\"x}\n{\"to\":\"U2\",\"a\":\"y\"z\"}\n{\"to\":\"U3\",\"a\":\"\"}\n";
    assert_eq!(
        ndjson(list, &["to", "a"]).unwrap(),
        [
            "row 1 (line 1): is not a JSON object",
            "row 2 (line 2): is not a JSON object",
            "row 3 (line 3): U3|"
        ]
    );
    let twice = "{\"to\":\"U1\",\"to\":\"U2\"}\n{\"to\":\"U3\"} {\"to\":\"U4\"}\n";
    assert_eq!(
        ndjson(twice, &["to"]).unwrap(),
        [
            "row 1 (line 1): gives two values to one column",
            "row 2 (line 2): is not a JSON object"
        ]
    );
}

#[test]
fn an_array_is_refused_as_a_whole() {
    for list in [
        "[\n{\"to\":\"U1\"},\n{\"to\":\"U2\"}\n]\n",
        "\n[{\"to\":\"U1\"}]",
    ] {
        let error = ndjson(list, &["to"]).unwrap_err();
        assert!(error.contains("begins a JSON array"), "{error}");
    }
}

#[test]
fn a_list_in_another_encoding_says_so() {
    let list = b"{\"to\":\"U1\",\"name\":\"\xa4\xfd\xa4\x70\xa9\xfa\"}\n";
    let rows = shown(Format::Ndjson, list, &[]).unwrap();
    assert!(
        rows[0].starts_with("row 1 (line 1): is not UTF-8 and looks like Big5"),
        "{rows:?}"
    );
    assert_eq!(
        shown(Format::Ndjson, "ﾅﾏｴ\n".as_bytes(), &[]).unwrap(),
        ["row 1 (line 1): is not a JSON object"]
    );
}

proptest! {
    #[test]
    fn whatever_stands_in_a_line_no_other_line_is_lost(
        lines in prop::collection::vec("[\"\\\\{}:,a-c\r]{0,12}|\\PC{0,6}", 1..8)
    ) {
        let people = (0..lines.len()).map(|n| json!({"to": user(n)}).to_string());
        let list: Vec<String> = people.zip(&lines).map(|(who, line)| format!("{who}\n{line}\n")).collect();
        let list = list.concat();
        let rows = in_any_chunks(Format::Ndjson, list.as_bytes(), &["to"]).unwrap();
        for n in 0..lines.len() {
            prop_assert!(rows.iter().any(|(_, row)| *row == user(n)));
        }
    }
}
