//! The queues: how they are made, and what is left on them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fanline_core::campaign::Lane;
use fanline_core::limits::sqs::is_fifo;
use fanline_core::surroundings::Random;
use fanline_local::InProcessQueues;
use fanline_poller::PollerOptions;
use hyper::Request;
use serde_json::{Value, json};

use crate::network::{AWS, SharedNetwork};
use crate::plan::Plan;
use crate::world::World;

/// A slice comes again so often.
const MAX_SLICE_RECEIVES: u32 = 5;

/// A dead letter whose receive was lost is read again after this time.
const REREAD: Duration = Duration::from_secs(30);

/// The names of the queues.
#[derive(Clone, Debug)]
pub(crate) struct QueueNames {
    pub deliveries: String,
    /// The delivery queue of the urgent lane, where the plan has one.
    pub urgent: Option<String>,
    pub dead_letters: String,
    pub slices: String,
    pub dead_slices: String,
}

/// A message of the dead-letter queue.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    /// Its attribute `reason`. `None`: SQS moved it, and not the consumer.
    pub reason: Option<String>,
    pub run: String,
    pub recipients: Vec<String>,
}

/// What is left on the queues at the end.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    pub dead_letters: Vec<DeadLetter>,
    /// Deliveries that are still on their queue.
    pub deliveries: usize,
    /// Slices that were received too often.
    pub dead_slices: usize,
    pub slices: usize,
}

impl QueueNames {
    pub(crate) fn of(plan: &Plan) -> Self {
        let ending = if plan.queue.is_fifo { ".fifo" } else { "" };
        Self {
            deliveries: format!("deliveries{ending}"),
            urgent: (plan.consumers.urgent > 0).then(|| format!("urgent{ending}")),
            dead_letters: format!("dead-letters{ending}"),
            slices: "slices".into(),
            dead_slices: "dead-slices".into(),
        }
    }

    /// The lanes that there are, each with its delivery queue.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (Lane, &String)> {
        let urgent = self.urgent.as_ref().map(|name| (Lane::Urgent, name));
        urgent.into_iter().chain([(Lane::Bulk, &self.deliveries)])
    }
}

/// The outcome queue, the parked queue, and where their messages go in the end.
pub(crate) const OUTCOMES: &str = "outcomes";
/// See [`OUTCOMES`].
pub(crate) const PARKED: &str = "parked";

/// The URL of the queue with this name.
pub(crate) fn url(name: &str) -> String {
    format!("{AWS}/000000000000/{name}")
}

/// Makes all queues.
pub(crate) async fn create(network: &SharedNetwork, plan: &Plan, names: &QueueNames) {
    let queues = &network.queues;
    let visibility = plan.queue.visibility;
    let slice_visibility = 6 * plan.producers.timeout.as_secs();
    let slices = (
        &names.slices,
        &names.dead_slices,
        slice_visibility,
        MAX_SLICE_RECEIVES,
    );
    let receives = plan.queue.max_receive_count;
    let lanes = names.lanes();
    let deliveries = lanes.map(|(_, name)| (name, &names.dead_letters, visibility, receives));
    for (name, dead, visibility, receives) in deliveries.chain([slices]) {
        let retention = BTreeMap::from([("MessageRetentionPeriod", "1209600".into())]);
        create_one(queues, dead, retention).await;
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{dead}");
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": receives});
        let own = BTreeMap::from([
            ("VisibilityTimeout", visibility.to_string()),
            ("RedrivePolicy", policy.to_string()),
        ]);
        create_one(queues, name, own).await;
    }
    if plan.ledger.is_some() {
        for name in [OUTCOMES, PARKED] {
            let own = BTreeMap::from([
                ("VisibilityTimeout", "360".to_owned()),
                ("MessageRetentionPeriod", "1209600".into()),
            ]);
            create_one(queues, name, own).await;
        }
    }
}

/// How a queue of deliveries is polled, with so many calls at the same time.
pub(crate) fn polled(world: &World, queue: &str, concurrency: usize) -> PollerOptions {
    PollerOptions {
        batch_size: world.plan.consumers.batch_size,
        concurrency,
        random: Random::seeded(world.draw(0, u64::MAX)),
        ..PollerOptions::new(url(queue))
    }
}

async fn create_one(queues: &InProcessQueues, name: &str, mut attributes: BTreeMap<&str, String>) {
    if is_fifo(name) {
        attributes.insert("FifoQueue", "true".into());
    }
    let body = json!({"QueueName": name, "Attributes": attributes});
    let answer = call(queues, "CreateQueue", &body).await;
    assert!(answer.get("QueueUrl").is_some(), "{name}: {answer}");
}

/// Reads what is left.
pub(crate) async fn leftovers(network: &SharedNetwork, names: &QueueNames) -> Leftovers {
    let all = |name: &str| {
        let counts = network.counts(name);
        counts.visible + counts.in_flight + counts.delayed
    };
    Leftovers {
        deliveries: names.lanes().map(|(_, name)| all(name)).sum(),
        dead_slices: all(&names.dead_slices),
        slices: all(&names.slices),
        dead_letters: dead_letters(network, &names.dead_letters).await,
    }
}

async fn dead_letters(network: &SharedNetwork, name: &str) -> Vec<DeadLetter> {
    let receive = json!({
        "QueueUrl": url(name),
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": REREAD.as_secs(),
        "MessageAttributeNames": ["All"],
    });
    let mut letters = Vec::new();
    // A fault may give no messages, or lose those that it gave.
    loop {
        let counts = network.counts(name);
        match (counts.visible, counts.in_flight) {
            (0, 0) => return letters,
            (0, _) => tokio::time::sleep(REREAD).await,
            _ => {}
        }
        let answer = call(&network.queues, "ReceiveMessage", &receive).await;
        let messages = answer.get("Messages").and_then(Value::as_array);
        for message in messages.into_iter().flatten() {
            letters.push(dead_letter(message));
            let handle = &message["ReceiptHandle"];
            let delete = json!({"QueueUrl": url(name), "ReceiptHandle": handle});
            call(&network.queues, "DeleteMessage", &delete).await;
        }
    }
}

fn dead_letter(message: &Value) -> DeadLetter {
    let body = message["Body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let recipients = body["recipients"].as_array();
    DeadLetter {
        reason: text(&message["MessageAttributes"]["reason"]["StringValue"]),
        run: text(&body["run"]).unwrap_or_default(),
        recipients: recipients.into_iter().flatten().filter_map(text).collect(),
    }
}

async fn call(queues: &InProcessQueues, action: &str, body: &Value) -> Value {
    let target = format!("AmazonSQS.{action}");
    loop {
        let request = Request::builder()
            .header("x-amz-target", &target)
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        // A fault may lose the answer, or refuse the request.
        if let Ok(answer) = queues.answer(request).await
            && answer.status().is_success()
        {
            return serde_json::from_slice(answer.body()).expect("an answer is JSON");
        }
    }
}
