use fanline_core::channel::Channel;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn campaign() -> Value {
    json!({
        "campaign": "xmas", "channel": "line", "recipients": "s3://b/list.csv",
        "messages": [{"type": "text", "text": "hi"}],
    })
}

fn firing(campaign: &Value) -> Firing<'_> {
    Firing {
        run: "xmas@2026-12-25T00:00:00Z",
        id: Uuid::from_u128(1),
        kind: RunKind::Real,
        channel: Channel::Line,
        campaign,
        list: ListVersion {
            uri: "s3://b/list.csv".into(),
            etag: "\"abc\"".into(),
            version_id: Some("v1".into()),
            bytes: 100,
        },
        scheduled_time: Some(at("2026-12-25T00:00:00Z")),
        grouping: 1,
        cut: Cut {
            slice_bytes: 67_108_864,
            window_bytes: 67_108_864,
        },
        resend_of: None,
    }
}

fn begun(firing: &Firing<'_>) -> RunRecord {
    match decide(None, firing, at("2026-12-25T00:00:03.5Z")) {
        Decision::Begin(record) => *record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_record_is_pinned_and_holds_no_recipient() {
    let mut campaign = campaign();
    campaign["recipients"] = json!([{"to": "U4af4980629f0c1d2e3f4a5b6c7d8e9fa"}]);
    let mut firing = firing(&campaign);
    firing.list = ListVersion::inline(&campaign["recipients"]);
    let record = begun(&firing);
    let json = String::from_utf8(record.encode()).unwrap();
    assert_eq!(
        json,
        r#"{
  "v": 1,
  "run": "xmas@2026-12-25T00:00:00Z",
  "kind": "real",
  "started_at": "2026-12-25T00:00:00Z",
  "list": {
    "uri": "inline",
    "etag": "1b90c7289d3179dfd8c259440a730d672d86d1d319b50b6525562683d2d6d891",
    "bytes": 44
  },
  "grouping": 1,
  "cut": {
    "slice_bytes": 67108864,
    "window_bytes": 67108864
  },
  "content": {
    "messages": "d07fc2dd1fdec4cfd42382d37b1e86d3e04b8589a6d7db1cdeccb2da9812bebc",
    "list": "a1a3a4825c0e30ca8d38e3c4e390531fb90cf2d76a921605df624b18dbd1b5e6"
  },
  "firing": "00000000-0000-0000-0000-000000000001",
  "campaign": {
    "campaign": "xmas",
    "channel": "line",
    "messages": [
      {
        "text": "hi",
        "type": "text"
      }
    ],
    "recipients": "inline"
  }
}
"#
    );
    assert_eq!(RunRecord::decode(json.as_bytes()).unwrap(), record);
    assert!(!json.contains("U4af"));
}

#[test]
fn the_first_firing_begins_at_its_scheduled_time_where_that_is_not_long_ago() {
    let campaign = campaign();
    let started_at = |scheduled: Option<&str>, kind, now: &str| {
        let firing = Firing {
            scheduled_time: scheduled.map(at),
            kind,
            ..firing(&campaign)
        };
        match decide(None, &firing, at(now)) {
            Decision::Begin(record) => Some(record.started_at),
            _ => None,
        }
    };
    let scheduled = Some("2026-12-25T00:00:00.25Z");
    for (scheduled, kind, now, expected) in [
        (
            scheduled,
            RunKind::Real,
            "2026-12-25T00:00:03.5Z",
            Some("2026-12-25T00:00:00Z"),
        ),
        (
            scheduled,
            RunKind::Real,
            "2026-12-25T22:59:59Z",
            Some("2026-12-25T00:00:00Z"),
        ),
        (scheduled, RunKind::Real, "2026-12-25T23:00:01Z", None),
        (
            scheduled,
            RunKind::Test,
            "2026-12-25T23:00:01Z",
            Some("2026-12-25T23:00:01Z"),
        ),
        (
            scheduled,
            RunKind::Real,
            "2026-12-24T23:59:59.75Z",
            Some("2026-12-24T23:59:59Z"),
        ),
        (
            None,
            RunKind::Real,
            "2026-12-25T00:00:03.5Z",
            Some("2026-12-25T00:00:03Z"),
        ),
    ] {
        assert_eq!(started_at(scheduled, kind, now), expected.map(at), "{now}");
    }
}

#[test]
fn a_repeated_firing_continues_with_the_records_own_cut_and_version() {
    let campaign = campaign();
    let record = begun(&firing(&campaign));
    let mut again = Firing {
        id: Uuid::from_u128(2),
        cut: Cut {
            slice_bytes: 65_536,
            window_bytes: 65_536,
        },
        scheduled_time: None,
        ..firing(&campaign)
    };
    again.list.version_id = Some("v2".into());
    let now = at("2026-12-25T22:59:59Z");
    let continued = decide(Some(&record), &again, now);
    assert_eq!(continued, Decision::Continue(Box::new(record.clone())));
    // The same invocation, whose own write was answered by an error.
    let same = decide(Some(&record), &firing(&campaign), now);
    assert_eq!(same, Decision::Begin(Box::new(record)));
}

/// The sentence with which another firing of a run is refused, once something about it has changed.
fn refused<'a>(
    record: &RunRecord,
    campaign: &'a Value,
    now: &str,
    change: impl FnOnce(&mut Firing<'a>),
) -> String {
    let mut again = Firing {
        id: Uuid::from_u128(2),
        ..firing(campaign)
    };
    change(&mut again);
    match decide(Some(record), &again, at(now)) {
        Decision::Refuse(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_could_send_somebody_twice_is_refused_in_one_sentence() {
    let campaign = campaign();
    let record = begun(&firing(&campaign));
    let mut other_text = campaign.clone();
    other_text["messages"][0]["text"] = json!("ho");
    let notify = begun(&Firing {
        channel: Channel::LineNotify,
        ..firing(&campaign)
    });
    let mut resent = record.clone();
    for (resend, number) in [(7, 1), (8, 2), (7, 1)] {
        assert_eq!(resent.take_resend(Uuid::from_u128(resend)), number);
    }
    assert_eq!(RunRecord::decode(&resent.encode()).unwrap(), resent);

    let soon = "2026-12-25T01:00:00Z";
    let to_notify = |again: &mut Firing<'_>| again.channel = Channel::LineNotify;
    for (sentence, part) in [
        (
            refused(&record, &campaign, soon, |again| again.run = "other"),
            "is that of",
        ),
        (
            refused(&record, &campaign, soon, |again| again.kind = RunKind::Test),
            "a rehearsal",
        ),
        (
            refused(&record, &other_text, soon, |_| {}),
            "other messages",
        ),
        (
            refused(&record, &campaign, soon, |again| again.list.bytes = 7),
            "another list",
        ),
        (
            refused(&record, &campaign, soon, to_notify),
            "other messages",
        ),
        (refused(&notify, &campaign, soon, to_notify), "LINE Notify"),
        (
            refused(&resent, &campaign, soon, |_| {}),
            "has been resent 2 times",
        ),
        (
            refused(&record, &campaign, "2026-12-25T23:00:00Z", |_| {}),
            "more than 23 hours ago",
        ),
        (
            refused(&record, &campaign, soon, |again| again.grouping = 2),
            "this build has rule 2",
        ),
    ] {
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[test]
fn a_record_that_can_not_be_read_names_the_field() {
    let campaign = campaign();
    let json = String::from_utf8(begun(&firing(&campaign)).encode()).unwrap();
    for (old, new, problem) in [
        (
            "\"real\"",
            "\"life\"",
            "field `kind`: unknown variant `life`",
        ),
        (
            "\"bytes\": 100",
            "\"bytes\": -1",
            "field `list.bytes`: invalid value",
        ),
        ("\"v\": 1", "\"v\": 2", "is of version 2"),
    ] {
        let error = RunRecord::decode(json.replace(old, new).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    let more = json.replace("\"v\": 1", "\"v\": 1, \"colour\": 5");
    assert!(RunRecord::decode(more.as_bytes()).is_ok());
}
