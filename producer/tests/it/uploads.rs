//! A campaign file in the outbox starts its run, with the stand-ins for S3 and SQS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_core::delivery::Delivery;
use fanline_core::surroundings::{Clock, Random, Surroundings};
use fanline_local::{QueueOptions, QueueServer, S3Call, S3Fault, S3Options, S3Server};
use fanline_producer::{Answer, Intake, Settings, Summary};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{campaign, list, user};

mod bad_files;
mod identity;
mod moving;
mod notify;
mod queued;

/// S3 with the bucket `bucket`, SQS, and a clock.
struct World {
    s3: S3Server,
    queues: QueueServer,
    client: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    now: Arc<Mutex<Timestamp>>,
}

impl World {
    async fn start() -> Self {
        Self::with(S3Options::default()).await
    }

    async fn with(options: S3Options) -> Self {
        let s3 = S3Server::start(options).await.unwrap();
        let queues = QueueServer::start(QueueOptions::default()).await.unwrap();
        let config = config(s3.url(), queues.url());
        let sqs = aws_sdk_sqs::Client::new(&config);
        for name in ["deliveries", "slices"] {
            sqs.create_queue().queue_name(name).send().await.unwrap();
        }
        s3.put("bucket", "lists/friends.csv", list(20));
        let now = Arc::new(Mutex::new("2026-12-24T20:00:00Z".parse().unwrap()));
        Self {
            client: fanline_ledger::s3_client(&config),
            s3,
            queues,
            sqs,
            now,
        }
    }

    fn queue(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.queues.url())
    }

    /// The producer of a stack with an outbox. The settings of `more` take the place of others.
    fn intake(&self, more: &[(&str, &str)]) -> Intake {
        let deliveries = self.queue("deliveries");
        let settings = Settings::from_lookup(|name| {
            let set = more.iter().find(|(known, _)| *known == name);
            let set = set.map(|(_, value)| (*value).to_owned());
            let usual = match name {
                "DELIVERY_QUEUE_URL" => deliveries.clone(),
                "LEDGER_URI" => "s3://bucket/ledger/".to_owned(),
                "OUTBOX_URI" => "s3://bucket/outbox/".to_owned(),
                _ => return set,
            };
            set.or(Some(usual)).filter(|value| !value.is_empty())
        });
        let now = Arc::clone(&self.now);
        let surroundings = Surroundings {
            clock: Clock::from_fn(move || *now.lock()),
            random: Random::default(),
        };
        let config = config(self.s3.url(), self.queues.url());
        Intake::in_surroundings(settings.unwrap(), &config, surroundings)
    }

    fn wait(&self, hours: i64) {
        let mut now = self.now.lock();
        *now += SignedDuration::from_hours(hours);
    }

    fn put(&self, key: &str, content: impl Into<String>) {
        assert!(self.s3.put("bucket", key, content.into()));
    }

    fn object(&self, key: &str) -> Option<String> {
        let object = self.s3.object("bucket", key)?;
        Some(String::from_utf8(object.to_vec()).unwrap())
    }

    /// The keys of the outbox, without the name of the folder.
    fn outbox(&self) -> Vec<String> {
        let keys = self.s3.keys("bucket", "outbox/");
        let names = keys.iter().filter_map(|key| key.strip_prefix("outbox/"));
        names.map(str::to_owned).collect()
    }

    /// From now on these requests are denied.
    fn deny(&self, denied: impl Fn(&S3Call) -> bool + Send + 'static) {
        self.s3
            .script(move |call| denied(call).then_some(S3Fault::Denied));
    }

    /// Puts a file into the outbox and gives the event to a producer.
    async fn upload(&self, name: &str, content: &Value) -> Result<Summary, String> {
        let key = format!("outbox/{name}");
        self.put(&key, content.to_string());
        self.tell(&key).await
    }

    /// Gives an event of this key to a producer.
    async fn tell(&self, key: &str) -> Result<Summary, String> {
        self.tell_all(self.event(key).await).await
    }

    /// Gives an event to a producer.
    async fn tell_all(&self, event: Value) -> Result<Summary, String> {
        let answer = self.answer(event).await;
        answer.map(|answer| answer.summary)
    }

    /// Gives an event to a producer whose invocation is ended where this request waits for an
    /// answer that never comes.
    async fn kill_at(self: &Arc<Self>, method: &'static str, key: &'static str, event: Value) {
        let reached = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&reached);
        self.s3.script(move |call| {
            let is_it = call.method == method && call.key == key;
            let is_first = is_it && !seen.swap(true, Ordering::SeqCst);
            is_first.then_some(S3Fault::Silent)
        });
        let world = Arc::clone(self);
        let killed = tokio::spawn(async move { world.tell_all(event).await.map(drop) });
        while !reached.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        killed.abort();
    }

    /// Gives an event to a producer, for the whole of its answer.
    async fn answer(&self, event: Value) -> Result<Answer, String> {
        let answer = self.intake(&[]).handle(event, None).await;
        answer.map_err(|error| error.to_string())
    }

    /// S3's event on EventBridge for what is under this key now.
    async fn event(&self, key: &str) -> Value {
        let head = self.client.head_object().bucket("bucket").key(key);
        let head = head.send().await.unwrap();
        event(key, head.e_tag().unwrap().trim_matches('"'))
    }

    /// Takes the distinct deliveries off the queue, by their retry keys, and counts all.
    async fn take(&self) -> (Vec<String>, usize) {
        let (mut people, mut keys, mut all) = (Vec::new(), Vec::new(), 0);
        loop {
            let receive = self.sqs.receive_message().max_number_of_messages(10);
            let receive = receive.queue_url(self.queue("deliveries"));
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                people.sort();
                return (people, all);
            }
            for message in messages {
                all += 1;
                let delivery = Delivery::decode(message.body().unwrap()).unwrap();
                let key = delivery.request().retry_key;
                if !keys.contains(&key) {
                    keys.push(key);
                    people.extend(delivery.recipients.iter().cloned());
                }
                let delete = self
                    .sqs
                    .delete_message()
                    .queue_url(self.queue("deliveries"));
                let delete = delete.set_receipt_handle(message.receipt_handle);
                delete.send().await.unwrap();
            }
        }
    }
}

fn config(s3: &str, sqs: &str) -> SdkConfig {
    let services = Endpoints {
        s3: s3.to_owned(),
        sqs: sqs.to_owned(),
    };
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .service_config(services)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .build()
}

/// An address for each service, as two variables of the environment would give them.
#[derive(Debug)]
struct Endpoints {
    s3: String,
    sqs: String,
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        (key.env() == "AWS_ENDPOINT_URL").then(|| match key.service_id() {
            "S3" => self.s3.clone(),
            _ => self.sqs.clone(),
        })
    }
}

fn event(key: &str, etag: &str) -> Value {
    json!({
        "version": "0", "source": "aws.s3", "detail-type": "Object Created",
        "time": "2026-12-24T20:00:00Z",
        "detail": {"bucket": {"name": "bucket"}, "object": {"key": key, "etag": etag}},
    })
}

/// A campaign without a time of its own, to the 20 people of `lists/friends.csv`.
fn xmas(more: &Value) -> Value {
    let mut campaign = campaign(&json!("../lists/friends.csv"), more);
    if more.get("scheduled_time").is_none() {
        campaign.as_object_mut().unwrap().remove("scheduled_time");
    }
    campaign
}

fn people(n: usize) -> Vec<String> {
    (0..n).map(user).collect()
}
