//! What these tests share: a queue server with a clock, and a real client.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use fanline_local::{Clock, QueueOptions, QueueServer};

/// A queue server, its clock and a client.
pub(crate) struct World {
    pub(crate) server: QueueServer,
    pub(crate) clock: Clock,
    pub(crate) sqs: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        let options = QueueOptions::default();
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
}

/// A client of the server at `url`.
pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url);
    Client::from_conf(config.build())
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
