use serde_json::{Value, json};

use super::*;

fn bridge(key: &str) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "source": "aws.s3",
        "detail-type": "Object Created", "account": "123456789012",
        "time": "2026-12-25T00:00:00Z", "region": "ap-northeast-1",
        "resources": ["arn:aws:s3:::lists"],
        "detail": {
            "version": "0", "bucket": {"name": "lists"},
            "object": {"key": key, "size": 5, "etag": "5f", "sequencer": "00617F08299329D189"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012",
            "source-ip-address": "192.0.2.1", "reason": "PutObject",
        },
    })
}

fn record(key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "ap-northeast-1",
        "eventTime": "2026-12-25T00:00:00.000Z", "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "outbox",
            "bucket": {"name": "lists", "arn": "arn:aws:s3:::lists"},
            "object": {"key": key, "size": 5, "eTag": "5f", "sequencer": "00617F08299329D189"},
        },
    })
}

fn notification(key: &str) -> Value {
    json!({"Records": [record(key)]})
}

fn in_sns(message: &Value) -> Value {
    let sns = json!({"Type": "Notification", "MessageId": "1", "Message": message.to_string()});
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]})
}

fn in_sqs(body: &str) -> Value {
    json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]})
}

/// The body of an SQS message that SNS sent, without raw delivery.
fn from_topic(message: &Value) -> String {
    json!({"Type": "Notification", "TopicArn": "t", "Message": message.to_string()}).to_string()
}

/// All notices of an event, whoever calls with it.
fn all_in(event: &Value) -> Result<Option<Vec<Notice>>, NoticeError> {
    let Some(notices) = Notices::all_in(event)? else {
        return Ok(None);
    };
    Ok(Some(match notices {
        Notices::Direct(notices) => notices,
        Notices::Queued(messages) => {
            let notices = messages.into_iter().map(|message| message.notices);
            notices.collect::<Result<Vec<_>, _>>()?.concat()
        }
    }))
}

fn put(key: &str) -> Notice {
    Notice {
        change: Change::Put,
        bucket: "lists".into(),
        key: key.into(),
        etag: Some("5f".into()),
    }
}

#[test]
fn every_wrapping_holds_the_same_notice() {
    let notification = notification("outbox/x.json");
    for event in [
        bridge("outbox/x.json"),
        notification.clone(),
        in_sns(&notification),
        in_sns(&bridge("outbox/x.json")),
        in_sqs(&notification.to_string()),
        in_sqs(&bridge("outbox/x.json").to_string()),
        in_sqs(&from_topic(&notification)),
        in_sqs(&from_topic(&bridge("outbox/x.json"))),
    ] {
        let expected = Ok(Some(vec![put("outbox/x.json")]));
        assert_eq!(all_in(&event), expected, "{event}");
    }
}

#[test]
fn a_notification_encodes_its_key_and_eventbridge_does_not() {
    // The key as S3 has it, and as a notification writes it.
    for (key, written) in [
        ("outbox/a.json", "outbox/a.json"),
        ("outbox/a b.json", "outbox/a+b.json"),
        ("outbox/a+b.json", "outbox/a%2Bb.json"),
        ("outbox/a%2Bb.json", "outbox/a%252Bb.json"),
        ("outbox/名單.json", "outbox/%E5%90%8D%E5%96%AE.json"),
        ("outbox/100%.json", "outbox/100%25.json"),
        ("outbox/a&b=c.json", "outbox/a%26b%3Dc.json"),
        ("outbox/a%20b+ c.json", "outbox/a%2520b%2B+c.json"),
    ] {
        let expected = Ok(Some(vec![put(key)]));
        assert_eq!(all_in(&bridge(key)), expected, "{key}");
        assert_eq!(all_in(&notification(written)), expected, "{key}");
        let queued = in_sqs(&notification(written).to_string());
        assert_eq!(all_in(&queued), expected, "{key}");
    }
    let error = all_in(&notification("outbox/%FF.json"));
    assert_eq!(error, Err(NoticeError::Key));
}

#[test]
fn an_event_may_tell_of_many_files_or_of_none() {
    let many = json!({"Records": [record("a.json"), record("b.json")]});
    let both = Ok(Some(vec![put("a.json"), put("b.json")]));
    assert_eq!(all_in(&many), both);
    let messages = [notification("a.json"), notification("b.json")];
    let messages = messages.map(|body| json!({"messageId": "1", "body": body.to_string()}));
    assert_eq!(all_in(&json!({"Records": messages})), both);
    let test = json!({
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-12-25T00:00:00.000Z",
        "Bucket": "lists", "RequestId": "1", "HostId": "2",
    });
    for event in [
        test.clone(),
        in_sns(&test),
        in_sqs(&test.to_string()),
        in_sqs(&from_topic(&test)),
    ] {
        assert_eq!(all_in(&event), Ok(Some(Vec::new())), "{event}");
    }
}

#[test]
fn only_what_was_put_starts_a_run() {
    for (name, change) in [
        ("ObjectCreated:Put", Change::Put),
        ("ObjectCreated:Post", Change::Put),
        ("ObjectCreated:Copy", Change::Put),
        ("ObjectCreated:CompleteMultipartUpload", Change::Put),
        ("s3:ObjectCreated:Put", Change::Put),
        ("ObjectRemoved:Delete", Change::Other),
        ("ObjectRestore:Completed", Change::Other),
        ("ObjectTagging:Put", Change::Other),
    ] {
        let mut event = notification("a.json");
        event["Records"][0]["eventName"] = name.into();
        let found = all_in(&event).unwrap().unwrap();
        assert_eq!(found[0].change, change, "{name}");
    }
    for (name, change) in [
        ("Object Created", Change::Put),
        ("Object Deleted", Change::Other),
        ("Object Restore Completed", Change::Other),
        ("Object Tags Added", Change::Other),
    ] {
        let mut event = bridge("a.json");
        event["detail-type"] = name.into();
        let found = all_in(&event).unwrap().unwrap();
        assert_eq!(found[0].change, change, "{name}");
    }
}

#[test]
fn an_event_of_somebody_else_is_left_to_the_producer() {
    let slice = in_sqs(r#"{"v":1,"run":"xmas","slice":"1","only":"waiting"}"#);
    let wrapped_too_often = from_topic(&json!(from_topic(&json!(in_sns(&json!({}))))));
    for event in [
        json!({"campaign": "xmas", "channel": "line"}),
        json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}),
        json!({"Records": []}),
        json!({"Records": "x"}),
        json!([]),
        json!(null),
        json!("text"),
        slice,
        in_sqs("not JSON"),
        in_sqs(&wrapped_too_often),
        json!({"Records": [{"eventSource": "aws:sqs"}]}),
    ] {
        assert_eq!(all_in(&event), Ok(None), "{event}");
    }
}

#[test]
fn an_event_without_a_file_says_what_is_missing() {
    let mut of_rule = bridge("a.json");
    of_rule["detail"]["object"] = json!({});
    let mut of_bucket = bridge("a.json");
    of_bucket["detail"]["bucket"] = json!(null);
    let mut of_record = notification("a.json");
    of_record["Records"][0]["s3"]["object"]["key"] = json!("");
    let mut without = notification("a.json");
    without["Records"][0].as_object_mut().unwrap().remove("s3");
    for (event, field) in [
        (of_rule, "detail.object.key"),
        (of_bucket, "detail.bucket.name"),
        (of_record, "s3.object.key"),
        (without, "s3.object.key"),
    ] {
        assert_eq!(all_in(&event), Err(NoticeError::Missing(field)));
    }
    let mut untagged = bridge("a.json");
    untagged["detail"]["object"]
        .as_object_mut()
        .unwrap()
        .remove("etag");
    let found = all_in(&untagged).unwrap().unwrap();
    assert_eq!(found[0].etag, None);
}

#[test]
fn each_message_of_a_queue_has_its_own_notices_or_its_own_problem() {
    let message = |id: &str, body: &Value| {
        let body = body
            .as_str()
            .map_or_else(|| body.to_string(), str::to_owned);
        json!({"messageId": id, "eventSource": "aws:sqs", "body": body})
    };
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "lists"});
    let two = json!({"Records": [record("b.json"), record("c.json")]});
    let event = json!({"Records": [
        message("1", &notification("a.json")),
        message("2", &json!("not JSON")),
        message("3", &two),
        message("4", &json!({"v": 1, "run": "xmas", "slice": "1", "only": "waiting"})),
        message("5", &notification("%FF.json")),
        message("6", &test),
        message("7", &bridge("名單 1+1.json")),
    ]});
    let not_of_s3 = |id: &str| Err(NoticeError::NotOfS3(id.into()));
    let expected = [
        ("1", Ok(vec![put("a.json")])),
        ("2", not_of_s3("2")),
        ("3", Ok(vec![put("b.json"), put("c.json")])),
        ("4", not_of_s3("4")),
        ("5", Err(NoticeError::Key)),
        ("6", Ok(vec![])),
        ("7", Ok(vec![put("名單 1+1.json")])),
    ];
    let expected = expected.map(|(id, notices)| QueuedNotices {
        message_id: id.into(),
        notices,
    });
    let found = Notices::all_in(&event);
    assert_eq!(found, Ok(Some(Notices::Queued(expected.into()))));
}

#[test]
fn a_message_that_could_not_be_named_as_failed_is_an_error_of_the_whole_event() {
    let mut event = in_sqs(&notification("a.json").to_string());
    event["Records"][0]
        .as_object_mut()
        .unwrap()
        .remove("messageId");
    assert_eq!(Notices::all_in(&event), Err(NoticeError::NoMessageId));
}
