use super::*;
use crate::outcomes::{CellReason, FinalOutcome};
use jiff::ToSpan;

fn slice() -> SliceId {
    "1".parse().unwrap()
}

/// What became of the delivery at this place, to so many people; seconds after eight o'clock.
fn outcome(
    at: &str,
    people: u16,
    reason: CellReason,
    status: Option<u16>,
    second: i64,
) -> DeliveryOutcome {
    let eight: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
    DeliveryOutcome {
        standing: Standing::At(at.parse().unwrap()),
        people,
        reason,
        status,
        request_id: None,
        receives: 1,
        departed: crate::outcomes::Departed::Answered,
        latency_ms: None,
        time: eight + second.seconds(),
        words: None,
    }
}

fn accepted(at: &str, people: u16) -> DeliveryOutcome {
    outcome(at, people, CellReason::Accepted, Some(200), 0)
}

fn refused(at: &str, people: u16) -> DeliveryOutcome {
    outcome(at, people, CellReason::Refused, Some(400), 0)
}

fn book(recipients: u64, outcomes: &[DeliveryOutcome]) -> Book {
    let mut book = Book::new(slice(), recipients);
    for outcome in outcomes {
        assert_ne!(book.merge(outcome), Merged::Misfit, "{outcome:?}");
    }
    book
}

#[test]
fn the_larger_outcome_stays_and_the_smaller_changes_nothing() {
    let quota = outcome("1:0", 1, CellReason::Quota, Some(429), 0);
    let mut book = Book::new(slice(), 10);
    assert_eq!(book.merge(&quota), Merged::Changed);
    assert_eq!(book.merge(&quota), Merged::Known);
    assert_eq!(book.merge(&accepted("1:0", 1)), Merged::Changed);
    assert_eq!(book.merge(&refused("1:0", 1)), Merged::Known);
    assert_eq!(book.merge(&quota), Merged::Known);
    assert_eq!(
        book.cell(0, 0).map(Cell::outcome),
        Some(FinalOutcome::Accepted)
    );
    assert_eq!(book.cell(1, 0), None);
    assert_eq!(book.cell(0, 1), None, "a push has one person");
    assert_eq!(book.tally().people.all(), 1);
}

#[test]
fn the_parts_of_a_split_have_cells_of_their_own() {
    let mut book = book(
        1_000,
        &[
            refused("1:3:17", 1),
            accepted("1:3:0-16,18-299", 299),
            outcome("1:3:300-499", 200, CellReason::Accepted, Some(409), 5),
        ],
    );
    let tally = book.tally();
    assert_eq!((tally.people.accepted, tally.people.refused), (499, 1));
    assert_eq!(tally.already_accepted, 200);
    assert_eq!((tally.settled.push, tally.settled.multicast), (0, 1));
    assert_eq!(tally.waiting(), 500);
    assert_eq!(
        book.cell(3, 17).map(Cell::outcome),
        Some(FinalOutcome::Refused)
    );
    // A dead letter of the whole that came before changes nobody who has something better.
    book.merge(&outcome("1:3", 500, CellReason::Unauthorized, Some(401), 9));
    assert_eq!(book.tally().people.refused, 1);
    assert_eq!(book.tally().people.set_aside, 0);
    // The whole is accepted: everybody is.
    book.merge(&accepted("1:3", 500));
    assert_eq!(book.tally().people.accepted, 500);
    assert!(book.people.is_empty(), "nothing is kept twice");
}

#[test]
fn a_part_says_nothing_of_the_others() {
    let book = book(500, &[accepted("1:0:0-249", 250)]);
    assert_eq!(book.tally().people.all(), 250);
    assert_eq!(book.cell(0, 250), None);
    assert_eq!(
        book.waiting_deliveries(&[500]).collect::<Vec<_>>(),
        [0],
        "the roll knows the others"
    );
    assert_eq!(book.waiting_deliveries(&[250, 1]).collect::<Vec<_>>(), [1]);
    for (delivery, people, settled) in [(0, 250, true), (0, 251, false), (1, 1, false)] {
        assert_eq!(book.is_settled(delivery, people), settled, "{people}");
    }
}

#[test]
fn what_does_not_fit_the_slice_is_a_misfit() {
    let mut book = Book::new(slice(), 10);
    for misfit in [
        accepted("1c:0", 1),
        accepted("11:0", 1),
        accepted("1:10", 1),
        accepted("1:4294967295", 1),
        DeliveryOutcome {
            people: 501,
            ..accepted("1:0", 1)
        },
        DeliveryOutcome {
            people: 3,
            ..accepted("1:0:0-1", 2)
        },
        DeliveryOutcome {
            standing: Standing::Loose(uuid::Uuid::from_u128(1)),
            ..accepted("1:0", 1)
        },
    ] {
        assert_eq!(book.merge(&misfit), Merged::Misfit, "{misfit:?}");
    }
    assert_eq!(book, Book::new(slice(), 10));
    let mut loose = LooseBook::default();
    for _ in 0..2 {
        loose.merge(&accepted("1:10", 3));
        loose.merge(&refused("1:11", 1));
    }
    let tally = loose.tally();
    assert_eq!((tally.people.accepted, tally.people.refused), (3, 1));
    assert_eq!(tally.waiting(), 0);
    assert_eq!(LooseBook::decode(&loose.encode()).unwrap(), loose);
    assert!(Book::decode(&loose.encode()).is_err());
    assert!(LooseBook::decode(&book.encode()).is_err());
}

#[test]
fn people_are_counted_when_they_were_accepted_and_once() {
    let book = book(
        1_000,
        &[
            outcome("1:0", 1, CellReason::Accepted, Some(200), 3),
            outcome("1:0", 1, CellReason::Accepted, Some(200), 3),
            outcome("1:1", 500, CellReason::Quota, Some(429), 4),
            outcome("1:1", 500, CellReason::Accepted, Some(200), 61),
            outcome("1:2", 1, CellReason::Accepted, Some(409), 62),
            outcome("1:3:0-9", 10, CellReason::Accepted, Some(200), 63),
        ],
    );
    let people: Vec<u64> = book
        .tally()
        .accepted_over_time
        .iter()
        .map(|(_, people)| people)
        .filter(|people| *people > 0)
        .collect();
    assert_eq!(people, [1, 510]);
    let tally = book.tally();
    assert_eq!(tally.first, Some("2026-12-25T08:00:03Z".parse().unwrap()));
    assert_eq!(tally.last, Some("2026-12-25T08:01:03Z".parse().unwrap()));
}

#[test]
fn a_book_comes_back_from_its_object() {
    let mut outcomes = vec![
        refused("1:3:17", 1),
        accepted("1:3:0-16,18-499", 499),
        accepted("1:900", 1),
        outcome("1:2", 500, CellReason::Unfit, None, 7),
    ];
    let small = book(10_000, &outcomes);
    assert_eq!(Book::decode(&small.encode()).unwrap(), small);
    // More kinds of cells than a byte counts.
    for status in 400..900 {
        outcomes.push(DeliveryOutcome {
            status: Some(status),
            ..refused(&format!("1:{}", status + 1_000), 2)
        });
    }
    let large = book(10_000, &outcomes);
    let object = large.encode();
    assert_eq!(Book::decode(&object).unwrap(), large);
    let of_head = read_tally(&object).unwrap();
    assert_eq!(of_head.people, large.tally().people);
    assert_eq!(of_head.cells.len(), 48);
    let empty = Book::new(slice(), 0);
    assert_eq!(Book::decode(&empty.encode()).unwrap(), empty);
}

#[test]
fn the_head_of_a_book_is_pinned() {
    let object = book(10, &[accepted("1:0", 3), refused("1:1", 1)]).encode();
    let json = String::from_utf8(object[..HEAD_BYTES].to_vec()).unwrap();
    assert!(json.ends_with(" \n"));
    let json = json.trim_end();
    let (before, after) = json.split_once("\"packed_bytes\":").unwrap();
    assert_eq!(before, r#"{"v":1,"slice":"1","#);
    let (_, tally) = after.split_once(',').unwrap();
    assert_eq!(
        tally,
        concat!(
            r#""tally":{"recipients":10,"people":{"accepted":3,"refused":1,"unknown":0,"#,
            r#""expired":0,"set_aside":0,"cancelled":0},"already_accepted":0,"#,
            r#""settled":{"push":1,"multicast":1},"#,
            r#""first":"2026-12-25T08:00:00Z","last":"2026-12-25T08:00:00Z","#,
            r#""cells":[{"outcome":"accepted","status":200,"people":3},"#,
            r#"{"outcome":"refused","status":400,"people":1}],"#,
            r#""accepted_over_time":{"from":"2026-12-25T08:00:00Z","seconds":5,"people":[3]},"#,
            r#""others_over_time":{"refused":{"from":"2026-12-25T08:00:00Z","seconds":5,"#,
            r#""people":[1]}}}}"#,
        )
    );
    let cells = zstd::decode_all(&object[HEAD_BYTES..]).unwrap();
    let table = r#"[{"outcome":"refused","status":400},{"outcome":"accepted","status":200}]"#;
    let mut expected = vec![u8::try_from(table.len()).unwrap(), 0, 0, 0];
    expected.extend_from_slice(table.as_bytes());
    // Two deliveries, which both have a cell, their cells, their people, no split one.
    expected.extend_from_slice(&[2, 0, 0, 0, 0b11, 2, 1, 3, 1, 0, 0, 0, 0]);
    // The earliest time, and that the refused one came about at this time.
    expected.extend_from_slice(&359_637_120_u32.to_le_bytes());
    expected.push(1);
    assert_eq!(cells, expected);
}

#[test]
fn a_book_of_an_older_build_has_no_times_and_takes_them() {
    let outcomes = [
        accepted("1:0", 3),
        refused("1:1", 1),
        refused("1:2:4", 1),
        outcome("1:3", 1, CellReason::Expired, None, 60),
    ];
    let new = book(10, &outcomes);
    let mut older = new.clone();
    let people = older.people.values_mut().flatten();
    for cell in older.wholes.iter_mut().chain(people) {
        cell.interval = 0;
    }
    let read = Book::decode(&older.encode()).unwrap();
    assert_eq!(read, older);
    let tally = read.tally();
    assert!(tally.others_over_time.is_empty());
    assert_eq!(tally.people, new.tally().people);
    let mut read = read;
    for outcome in &outcomes {
        read.merge(outcome);
    }
    assert_eq!(read, new);
}

#[test]
fn people_are_counted_when_they_got_their_outcome_and_once() {
    let of = |outcomes: &[DeliveryOutcome]| {
        let others = book(1_000, outcomes).tally().others_over_time;
        let people = |outcome| {
            let others = others.of(outcome)?;
            let bins = others.iter().map(|(begins, people)| {
                let eight: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
                (begins.as_second() - eight.as_second(), people)
            });
            Some(bins.filter(|(_, people)| *people > 0).collect::<Vec<_>>())
        };
        FinalOutcome::ALL.map(people)
    };
    let refused_later = outcome("1:0", 2, CellReason::Refused, Some(400), 30);
    let mut outcomes = vec![
        refused_later.clone(),
        refused("1:0", 2),
        refused_later,
        outcome("1:1", 1, CellReason::Quota, Some(429), 7),
        outcome("1:2", 1, CellReason::Accepted, Some(409), 11),
    ];
    let (none, at) = (None, |second, people| Some(vec![(second, people)]));
    let expected = [
        none.clone(),
        at(5, 1),
        none.clone(),
        at(0, 2),
        none,
        at(10, 1),
    ];
    assert_eq!(of(&outcomes), expected, "the first time counts");
    outcomes.push(outcome("1:1", 1, CellReason::Accepted, Some(200), 40));
    let [_, set_aside, ..] = of(&outcomes);
    assert_eq!(set_aside, None, "it was accepted after all");
}

#[test]
fn what_line_said_is_kept_with_the_book() {
    let mut said = refused("1:1", 1);
    said.words = Some("May not be empty\u{7}".into());
    let mut of_accepted = accepted("1:2", 1);
    of_accepted.words = Some("nothing to say".into());
    let book = book(10, &[said.clone(), of_accepted]);
    let tally = read_tally(&book.encode()).unwrap();
    let words: Vec<_> = tally.words.of(said.cell()).collect();
    assert_eq!(words, ["May not be empty "]);
    assert_eq!(Book::decode(&book.encode()).unwrap(), book);
}

#[test]
fn damage_is_an_error_and_no_panic() {
    let object = book(10_000, &[refused("1:3:17", 1), accepted("1:900", 1)]).encode();
    assert!(matches!(Book::decode(b""), Err(BookError::Head(_))));
    assert!(Book::decode(&object[..HEAD_BYTES]).is_err());
    for length in (HEAD_BYTES..object.len()).step_by(3) {
        assert!(Book::decode(&object[..length]).is_err(), "{length}");
    }
    let newer = String::from_utf8(object[..HEAD_BYTES].to_vec()).unwrap();
    let newer = newer.replacen("\"v\":1", "\"v\":2", 1);
    assert!(matches!(
        Book::decode(newer.as_bytes()),
        Err(BookError::Version(2))
    ));
    for place in HEAD_BYTES..object.len() {
        let mut damaged = object.clone();
        damaged[place] ^= 0x55;
        // Whatever comes out, it does not panic.
        drop(Book::decode(&damaged));
    }
}

#[test]
fn the_roll_audits_the_book() {
    let sizes = [3, 1, 500];
    let mut book = book(504, &[accepted("1:0", 3), refused("1:2:17", 1)]);
    let audit = BookAudit::of(&book, &sizes);
    assert_eq!(audit.difference(), 0);
    assert_eq!((audit.recipients, audit.waiting), (504, 500));
    assert_eq!(audit.misfits, 0);
    assert!(audit.agrees_with(&book.tally()));
    book.merge(&accepted("1:1", 2));
    let audit = BookAudit::of(&book, &sizes);
    assert_eq!(audit.misfits, 1, "a push to two people");
    assert!(!audit.agrees_with(&book.tally()));
    book.merge(&accepted("1:3", 1));
    assert_eq!(BookAudit::of(&book, &sizes).misfits, 2, "a fourth delivery");
}
