//! A ledger that can't be used: each sentence names the place and the cure, and nothing is changed.

use super::world::written;
use crate::support::Folder;
use crate::worker::Process;

const CONTROL: &str = "records/control/control.json";
const NONSENSE: &str = r#"{"v":1,"runs":{"test":{"state":"flying"}}}"#;
const AWS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "a"),
    ("AWS_SECRET_ACCESS_KEY", "b"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

#[test]
fn a_control_object_with_nonsense_in_it_names_its_place_its_field_and_the_cure() {
    let folder = written(3);
    std::fs::create_dir_all(folder.path("records/control")).unwrap();
    folder.write(CONTROL, NONSENSE);
    for command in [
        &["pause", "test"][..],
        &["resume", "test"],
        &["cancel", "test", "--yes"],
        &["redrive", "test", "--only", "missing"],
        &["resend", "test", "--only", "missing", "--yes"],
        &["dead-letters", "test"],
    ] {
        let answer = folder.fanline(&[command, &["--at", "records"]].concat());
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{answer:?}"
        );
        for words in [
            "`records`: `control.json`: field `runs.test.state`",
            "Consumers obey the last one that they could read",
            "Mend `control/control.json`, or bring back its version before",
        ] {
            assert!(answer.err.contains(words), "{words}: {answer:?}");
        }
    }
    let answer = folder.fanline(&["run", "campaign.json", "--at", "records"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("Mend `control/control.json`"),
        "{answer:?}"
    );
    assert_eq!(folder.read(CONTROL), NONSENSE);
}

/// Variables of a stack whose queues are on this server.
fn variables(queue: &str) -> Vec<(&str, &str)> {
    let own = [
        ("AWS_ENDPOINT_URL_SQS", queue),
        ("DELIVERY_QUEUE_URL", "http://127.0.0.1:9/1/deliveries"),
        ("DEAD_LETTER_QUEUE_URL", "http://127.0.0.1:9/1/dead"),
        ("LINE_CHANNEL_ACCESS_TOKEN", "any"),
    ];
    AWS.into_iter().chain(own).collect()
}

#[test]
fn a_bookkeeper_does_not_begin_where_its_ledger_can_not_be() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let queue = queue.url();
    let folder = Folder::new().with("file", "to do").with("list.csv", "to\n");
    let s3 = ["simulate", "s3", "--port", "0"];
    let object = format!("s3://lists/list.csv={}", folder.path("list.csv").display());
    let mut s3 = Process::start(&[&s3[..], &[&object]].concat(), &[]);
    let s3 = s3.url();
    let mut variables = variables(&queue);
    variables.push(("AWS_ENDPOINT_URL_S3", &s3));
    for (place, problem) in [
        ("file", "Not a directory"),
        ("s3://other", "`s3://other` does not exist"),
    ] {
        let args = ["keep", "--queue-url", &queue, "--at", place];
        let answer = folder.fanline_with(&args, &variables);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{answer:?}"
        );
        for words in ["the ledger can't be read", problem, "--at names the bucket"] {
            assert!(answer.err.contains(words), "{words}: {answer:?}");
        }
    }
}

#[test]
fn a_queue_that_is_not_there_is_named_once() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let queue = queue.url();
    let folder = Folder::new();
    let url = format!("{queue}/000000000000/none");
    let url = url.as_str();
    for args in [
        &["keep", "--queue-url", url, "--at", "records"][..],
        &["worker", "--queue-url", url],
    ] {
        let answer = folder.fanline_with(args, &variables(&queue));
        let expected = format!(
            "error: the queue at `{url}` can't be polled: \
             AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.\n"
        );
        assert_eq!(
            (answer.code, answer.err.as_str()),
            (Some(1), expected.as_str())
        );
    }
}
