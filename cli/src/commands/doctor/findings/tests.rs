//! Each fault is named, with a command that mends it, and a healthy stack has none.

use fanline_core::campaign::Lane;

use super::*;
use crate::commands::doctor::facts::Mapping;
use crate::commands::schedule::When;

pub(super) fn stack() -> Stack {
    let queues = FAILURE_QUEUES.map(|(output, _)| (output, "https://sqs/q"));
    let mut outputs = vec![
        ("ConsumerMapping", "m-1"),
        ("ListsBucketName", "lists"),
        ("ProducerArn", "arn:producer"),
    ];
    outputs.extend(queues);
    Stack::with(
        &outputs,
        &[
            ("ChannelTokenSecretArn", "arn:s"),
            ("KmsKeyArn", "arn:k"),
            ("MaximumConcurrency", "40"),
            ("UrgentConcurrency", "2"),
        ],
    )
}

fn enabled(id: &str, concurrency: i32) -> Mapping {
    Mapping {
        id: id.into(),
        state: "Enabled".into(),
        concurrency: Some(concurrency),
        batch: Some(10),
        reports_failures: true,
    }
}

/// The mapping of the urgent lane.
fn urgent(facts: &mut Facts) -> &mut Mapping {
    facts.mappings[1].1.as_mut().unwrap()
}

pub(super) fn healthy() -> Facts {
    let function = |name: &str| {
        Ok(Function {
            name: name.to_owned(),
            fault: None,
        })
    };
    Facts {
        region: "ap-northeast-1".into(),
        mappings: vec![
            (Lane::Bulk, Ok(enabled("m-1", 40))),
            (Lane::Urgent, Ok(enabled("m-2", 2))),
        ],
        functions: vec![function("p"), function("c")],
        secret: Some(Ok("token+/=\n".into())),
        seal_key: None,
        bucket: Ok(Some("ap-northeast-1".into())),
        events: Some(Ok(BucketEvents {
            reach_event_bridge: true,
            others: 2,
        })),
        schedules: vec![schedule("at(2026-12-25T08:00:00)")],
        failures: vec![Ok(0), Ok(0), Ok(0), Ok(0)],
    }
}

fn schedule(when: &str) -> Schedule {
    Schedule {
        name: "xmas".into(),
        state: ScheduleState::Enabled,
        when: When::new(when, "UTC").unwrap(),
        campaign: Some("xmas".into()),
        target: "arn:producer".into(),
    }
}

/// Changes the facts of a healthy stack into those of a faulty one.
type Break = fn(&mut Facts);

fn found(stack: &Stack, break_it: Break) -> Vec<Finding> {
    let mut facts = healthy();
    break_it(&mut facts);
    findings(stack, &facts, "2026-11-01T00:00:00Z".parse().unwrap())
}

#[test]
fn a_healthy_stack_has_no_finding() {
    assert_eq!(found(&stack(), |_| {}), []);
    assert_eq!(found(&stack(), |facts| facts.bucket = Ok(None)), []);
    let is_off: Break = |facts| {
        facts.schedules = vec![schedule("at(2026-01-01T00:00:00)")];
        facts.schedules[0].state = ScheduleState::Disabled;
    };
    assert_eq!(found(&stack(), is_off), []);
}

/// What breaks, and parts of what is wrong and of what mends it.
const CASES: [(Break, &str, &str); 21] = [
    (
        |f| f.mappings[0].1.as_mut().unwrap().state = "Disabled".into(),
        "paused",
        "--enabled --uuid m-1",
    ),
    (
        |f| f.mappings[0].1 = Err("gone".into()),
        "mapping of the consumer: gone",
        "sam deploy",
    ),
    (
        |f| f.mappings[1].1 = Err("gone".into()),
        "mapping of the consumer for the urgent lane: gone",
        "sam deploy",
    ),
    (
        |f| urgent(f).state = "Disabling".into(),
        "urgent sending is paused",
        "--enabled --uuid m-2",
    ),
    (
        |f| urgent(f).concurrency = Some(5),
        "calls up to 5 consumers at once, and the pace is shared among 2",
        "MaximumConcurrency=2 --uuid m-2",
    ),
    (
        |f| urgent(f).concurrency = None,
        "calls any number of consumers at once",
        "MaximumConcurrency=2 --uuid m-2",
    ),
    (
        |f| urgent(f).batch = Some(1),
        "has a batch size of 1, in place of 10",
        "--batch-size 10 --uuid m-2",
    ),
    (
        |f| urgent(f).reports_failures = false,
        "one failed delivery brings its whole batch back",
        "ReportBatchItemFailures --uuid m-2",
    ),
    (
        |f| f.secret = Some(Err("no secret".into())),
        "no secret",
        "describe-secret",
    ),
    (
        |f| f.secret = Some(Ok(" ".into())),
        "is empty",
        "put-secret-value",
    ),
    (
        |f| f.secret = Some(Ok("{\"t\":1}".into())),
        "is JSON",
        "--secret-id arn:s",
    ),
    (
        |f| f.secret = Some(Ok("to\nken".into())),
        "a line end",
        "put-secret-value",
    ),
    (
        |f| f.bucket = Ok(Some("us-east-1".into())),
        "`lists` is in us-east-1, and the stack in ap-northeast-1",
        "ExistingListsBucket=",
    ),
    (
        |f| f.bucket = Err("no bucket".into()),
        "no bucket",
        "head-bucket",
    ),
    (
        |f| f.events = Some(Ok(silent(0))),
        "no upload starts a run: the bucket `lists` does not tell EventBridge",
        "put-bucket-notification-configuration --bucket lists",
    ),
    (
        |f| f.events = Some(Ok(silent(2))),
        "put its 2 other notifications into the JSON",
        "\"EventBridgeConfiguration\": {}",
    ),
    (
        |f| f.events = Some(Err(EventsError::Denied)),
        "no permission for `s3:GetBucketNotification`",
        "get-bucket-notification-configuration --bucket lists",
    ),
    (
        |f| f.events = Some(Err(EventsError::Failed("SlowDown".into()))),
        "is unknown: SlowDown",
        "get-bucket-notification-configuration",
    ),
    (
        |f| f.schedules = vec![schedule("at(2026-10-01T00:00:00)")],
        "fires no more",
        "fanline schedule remove xmas --at fanline",
    ),
    (
        |f| f.schedules[0].target = "arn:x".into(),
        "calls `arn:x`",
        "fanline schedule set",
    ),
    (
        |f| f.failures[0] = Ok(3),
        "3 deliveries were set aside",
        "https://sqs/q",
    ),
];

/// A bucket that does not tell EventBridge, and tells so many others.
fn silent(others: usize) -> BucketEvents {
    BucketEvents {
        reach_event_bridge: false,
        others,
    }
}

#[test]
fn the_events_of_a_bucket_matter_only_with_an_outbox_and_a_bucket_that_is_there() {
    assert_eq!(found(&stack(), |facts| facts.events = None), []);
    let is_gone: Break = |facts| {
        facts.bucket = Err("no bucket".into());
        facts.events = Some(Ok(silent(0)));
    };
    assert_eq!(found(&stack(), is_gone).len(), 1);
}

#[test]
fn each_fault_is_named_with_what_mends_it() {
    for (break_it, what, mend) in CASES {
        let found = found(&stack(), break_it);
        let [finding] = found.as_slice() else {
            panic!("{what}: {found:?}");
        };
        assert!(finding.what.contains(what), "{finding}");
        assert!(finding.mend.contains(mend), "{finding}");
    }
}

#[test]
fn a_key_that_the_function_cannot_use_is_named() {
    let no_key: Break = |facts| {
        let fault = (
            "DisabledKMSKey".to_owned(),
            "the key is disabled".to_owned(),
        );
        facts.functions[1].as_mut().unwrap().fault = Some(fault);
    };
    let found = found(&stack(), no_key);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].what.contains("`c` can't use its key"),
        "{}",
        found[0]
    );
    assert!(found[0].mend.contains("arn:k"), "{}", found[0]);
}

#[test]
fn a_deployment_that_failed_is_named() {
    for (status, what) in [
        ("UPDATE_ROLLBACK_COMPLETE", "the version before it runs"),
        ("UPDATE_ROLLBACK_FAILED", "so did its rollback"),
        ("ROLLBACK_COMPLETE", "in the state ROLLBACK_COMPLETE"),
    ] {
        let mut failed = stack();
        failed.status = status.into();
        let found = found(&failed, |_| {});
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains(what), "{}", found[0]);
    }
}
