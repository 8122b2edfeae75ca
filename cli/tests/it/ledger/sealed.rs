//! Commands on queues whose messages are sealed.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use fanline_ledger::Stack;
use fanline_local::{KmsFault, KmsOptions, KmsServer};
use fanline_seal::{KeyService, Label, SliceKey};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::queues::{Queues, delivery};
use super::world::{edit, enter, runtime, store, written};
use crate::support::{Answer, Folder, user};

/// A run whose deliveries are sealed, with its queues and its key.
struct Sealed {
    folder: Folder,
    queues: Queues,
    kms: KmsServer,
    key: SliceKey,
    /// What the stand-in for KMS runs on.
    _runtime: Runtime,
}

impl Sealed {
    fn start() -> Self {
        let folder = written(10);
        let store = store(&folder);
        enter(&store, "test");
        let queues = Queues::start();
        edit(&store, |edit| edit.set_stack(queues.stack()));
        let runtime = runtime();
        let kms = runtime.block_on(KmsServer::start(KmsOptions::default()));
        let kms = kms.unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(kms.url())
            .build();
        let service = KeyService::new(&config, kms.key_arn().parse().unwrap());
        let key = runtime.block_on(service.generate("test", "1")).unwrap();
        Self {
            folder,
            queues,
            kms,
            key,
            _runtime: runtime,
        }
    }

    fn delivery(&self, number: usize) -> String {
        let at = format!("1:{number}");
        let label = Label {
            at: Some(&at),
            people: 1,
        };
        self.key.seal(&delivery("test", number), label)
    }

    /// Sets a delivery aside for this reason.
    fn set_aside(&self, number: usize, reason: &str) {
        let attributes = [("run", "test"), ("reason", reason)];
        let body = self.delivery(number);
        self.queues.put_with("dead", &body, &attributes);
    }

    fn fanline(&self, args: &[&str]) -> Answer {
        let variables = [
            ("AWS_ENDPOINT_URL_KMS", self.kms.url()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_MAX_ATTEMPTS", "1"),
        ];
        let args = [args, &["--at", "records"]].concat();
        self.folder.fanline_with(&args, &variables)
    }
}

#[test]
fn sealed_dead_letters_are_counted_and_redriven_without_the_key() {
    let sealed = Sealed::start();
    for (number, reason) in [(0, "quota"), (1, "no_key"), (2, "forged"), (3, "unsealed")] {
        sealed.set_aside(number, reason);
    }
    // SQS moved it, and a copy of it, after too many receives.
    sealed
        .queues
        .put("dead", &[sealed.delivery(4), sealed.delivery(4)]);
    let answer = sealed.fanline(&["dead-letters", "test"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer.out.starts_with("test: 5 dead letters, 5 people\n"),
        "{answer:?}"
    );
    for reason in [
        "quota",
        "no key",
        "forged",
        "unsealed",
        "received too often",
    ] {
        assert!(
            answer.out.contains(&format!("  1 person {reason}\n")),
            "{answer:?}"
        );
    }
    for (only, deliveries) in [("set-aside", 1), ("no-key", 1), ("missing", 0)] {
        let answer = sealed.fanline(&["redrive", "test", "--only", only, "--json"]);
        assert_eq!(answer.json()["deliveries"], deliveries, "{answer:?}");
    }
    // Nobody knows what became of what SQS moved. Its slice is published again, marked.
    assert_eq!(sealed.queues.take("dead").len(), 4);
    assert_eq!(sealed.queues.take("slices").len(), 1);
    assert_eq!(sealed.kms.counts().decrypt, 0);
}

#[test]
fn parked_deliveries_that_are_sealed_come_back_with_the_run() {
    let sealed = Sealed::start();
    sealed.fanline(&["pause", "test"]);
    sealed
        .queues
        .put("parked", &[sealed.delivery(0), sealed.delivery(1)]);
    let answer = sealed.fanline(&["resume", "test"]);
    assert!(
        answer.out.contains("2 parked deliveries are back"),
        "{answer:?}"
    );
    assert_eq!(sealed.queues.take("deliveries").len(), 2);
}

#[test]
fn the_bodies_of_sealed_dead_letters_need_the_key_and_the_right_to_use_it() {
    let sealed = Sealed::start();
    sealed.set_aside(0, "quota");
    let out = ["dead-letters", "test", "--out", "letters.ndjson"];
    let answer = sealed.fanline(&out);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("1 dead letter is sealed"), "{answer:?}");
    assert!(answer.err.contains("--seal-key"), "{answer:?}");

    let arn = sealed.kms.key_arn();
    let with_key = [&out[..], &["--seal-key", arn]].concat();
    sealed.kms.set_fault(Some(KmsFault::Denied));
    let answer = sealed.fanline(&with_key);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("allow `kms:Decrypt`"), "{answer:?}");

    sealed.kms.set_fault(None);
    let answer = sealed.fanline(&with_key);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let line: Value = serde_json::from_str(&sealed.folder.read("letters.ndjson")).unwrap();
    assert_eq!(line["reason"], "quota");
    assert_eq!(line["body"]["recipients"], json!([user(0)]));
    let answer = sealed.fanline(&[&out[..], &["--seal-key", "alias/mine"]].concat());
    assert_eq!(answer.code, Some(2), "{answer:?}");
}

#[test]
fn a_stack_whose_ledger_names_its_key_needs_no_flag_for_the_bodies() {
    let sealed = Sealed::start();
    sealed.set_aside(0, "quota");
    let stack = Stack {
        seal_key: Some(sealed.kms.key_arn().to_owned()),
        ..sealed.queues.stack()
    };
    edit(&store(&sealed.folder), |edit| edit.set_stack(stack.clone()));
    let answer = sealed.fanline(&["dead-letters", "test", "--out", "letters.ndjson"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let line: Value = serde_json::from_str(&sealed.folder.read("letters.ndjson")).unwrap();
    assert_eq!(line["body"]["recipients"], json!([user(0)]));
}
