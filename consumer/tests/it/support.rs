//! The world of these tests: a queue server, a simulated LINE, and a consumer that knows only
//! their URLs.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use fanline_consumer::{Consumer, Handled, Settings};
use fanline_local::Clock;
use fanline_local::{LineOptions, LineServer};
use fanline_local::{QueueOptions, QueueServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "a-channel-access-token-that-nobody-may-see";
pub(crate) const TEXT: &str = "good morning, here is your coupon";

pub(crate) struct World {
    pub(crate) server: QueueServer,
    pub(crate) clock: Clock,
    pub(crate) line: LineServer,
    pub(crate) sqs: Client,
    pub(crate) config: SdkConfig,
    pub(crate) deliveries: String,
    pub(crate) dead: String,
}

/// A message of the dead-letter queue.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl DeadLetter {
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub(crate) fn recipients(&self) -> Vec<String> {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        serde_json::from_value(body["recipients"].clone()).unwrap()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(LineOptions::default()).await
    }

    pub(crate) async fn with(options: LineOptions) -> Self {
        Self::with_queue(options, "deliveries", &[]).await
    }

    pub(crate) async fn with_queue(
        options: LineOptions,
        name: &str,
        attributes: &[(QueueAttributeName, &str)],
    ) -> Self {
        let line = LineServer::start(options).await.unwrap();
        let options = QueueOptions::default();
        let clock = options.clock.clone();
        let server = QueueServer::start(options).await.unwrap();
        let config = sdk_config(server.url());
        let sqs = Client::new(&config);
        let mut request = sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        let deliveries = request.send().await.unwrap().queue_url.unwrap();
        let dead = sqs.create_queue().queue_name("dead").send().await.unwrap();
        Self {
            server,
            clock,
            line,
            sqs,
            config,
            deliveries,
            dead: dead.queue_url.unwrap(),
        }
    }

    /// The variables that every environment of this world has.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LINE_CHANNEL_ACCESS_TOKEN", TOKEN.into()),
            ("LINE_API_BASE", self.line.url().into()),
            ("LINE_NOTIFY_API_BASE", self.line.url().into()),
            ("DEAD_LETTER_QUEUE_URL", self.dead.clone()),
            ("REQUEST_TIMEOUT_SECONDS", "5".into()),
        ]
    }

    pub(crate) async fn consumer(&self) -> Consumer {
        self.consumer_with(&[]).await
    }

    /// A new environment. `changed` replaces the world's own variables. An empty value unsets one.
    pub(crate) async fn consumer_with(&self, changed: &[(&str, &str)]) -> Consumer {
        let variables = self.variables();
        let settings = Settings::from_lookup(|name| {
            let changed = changed.iter().find(|(key, _)| *key == name);
            changed.map(|(_, value)| (*value).to_owned()).or_else(|| {
                let own = variables.iter().find(|(key, _)| *key == name);
                own.map(|(_, value)| value.clone())
            })
        });
        Consumer::new(settings.unwrap(), &self.config)
            .await
            .unwrap()
    }

    pub(crate) async fn publish(&self, body: &str) {
        let request = self.sqs.send_message().queue_url(&self.deliveries);
        request.message_body(body).send().await.unwrap();
    }

    /// Deletes everything on the delivery queue.
    pub(crate) async fn purge(&self) {
        let request = self.sqs.purge_queue().queue_url(&self.deliveries);
        request.send().await.unwrap();
    }

    /// The next batch as Lambda hands it over. It may be empty.
    pub(crate) async fn batch(&self) -> SqsEvent {
        let messages = receive(&self.sqs, &self.deliveries).await;
        serde_json::from_value(event(&messages, &self.arn())).unwrap()
    }

    /// The deliveries that are waiting or in hand.
    pub(crate) async fn left(&self) -> u64 {
        let answer = self.sqs.get_queue_attributes().queue_url(&self.deliveries);
        let answer = answer.attribute_names(QueueAttributeName::All).send().await;
        let attributes = answer.unwrap().attributes.unwrap();
        [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ]
        .iter()
        .map(|name| attributes[name].parse::<u64>().unwrap())
        .sum()
    }

    pub(crate) fn arn(&self) -> String {
        let name = self.deliveries.rsplit('/').next().unwrap();
        format!("arn:aws:sqs:us-east-1:000000000000:{name}")
    }

    /// Publishes the bodies and hands the batch of them to the consumer.
    pub(crate) async fn handle(&self, consumer: &Consumer, bodies: &[String]) -> Handled {
        self.handle_for(23, consumer, bodies).await
    }

    /// The same, where requests may depart for so many seconds.
    pub(crate) async fn handle_for(
        &self,
        seconds: i64,
        consumer: &Consumer,
        bodies: &[String],
    ) -> Handled {
        for body in bodies {
            self.publish(body).await;
        }
        let batch = self.batch().await;
        assert_eq!(batch.records.len(), bodies.len());
        consumer.handle(batch, departures_for(seconds)).await
    }

    /// Takes everything out of the dead-letter queue.
    pub(crate) async fn dead_letters(&self) -> Vec<DeadLetter> {
        let mut letters = Vec::new();
        loop {
            let messages = receive(&self.sqs, &self.dead).await;
            if messages.is_empty() {
                return letters;
            }
            for message in messages {
                letters.push(DeadLetter {
                    body: message.body.unwrap(),
                    attributes: message
                        .message_attributes
                        .unwrap_or_default()
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value.string_value?)))
                        .collect(),
                });
                let request = self.sqs.delete_message().queue_url(&self.dead);
                request
                    .receipt_handle(message.receipt_handle.unwrap())
                    .send()
                    .await
                    .unwrap();
            }
        }
    }
}

pub(crate) fn sdk_config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .endpoint_url(url)
        .build()
}

pub(crate) async fn receive(sqs: &Client, url: &str) -> Vec<Message> {
    let answer = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All")
        .send()
        .await;
    answer.unwrap().messages.unwrap_or_default()
}

/// The messages as Lambda writes them.
pub(crate) fn event(messages: &[Message], arn: &str) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let attributes: BTreeMap<&str, &String> = message
                .attributes
                .iter()
                .flatten()
                .map(|(name, value)| (name.as_str(), value))
                .collect();
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": attributes,
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    json!({ "Records": records })
}

pub(crate) fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

/// A deadline before which requests may depart for so many seconds: the request time-out of this
/// world and three seconds are kept back.
pub(crate) fn departures_for(seconds: i64) -> Timestamp {
    in_seconds(seconds + 5 + 3)
}

pub(crate) fn user(n: usize) -> String {
    // As random as real ones, so that no part of an ID stands in another text by chance.
    let n = u128::try_from(n).unwrap();
    format!(
        "U{:032x}",
        (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    )
}

pub(crate) fn users(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(user).collect()
}

pub(crate) fn text() -> Value {
    json!([{"type": "text", "text": TEXT}])
}

/// A delivery of a run that has just begun.
pub(crate) fn delivery(recipients: &[String]) -> String {
    delivery_with(recipients, |_| ())
}

pub(crate) fn delivery_with(recipients: &[String], change: impl FnOnce(&mut Value)) -> String {
    let mut body = json!({
        "v": 1,
        "run": "xmas@2026-12-25T00:00:00Z",
        "channel": "line",
        "recipients": recipients,
        "messages": text(),
        "started_at": Timestamp::now(),
    });
    change(&mut body);
    body.to_string()
}

pub(crate) fn failures(handled: &Handled) -> Vec<&str> {
    let failures = &handled.response.batch_item_failures;
    failures
        .iter()
        .map(|failure| failure.item_identifier.as_str())
        .collect()
}

/// The one metric line of a channel.
pub(crate) fn metrics(handled: &Handled) -> Value {
    assert_eq!(handled.metrics.len(), 1, "{:?}", handled.metrics);
    serde_json::from_str(&handled.metrics[0]).unwrap()
}
