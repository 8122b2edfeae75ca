//! The worker, between the queue server and the simulated LINE of `fanline simulate`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, ONE_TEXT, campaign, list, user};

/// A `fanline` process that is killed after the test.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
        command
            .args(args)
            .env_clear()
            .envs(variables.iter().copied());
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// A LINE that says what is left of the month and breaks the connection of every message.
    pub(crate) fn line_without_answers() -> Self {
        let faults = ["--faults", "reset-before=100%"];
        Self::start(
            &[&["simulate", "line", "--port", "0"][..], &faults].concat(),
            &[],
        )
    }

    /// What it prints, line by line. The test fails when it prints nothing for a minute.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let printed = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in printed.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        std::iter::from_fn(move || Some(lines.recv_timeout(Duration::from_mins(1)).unwrap()))
    }

    /// The URL in the line that a server begins with.
    pub(crate) fn url(&mut self) -> String {
        let line = self.lines().next().unwrap();
        line.strip_prefix("listening on ").unwrap().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn keep_is_the_bookkeeper_of_a_folder() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let queue = queue.url();
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    // It makes the queues.
    let args = ["run", "campaign.json", "--queue-endpoint", &queue];
    assert_eq!(folder.fanline(&args).code, Some(0));
    let (outcomes, deliveries) = (
        format!("{queue}/000000000000/test-outcomes"),
        format!("{queue}/000000000000/test-deliveries"),
    );
    let records = folder.path("records");
    let mut keep = Process::start(
        &[
            "keep",
            "--at",
            records.to_str().unwrap(),
            "--queue-url",
            &outcomes,
        ],
        &[
            ("DELIVERY_QUEUE_URL", &deliveries),
            ("AWS_ENDPOINT_URL_SQS", &queue),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "any"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
        ],
    );
    // The tick at its beginning.
    let tick = keep
        .lines()
        .find(|line| line.contains("open_runs"))
        .unwrap();
    let tick: Value = serde_json::from_str(&tick).unwrap();
    assert_eq!(
        (&tick["open_runs"], &tick["tick_failures"]),
        (&0.into(), &0.into())
    );
    let control: Value =
        serde_json::from_str(&folder.read("records/control/control.json")).unwrap();
    assert_eq!(control["stack"]["outcomes"], outcomes);
    assert_eq!(control["stack"]["deliveries"], deliveries);
}

#[test]
fn the_worker_delivers_what_lies_on_a_queue_and_logs_as_the_function_does() {
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let mut line = Process::start(&["simulate", "line", "--port", "0"], &[]);
    let (queue, line) = (queue.url(), line.url());
    let mut silent = Process::line_without_answers();
    let silent = silent.url();
    // LINE does not answer this run, so its delivery stays on the queue.
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let token = ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token");
    let args = [
        "run",
        "campaign.json",
        "--live",
        "--yes",
        "--queue-endpoint",
        &queue,
        "--give-up-after",
        "1",
    ];
    assert_eq!(
        folder
            .fanline_with(&args, &[token, ("LINE_API_BASE", &silent)])
            .code,
        Some(1)
    );

    let (deliveries, dead) = (
        format!("{queue}/000000000000/test-deliveries"),
        format!("{queue}/000000000000/test-deliveries-dead"),
    );
    let variables = [
        token,
        ("LINE_API_BASE", line.as_str()),
        ("DEAD_LETTER_QUEUE_URL", &dead),
        ("AWS_ENDPOINT_URL_SQS", &queue),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
        ("CONSUMER_FUNCTION", "fanline-consumer"),
    ];
    let mut worker = Process::start(&["worker", "--queue-url", &deliveries], &variables);
    let mut lines = worker
        .lines()
        .inspect(|line| {
            let leaks = line.contains("secret-token") || line.contains(&user(1)[1..]);
            assert!(!leaks, "{line}");
        })
        .map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let asked = lines
        .find(|line| line["message"] == "LINE request")
        .unwrap();
    assert_eq!(
        (&asked["recipients"], &asked["run"]),
        (&3.into(), &"test".into())
    );
    // The alarms of a stack look for its consumer's name.
    let metrics = lines.find(|line| line["_aws"].is_object()).unwrap();
    assert_eq!(
        (&metrics["function"], &metrics["accepted"]),
        (&"fanline-consumer".into(), &3.into())
    );
}

#[test]
fn without_root_certificates_what_needs_https_says_what_to_install() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let variables = [
        ("SSL_CERT_FILE", "/nowhere/roots.pem"),
        ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token"),
        ("LINE_API_BASE", "https://127.0.0.1:9"),
        (
            "DEAD_LETTER_QUEUE_URL",
            "https://127.0.0.1:9/000000000000/dead",
        ),
    ];
    let cure = "there are no root certificates: install `ca-certificates`, or set `SSL_CERT_FILE`";
    let queue = "https://127.0.0.1:9/000000000000/deliveries";
    for (args, sentence) in [
        (
            &["worker", "--queue-url", queue][..],
            format!("error: {cure}"),
        ),
        (
            &["run", "campaign.json", "--live"],
            format!("error: LINE can't be reached at `https://127.0.0.1:9`: {cure}"),
        ),
    ] {
        let answer = folder.fanline_with(args, &variables);
        assert!(answer.code.is_some_and(|code| code > 0), "{answer:?}");
        assert!(answer.err.contains(&sentence), "{answer:?}");
    }
}
