use super::*;
use serde_json::json;

use crate::s3_uri::S3Uri;

fn campaign() -> Value {
    json!({
        "campaign": "xmas-coupon-2026",
        "channel": "line",
        "recipients": "s3://my-bucket/lists/friends.csv",
        "messages": [{"type": "text", "text": "早安 {{ name }}！"}],
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut campaign = campaign();
    campaign[field] = value;
    campaign
}

#[test]
fn a_whole_campaign_is_read() {
    let mut whole = campaign();
    whole["deliver_at"] = json!("2026-12-25T08:00:00+08:00");
    whole["expires_at"] = json!("2026-12-25T12:00:00+08:00");
    whole["scheduled_time"] = json!("2026-12-25T07:50:00+08:00");
    whole["notification_disabled"] = json!(true);
    whole["lane"] = json!("urgent");
    let campaign = Campaign::from_value(whole).unwrap();
    assert_eq!(
        campaign.recipients,
        Recipients::S3(S3Uri {
            bucket: "my-bucket".into(),
            key: "lists/friends.csv".into()
        })
    );
    assert_eq!(campaign.lane, Lane::Urgent);
    assert_eq!(campaign.run(), "xmas-coupon-2026@2026-12-24T23:50:00Z");
    assert_eq!(
        campaign.delay_seconds("2026-12-24T23:50:00.5Z".parse().unwrap()),
        Ok(600)
    );
    assert_eq!(
        campaign.delay_seconds("2026-12-25T01:00:00Z".parse().unwrap()),
        Ok(0)
    );
    assert!(
        campaign
            .delay_seconds("2026-12-24T23:44:59Z".parse().unwrap())
            .is_err()
    );
}

/// A campaign with this value in this field is refused with a sentence that begins like this.
fn each_is_refused(mistakes: impl IntoIterator<Item = (&'static str, Value, &'static str)>) {
    for (field, value, sentence) in mistakes {
        let error = Campaign::from_value(with(field, value))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(sentence), "{field}: {error}");
    }
}

#[test]
fn every_mistake_is_one_sentence_that_names_its_field() {
    each_is_refused([
        ("campaign", json!("xmas day"), "`campaign` is not an id"),
        ("campaign", json!(""), "`campaign` is not an id"),
        ("campaign", json!("x".repeat(65)), "`campaign` is not an id"),
        (
            "channel",
            json!("telegram"),
            "unknown variant `telegram`, expected `line` or `line-notify`",
        ),
        ("colour", json!("red"), "unknown field `colour`"),
        (
            "recipients",
            json!("s3://only-a-bucket"),
            "`recipients` is not `s3://BUCKET/KEY`",
        ),
        ("recipients", json!(""), "`recipients` is empty"),
        ("recipients", json!(5), "`recipients` is neither"),
        (
            "recipients",
            json!(["U1"]),
            "`recipients[0]` is not an object",
        ),
        (
            "scheduled_time",
            json!(SCHEDULED_TIME_PLACEHOLDER),
            "`scheduled_time` still holds",
        ),
        ("max_bad_rows", json!(-1), "`max_bad_rows` is neither"),
        ("max_bad_rows", json!("1"), "`max_bad_rows` is neither"),
        ("max_bad_rows", json!("101%"), "`max_bad_rows` is neither"),
        ("on_unknown", json!("guess"), "unknown variant `guess`"),
        (
            "encoding",
            json!("excel"),
            "`encoding`: no encoding has this name",
        ),
        ("format", json!("xls"), "unknown variant `xls`"),
        (
            "lane",
            json!("fast"),
            "unknown variant `fast`, expected `bulk` or `urgent`",
        ),
    ]);
}

#[test]
fn every_mistake_in_a_message_is_one_sentence_that_names_its_field() {
    let six = vec![json!({"type": "text", "text": "hi"}); 6];
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    each_is_refused(
        [
            (
                json!([]),
                "`messages` has 0 messages; LINE takes 1 to 5 in a request",
            ),
            (
                json!(six),
                "`messages` has 6 messages; LINE takes 1 to 5 in a request",
            ),
            (json!({}), "`messages` is not a list of message objects"),
            (json!(["hi"]), "`messages[0]` is not an object"),
            (text(""), "`messages[0].text` is empty"),
            (json!([{"type": "text"}]), "`messages[0].text` is missing"),
            (json!([{"text": "hi"}]), "`messages[0].type` is missing"),
            (text("{{ name"), "`messages[0].text` is not a template"),
            (
                text(&"x".repeat(5001)),
                "`messages[0].text` has 5001 UTF-16 code units; LINE takes 5000",
            ),
        ]
        .map(|(messages, sentence)| ("messages", messages, sentence)),
    );
}

#[test]
fn a_campaign_may_have_the_fields_that_the_ledger_reads() {
    for (field, value) in [
        ("canary", json!({"share": "1%"})),
        ("brake", json!({"refused": "5%"})),
    ] {
        assert!(Campaign::from_value(with(field, value)).is_ok(), "{field}");
    }
}

#[test]
fn a_run_with_statistics_has_a_unit_and_line_notify_has_none() {
    let started_at = "2026-12-25T00:00:00Z".parse().unwrap();
    let unit = |campaign: Value| {
        let campaign = Campaign::from_value(campaign).unwrap();
        campaign.envelope(started_at).unit
    };
    assert_eq!(unit(campaign()), None);
    assert_eq!(unit(with("statistics", json!(false))), None);
    let of_run = AggregationUnit::of_run("xmas-coupon-2026");
    assert_eq!(unit(with("statistics", json!(true))), Some(of_run));
    let mut notify = with("statistics", json!(true));
    notify["channel"] = json!("line-notify");
    notify["messages"] = json!([{"message": "hi"}]);
    let error = Campaign::from_value(notify).unwrap_err().to_string();
    assert!(error.starts_with("`statistics` is for"), "{error}");
}

#[test]
fn a_time_has_its_offset() {
    each_is_refused([
        (
            "deliver_at",
            json!("tomorrow"),
            "`deliver_at` is not a time",
        ),
        (
            "expires_at",
            json!("2026-12-25T08:00:00"),
            "`expires_at` is not a time",
        ),
    ]);
    let mut campaign = with("deliver_at", json!("2026-12-25T08:00:00+08:00"));
    campaign["expires_at"] = json!("2026-12-25T00:00:00Z");
    assert_eq!(
        Campaign::from_value(campaign).unwrap_err().to_string(),
        "`expires_at` is not after `deliver_at`: nothing could ever be sent"
    );
}

#[test]
fn a_campaign_that_is_over_or_too_far_ahead_is_refused_before_anything_is_published() {
    let now = "2026-12-25T00:00:00Z".parse().unwrap();
    for (field, time, expected) in [
        ("expires_at", "2026-12-25T00:00:01Z", ""),
        (
            "expires_at",
            "2026-12-25T08:00:00+08:00",
            "`expires_at` is past",
        ),
        ("expires_at", "2020-01-01T00:00:00Z", "`expires_at` is past"),
        ("deliver_at", "2026-12-25T00:15:00Z", ""),
        ("deliver_at", "2020-01-01T00:00:00Z", ""),
        (
            "deliver_at",
            "2026-12-25T00:15:01Z",
            "`deliver_at` is more than 15 minutes",
        ),
    ] {
        let campaign = Campaign::from_value(with(field, json!(time))).unwrap();
        let problem = campaign
            .check_times(now)
            .map_or_else(|e| e.to_string(), |()| String::new());
        assert!(problem.starts_with(expected), "{field} {time}: {problem}");
        assert_eq!(
            problem.is_empty(),
            expected.is_empty(),
            "{field} {time}: {problem}"
        );
    }
}

#[test]
fn a_syntax_error_names_line_and_column() {
    let error = Campaign::parse("{\n  \"campaign\": oops\n}")
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("at line 2 column 15"), "{error}");
}

#[test]
fn one_in_a_hundred_bad_rows_is_allowed_unless_the_campaign_says_otherwise() {
    let default = Campaign::from_value(campaign()).unwrap().max_bad_rows;
    assert!(default.allows(10, 1000));
    assert!(!default.allows(11, 1000));
    assert!(default.allows(0, 0));
    assert!(!default.allows(1, 99));
    let rows = Campaign::from_value(with("max_bad_rows", json!(3)))
        .unwrap()
        .max_bad_rows;
    assert!(rows.allows(3, 3));
    assert!(!rows.allows(4, 1000));
    let share = Campaign::from_value(with("max_bad_rows", json!("2.5%")))
        .unwrap()
        .max_bad_rows;
    assert!(share.allows(25, 1000));
    assert!(!share.allows(26, 1000));
}
