//! What these tests share: a queue server with a clock, and a real client.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use fanline_local::{Clock, QueueOptions, QueueServer};

/// A queue server, its clock and a client.
pub(crate) struct World {
    pub(crate) server: QueueServer,
    pub(crate) clock: Clock,
    pub(crate) sqs: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(QueueOptions::default()).await
    }

    pub(crate) async fn start_with(options: QueueOptions) -> Self {
        let clock = options.clock.clone();
        let server = QueueServer::start(options).await.unwrap();
        let sqs = client(server.url());
        Self { server, clock, sqs }
    }

    /// Creates a queue and gives its URL.
    pub(crate) async fn queue(
        &self,
        name: &str,
        attributes: &[(QueueAttributeName, &str)],
    ) -> String {
        let mut request = self.sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        request.send().await.unwrap().queue_url.unwrap()
    }

    /// Creates a queue with a dead-letter queue, and gives both URLs.
    pub(crate) async fn with_dead_letters(
        &self,
        name: &str,
        max_receives: u32,
    ) -> (String, String) {
        let suffix = if name.contains(".fifo") { ".fifo" } else { "" };
        let fifo: &[_] = if suffix.is_empty() {
            &[]
        } else {
            &[(QueueAttributeName::FifoQueue, "true")]
        };
        let dead = self
            .queue(
                &format!("{}-dead{suffix}", name.trim_end_matches(".fifo")),
                fifo,
            )
            .await;
        let arn = self
            .attribute(&dead, QueueAttributeName::QueueArn)
            .await
            .unwrap();
        let policy =
            format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{max_receives}}}"#);
        let mut attributes = fifo.to_vec();
        attributes.push((QueueAttributeName::RedrivePolicy, &policy));
        (self.queue(name, &attributes).await, dead)
    }

    pub(crate) async fn attribute(&self, url: &str, name: QueueAttributeName) -> Option<String> {
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::All);
        answer.send().await.unwrap().attributes?.remove(&name)
    }

    /// How many messages are visible, in flight and delayed.
    pub(crate) async fn counts(&self, url: &str) -> [usize; 3] {
        let mut counts = [0; 3];
        for (count, name) in counts.iter_mut().zip([
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ]) {
            *count = self.attribute(url, name).await.unwrap().parse().unwrap();
        }
        counts
    }

    pub(crate) async fn send(&self, url: &str, body: &str) -> String {
        let request = self.sqs.send_message().queue_url(url).message_body(body);
        request.send().await.unwrap().message_id.unwrap()
    }

    /// Receives up to ten messages with all their attributes, without a wait.
    pub(crate) async fn receive(&self, url: &str) -> Vec<Message> {
        self.sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .unwrap()
            .messages
            .unwrap_or_default()
    }

    pub(crate) async fn delete(&self, url: &str, message: &Message) {
        let request = self.sqs.delete_message().queue_url(url);
        request
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
            .await
            .unwrap();
    }
}

/// A client of the server at `url`.
pub(crate) fn client(url: &str) -> Client {
    Client::from_conf(
        aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(url)
            .build(),
    )
}

/// An entry of `SendMessageBatch`.
pub(crate) fn entry(id: &str, body: impl Into<String>) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .build()
        .unwrap()
}

/// The bodies of the messages, in their order.
pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.body().unwrap())
        .collect()
}

/// Waits until `asked` gives true. Fails the test after ten seconds.
pub(crate) async fn until<A: Future<Output = bool>>(what: &str, mut asked: impl FnMut() -> A) {
    let asking = async {
        while !asked().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), asking)
            .await
            .is_ok(),
        "{what}"
    );
}
