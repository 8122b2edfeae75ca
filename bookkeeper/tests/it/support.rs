//! A world to keep books in: S3 and SQS on loopback, a clock, and bookkeepers that know only their
//! addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_bookkeeper::{Bookkeeper, Event, Handled, Message, Settings};
use fanline_core::surroundings::{Clock, Surroundings};
use fanline_ledger::{
    Bucket, Control, Edit, EditError, SliceOrder, Store, edit_control, read_control,
};
use fanline_local::{QueueOptions, QueueServer, S3Options, S3Server};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// When the runs begin.
pub(crate) fn eight() -> Timestamp {
    "2026-12-25T08:00:00Z".parse().unwrap()
}

/// S3, SQS and a clock.
pub(crate) struct World {
    pub(crate) s3: S3Server,
    pub(crate) queues: QueueServer,
    pub(crate) sqs: aws_sdk_sqs::Client,
    /// One store for all: a client takes a while to make.
    store: Store,
    now: Arc<AtomicI64>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let s3 = S3Server::start(S3Options::default()).await.unwrap();
        let queues = QueueServer::start(QueueOptions::default()).await.unwrap();
        let sqs = aws_sdk_sqs::Client::new(&config([("SQS", queues.url())]));
        for name in ["outcomes", "slices", "deliveries", "parked"] {
            sqs.create_queue().queue_name(name).send().await.unwrap();
        }
        let bucket = Bucket::new(
            &config([("S3", s3.url())]),
            "s3://bucket/stack".parse().unwrap(),
        );
        Self {
            store: Store::Bucket(bucket),
            s3,
            queues,
            sqs,
            now: Arc::new(AtomicI64::new(eight().as_millisecond())),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.load(Ordering::SeqCst)).unwrap()
    }

    /// Moves the clock on.
    pub(crate) fn pass(&self, time: SignedDuration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap();
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn queue(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.queues.url())
    }

    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// A bookkeeper of its own, as another environment would have it.
    pub(crate) fn bookkeeper(&self) -> Bookkeeper {
        self.bookkeeper_at("s3://bucket/stack", None)
    }

    /// A bookkeeper with its ledger in this place, and with Lambda's API at an address.
    pub(crate) fn bookkeeper_at(&self, ledger: &str, lambda: Option<&str>) -> Bookkeeper {
        let settings = Settings::from_lookup(|name| match name {
            "LEDGER_URI" => Some(ledger.to_owned()),
            "OUTCOME_QUEUE_URL" => Some(self.queue("outcomes")),
            "SLICE_QUEUE_URL" => Some(self.queue("slices")),
            "DELIVERY_QUEUE_URL" => Some(self.queue("deliveries")),
            "PARKED_QUEUE_URL" => Some(self.queue("parked")),
            "URGENT_QUEUE_URL" => lambda.map(|_| self.queue("urgent")),
            "DELIVERY_MAPPING_ID" => lambda.map(|_| "mapping".to_owned()),
            "URGENT_MAPPING_ID" => lambda.map(|_| "urgent-mapping".to_owned()),
            _ => None,
        });
        let now = Arc::clone(&self.now);
        let clock = move || Timestamp::from_millisecond(now.load(Ordering::SeqCst)).unwrap();
        let surroundings = Surroundings {
            clock: Clock::from_fn(clock),
            ..Surroundings::default()
        };
        let config = config([
            ("S3", self.s3.url()),
            ("SQS", self.queues.url()),
            ("Lambda", lambda.unwrap_or("http://127.0.0.1:9")),
        ]);
        Bookkeeper::in_surroundings(settings.unwrap(), &config, surroundings)
    }

    /// Takes the orders off the slice queue, each with its run.
    pub(crate) async fn take_orders(&self) -> Vec<SliceOrder> {
        let mut orders = Vec::new();
        loop {
            let receive = self.sqs.receive_message().max_number_of_messages(10);
            let received = receive
                .queue_url(self.queue("slices"))
                .send()
                .await
                .unwrap();
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                orders.sort_by_key(|order: &SliceOrder| order.slice);
                return orders;
            }
            for message in messages {
                orders.push(SliceOrder::decode(message.body().unwrap()).unwrap());
                let delete = self.sqs.delete_message().queue_url(self.queue("slices"));
                let delete = delete.set_receipt_handle(message.receipt_handle);
                delete.send().await.unwrap();
            }
        }
    }

    /// The slices of the orders on the slice queue.
    pub(crate) async fn ordered(&self) -> Vec<String> {
        let orders = self.take_orders().await.into_iter();
        orders.map(|order| order.slice.to_string()).collect()
    }

    /// Puts a message on a queue, so that something may still come.
    pub(crate) async fn send(&self, queue: &str, body: &str) {
        let send = self.sqs.send_message().queue_url(self.queue(queue));
        send.message_body(body).send().await.unwrap();
    }

    /// So many ticks, each a minute after the one before.
    pub(crate) async fn tick(&self, bookkeeper: &Bookkeeper, ticks: u32) -> Handled {
        let mut last = Handled::default();
        for _ in 0..ticks {
            self.pass(SignedDuration::from_mins(1));
            last = bookkeeper.handle(Event::Tick).await.unwrap();
        }
        last
    }

    /// The control object, as it is now.
    pub(crate) async fn control(&self) -> Control {
        let read = read_control(&self.store(), None).await.unwrap();
        read.unwrap().0
    }

    /// Edits the control object as an operator does.
    pub(crate) async fn edit(&self, edit: impl Fn(Edit<'_>) -> Result<Control, EditError>) {
        let (now, store) = (self.now(), self.store());
        let edited = edit_control(&store, |control| {
            edit(Edit::new(control, "operator", None, now)?)
        });
        edited.await.unwrap();
    }
}

/// The services' addresses by their IDs.
#[derive(Debug)]
struct Endpoints(Vec<(&'static str, String)>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let mut services = self.0.iter();
        let service = services.find(|(id, _)| *id == key.service_id())?;
        (key.env() == "AWS_ENDPOINT_URL").then(|| service.1.clone())
    }
}

/// The SDK's settings for services at these addresses.
pub(crate) fn config<const N: usize>(services: [(&'static str, &str); N]) -> SdkConfig {
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .service_config(Endpoints(
            services.map(|(id, url)| (id, url.to_owned())).into(),
        ))
        .retry_config(retries)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .build()
}

/// The event with these bodies; the messages' IDs are their numbers.
pub(crate) fn event<B: Into<String>>(bodies: impl IntoIterator<Item = B>) -> Event {
    let messages = (0..).zip(bodies).map(|(number, body)| Message {
        id: i32::to_string(&number),
        body: body.into(),
    });
    Event::Messages(messages.collect())
}

/// The IDs of the messages that were handed back, in order.
pub(crate) fn handed_back(handled: &Handled) -> Vec<&str> {
    let failures = handled.response.batch_item_failures.iter();
    let mut ids: Vec<_> = failures
        .map(|failure| failure.item_identifier.as_str())
        .collect();
    ids.sort_unstable();
    ids
}

/// The value of a metric in the only line.
pub(crate) fn metric(handled: &Handled, name: &str) -> Value {
    let line: Value = serde_json::from_str(&handled.metrics[0]).unwrap();
    line[name].clone()
}
