//! Queue, LINE and SDK configuration for a run: on one machine only the far ends differ from what is deployed.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use consumer::Consumer;
use fanline_local::line::{LineOptions, LineServer};
use fanline_local::queue::{QueueOptions, QueueServer};
use producer::Producer;

use crate::args::RunArgs;
use crate::campaign_file::CampaignFile;
use crate::faults::Faults;

/// How often a delivery is received before the queue sets it aside, as in the template.
pub(crate) const MAX_RECEIVE_COUNT: u32 = 20;

/// How long things may take, in seconds.
pub(crate) struct Patience {
    /// A request to LINE.
    request: u32,
    /// An invocation of the consumer: several requests.
    pub(crate) invocation: u32,
    /// How long a received record stays hidden: longer than an invocation, so that nothing is worked on twice at once.
    visibility: u32,
    /// The longest wait before the second attempt.
    retry_base: &'static str,
}

/// As the template has it, but for the shorter first wait: one person watches.
const USUAL: Patience = Patience {
    request: 10,
    invocation: 30,
    visibility: 60,
    retry_base: "1",
};

/// Where things go wrong on purpose, nobody wants to wait for each silence as long as for a real one.
const REHEARSED_FAULTS: Patience = Patience {
    request: 2,
    invocation: 6,
    visibility: 7,
    retry_base: "0.2",
};

/// A slice is worked on for as long as it takes: the template's producer has a quarter of an hour, and six times that.
const SLICE_VISIBILITY_SECONDS: u32 = 5400;

/// The queues of a run, by URL.
pub(crate) struct Queues {
    pub(crate) slices: String,
    pub(crate) deliveries: String,
    pub(crate) dead_letters: String,
}

/// The far ends of one run. Dropping it ends the stand-ins and all that they hold.
pub(crate) struct World {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sdk: SdkConfig,
    pub(crate) queues: Queues,
    pub(crate) line: Option<LineServer>,
    pub(crate) faults: Faults,
    pub(crate) patience: Patience,
    rate_limits: bool,
    endpoint: String,
    _queue: Option<QueueServer>,
}

impl World {
    /// Starts the stand-ins that the flags don't replace, and makes the queues.
    pub(crate) async fn start(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<Self> {
        let faults = Faults::parse(args.faults.as_deref(), args.seed)?;
        let patience = if faults.any() {
            REHEARSED_FAULTS
        } else {
            USUAL
        };
        let queue = match args.queue_endpoint {
            Some(_) => None,
            None => Some(
                QueueServer::start(QueueOptions {
                    faults: faults.queue.clone(),
                    ..QueueOptions::default()
                })
                .await
                .context("starting the embedded queue")?,
            ),
        };
        let line = if args.live {
            None
        } else {
            let options = LineOptions {
                rate_limits: !args.no_rate_limit,
                faults: faults.line.clone(),
                ..LineOptions::default()
            };
            Some(
                LineServer::start(options)
                    .await
                    .context("starting the simulated LINE")?,
            )
        };
        let endpoint = queue
            .as_ref()
            .map(|queue| queue.url().to_owned())
            .or_else(|| args.queue_endpoint.clone());
        let needs_aws = file.event.to_string().contains("\"s3://")
            || (args.live && variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some());
        let endpoint = endpoint.context("there is no queue")?;
        let sdk = sdk_config(endpoint.clone(), needs_aws).await;
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let queues = Queues::create(&sqs, &file.campaign.id, patience.visibility)
            .await
            .with_context(|| format!("the queue at {endpoint}"))?;
        Ok(Self {
            sqs,
            sdk,
            queues,
            line,
            faults,
            patience,
            rate_limits: !args.no_rate_limit,
            endpoint,
            _queue: queue,
        })
    }

    /// Whether a queue holds nothing: nothing to receive, in hand or delayed.
    pub(crate) async fn is_empty(&self, queue_url: &str) -> anyhow::Result<bool> {
        use QueueAttributeName as Name;
        let asked = self
            .sqs
            .get_queue_attributes()
            .queue_url(queue_url)
            .attribute_names(Name::ApproximateNumberOfMessages)
            .attribute_names(Name::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(Name::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .context("asking the queue how much it holds")?;
        Ok(asked
            .attributes
            .is_some_and(|counts| counts.values().all(|count| count == "0")))
    }

    /// The producer as its Lambda has it, but that it may read files of this machine.
    pub(crate) fn producer(&self) -> anyhow::Result<Producer> {
        let settings = producer::Settings::from_lookup(|name| {
            Some(match name {
                "DELIVERY_QUEUE_URL" => self.queues.deliveries.clone(),
                "SLICE_QUEUE_URL" => self.queues.slices.clone(),
                _ => return None,
            })
        })?;
        Ok(Producer::new(settings, &self.sdk).with_local_files())
    }

    /// The variables of a consumer that is one of `environments`, which share LINE's limits.
    pub(crate) fn consumer_variables(&self, environments: usize) -> BTreeMap<String, String> {
        let share = |limit: usize| {
            if self.rate_limits {
                // A thousandth is as fine as the setting goes.
                let thousandths = limit * 1000 / environments;
                format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
            } else {
                NO_LIMIT.to_owned()
            }
        };
        let mut variables = vec![
            ("DELIVERY_QUEUE_URL", self.queues.deliveries.clone()),
            ("DEAD_LETTER_QUEUE_URL", self.queues.dead_letters.clone()),
            ("MAX_RECEIVE_COUNT", MAX_RECEIVE_COUNT.to_string()),
            ("PUSH_PER_SECOND", share(2000)),
            ("MULTICAST_PER_SECOND", share(200)),
            ("NOTIFY_PER_SECOND", share(2000)),
            ("RETRY_BASE_SECONDS", self.patience.retry_base.to_owned()),
        ];
        if let Some(line) = &self.line {
            variables.extend([
                ("REQUEST_TIMEOUT_SECONDS", self.patience.request.to_string()),
                ("LINE_API_BASE", line.url().to_owned()),
                ("LINE_NOTIFY_API_BASE", line.url().to_owned()),
                ("LINE_CHANNEL_ACCESS_TOKEN", "simulated".into()),
                ("AWS_ENDPOINT_URL_SQS", self.endpoint.clone()),
            ]);
            for name in [
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ] {
                variables.push((name, variable(name).unwrap_or_else(|| "local".into())));
            }
        }
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The consumer as its Lambda has it: one environment with all of LINE's rate, or more than that against a LINE without
    /// limits. A live one has its token and the like from the environment.
    pub(crate) async fn consumer(&self) -> anyhow::Result<Consumer> {
        let variables = self.consumer_variables(1);
        let settings =
            consumer::Settings::from_lookup(|name| match (variables.get(name), &self.line) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(_)) => None,
                (None, None) => variable(name),
            })?;
        Ok(Consumer::new(settings, &self.sdk).await?)
    }
}

/// How many processes a consumer binary has: Lambda's first number of concurrent batches.
pub(crate) const ENVIRONMENTS: usize = 5;

/// More than this machine can do.
const NO_LIMIT: &str = "100000";

/// What a live run reads from the environment: the consumer's own settings.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the lookup that the settings are read through"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The SDK with the queue at `endpoint`. Everything else is the environment's where the campaign has something in AWS, such
/// as its list; otherwise there are credentials that mean nothing, and no account is asked for.
async fn sdk_config(endpoint: String, needs_aws: bool) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if !needs_aws {
        let credentials = Credentials::new("local", "local", None, None, "fanline");
        loader = loader
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    let environment = loader.load().await;
    let mut sdk = environment.into_builder();
    sdk.set_service_config(Some(QueueAt { endpoint }));
    sdk.build()
}

/// Sends SQS, and SQS alone, to another endpoint: what `AWS_ENDPOINT_URL_SQS` does, for this process only.
#[derive(Debug)]
struct QueueAt {
    endpoint: String,
}

impl LoadServiceConfig for QueueAt {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_endpoint = key.env() == "AWS_ENDPOINT_URL";
        if is_endpoint && key.service_id() == "SQS" {
            return Some(self.endpoint.clone());
        }
        let service = key.service_id().replace(' ', "_").to_uppercase();
        variable(&format!("{}_{service}", key.env())).or_else(|| variable(key.env()))
    }
}

impl Queues {
    async fn create(sqs: &aws_sdk_sqs::Client, run: &str, visibility: u32) -> anyhow::Result<Self> {
        let name: String = run
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(60)
            .collect();
        let (slices, _) = pair(sqs, &format!("{name}-slices"), SLICE_VISIBILITY_SECONDS).await?;
        let (deliveries, dead_letters) =
            pair(sqs, &format!("{name}-deliveries"), visibility).await?;
        Ok(Self {
            slices,
            deliveries,
            dead_letters,
        })
    }
}

/// A queue and its dead-letter queue.
async fn pair(
    sqs: &aws_sdk_sqs::Client,
    name: &str,
    visibility: u32,
) -> anyhow::Result<(String, String)> {
    let dead_letters = create(sqs, &format!("{name}-dead"), HashMap::new()).await?;
    let arn = sqs
        .get_queue_attributes()
        .queue_url(&dead_letters)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .context("asking the queue for its name")?
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .context("the queue has no ARN")?;
    let redrive =
        serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
            .to_string();
    let attributes = HashMap::from([
        (
            QueueAttributeName::VisibilityTimeout,
            visibility.to_string(),
        ),
        (QueueAttributeName::RedrivePolicy, redrive),
    ]);
    Ok((create(sqs, name, attributes).await?, dead_letters))
}

async fn create(
    sqs: &aws_sdk_sqs::Client,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> anyhow::Result<String> {
    let made = sqs
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes))
        .send()
        .await;
    made.context("making a queue")?
        .queue_url
        .context("the queue has no URL")
}
