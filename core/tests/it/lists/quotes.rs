//! Quotes that are not where their writer meant them.

use std::collections::BTreeSet;

use fanline_core::list::{Format, ListReader};
use proptest::prelude::*;

use super::{csv, in_any_chunks, read, shown, user};

/// The list with this header and with `name` of person 1 as it stands, below and above others.
fn with_name(name: &str) -> String {
    format!(
        "to,name\r\n{},Ann\r\n{},{name}\r\n{},Cy\r\n{},\"Di\"\r\n{},Ed\r\n",
        user(0),
        user(1),
        user(2),
        user(3),
        user(4)
    )
}

#[test]
fn a_quote_that_is_not_closed_where_its_field_ends_refuses_the_list_and_names_its_row() {
    for (name, sentence) in [
        (
            "\"said hi",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            "\"Anna\" Smith",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            "\"a \\\"b\\\" c\"",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            "\"a \\\", b\"",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            "\"Anna\" ",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            " \"said hi",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
        (
            "\"\"\"said hi",
            "row 2 (line 3) opens a quote that is not closed at the end",
        ),
    ] {
        let error = csv(with_name(name).as_bytes()).unwrap_err();
        assert!(error.starts_with(sentence), "{name}: {error}");
    }
    for name in ["\"said hi", "\"\"\"", "\"", "\"two\nlines"] {
        let list = format!("to,name\n{},{name}\n{},Bo\n", user(1), user(2));
        assert_eq!(
            csv(list.as_bytes()).unwrap_err(),
            "row 1 (line 2) opens a quote that is never closed",
            "{name}"
        );
    }
}

#[test]
fn a_quote_that_is_closed_well_below_other_rows_refuses_the_list() {
    let sentence = "row 2 (line 3) opens a quote that is closed only in a line below";
    let [u0, u1, u2, u3] = [0, 1, 2, 3].map(user);
    for list in [
        // The closing quote of each is followed by a line end, a separator or the list's end.
        format!("to,name\n{u0},Ann\n{u1},\"said hi\n{u2},Cy\n{u3},\"\n"),
        format!("to,name\n{u0},Ann\n{u1},\"said hi\n{u2},Cy\n{u3},Di\"\n"),
        format!("to,name\n{u0},Ann\n{u1},\"said hi\n{u2},\"\"\n{u3},Di\""),
        format!("to,name,x\n{u0},Ann,\n{u1},\"said hi,\n{u2},Cy,\n{u3},\",\n"),
        format!("name,to\nAnn,{u0}\n\"said hi,{u1}\nCy,{u2}\nDi\",{u3}\n"),
        format!("to;name\n{u0};Ann\n{u1};\"said hi\n{u2};Cy\n{u3};\"\n"),
        format!("to\n{u0}\n\"{u1}\n{u2}\n{u3}\"\n"),
        format!("to,name\n{u0},Ann\n{u1},\"said hi\r\n \u{200b}{u2} ,Cy\n{u3},\"\n"),
        format!("to,name\n{u0},Ann\n{u1},\"said hi\r\"\"{u2}\"\",Cy\n{u3},\"\n"),
    ] {
        let error = csv(list.as_bytes()).unwrap_err();
        assert!(error.starts_with(sentence), "{list}: {error}");
    }
    let token = |n: usize| format!("{n:043}");
    let list = format!("token,name\n{},\"hi\n{},\"\n", token(1), token(2));
    let error = csv(list.as_bytes()).unwrap_err();
    assert!(error.starts_with("row 1 (line 2) opens a quote"), "{error}");
}

#[test]
fn text_of_several_lines_is_no_row() {
    let list = format!(
        "to,name\n{},\"Dear Ann,\n5 apples, 6 pears\n\nhttps://example.com/?id={}\n\"\n{},Bo\n",
        user(1),
        user(1),
        user(2)
    );
    assert_eq!(csv(list.as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_quote_within_a_field_is_text() {
    let list = "to,name\nU1,5\" screen\nU2,Ann \"the boss\" Wang\nU3,it's\n";
    assert_eq!(
        csv(list.as_bytes()).unwrap(),
        [
            "row 1 (line 2): U1|5\" screen",
            "row 2 (line 3): U2|Ann \"the boss\" Wang",
            "row 3 (line 4): U3|it's"
        ]
    );
}

#[test]
fn a_sheet_has_no_open_quotes_and_its_rows_are_its_lines() {
    let list = format!("to,name\n\nU1,\"two\n{},lines\"\nU2,x\n", user(2));
    assert_eq!(
        shown(Format::Xlsx, list.as_bytes(), &["to"]).unwrap(),
        ["row 1 (line 3): U1", "row 2 (line 4): U2"]
    );
}

/// A line of a list that names somebody, with a note as people and programs leave it.
fn any_note() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z ]{0,4}".prop_map(String::into_bytes),
        "\"[a-z,]{0,4}\"".prop_map(String::into_bytes),
        prop::collection::vec(
            prop::sample::select(b"\"\"\"\",;\\ab \r\n\t\xff\0".to_vec()),
            0..6
        ),
    ]
}

/// A list in which each line begins with the ID of a person, or ends with it.
fn any_notes() -> impl Strategy<Value = (bool, u8, Vec<Vec<u8>>)> {
    let separator = prop::sample::select(b",;\t".to_vec());
    (
        any::<bool>(),
        separator,
        prop::collection::vec(any_note(), 1..9),
    )
}

fn list_of((id_first, separator, notes): &(bool, u8, Vec<Vec<u8>>)) -> Vec<u8> {
    let separator = &[*separator][..];
    let names = if *id_first {
        ["to", "note"]
    } else {
        ["note", "to"]
    };
    let mut list = names.map(str::as_bytes).join(separator);
    list.push(b'\n');
    for (n, note) in notes.iter().enumerate() {
        let id = user(n);
        let fields = if *id_first {
            [id.as_bytes(), note]
        } else {
            [note, id.as_bytes()]
        };
        list.extend(fields.join(separator));
        list.push(b'\n');
    }
    list
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever the notes are, the list is refused, or each person has a row and nobody's ID is in
    /// the row of another person.
    #[test]
    fn nobody_is_lost_in_the_quotes_of_somebody_else(notes in any_notes(), chunk in 1usize..60) {
        let list = list_of(&notes);
        let mut reader = ListReader::new(Format::Csv);
        let Ok(rows) = read(&mut reader, &list, chunk, &["to", "note"]) else { return Ok(()) };
        let people = notes.2.len();
        let mut seen = BTreeSet::new();
        let mut refused = 0;
        for (_, row) in &rows {
            let named: Vec<usize> = (0..people).filter(|&n| row.contains(&user(n))).collect();
            prop_assert!(named.len() <= 1, "{:?}", String::from_utf8_lossy(&list));
            match named.first() {
                Some(n) => prop_assert!(seen.insert(*n)),
                // An error has no values.
                None => refused += usize::from(!row.contains('|')),
            }
        }
        // A refused row is in the sum all the same.
        prop_assert!(seen.len() + refused >= people, "{:?}", String::from_utf8_lossy(&list));
    }

    #[test]
    fn a_slice_reads_what_the_whole_list_reads(notes in any_notes(), chunk in 1usize..60) {
        let list = list_of(&notes);
        let columns = ["to", "note"];
        let mut reader = ListReader::new(Format::Csv);
        let Ok(whole) = read(&mut reader, &list, usize::MAX, &columns) else { return Ok(()) };
        for (i, (place, _)) in whole.iter().enumerate() {
            let rest = &list[usize::try_from(place.byte).unwrap()..];
            let mut slice = ListReader::resume(Format::Csv, *place, reader.header().cloned());
            let rows = read(&mut slice, rest, chunk, &columns);
            // The likely encoding is told from the rows that were read, which are fewer here.
            let rows = rows.unwrap().into_iter().map(without_guess);
            prop_assert!(rows.eq(whole.iter().skip(i).cloned().map(without_guess)));
        }
    }

}

proptest! {
    #[test]
    fn any_bytes_read_alike_in_any_chunks(
        bytes in prop::collection::vec(prop::sample::select(b"to,;\"\r\n U\xff".to_vec()), 0..40),
    ) {
        drop(in_any_chunks(Format::Csv, &bytes, &["to"]));
        let list = [b"to,a\n", &bytes[..]].concat();
        drop(in_any_chunks(Format::Csv, &list, &["to", "a"]));
    }
}

fn without_guess<T>((place, row): (T, String)) -> (T, String) {
    let row = row
        .split(" and looks like")
        .next()
        .unwrap_or_default()
        .to_owned();
    (place, row)
}
