use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Takes note of an event whose request departed in the same second.
fn note(kernel: &mut Kernel, event: Event<'_>, second: i64) -> Option<HoldReason> {
    kernel.note(event, at(second), at(second))
}

fn held(event: Event<'_>, second: i64) -> Kernel {
    let mut kernel = Kernel::default();
    assert!(note(&mut kernel, event, second).is_some(), "{event:?}");
    kernel
}

/// The seconds in which one of many waiting requests departs.
fn probes(kernel: &mut Kernel, seconds: std::ops::Range<i64>) -> Vec<i64> {
    seconds.filter(|s| kernel.admit(at(*s)).is_ok()).collect()
}

#[test]
fn one_401_is_a_pause_of_three_seconds_and_no_hold() {
    let mut kernel = Kernel::default();
    for _ in 0..10 {
        assert_eq!(note(&mut kernel, Event::Unauthorized, 10), None);
    }
    assert_eq!(probes(&mut kernel, 10..14), [13]);
    note(&mut kernel, Event::Accepted, 13);
    assert_eq!(probes(&mut kernel, 14..16), [14, 15]);
}

#[test]
fn a_401_to_the_request_three_seconds_later_is_a_hold() {
    let mut kernel = Kernel::default();
    note(&mut kernel, Event::Unauthorized, 10);
    // These departed before the pause was over.
    for departed in 9..13 {
        assert_eq!(kernel.note(Event::Unauthorized, at(departed), at(14)), None);
    }
    let began = note(&mut kernel, Event::Unauthorized, 13);
    assert_eq!(began, Some(HoldReason::Unauthorized));
    assert_eq!(note(&mut kernel, Event::Unauthorized, 14), None, "once");
    assert_eq!(probes(&mut kernel, 14..200), [73, 133, 193]);
}

#[test]
fn an_accepted_probe_ends_a_hold_and_an_older_request_does_not() {
    for event in [Event::NoToken, Event::QuotaUsedUp] {
        let mut kernel = held(event, 10);
        kernel.note(Event::Accepted, at(9), at(11));
        assert!(kernel.admit(at(12)).is_err());
        assert_eq!(probes(&mut kernel, 12..71), [70]);
        note(&mut kernel, Event::Accepted, 70);
        assert_eq!(kernel.reason(), None);
    }
}

#[test]
fn an_answer_to_a_valid_token_ends_every_hold_but_that_of_the_quota() {
    for (event, stays) in [(Event::NoToken, false), (Event::QuotaUsedUp, true)] {
        let mut kernel = held(event, 10);
        note(&mut kernel, Event::Answered, 70);
        assert_eq!(kernel.reason().is_some(), stays, "{event:?}");
    }
}

#[test]
fn the_403s_of_one_run_are_no_hold_and_those_of_two_are() {
    let mut kernel = Kernel::default();
    for second in 0..100 {
        assert_eq!(note(&mut kernel, Event::Forbidden("x"), second), None);
    }
    note(&mut kernel, Event::Accepted, 100);
    assert_eq!(note(&mut kernel, Event::Forbidden("y"), 101), None);
    let began = note(&mut kernel, Event::Forbidden("x"), 102);
    assert_eq!(began, Some(HoldReason::Unauthorized));
}

#[test]
fn the_pace_falls_with_the_answers_that_are_no_faults() {
    for (faults, expected) in [
        (0, 1.0),
        (20, 1.0),
        (24, 0.8),
        (30, 0.5),
        (36, 0.2),
        (37, 0.15),
    ] {
        let mut kernel = Kernel::default();
        for n in 0..40 {
            let is_fault = n < faults;
            let event = if is_fault {
                Event::Fault
            } else {
                Event::Answered
            };
            note(&mut kernel, event, n);
        }
        let part = kernel.part_of_pace();
        assert!((part - expected).abs() < 1e-9, "{faults}: {part}");
    }
    let mut kernel = Kernel::default();
    for n in 0..40 {
        note(&mut kernel, Event::Fault, n);
    }
    note(&mut kernel, Event::Accepted, 50);
    assert!((kernel.part_of_pace() - 1.0).abs() < 1e-9, "it is over");
}

#[test]
fn only_a_confirmed_hold_for_want_of_a_token_may_be_ours_alone() {
    let may_be_ours = |kernel: &Kernel| kernel.look(at(11)).unwrap_err().may_be_ours_alone;
    assert!(may_be_ours(&held(Event::NoToken, 10)));
    assert!(!may_be_ours(&held(Event::QuotaUsedUp, 10)));
    let mut kernel = Kernel::default();
    note(&mut kernel, Event::Unauthorized, 10);
    assert!(!may_be_ours(&kernel), "a pause");
}

#[test]
fn nearly_all_faults_are_an_outage_and_many_are_not() {
    let mut kernel = Kernel::default();
    for n in 0..1_000 {
        let event = if n % 10 == 0 {
            Event::Answered
        } else {
            Event::Fault
        };
        assert_eq!(note(&mut kernel, event, n), None, "nine in ten");
    }
    let began = (0..40).find_map(|n| note(&mut kernel, Event::Fault, n));
    assert_eq!(began, Some(HoldReason::Outage));
    let mut kernel = Kernel::default();
    let began: Vec<i64> = (0..60)
        .filter(|n| note(&mut kernel, Event::Fault, *n).is_some())
        .collect();
    assert_eq!(began, [37], "once");
    assert_eq!(probes(&mut kernel, 38..50), [42, 47]);
    note(&mut kernel, Event::Answered, 52);
    assert_eq!(kernel.reason(), None, "any answer ends it");
    assert_eq!(note(&mut kernel, Event::Fault, 53), None, "it counts anew");
}
