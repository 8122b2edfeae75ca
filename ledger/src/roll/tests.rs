use super::*;
use fanline_telemetry::fingerprint::Fingerprinter;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::BufReader;

fn slice() -> SliceId {
    "1001".parse().unwrap()
}

fn keyed() -> Fingerprinter {
    Fingerprinter::new("run")
}

fn id(n: u64) -> Fingerprint {
    keyed().of(&format!("U{n:032x}"))
}

fn rows(roll: &[u8]) -> Result<Vec<RollRow>, RollError> {
    RollReader::new(roll)?.collect()
}

/// What the fan-out does with a row: not sent, or gathered into one of some groups.
#[derive(Debug, Clone, Copy)]
enum Row {
    Rejected,
    Duplicate,
    Elsewhere,
    Group(u8),
}

/// Writes a roll as a fan-out does that sends groups of up to `most`, in the order in which they
/// fill up. Returns what each row has to be.
fn fan_out(rows: &[Row], most: usize) -> (Vec<u8>, RollTotals, Vec<RowMark>) {
    let mut writer = RollWriter::new(Vec::new(), slice(), &keyed()).unwrap();
    let mut open: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
    let mut marks = BTreeMap::new();
    let mut number = 0;
    let mut send = |writer: &mut RollWriter<Vec<u8>>, group: Vec<u64>| {
        writer.delivery(number, group.iter().copied()).unwrap();
        for (position, row) in (0..).zip(group) {
            let delivery = number;
            marks.insert(row, RowMark::Sent { delivery, position });
        }
        number += 1;
    };
    let mut unsent = Vec::new();
    for (row, kind) in (1001..).zip(rows) {
        match kind {
            Row::Rejected => {
                writer.rejected().unwrap();
                unsent.push((row, RowMark::Rejected));
            }
            Row::Duplicate => {
                writer.duplicate(id(row)).unwrap();
                unsent.push((row, RowMark::Duplicate));
            }
            Row::Elsewhere => {
                writer.elsewhere().unwrap();
                unsent.push((row, RowMark::Elsewhere));
            }
            Row::Group(group) => {
                writer.sent(id(row));
                let group = open.entry(*group).or_default();
                group.push(row);
                if group.len() == most {
                    let full = std::mem::take(group);
                    send(&mut writer, full);
                }
            }
        }
    }
    for group in open.into_values().filter(|group| !group.is_empty()) {
        send(&mut writer, group);
    }
    marks.extend(unsent);
    let (roll, totals) = writer.finish().unwrap();
    (roll, totals, marks.into_values().collect())
}

proptest! {
    #[test]
    fn every_row_comes_back_with_its_delivery_and_position(
        kinds in prop::collection::vec(
            prop_oneof![
                1 => Just(Row::Rejected),
                1 => Just(Row::Duplicate),
                1 => Just(Row::Elsewhere),
                9 => (0u8..5).prop_map(Row::Group),
            ],
            0..300,
        ),
        most in 1usize..20,
    ) {
        let (roll, totals, marks) = fan_out(&kinds, most);
        let rows = rows(&roll).unwrap();
        prop_assert_eq!(rows.len(), kinds.len());
        for ((row, mark), expected) in rows.iter().zip(&marks).zip(1001..) {
            prop_assert_eq!(row.row, expected);
            prop_assert_eq!(row.mark, *mark);
            let has_one = matches!(mark, RowMark::Sent { .. } | RowMark::Duplicate);
            prop_assert_eq!(row.fingerprint, has_one.then(|| id(expected)));
        }
        let (read, sizes) = RollReader::new(&roll[..]).unwrap().sizes().unwrap();
        prop_assert_eq!(read, totals);
        prop_assert_eq!(sizes.iter().map(|size| u64::from(*size)).sum::<u64>(), totals.recipients);
        prop_assert_eq!(sizes.len() as u64, totals.deliveries);
    }

    #[test]
    fn no_bytes_panic(place in 0usize..2_000, byte in any::<u8>()) {
        let kind = |i| if i % 9 == 0 { Row::Duplicate } else { Row::Group(i) };
        let kinds: Vec<Row> = (0..200).map(kind).collect();
        let (mut roll, ..) = fan_out(&kinds, 7);
        let place = place % roll.len();
        roll[place] = byte;
        drop(rows(&roll));
        prop_assert!(rows(&roll[..place]).is_err());
    }
}

#[test]
fn a_roll_is_searched_by_fingerprint() {
    let kinds = [
        Row::Group(1),
        Row::Duplicate,
        Row::Rejected,
        Row::Group(2),
        Row::Group(1),
    ];
    let (roll, ..) = fan_out(&kinds, 500);
    let open = || RollReader::new(BufReader::new(&roll[..])).unwrap();
    assert_eq!(open().slice(), slice());
    assert!(open().is_keyed_by(&keyed()));
    assert!(!open().is_keyed_by(&Fingerprinter::new("other")));
    let found = open().find(&[id(1005), id(1002), id(7)]).unwrap();
    let found: Vec<_> = found.iter().map(|row| (row.row, row.mark)).collect();
    let sent = RowMark::Sent {
        delivery: 0,
        position: 1,
    };
    assert_eq!(found, [(1002, RowMark::Duplicate), (1005, sent)]);
}

#[test]
fn a_delivery_that_can_not_be_is_refused() {
    let writer = || {
        let mut writer = RollWriter::new(Vec::new(), slice(), &keyed()).unwrap();
        for row in 1001..1004 {
            writer.sent(id(row));
        }
        writer.rejected().unwrap();
        writer
    };
    for (number, rows) in [
        (1, vec![1001]),
        (0, vec![]),
        (0, vec![1000]),
        (0, vec![1004]),
        (0, vec![1005]),
        (0, vec![1002, 1001]),
        (0, vec![1001, 1001]),
    ] {
        let refused = writer().delivery(number, rows.clone());
        assert!(
            matches!(refused, Err(RollError::Order { .. })),
            "{number} {rows:?}"
        );
    }
    let mut twice = writer();
    twice.delivery(0, [1001]).unwrap();
    assert!(twice.delivery(1, [1001]).is_err());
    assert!(matches!(
        twice.finish(),
        Err(RollError::RedriveReason(1002))
    ));
}

#[test]
fn the_bytes_of_a_roll_are_pinned() {
    let kinds = [Row::Group(1), Row::Rejected, Row::Group(2), Row::Group(1)];
    let (roll, totals, _) = fan_out(&kinds, 500);
    let end = roll.iter().position(|byte| *byte == b'\n').unwrap();
    assert_eq!(
        String::from_utf8(roll[..end].to_vec()).unwrap(),
        r#"{"v":1,"slice":"1001","key_check":"bca522ac8b3ce9ae"}"#
    );
    let block = &roll[end + 1..];
    assert_eq!(block[..4], [4, 0, 0, 0]);
    assert_eq!(block[8..12], [3, 0, 0, 0]);
    let length = usize::from(block[4]);
    let marks = zstd::decode_all(&block[12..12 + length]).unwrap();
    // The first delivery, rejected, one further, one back.
    assert_eq!(marks, [3, 0, 5, 4]);
    let fingerprints = &block[12 + length..][..24];
    assert_eq!(
        fingerprints[..8],
        u64::from_str_radix(&id(1001).to_string(), 16)
            .unwrap()
            .to_be_bytes()
    );
    let rest = &block[12 + length + 24..];
    assert_eq!(rest[..4], [0, 0, 0, 0]);
    assert_eq!(
        String::from_utf8(rest[12..].to_vec()).unwrap(),
        r#"{"rows":4,"recipients":3,"rejected":1,"duplicates":0,"elsewhere":0,"deliveries":2}"#
    );
    assert!(totals.agrees_with(&SliceCounts::new(slice(), 3, 1, 0)));
    assert!(!totals.agrees_with(&SliceCounts::new(slice(), 3, 0, 0)));
}
