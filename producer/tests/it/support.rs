//! A world to send into: a queue and an S3 on loopback, and a producer with real clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use fanline_core::delivery::Delivery;
use fanline_producer::{Producer, Settings};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

mod server;

use server::{Contents, Objects};

pub(crate) use server::Fault;

/// A queue service and an object store at one address.
pub(crate) struct World {
    pub(crate) url: String,
    contents: Arc<Mutex<Contents>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let contents = Arc::new(Mutex::new(Contents::default()));
        let url = server::start(Arc::clone(&contents)).await;
        Self { url, contents }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    /// From now on the queue asks `script` about each request.
    pub(crate) fn script(&self, script: impl FnMut(&[String]) -> Option<Fault> + Send + 'static) {
        self.contents().script = Some(Box::new(script));
    }

    /// From now on `edit` runs before each read of an object.
    pub(crate) fn before_read(&self, edit: impl FnMut(&mut Objects) + Send + 'static) {
        self.contents().before_read = Some(Box::new(edit));
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.contents().objects.insert(path.into(), bytes.into());
    }

    /// The paths of all objects.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.contents().objects.keys().cloned().collect()
    }

    pub(crate) fn object(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8(bytes).unwrap())
    }

    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        self.contents().objects.get(path).cloned()
    }

    /// The entries that the queue has taken, in the order in which they came.
    pub(crate) fn entries(&self, queue: &str) -> Vec<Value> {
        self.contents()
            .taken
            .get(queue)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn bodies(&self, queue: &str) -> Vec<String> {
        self.entries(queue)
            .iter()
            .map(|entry| entry["MessageBody"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Takes the slices off the slice queue, as events like those of Lambda.
    pub(crate) fn take_slices(&self) -> Vec<Value> {
        let slices = self.contents().taken.remove("slices").unwrap_or_default();
        slices
            .iter()
            .map(|slice| json!({"Records": [{"messageId": "1", "body": slice["MessageBody"]}]}))
            .collect()
    }

    /// The distinct deliveries on the delivery queue by their retry keys: what LINE would accept,
    /// also where a message came twice. Two invocations may write other seconds into their bodies.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let by_key: BTreeMap<_, Delivery> = self
            .bodies("deliveries")
            .iter()
            .map(|body| Delivery::decode(body).unwrap())
            .map(|delivery| (delivery.request().retry_key, delivery))
            .collect();
        by_key.into_values().collect()
    }

    /// Who gets what, sorted. Each pair comes as often as there are distinct deliveries with it.
    pub(crate) fn sent(&self) -> Vec<(String, String)> {
        let mut sent = Vec::new();
        for delivery in self.deliveries() {
            let messages = delivery.messages().get();
            for to in &delivery.recipients {
                sent.push((to.clone(), messages.to_owned()));
            }
        }
        sent.sort();
        sent
    }

    /// How many requests came to the queue.
    pub(crate) fn requests(&self) -> u64 {
        self.contents().requests
    }

    pub(crate) fn config(&self) -> SdkConfig {
        config(&self.url)
    }

    /// A producer with these settings, which may name files.
    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        Producer::new(self.settings(settings), &self.config()).with_local_files()
    }

    /// These settings, and this world's delivery queue where they name none. The slice queue is
    /// given by its name.
    pub(crate) fn settings(&self, settings: &[(&str, &str)]) -> Settings {
        let url = &self.url;
        Settings::from_lookup(|name| {
            let set = settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned());
            match name {
                "DELIVERY_QUEUE_URL" => set.or_else(|| Some(format!("{url}/0/deliveries"))),
                "SLICE_QUEUE_URL" => set.map(|name| format!("{url}/0/{name}")),
                _ => set,
            }
        })
        .unwrap()
    }
}

/// The SDK's settings for a server at this address.
pub(crate) fn config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .timeout_config(TimeoutConfig::builder().build())
        .build()
}

/// The ID of a LINE user.
pub(crate) fn user(n: usize) -> String {
    format!("U{n:032x}")
}

/// A CSV list of so many people, each with a name of their own.
pub(crate) fn list(people: usize) -> String {
    let rows: Vec<String> = (0..people)
        .map(|n| format!("{},name {n}\n", user(n)))
        .collect();
    format!("to,name\n{}", rows.concat())
}

/// What the people of [`list`] get from [`campaign`].
pub(crate) fn greetings(people: usize) -> Vec<(String, String)> {
    (0..people)
        .map(|n| (user(n), greeting(&format!("name {n}"))))
        .collect()
}

/// A campaign that greets by name. The fields of `more` are added, or take the place of others.
pub(crate) fn campaign(recipients: &Value, more: &Value) -> Value {
    let mut campaign = json!({
        "campaign": "xmas",
        "channel": "line",
        "recipients": recipients,
        "messages": [{"type": "text", "text": "Hi {{ name }}"}],
        "scheduled_time": "2126-12-25T00:00:00Z",
    });
    campaign
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    campaign
}

/// What a person with this name gets from [`campaign`].
pub(crate) fn greeting(name: &str) -> String {
    json!([{"text": format!("Hi {name}"), "type": "text"}]).to_string()
}

/// Packs bytes as `zstd` does.
pub(crate) async fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// Packs bytes as `gzip` does.
pub(crate) async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// An error without the field to resume with, and that field for the next event.
pub(crate) fn take_resume(error: &str) -> (String, Value) {
    let (before, rest) = error.split_once("`\"skip_deliveries\"").unwrap();
    let (field, after) = rest.split_once('`').unwrap();
    let field = format!("{{\"skip_deliveries\"{field}}}");
    let field = serde_json::from_str(&field).unwrap();
    (format!("{before}…{after}"), field)
}
