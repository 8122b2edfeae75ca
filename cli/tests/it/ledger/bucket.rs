//! The ledger in a bucket: rights, and what is no ledger.

use std::time::{Duration, Instant};

use fanline_ledger::Store;
use fanline_local::{S3Call, S3Fault, S3Options, S3Server};
use tokio::runtime::Runtime;

use super::world::{accepted, enter, settle, store, written};
use crate::support::{Answer, Folder};

/// A stand-in for S3 with the ledger of a folder in the bucket `ours`.
pub(super) struct Bucket {
    pub(super) s3: S3Server,
    _runtime: Runtime,
}

impl Bucket {
    pub(super) fn of(folder: &Folder) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = S3Options {
            buckets: vec!["ours".into(), "others".into()],
            forbidden: vec!["forbidden".into()],
            page_entries: 3,
            ..S3Options::default()
        };
        let s3 = runtime.block_on(S3Server::start(options)).unwrap();
        let store: Store = store(folder);
        runtime.block_on(async {
            for listed in store.list("").await.unwrap() {
                let object = store.get(&listed.key).await.unwrap().unwrap();
                assert!(s3.put("ours", &listed.key, object.bytes));
            }
        });
        s3.put("others", "photo.jpg", "a photo");
        Self {
            s3,
            _runtime: runtime,
        }
    }

    /// Runs `fanline` with credentials for the stand-in.
    pub(super) fn fanline(&self, folder: &Folder, args: &[&str]) -> Answer {
        let variables = [
            ("AWS_REGION", "ap-northeast-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_S3", self.s3.url()),
        ];
        folder.fanline_with(args, &variables)
    }
}

/// A run of 5 people, 4 of them accepted.
fn world() -> (Folder, Bucket) {
    let folder = written(5);
    let store = store(&folder);
    enter(&store, "test");
    settle(&store, "test", accepted(0..4));
    let bucket = Bucket::of(&folder);
    (folder, bucket)
}

#[test]
fn a_ledger_in_a_bucket_is_read_as_in_a_folder() {
    let (folder, bucket) = world();
    let status = |answer: Answer| {
        let mut status = answer.json();
        // The clock goes on.
        status["late_at_best_seconds"].take();
        status
    };
    let args = ["status", "test", "--at", "records", "--json"];
    let ours = status(folder.fanline(&args));
    for at in ["s3://ours", "s3://ours/", "s3://ours/ledger/"] {
        let answer = bucket.fanline(&folder, &["status", "te", "--at", at, "--json"]);
        assert_eq!(status(answer), ours, "{at}");
    }
    let answer = bucket.fanline(&folder, &["runs", "--at", "s3://ours"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.contains("80.0 %"), "{answer:?}");
}

#[test]
fn a_bucket_that_is_not_ours_and_a_missing_right_are_one_sentence() {
    let (folder, bucket) = world();
    for (at, problem) in [
        (
            "s3://others",
            "there is neither `ledger/` nor `control/` in `s3://others`: name the ledger of your \
             runs with --at",
        ),
        ("s3://missing", "`s3://missing` does not exist"),
        (
            "s3://forbidden",
            "`s3://forbidden/ledger/` can't be reached: no permission for `s3:ListBucket`",
        ),
    ] {
        let answer = bucket.fanline(&folder, &["status", "te", "--at", at]);
        let expected = format!("error: {problem}\n");
        assert_eq!((answer.code, answer.err), (Some(2), expected), "{at}");
    }
    bucket.s3.script(|call: &S3Call| {
        let is_denied = call.method == "GET" && call.key.contains("/books/");
        is_denied.then_some(S3Fault::Denied)
    });
    let answer = bucket.fanline(&folder, &["status", "test", "--at", "s3://ours"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("no permission for `s3:GetObject`"),
        "{answer:?}"
    );
}

#[test]
fn a_store_that_does_not_answer_ends_each_command_with_a_sentence() {
    let (folder, bucket) = world();
    bucket.s3.script(|_: &S3Call| Some(S3Fault::Silent));
    let asked = [
        &["status", "test"][..],
        &["runs"],
        &["pause", "test", "--why", "too much"],
        &["resend", "test", "--only", "refused"],
    ];
    std::thread::scope(|scope| {
        for args in asked {
            let (folder, bucket) = (&folder, &bucket);
            scope.spawn(move || {
                let began = Instant::now();
                let answer = bucket.fanline(folder, &[args, &["--at", "s3://ours"]].concat());
                assert_eq!(answer.code, Some(2), "{answer:?}");
                assert!(answer.err.starts_with("error: `s3://ours/"), "{answer:?}");
                assert!(answer.err.ends_with(": no answer in time\n"), "{answer:?}");
                assert!(began.elapsed() < Duration::from_mins(1), "{args:?}");
            });
        }
    });
}

#[test]
fn a_pause_whose_answer_is_lost_is_made_once() {
    let (folder, bucket) = world();
    let mut puts = 0;
    bucket.s3.script(move |call: &S3Call| {
        let is_control = call.method == "PUT" && call.key == "control/control.json";
        puts += u32::from(is_control);
        (is_control && puts == 1).then_some(S3Fault::DoneAndSilent)
    });
    let args = [
        "pause",
        "test",
        "--by",
        "mei",
        "--at",
        "s3://ours",
        "--json",
    ];
    let answer = bucket.fanline(&folder, &args);
    assert_eq!(
        (answer.code, &answer.json()["state"]),
        (Some(0), &"paused".into()),
        "{answer:?}"
    );
    let status = bucket.fanline(&folder, &["status", "test", "--at", "s3://ours", "--json"]);
    let history = status.json()["history"].clone();
    let by = |change: &serde_json::Value| change["by"].clone();
    let by: Vec<_> = history.as_array().unwrap().iter().map(by).collect();
    assert_eq!(by, ["producer", "mei"], "{history}");
}

#[test]
fn a_whole_name_needs_no_listing_of_the_runs() {
    let (folder, bucket) = world();
    bucket.s3.script(|call: &S3Call| {
        let is_denied = call.method == "LIST" && call.key == "ledger/";
        is_denied.then_some(S3Fault::Denied)
    });
    let status = |run| bucket.fanline(&folder, &["status", run, "--at", "s3://ours"]);
    assert!(status("test").out.starts_with("test is open"));
    assert!(
        status("te")
            .err
            .contains("no permission for `s3:ListBucket`")
    );
}

#[test]
fn a_bucket_without_credentials_is_an_error_about_the_ledger() {
    let no_ec2 = ("AWS_EC2_METADATA_DISABLED", "true");
    let region = ("AWS_REGION", "ap-northeast-1");
    let answer = Folder::new().fanline_with(&["runs", "--at", "s3://ours"], &[no_ec2, region]);
    assert_eq!(
        (answer.code, answer.err.as_str()),
        (
            Some(2),
            "error: the ledger is in S3, and there are no AWS credentials: set valid ones\n"
        )
    );
}
