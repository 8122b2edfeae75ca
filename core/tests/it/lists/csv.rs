//! CSV as office programs write it.

use fanline_core::list::{Format, ListReader};
use proptest::prelude::*;

use super::{csv, in_any_chunks, read, shown};

#[test]
fn a_list_with_a_mark_crlf_quoted_commas_and_newlines_reads_as_a_person_expects() {
    let list = concat!(
        "\u{feff}to,name\r\nU1,\"Wang, 小明\"\r\n\r\n",
        "U2,\"two\nlines \"\"quoted\"\"\"\r\nU3,last"
    );
    assert_eq!(
        csv(list.as_bytes()).unwrap(),
        [
            "row 1 (line 2): U1|Wang, 小明",
            "row 2 (line 4): U2|two\nlines \"quoted\"",
            "row 3 (line 6): U3|last"
        ]
    );
}

#[test]
fn every_kind_of_line_end_is_one_line() {
    for end in ["\n", "\r\n", "\r"] {
        let list = ["to,name", "", "U1,\"a", "b\"", "U2,c", "", "U3,d"].join(end);
        assert_eq!(
            csv(list.as_bytes()).unwrap(),
            [
                format!("row 1 (line 3): U1|a{end}b"),
                "row 2 (line 5): U2|c".into(),
                "row 3 (line 7): U3|d".into()
            ],
            "{end:?}"
        );
    }
}

#[test]
fn a_bad_row_is_told_apart_from_its_neighbours() {
    // The last two fields are a character together and none alone.
    let list = b"to,name\nU1,a\nU3,c,d\nU4,\xff\nU5,e\nU6\xe6\x97,\xa9\n";
    let rows = csv(list).unwrap();
    let expected = [
        "row 1 (line 2): U1|a",
        "row 2 (line 3): has 3 fields where the header has 2",
        "row 3 (line 4): is not UTF-8",
        "row 4 (line 5): U5|e",
        "row 5 (line 6): is not UTF-8",
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        assert!(row.starts_with(expected), "{row}");
    }
}

#[test]
fn a_row_in_another_encoding_is_refused_with_its_likely_name_and_the_cure() {
    let big5 = b"to,name\nU1,\xa4\xfd\xa4\x70\xa9\xfa\n";
    assert_eq!(
        csv(big5).unwrap(),
        [
            "row 1 (line 2): is not UTF-8 and looks like Big5: add `\"encoding\": \"big5\"` to \
             the campaign, or save the list in UTF-8"
        ]
    );
    let header = b"to,\xa9\x6d\xa6\x57\nU1,Ann\n";
    assert_eq!(
        csv(header).unwrap_err(),
        "line 1: the header is not UTF-8 and looks like Big5: add `\"encoding\": \"big5\"` to \
         the campaign, or save the list in UTF-8"
    );
}

#[test]
fn a_list_that_is_no_list_says_so() {
    let empty = "the list is empty: not even a header";
    for list in [&b""[..], b"\xef\xbb\xbf\r\n\n", b",,\n", b" \n"] {
        assert_eq!(csv(list), Err(empty.into()));
    }
    assert_eq!(csv(b"to,name"), Ok(vec![]));
    let mut long = b"to,name\nU1,a\nU2,".to_vec();
    long.resize(20 * 1024 * 1024, b'x');
    for list in [long.clone(), [&long[..], b"\n"].concat()] {
        let reader = &mut ListReader::new(Format::Csv);
        assert_eq!(
            read(reader, &list, 65536, &[]).unwrap_err().to_string(),
            "row 2 (line 3) is longer than 1 MiB: is a quote left open?"
        );
    }
}

#[test]
fn marks_in_front_of_a_list_are_no_part_of_it() {
    for list in [
        "\u{feff}to,name\nU1,a\n",
        "\u{feff}\u{feff}to,name\nU1,a\n",
        "\n\u{feff}\"to\",\"name\"\nU1,a\n",
        "sep=,\n\u{feff}to,name\nU1,a\n",
    ] {
        let rows = csv(list.as_bytes()).unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].ends_with(": U1|a"), "{rows:?}");
    }
    // A half-width character begins like the mark.
    assert_eq!(
        shown(Format::Csv, "ﾅﾏｴ,to\nAnn,U1\n".as_bytes(), &["ﾅﾏｴ", "to"]).unwrap(),
        ["row 1 (line 2): Ann|U1"]
    );
}

#[test]
fn a_mark_in_a_row_stays_where_a_slice_begins_with_the_row() {
    let list = "to\n\u{feff}U1\n";
    let mut reader = ListReader::new(Format::Csv);
    let whole = read(&mut reader, list.as_bytes(), usize::MAX, &["to"]).unwrap();
    assert_eq!(whole[0].1, "\u{feff}U1");
    let mut slice = ListReader::resume(Format::Csv, whole[0].0, reader.header().cloned());
    let rows = read(&mut slice, &list.as_bytes()[3..], usize::MAX, &["to"]);
    assert_eq!(rows, Ok(whole));
}

#[test]
fn the_dialects_of_office_programs_read_alike() {
    for list in [
        "to,name\r\nU1,Ann\r\nU2,小明\r\n",
        "to;name\r\nU1;Ann\r\nU2;小明\r\n",
        "to\tname\r\nU1\tAnn\r\nU2\t小明\r\n",
        "to|name\nU1|Ann\nU2|小明\n",
        "sep=;\r\nto;name\r\nU1;Ann\r\nU2;小明\r\n",
        "sep=\t\r\nto\tname\r\nU1\tAnn\r\nU2\t小明\r\n",
        "\"to\", \"name\"\r\n\"U1\", \"Ann\"\r\n\"U2\", \"小明\"\r\n",
        "\"to\";\"name\"\r\n\"U1\";\"Ann\"\r\n\"U2\";\"小明\"",
        "name;to\nAnn;U1\n小明;U2\n",
    ] {
        let rows = in_any_chunks(Format::Csv, list.as_bytes(), &["to", "name"]).unwrap();
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        assert_eq!(rows, ["U1|Ann", "U2|小明"], "{list}");
    }
}

#[test]
fn a_row_of_nothing_is_no_row() {
    let list = concat!(
        "to,name\n,\nU1,Ann\n,,,\n\"\",\"\"\n  \n\t\nU2,Bo\n",
        " ,\u{3000}\n\u{200b}\n\u{1a}\n\"\n\",\n"
    );
    assert_eq!(
        csv(list.as_bytes()).unwrap(),
        ["row 1 (line 3): U1|Ann", "row 2 (line 8): U2|Bo"]
    );
}

#[test]
fn fields_that_are_missing_at_the_end_are_missing_values_and_empty_ones_beyond_it_are_nothing() {
    let list = "to,name,code\nU1,Ann,X\nU2,Bo\nU3\nU4,Di,Y,, ,\u{a0}\nU5,Ed,Z,,x\n";
    assert_eq!(
        shown(Format::Csv, list.as_bytes(), &["to", "name", "code"]).unwrap(),
        [
            "row 1 (line 2): U1|Ann|X",
            "row 2 (line 3): U2|Bo|∅",
            "row 3 (line 4): U3|∅|∅",
            "row 4 (line 5): U4|Di|Y",
            "row 5 (line 6): has 5 fields where the header has 3"
        ]
    );
}

fn any_list() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        "[a-z0-9]{0,6}",
        r#" ?"([a-z,;\n\r]|""|早){0,6}""#,
        "[a-z\"]{1,2}[a-z\" ]{0,3}"
    ];
    let row = (field.clone(), field).prop_map(|(a, b)| format!("U{a},{b}").replace("U\"", "\"U"));
    let end = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\n\n"),
        Just("\r"),
        Just("\n,\n")
    ];
    (any::<bool>(), prop::collection::vec((row, end), 0..12)).prop_map(|(mark, rows)| {
        let rows: String = rows.into_iter().map(|(row, end)| row + end).collect();
        format!("{}to,name\n{rows}", if mark { "\u{feff}" } else { "" })
    })
}

proptest! {
    #[test]
    fn chunks_change_nothing(list in any_list(), chunk in 1usize..40) {
        let read = |chunk| {
            let mut reader = ListReader::new(Format::Csv);
            read(&mut reader, list.as_bytes(), chunk, &["to", "name"])
        };
        prop_assert_eq!(read(usize::MAX), read(chunk));
    }

    #[test]
    fn every_row_can_be_the_first_of_a_slice(list in any_list(), chunk in 1usize..40) {
        let mut reader = ListReader::new(Format::Csv);
        let whole = read(&mut reader, list.as_bytes(), usize::MAX, &["to", "name"]);
        // A list that is refused is never cut.
        let Ok(whole) = whole else { return Ok(()) };
        for (i, (place, _)) in whole.iter().enumerate() {
            let rest = list.as_bytes().get(usize::try_from(place.byte).unwrap()..).unwrap();
            let mut slice = ListReader::resume(Format::Csv, *place, reader.header().cloned());
            let rows = read(&mut slice, rest, chunk, &["to", "name"]).unwrap();
            prop_assert_eq!(&rows[..], &whole[i..]);
        }
    }
}
