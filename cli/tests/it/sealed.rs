//! Runs whose deliveries are sealed on the queues.

use fanline_local::{KmsFault, KmsOptions, KmsServer};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list};
use crate::worker::Process;

fn run(messages: &str, flags: &[&str]) -> Answer {
    let folder = Folder::new()
        .with("campaign.json", campaign(messages))
        .with("list.csv", list(150));
    folder.fanline(&[&["run", "campaign.json", "--json"], flags].concat())
}

#[test]
fn a_sealed_run_reaches_everybody_as_one_in_plain_text_does() {
    for messages in [ONE_TEXT, PERSONAL] {
        let [plain, sealed] = [&[][..], &["--seal"]].map(|flags| run(messages, flags));
        assert_eq!(sealed.code, Some(0), "{sealed:?}");
        let (plain, sealed) = (plain.json(), sealed.json());
        for number in ["rows", "accepted", "deliveries", "requests"] {
            assert_eq!(sealed[number], plain[number], "{number}");
        }
        assert_eq!(sealed["line"]["recipients_accepted"], 150);
        assert_eq!(
            (&sealed["sealed"], &plain["sealed"]),
            (&true.into(), &Value::Null)
        );
    }
}

#[test]
fn a_sealed_run_with_faults_loses_and_doubles_nobody() {
    let faults = "error-before=10%,error-after=10%,garbled=5%,duplicated=10%,kill=3%,panic=3%";
    let answer = run(PERSONAL, &["--seal", "--faults", faults, "--seed", "11"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let line = &answer.json()["line"];
    assert_eq!(line["recipients_accepted"], 150);
    assert_eq!(line["recipients_doubled"], 0);
}

#[test]
fn a_key_that_ends_with_the_run_does_not_go_with_queues_that_stay() {
    let endpoint = ["--seal", "--queue-endpoint", "http://127.0.0.1:9324"];
    let answer = run(ONE_TEXT, &endpoint);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("--queue-endpoint"), "{answer:?}");
}

/// A KMS, and a folder with a campaign.
struct World {
    folder: Folder,
    kms: KmsServer,
    _runtime: Runtime,
}

impl World {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let kms = runtime.block_on(KmsServer::start(KmsOptions::default()));
        Self {
            folder: Folder::new()
                .with("campaign.json", campaign(PERSONAL))
                .with("list.csv", list(150)),
            kms: kms.unwrap(),
            _runtime: runtime,
        }
    }

    fn run(&self, flags: &[&str], variables: &[(&str, &str)]) -> Answer {
        let args = [&["run", "campaign.json", "--json"], flags].concat();
        let account = account(self.kms.url());
        self.folder
            .fanline_with(&args, &[&account[..], variables].concat())
    }
}

fn account(kms: &str) -> [(&str, &str); 5] {
    [
        ("AWS_ENDPOINT_URL_KMS", kms),
        ("AWS_REGION", "ap-northeast-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]
}

#[test]
fn a_key_of_kms_seals_and_opens_the_deliveries_of_a_run() {
    let world = World::start();
    let answer = world.run(&["--seal-key", world.kms.key_arn()], &[]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json()["line"]["recipients_accepted"], 150);
    assert_eq!(answer.json()["sealed"], true);
    // One of each proved that the key can be used, and one more that it seals the slices.
    let counts = world.kms.counts();
    assert_eq!((counts.generate_data_key, counts.decrypt), (3, 2));
}

#[test]
fn a_key_that_can_t_be_used_is_found_before_anything_is_sent() {
    let world = World::start();
    let arn = world.kms.key_arn();
    for (fault, words) in [
        (
            KmsFault::Denied,
            "can't be used to seal: allow `kms:GenerateDataKey`",
        ),
        (KmsFault::Disabled, "the key is disabled: enable it"),
        (KmsFault::PendingDeletion, "cancel its deletion"),
        (KmsFault::Missing, "there is no such key in its Region"),
        (KmsFault::Unfit, "not a symmetric key for encryption"),
        (KmsFault::Throttled, "KMS takes no more requests now"),
        (KmsFault::Internal, "KMS does not answer"),
    ] {
        world.kms.set_fault(Some(fault));
        let answer = world.run(&["--seal-key", arn], &[]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let begin = format!("error: --seal-key: the key `{arn}` can't be used to seal: ");
        assert!(answer.err.starts_with(&begin), "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
        assert!(answer.err.ends_with("; nothing was sent\n"), "{answer:?}");
        assert_eq!(world.kms.counts().decrypt, 0);
    }
    world.kms.set_fault(None);
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    for (key, words) in [
        (elsewhere.as_str(), "there is no such key in its Region"),
        ("alias/mine", "it is not the ARN of a KMS key"),
    ] {
        let answer = world.run(&["--seal-key", key], &[]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
    }
    let answer = world
        .folder
        .fanline(&["run", "campaign.json", "--seal-key", arn]);
    let words = "error: the key is in KMS, and `AWS_REGION` is not set: set it\n";
    assert_eq!((answer.code, answer.err.as_str()), (Some(2), words));
}

#[test]
fn sealed_deliveries_that_a_run_left_on_its_queue_are_sent_by_a_worker_with_the_key() {
    let mut kms = Process::start(&["simulate", "kms", "--port", "0"], &[]);
    let printed: Vec<String> = kms.lines().take(2).collect();
    let arn = printed[0].strip_prefix("its key is ").unwrap();
    let kms_url = printed[1].strip_prefix("listening on ").unwrap();
    let mut queue = Process::start(&["simulate", "queue", "--port", "0"], &[]);
    let mut line = Process::start(&["simulate", "line", "--port", "0"], &[]);
    let mut silent = Process::line_without_answers();
    let (queue, line, silent) = (queue.url(), line.url(), silent.url());
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let token = ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token");
    let run = "run campaign.json --live --yes --give-up-after 1 --seal-key";
    let run: Vec<&str> = run
        .split(' ')
        .chain([arn, "--queue-endpoint", &queue])
        .collect();
    let account = account(kms_url);
    let variables = [&account[..], &[token, ("LINE_API_BASE", &silent)]].concat();
    let answer = folder.fanline_with(&run, &variables);
    assert_eq!(answer.code, Some(1), "{answer:?}");

    let deliveries = format!("{queue}/000000000000/test-deliveries");
    let dead = format!("{deliveries}-dead");
    let variables = [
        token,
        ("LINE_API_BASE", &line),
        ("DEAD_LETTER_QUEUE_URL", &dead),
        ("AWS_ENDPOINT_URL_SQS", &queue),
        ("SEAL_KEY_ARN", arn),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
    ];
    let variables = [&account[..], &variables].concat();
    let mut worker = Process::start(&["worker", "--queue-url", &deliveries], &variables);
    let asked = worker.lines().find(|line| line.contains("LINE request"));
    let asked: Value = serde_json::from_str(&asked.unwrap()).unwrap();
    assert_eq!(
        (&asked["recipients"], &asked["run"]),
        (&3.into(), &"test".into())
    );
}
