//! The far ends of a run and the functions that work between them: on one machine only the far ends differ from what is
//! deployed.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_config::SdkConfig;
use fanline_consumer::Consumer;
use fanline_core::line_limits::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_core::settings::variable;
use fanline_local::{LineOptions, LineServer};
use fanline_local::{QueueOptions, QueueServer};
use fanline_producer::Producer;

use crate::args::RunArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::rehearsal::faults::Faults;
use crate::rehearsal::queues::{MAX_RECEIVE_COUNT, Queues};

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
        let has_secret = args.live && variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
        let config = aws::config(AwsResource::for_run(&file.campaign, has_secret)).await?;
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
        let endpoint = endpoint.context("there is no queue")?;
        let sdk = aws::with_queue(config, endpoint.clone(), queue.is_some());
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

    /// The producer as its Lambda has it, but that it may read files of this machine.
    pub(crate) fn producer(&self) -> anyhow::Result<Producer> {
        let settings = fanline_producer::Settings::from_lookup(|name| {
            Some(match name {
                "DELIVERY_QUEUE_URL" => self.queues.deliveries.clone(),
                "SLICE_QUEUE_URL" => self.queues.slices.clone(),
                _ => return None,
            })
        })?;
        Ok(Producer::new(settings, &self.sdk).with_local_files())
    }

    /// The variables of a consumer that is one of `environments`, which share LINE's limits.
    fn consumer_variables(&self, environments: u32) -> BTreeMap<String, String> {
        let share = |limit: u32| {
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
            ("PUSH_PER_SECOND", share(PUSH_PER_SECOND)),
            ("MULTICAST_PER_SECOND", share(MULTICAST_PER_SECOND)),
            ("NOTIFY_PER_SECOND", share(PUSH_PER_SECOND)),
            ("RETRY_BASE_SECONDS", self.patience.retry_base.to_owned()),
        ];
        if let Some(line) = &self.line {
            variables.extend([
                ("REQUEST_TIMEOUT_SECONDS", self.patience.request.to_string()),
                ("LINE_API_BASE", line.url().to_owned()),
                ("LINE_NOTIFY_API_BASE", line.url().to_owned()),
                ("LINE_CHANNEL_ACCESS_TOKEN", "simulated".into()),
            ]);
        }
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// All variables of a consumer binary that runs in `processes` processes.
    pub(crate) async fn binary_variables(
        &self,
        processes: u32,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let credentials = aws::credentials(&self.sdk).await?;
        let mut variables = self.consumer_variables(processes);
        let mut set = |name: &str, value: &str| variables.insert(name.into(), value.into());
        set("AWS_ENDPOINT_URL_SQS", &self.endpoint);
        set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
        set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            set("AWS_SESSION_TOKEN", token);
        }
        Ok(variables)
    }

    /// The region of the AWS configuration.
    pub(crate) fn region(&self) -> anyhow::Result<String> {
        let region = self.sdk.region().context("there is no AWS region")?;
        Ok(region.to_string())
    }

    /// The consumer as its Lambda has it: one environment with all of LINE's rate, or more than that against a LINE without
    /// limits. A live one has its token and the like from the environment.
    pub(crate) async fn consumer(&self) -> anyhow::Result<Consumer> {
        let variables = self.consumer_variables(1);
        let settings = fanline_consumer::Settings::from_lookup(|name| {
            match (variables.get(name), &self.line) {
                (Some(value), _) => Some(value.clone()),
                (None, Some(_)) => None,
                (None, None) => variable(name),
            }
        })?;
        Ok(Consumer::new(settings, &self.sdk).await?)
    }
}

/// How many processes a consumer binary has: Lambda's first number of concurrent batches.
pub(crate) const ENVIRONMENTS: u32 = 5;

/// More than this machine can do.
const NO_LIMIT: &str = "100000";
