use super::*;
use crate::recipient::Recipient;

const USER: &str = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";

fn envelope() -> Envelope {
    Envelope {
        run: "xmas@2026-12-25T00:00:00Z".into(),
        channel: Channel::Line,
        notification_disabled: false,
        unit: None,
        on_unknown: OnUnknown::Retry,
        started_at: "2026-12-25T00:00:01Z".parse().unwrap(),
        expires_at: None,
    }
}

fn users(n: usize) -> Vec<Recipient> {
    (0..n)
        .map(|i| Recipient::parse(Channel::Line, &format!("U{i:032x}")).unwrap())
        .collect()
}

#[test]
fn the_bytes_of_a_delivery_are_pinned() {
    let body = envelope().encoder("1").encode(
        &[Recipient::parse(Channel::Line, USER).unwrap()],
        r#"[{"text":"早安","type":"text"}]"#,
        4711,
    );
    assert_eq!(
        body,
        concat!(
            r#"{"v":1,"run":"xmas@2026-12-25T00:00:00Z","channel":"line","#,
            r#""recipients":["U4af4980629f0c1d2e3f4a5b6c7d8e9fa"],"#,
            r#""messages":[{"text":"早安","type":"text"}],"#,
            r#""started_at":"2026-12-25T00:00:01Z","at":"1:4711"}"#,
        )
    );
    assert_eq!(Delivery::decode(&body).unwrap().encode(), body);
}

#[test]
fn a_place_in_the_run_is_kept_by_the_whole_and_by_nobody_else() {
    let body = envelope().encoder("90001c").encode(&users(2), "[{}]", 0);
    let delivery = Delivery::decode(&body).unwrap();
    assert_eq!(delivery.at.as_deref(), Some("90001c:0"));
    let mut part = delivery.with_recipients(delivery.recipients[..1].to_vec());
    assert_eq!(part.at, None);
    part.at = Some("90001c:0:0".into());
    let put_back = Delivery::decode(&part.encode()).unwrap();
    assert_eq!(put_back.at, part.at);
}

#[test]
fn a_copy_says_whether_it_was_perhaps_taken_and_keeps_its_key() {
    let body = envelope().encoder("1").encode(&users(2), "[{}]", 7);
    let fresh = Delivery::decode(&body).unwrap();
    assert!(!fresh.perhaps_taken);
    let copy = Delivery {
        perhaps_taken: true,
        ..fresh.clone()
    };
    let read = Delivery::decode(&copy.encode()).unwrap();
    assert!(read.perhaps_taken);
    assert_eq!(read.at, fresh.at);
    assert_eq!(read.request(), fresh.request());
    let part = read.with_recipients(read.recipients[..1].to_vec());
    assert!(part.perhaps_taken);
    let encoder = envelope().encoder_of_copies("1");
    assert_eq!(encoder.encode(&users(2), "[{}]", 7), copy.encode());
}

#[test]
fn a_body_without_a_place_reads_as_before() {
    let body = envelope().encoder("1").encode(&users(2), "[{}]", 7);
    let old = body.replace(r#","at":"1:7""#, "");
    let (with, without) = (Delivery::decode(&body), Delivery::decode(&old));
    let (with, without) = (with.unwrap(), without.unwrap());
    assert_eq!(without.at, None);
    assert_eq!(without.encode(), old);
    assert_eq!(with.request(), without.request());
}

#[test]
fn the_length_of_a_delivery_is_known_before_it_is_written() {
    for (n, number) in [(0, 0), (1, 9), (2, 10), (500, u32::MAX)] {
        for encoder in [envelope().encoder("1"), envelope().encoder_of_copies("1")] {
            let body = encoder.encode(&users(n), "[]", number);
            assert_eq!(encoder.encoded_len(&users(n), 2, number), body.len(), "{n}");
        }
    }
    let longest = format!("{}c", u64::MAX);
    let body = envelope()
        .encoder_of_copies(&longest)
        .encode(&[], "", u32::MAX);
    assert_eq!(envelope().max_len(), body.len() - 1);
}

#[test]
fn the_retry_key_is_pinned() {
    // These values are a promise between versions: a change of one would send what is under
    // way during a deployment twice.
    let one = Delivery::decode(&envelope().encoder("1").encode(
        &[Recipient::parse(Channel::Line, USER).unwrap()],
        r#"[{"text":"hi","type":"text"}]"#,
        0,
    ))
    .unwrap();
    assert_eq!(
        one.request().body,
        r#"{"to":"U4af4980629f0c1d2e3f4a5b6c7d8e9fa","messages":[{"text":"hi","type":"text"}]}"#
    );
    assert_eq!(
        one.request().retry_key.to_string(),
        "756817a5-1f61-58d6-b620-ba042ccc89d2"
    );
    let mut many = Delivery::decode(&envelope().encoder("1").encode(
        &users(3),
        r#"[{"text":"hi","type":"text"}]"#,
        0,
    ))
    .unwrap();
    assert_eq!(
        many.request().retry_key.to_string(),
        "0e966d30-31a4-5516-80e7-6dc00df262a4"
    );
    many.envelope.notification_disabled = true;
    assert_eq!(
        many.request().retry_key.to_string(),
        "fcdda68b-50fc-5deb-b5c1-b3164fe3a375"
    );
}

#[test]
fn a_unit_is_in_the_request_and_so_in_its_key_and_old_consumers_leave_it_alone() {
    let mut envelope = envelope();
    let without = envelope.request(&users(1), "[{}]");
    envelope.unit = Some(AggregationUnit::of_run("r"));
    let body = envelope.encoder("1").encode(&users(1), "[{}]", 0);
    assert!(body.starts_with(r#"{"v":2,"#), "{body}");
    let delivery = Delivery::decode(&body).unwrap();
    assert_eq!(delivery.encode(), body);
    let request = delivery.request();
    assert_eq!(
        request.body,
        concat!(
            r#"{"to":"U00000000000000000000000000000000","messages":[{}],"#,
            r#""customAggregationUnits":["f454349e422f05297191e"]}"#,
        )
    );
    assert_ne!(request.retry_key, without.retry_key);
    let wrong = body.replace("f454349e422f05297191e", "f-4");
    assert!(matches!(
        Delivery::decode(&wrong),
        Err(DecodeError::Shape(_))
    ));
}

#[test]
fn the_key_knows_the_run_and_the_request_and_no_clock() {
    let base = Delivery::decode(&envelope().encoder("1").encode(
        &users(2),
        r#"[{"text":"hi","type":"text"}]"#,
        0,
    ))
    .unwrap();
    let mut later = base.clone();
    later.envelope.started_at = "2026-12-25T09:00:00Z".parse().unwrap();
    later.envelope.expires_at = Some("2026-12-26T00:00:00Z".parse().unwrap());
    assert_eq!(base.request().retry_key, later.request().retry_key);
    let mut other_run = base.clone();
    other_run.envelope.run = "xmas@2026-12-26T00:00:00Z".into();
    assert_ne!(base.request().retry_key, other_run.request().retry_key);
    let fewer = base.with_recipients(base.recipients[..1].to_vec());
    assert_ne!(base.request().retry_key, fewer.request().retry_key);
}

#[test]
fn a_body_that_is_no_delivery_says_where_and_repeats_nothing() {
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\u{feff}{}",
        r#"{"v":"1"}"#,
        r#"{"v":1}"#,
        concat!(
            r#"{"v":1,"run":"r","channel":"line","recipients":["secret"],"#,
            r#""messages":5,"started_at":"secret"}"#,
        ),
    ] {
        let error = Delivery::decode(body).unwrap_err();
        assert!(matches!(error, DecodeError::Shape(_)), "{body}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(matches!(
        Delivery::decode(r#"{"v":3,"anything":[]}"#),
        Err(DecodeError::Version(3))
    ));
}

#[test]
fn the_number_of_recipients_is_what_one_request_takes() {
    for (n, fits) in [(0, false), (1, true), (500, true), (501, false)] {
        let mut body = envelope().encoder("1").encode(&users(n), "[{}]", 0);
        body = body.replace("[\"\"]", "[]").replace("[\"],", "[],");
        assert_eq!(Delivery::decode(&body).is_ok(), fits, "{n}");
    }
}

#[test]
fn nothing_is_sent_to_nobody_and_no_empty_message_to_anybody() {
    for (recipients, messages, refused) in [
        (r#"[""]"#, "[{}]", Some(DecodeError::EmptyRecipient)),
        (r#"["U1"," "]"#, "[{}]", Some(DecodeError::EmptyRecipient)),
        (r#"["U1"]"#, "[]", Some(DecodeError::NoMessages)),
        (r#"["U1"]"#, "[ ]", Some(DecodeError::NoMessages)),
        (r#"["U1"]"#, "{}", Some(DecodeError::NoMessages)),
        (r#"["U1"]"#, "null", Some(DecodeError::NoMessages)),
        (r#"["U1"]"#, " [ {}]", None),
    ] {
        let body = [
            r#"{"v":1,"run":"r","channel":"line","started_at":"2026-01-01T00:00:00Z""#,
            &format!(r#","recipients":{recipients},"messages":{messages}}}"#),
        ]
        .concat();
        let error = Delivery::decode(&body).err().map(|error| error.to_string());
        assert_eq!(error, refused.map(|refused| refused.to_string()), "{body}");
    }
}

#[test]
#[should_panic(expected = "a request without a recipient")]
fn there_is_no_request_to_nobody() {
    let body = envelope().encoder("1").encode(&users(1), "[{}]", 0);
    let delivery = Delivery::decode(&body).unwrap();
    delivery.with_recipients(Vec::new()).request();
}

#[test]
fn producer_and_consumer_make_the_same_request() {
    let messages = r#"[{"text":"早\u0000","type":"text"}]"#;
    for n in [1, 2, 500] {
        let mut envelope = envelope();
        envelope.notification_disabled = n == 2;
        envelope.unit = (n > 1).then(|| AggregationUnit::of_run("r"));
        let body = envelope.encoder("1").encode(&users(n), messages, 0);
        assert_eq!(
            envelope.request(&users(n), messages),
            Delivery::decode(&body).unwrap().request()
        );
    }
}
