//! The queues of a stack, at a server of their own.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use fanline_ledger::{Stack, UrgentLane};
use fanline_local::{QueueOptions, QueueServer};
use tokio::runtime::Runtime;

use crate::support::user;

const NAMES: [&str; 6] = [
    "outcomes",
    "slices",
    "deliveries",
    "urgent",
    "parked",
    "dead",
];

pub(super) struct Queues {
    runtime: Runtime,
    server: QueueServer,
    client: Client,
}

impl Queues {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(QueueServer::start(QueueOptions::default()));
        let server = server.unwrap();
        let credentials = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "test");
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .endpoint_url(server.url())
            .credentials_provider(credentials)
            .build();
        let client = Client::from_conf(config);
        for name in NAMES {
            let create = client.create_queue().queue_name(name).send();
            runtime.block_on(create).unwrap();
        }
        Self {
            runtime,
            server,
            client,
        }
    }

    fn url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.server.url())
    }

    /// What control says of these queues.
    pub(super) fn stack(&self) -> Stack {
        let url = |name: &str| Some(self.url(name));
        Stack {
            outcomes: url("outcomes"),
            slices: url("slices"),
            deliveries: url("deliveries"),
            parked: url("parked"),
            dead_letters: url("dead"),
            environments: Some(10),
            urgent: url("urgent").map(|deliveries| UrgentLane {
                deliveries,
                environments: 2,
            }),
            fifo: false,
            seal_key: None,
        }
    }

    pub(super) fn put(&self, name: &str, bodies: &[String]) {
        for body in bodies {
            self.put_with(name, body, &[]);
        }
    }

    /// Puts a message with these attributes.
    pub(super) fn put_with(&self, name: &str, body: &str, attributes: &[(&str, &str)]) {
        let mut send = self.client.send_message();
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(*value)
                .build();
            send = send.message_attributes(*name, value.unwrap());
        }
        let send = send.queue_url(self.url(name)).message_body(body).send();
        self.runtime.block_on(send).unwrap();
    }

    /// Takes all bodies off a queue.
    pub(super) fn take(&self, name: &str) -> Vec<String> {
        self.runtime.block_on(async {
            let mut bodies = Vec::new();
            loop {
                let receive = self.client.receive_message().queue_url(self.url(name));
                let received = receive.max_number_of_messages(10).send().await.unwrap();
                let messages = received.messages.unwrap_or_default();
                if messages.is_empty() {
                    return bodies;
                }
                bodies.extend(messages.into_iter().map(|message| message.body.unwrap()));
            }
        })
    }
}

/// The body of a delivery to one person.
pub(super) fn delivery(run: &str, number: usize) -> String {
    format!(
        r#"{{"v":1,"run":"{run}","channel":"line","started_at":"2026-12-25T08:00:00Z","at":"1:{number}","recipients":["{}"],"messages":[{{"type":"text","text":"hello"}}]}}"#,
        user(number)
    )
}
