use super::*;
use crate::body::{BodyError, MAX_KEY_LEN, max_sealed_len};
use crate::outline::Outline;
use proptest::prelude::*;

fn key(run: &str, slice: &str, byte: u8) -> SliceKey {
    let plain = Zeroizing::new(vec![byte; KEY_LEN]);
    SliceKey::new(run, slice, &plain, vec![byte, 1, 2, 3]).unwrap()
}

fn at(at: &str) -> Label<'_> {
    Label {
        at: Some(at),
        people: 1,
    }
}

fn open(key: &SliceKey, body: &str) -> Result<String, &'static str> {
    let body = SealedBody::parse(body).map_err(|error| match error {
        BodyError::NotSealed => "not sealed",
        BodyError::Damaged => "damaged",
        BodyError::Form(_) => "form",
    })?;
    key.open(&body).map_err(|_| "forged")
}

#[test]
fn run_slice_and_place_stay_readable_and_nothing_else_does() {
    let body = key("xmas", "1", 7).seal(r#"{"recipients":["U4af4"]}"#, at("1:9"));
    assert!(
        body.starts_with(
            r#"{"sealed":1,"v":100,"run":"xmas","slice":"1","key":"BwECAw==","at":"1:9","people":1,"nonce":""#
        ),
        "{body}"
    );
    assert!(!body.contains("U4af4") && !body.contains("recipients"));
    let read = SealedBody::parse(&body).unwrap();
    assert_eq!((&*read.run, &*read.slice), ("xmas", "1"));
    assert_eq!(read.label(), at("1:9"));
}

#[test]
fn a_delivery_without_a_place_can_be_sealed() {
    let key = key("xmas", "90001c", 7);
    let body = key.seal(
        "plain",
        Label {
            at: None,
            people: 3,
        },
    );
    assert!(!body.contains("\"at\""), "{body}");
    assert_eq!(open(&key, &body), Ok("plain".into()));
    // Nor does it open where it is given one.
    let moved = body.replacen("\"people\"", "\"at\":\"\",\"people\"", 1);
    assert_eq!(open(&key, &moved), Err("forged"));
}

/// A good message, with one part of it replaced.
fn changed(from: &str, to: &str) -> String {
    let body = key("xmas", "1", 7).seal("plain", at("1:9"));
    let changed = body.replacen(from, to, 1);
    assert_ne!(changed, body);
    changed
}

#[test]
fn what_is_not_this_key_s_message_does_not_open() {
    let mine = key("xmas", "1", 7);
    let sealed_by = |key: SliceKey| key.seal("plain", at("1:9"));
    for (case, body) in [
        ("another run", changed("xmas", "easter")),
        ("another slice", changed(r#""slice":"1""#, r#""slice":"2""#)),
        ("another place", changed("1:9", "1:8")),
        ("more people", changed(r#""people":1"#, r#""people":2"#)),
        ("another data key", changed("BwECAw==", "CAECAw==")),
        ("another key's", sealed_by(key("xmas", "1", 8))),
        ("another run's", sealed_by(key("easter", "1", 7))),
        ("another slice's", sealed_by(key("xmas", "2", 7))),
    ] {
        assert_eq!(open(&mine, &body), Err("forged"), "{case}");
    }
    assert_eq!(
        open(&mine, &sealed_by(key("xmas", "1", 7))),
        Ok("plain".into())
    );
}

#[test]
fn what_has_not_the_form_of_a_sealed_message_is_not_asked_about() {
    let mine = key("xmas", "1", 7);
    let good = mine.seal("plain", at("1:9"));
    let long = "AAAA".repeat(342);
    for (case, body, expected) in [
        ("plain text", r#"{"v":1,"run":"xmas"}"#.into(), "not sealed"),
        ("nothing", String::new(), "not sealed"),
        (
            "another form",
            changed(r#""sealed":1"#, r#""sealed":2"#),
            "form",
        ),
        (
            "with other fields",
            r#"{"sealed":7,"v":100}"#.into(),
            "form",
        ),
        (
            "another version",
            changed(r#""v":100"#, r#""v":1"#),
            "damaged",
        ),
        (
            "a field more",
            changed(r#""v":100"#, r#""v":100,"x":1"#),
            "damaged",
        ),
        (
            "a field twice",
            changed(r#""v":100"#, r#""v":100,"run":"a""#),
            "damaged",
        ),
        (
            "no run",
            changed(r#""run":"xmas""#, r#""run":"""#),
            "damaged",
        ),
        (
            "no slice",
            changed(r#""slice":"1""#, r#""slice":"""#),
            "damaged",
        ),
        ("no data key", changed("BwECAw==", ""), "damaged"),
        (
            "a data key that is too long",
            changed("BwECAw==", &long),
            "damaged",
        ),
        ("no base64", changed("BwECAw==", "BwECAw"), "damaged"),
        ("cut off", good[..good.len() - 3].into(), "damaged"),
    ] {
        assert_eq!(open(&mine, &body), Err(expected), "{case}");
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let key = key("xmas", "1", 7);
    let body = key.seal("{\"recipients\":[\"U1\"]}", at("1:9"));
    for at in 0..body.len() {
        for bit in [1, 2, 4, 8, 16, 32, 64] {
            let mut bytes = body.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let opened = open(&key, &changed);
            assert!(opened.is_err(), "{at} {bit}: {changed}");
        }
    }
}

#[test]
fn only_a_key_of_256_bits_seals_and_its_encrypted_form_has_a_limit() {
    for (plain, encrypted, fits) in [
        (32, 200, true),
        (32, MAX_KEY_LEN, true),
        (32, MAX_KEY_LEN + 1, false),
        (16, 200, false),
        (0, 200, false),
    ] {
        let plain = Zeroizing::new(vec![1; plain]);
        let key = SliceKey::new("r", "1", &plain, vec![2; encrypted]);
        assert_eq!(key.is_some(), fits);
    }
}

#[test]
fn a_key_to_measure_with_has_the_lengths_of_a_real_one_and_is_never_the_same() {
    let [one, other] = [0, 1].map(|_| SliceKey::to_measure("xmas", "1"));
    let body = one.seal("plain", at("1:9"));
    assert_eq!(body.len(), one.sealed_len(5, at("1:9")));
    let real = SliceKey::new("xmas", "1", &Zeroizing::new(vec![1; 32]), vec![2; 184]).unwrap();
    assert_eq!(body.len(), real.seal("plain", at("1:9")).len());
    for key in [&other, &real] {
        assert_eq!(open(key, &body), Err("forged"));
    }
}

#[test]
fn nothing_prints_a_key() {
    let printed = format!("{:?}", key("xmas", "1", 7));
    assert_eq!(printed, r#"SliceKey { run: "xmas", slice: "1", .. }"#);
}

#[test]
fn no_two_messages_are_equal() {
    let key = key("xmas", "1", 7);
    let bodies: std::collections::HashSet<String> =
        (0..1_000).map(|_| key.seal("plain", at("1:0"))).collect();
    assert_eq!(bodies.len(), 1_000);
}

#[test]
fn without_the_key_one_knows_the_run_the_place_and_how_many_people() {
    let mine = key("xmas", "1", 7);
    let label = Label {
        at: Some("1:9:0-3"),
        people: 4,
    };
    let outlines = [0, 1].map(|_| Outline::of(&mine.seal("plain", label)).unwrap());
    assert_eq!(outlines[0], outlines[1], "two messages of one delivery");
    assert_eq!((&*outlines[0].run, outlines[0].people), ("xmas", 4));
    assert_eq!(outlines[0].at.as_deref(), Some("1:9:0-3"));
    let plain = r#"{"v":1,"run":"xmas","channel":"line","recipients":["U1","U2"],
        "messages":[0],"started_at":"2026-01-01T00:00:00Z","at":"1:9"}"#;
    let outline = Outline::of(plain).unwrap();
    assert_eq!((&*outline.run, outline.people), ("xmas", 2));
    assert_eq!(outline.at.as_deref(), Some("1:9"));
    for body in ["", "{}", r#"{"sealed":1}"#] {
        assert_eq!(Outline::of(body), None);
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again_and_has_the_length_that_was_said(
        run in "[A-Za-z0-9._-]{1,64}(@[0-9]{4}-[0-9T:Z-]{1,20})?",
        slice in "[1-9][0-9]{0,18}c?",
        number in any::<u32>(),
        people in 0usize..=500,
        plain in ".{0,3000}",
        byte in any::<u8>(),
    ) {
        let key = key(&run, &slice, byte);
        let at = format!("{slice}:{number}");
        let label = Label { at: Some(&at), people };
        let body = key.seal(&plain, label);
        prop_assert_eq!(body.len(), key.sealed_len(plain.len(), label));
        prop_assert!(body.len() <= max_sealed_len(&run, plain.len()));
        prop_assert_eq!(open(&key, &body), Ok(plain));
    }

    #[test]
    fn any_text_is_opened_or_refused(body in "(\\{\"sealed\":)?.{0,200}") {
        prop_assert!(open(&key("xmas", "1", 7), &body).is_err());
    }
}
