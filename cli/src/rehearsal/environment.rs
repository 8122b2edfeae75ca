//! What is around the producer and the consumer of a run: queue server, LINE and AWS configuration.
//!
//! On this machine only these differ from a deployment.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use fanline_bookkeeper::{Bookkeeper, Event};
use fanline_consumer::Consumer;
use fanline_core::limits::line::{MULTICAST_PER_SECOND, PUSH_PER_SECOND};
use fanline_core::settings::variable;
use fanline_ledger::{CONTROL_KEY, Equation, Refusal, RunKeys, read_sum};
use fanline_local::{LineOptions, LineServer, QueueOptions, QueueServer};
use fanline_producer::{ProduceError, Producer};
use indicatif::HumanCount;

use crate::args::RunArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::exit::{self, InputError};
use crate::print;
use crate::rehearsal::faults::Faults;
use crate::rehearsal::queues::{self, MAX_RECEIVE_COUNT, Queues};
use crate::rehearsal::run_folder::RunFolder;
use crate::rehearsal::run_key::RunKey;

/// How long things may take.
pub(crate) struct Timeouts {
    /// A request to LINE.
    request: Duration,
    /// An invocation of the consumer: several requests.
    pub(crate) invocation: Duration,
    /// How long a received record is hidden. It is longer than an invocation, so that no record is
    /// in two invocations at the same time.
    visibility: Duration,
    /// The same for a slice. One that takes longer is published twice, which reaches nobody twice.
    slice_visibility: Duration,
    /// The longest wait before the second attempt.
    retry_base: Duration,
}

/// As in the template, but with a shorter first wait, because a person waits for the run.
const USUAL_TIMEOUTS: Timeouts = Timeouts {
    request: Duration::from_secs(10),
    invocation: Duration::from_secs(30),
    visibility: Duration::from_mins(1),
    // Six times the 15 minutes that an invocation of the producer takes at most.
    slice_visibility: Duration::from_mins(6 * 15),
    retry_base: Duration::from_secs(1),
};

/// For a run with faults: many requests get no answer, so each one waits a shorter time. What was
/// received and never arrived is back before the run gives up.
const FAULT_TIMEOUTS: Timeouts = Timeouts {
    request: Duration::from_secs(2),
    invocation: Duration::from_secs(6),
    visibility: Duration::from_secs(7),
    slice_visibility: Duration::from_secs(30),
    retry_base: Duration::from_millis(200),
};

/// Requests a second where LINE has no limits: more than this machine can send.
const NO_RATE_LIMIT: &str = "100000";

/// The environment of one run. Dropping it ends the servers in it.
pub(crate) struct RunEnvironment {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) queues: Queues,
    /// The simulated LINE. A live run has none.
    pub(crate) line: Option<LineServer>,
    pub(crate) faults: Faults,
    pub(crate) timeouts: Timeouts,
    pub(crate) runs: RunFolder,
    config: SdkConfig,
    queue_endpoint: String,
    rate_limits: bool,
    queue_server: Option<QueueServer>,
    seal_key: RunKey,
}

impl RunEnvironment {
    /// Starts the servers that the flags do not replace, and creates the queues.
    pub(crate) async fn start(args: &RunArgs, file: &CampaignFile) -> anyhow::Result<Self> {
        let faults = Faults::parse(args.faults.as_deref(), args.seed)?;
        let runs = RunFolder::new(args)?;
        let timeouts = if faults.any() {
            FAULT_TIMEOUTS
        } else {
            USUAL_TIMEOUTS
        };
        let has_secret = args.live && variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
        let key = args.seal_key.as_ref().map(|_| AwsResource::Key);
        let resource = AwsResource::for_run(&file.campaign, has_secret).or(key);
        let config = aws::config(resource).await?;
        let (queue_server, queue_endpoint) = if let Some(endpoint) = &args.queue_endpoint {
            (None, endpoint.clone())
        } else {
            let server = start_queue_server(&faults).await?;
            let endpoint = server.url().to_owned();
            (Some(server), endpoint)
        };
        let line = if args.live {
            None
        } else {
            Some(start_line(args, &faults).await?)
        };
        let config = aws::with_queue(config, queue_endpoint.clone(), queue_server.is_some());
        let (seal_key, config) = RunKey::start(args, config).await?;
        let sqs = aws_sdk_sqs::Client::new(&config);
        let visibility = (timeouts.slice_visibility, timeouts.visibility);
        let queues = Queues::create(&sqs, &file.campaign.id, visibility)
            .await
            .map_err(|error| no_queues(&queue_endpoint, &error))?;
        Ok(Self {
            sqs,
            queues,
            line,
            faults,
            timeouts,
            runs,
            config,
            queue_endpoint,
            rate_limits: !args.no_rate_limit,
            queue_server,
            seal_key,
        })
    }

    /// Whether the run sends to LINE itself.
    pub(crate) fn is_live(&self) -> bool {
        self.line.is_none()
    }

    /// Whether the queues stay when the run ends.
    pub(crate) fn keeps_queues(&self) -> bool {
        self.queue_server.is_none()
    }

    /// Checks that the campaign may be sent: it begins a run or continues one, and nothing else
    /// waits on the queues, which would be sent too. Gives what became of a run that it continues.
    pub(crate) async fn require_fresh_run(
        &self,
        file: &CampaignFile,
    ) -> anyhow::Result<Option<Equation>> {
        let run = file.campaign.run();
        match self.producer()?.continues(file.event.clone()).await {
            Ok(true) => return Ok(Some(self.equation(&run).await?)),
            Ok(false) if !self.keeps_queues() => return Ok(None),
            Ok(false) => {}
            Err(ProduceError::Refused(refusal @ Refusal::TooOld { .. })) => {
                return Err(self.too_old(&run, &refusal).await?.into());
            }
            Err(error) => return Err(exit::producer_error(error)),
        }
        for queue in [&self.queues.slices, &self.queues.deliveries] {
            let waiting = queues::waiting(&self.sqs, queue).await?;
            if waiting > 0 {
                let problem = format!(
                    "{waiting} messages of another run wait on the queue `{queue}`, and would be \
                     sent too: send them with `fanline worker --queue-url`, or purge the queue"
                );
                return Err(InputError(problem).into());
            }
        }
        Ok(None)
    }

    /// Closes a run that is too old to go on, so that it can be resent, and says what is open.
    async fn too_old(&self, run: &str, refusal: &Refusal) -> anyhow::Result<InputError> {
        self.bookkeeper(run)?.handle(Event::Tick).await?;
        let equation = self.equation(run).await?;
        let open = HumanCount(equation.waiting + equation.unread);
        let at = self.runs.path().display();
        Ok(InputError(format!(
            "{refusal}. {open} of its {} rows have no outcome. To send to these people: \
             `fanline resend {run} --only missing --at {at}`",
            HumanCount(equation.rows)
        )))
    }

    /// What became of the rows of a run, so far.
    async fn equation(&self, run: &str) -> anyhow::Result<Equation> {
        let sum = read_sum(&self.runs.store(), &RunKeys::new(run)).await?;
        Ok(sum.equation())
    }

    /// The region of the AWS configuration.
    pub(crate) fn region(&self) -> anyhow::Result<String> {
        let region = self.config.region().context("there is no AWS region")?;
        Ok(region.to_string())
    }

    /// The producer as its Lambda has it. Here it may also read files of this machine.
    pub(crate) fn producer(&self) -> anyhow::Result<Producer> {
        let settings = fanline_producer::Settings::from_lookup(|name| match name {
            // The run is alone here, so both lanes have one queue.
            "DELIVERY_QUEUE_URL" | "URGENT_QUEUE_URL" => Some(self.queues.deliveries.clone()),
            "SLICE_QUEUE_URL" => Some(self.queues.slices.clone()),
            "SEAL_KEY_ARN" => self.seal_key.arn(),
            _ => None,
        })?;
        let producer = Producer::new(settings, &self.config).with_local_files();
        Ok(producer.with_ledger(self.runs.store(), self.runs.kind()))
    }

    /// The consumer as its Lambda has it, but alone, so that it may send at all of LINE's rate. A
    /// live consumer has its other settings, such as the token, from the environment variables.
    pub(crate) async fn consumer(&self) -> anyhow::Result<Consumer> {
        let variables = self.consumer_variables(1)?;
        let settings = fanline_consumer::Settings::from_lookup(|name| {
            let inherited = || variable(name).filter(|_| self.is_live());
            variables.get(name).cloned().or_else(inherited)
        })?;
        Ok(Consumer::new(settings, &self.config).await?)
    }

    /// The bookkeeper as its Lambda has it. It orders slices of this run alone: another run in the
    /// same folder would go on although nobody asked for it. And it has no parked queue: a paused
    /// run waits where it is.
    pub(crate) fn bookkeeper(&self, run: &str) -> anyhow::Result<Bookkeeper> {
        let ledger = self.runs.uri()?;
        let settings = fanline_bookkeeper::Settings::from_lookup(|name| match name {
            "LEDGER_URI" => Some(ledger.clone()),
            "OUTCOME_QUEUE_URL" => Some(self.queues.outcomes.clone()),
            "SLICE_QUEUE_URL" => Some(self.queues.slices.clone()),
            "DELIVERY_QUEUE_URL" => Some(self.queues.deliveries.clone()),
            "DEAD_LETTER_QUEUE_URL" => Some(self.queues.dead_letters.clone()),
            "ENVIRONMENTS" => Some("1".into()),
            _ => None,
        })?;
        Ok(Bookkeeper::new(settings, &self.config).ordering_only(run))
    }

    /// All variables of a consumer binary that runs in `processes` processes.
    pub(crate) async fn binary_variables(
        &self,
        processes: u32,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let credentials = aws::credentials(&self.config).await?;
        let mut variables = self.consumer_variables(processes)?;
        let mut set = |name: &str, value: &str| variables.insert(name.into(), value.into());
        set("AWS_ENDPOINT_URL_SQS", &self.queue_endpoint);
        set("AWS_ACCESS_KEY_ID", credentials.access_key_id());
        set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            set("AWS_SESSION_TOKEN", token);
        }
        if let Some(url) = self.seal_key.url() {
            set("AWS_ENDPOINT_URL_KMS", &url);
        }
        Ok(variables)
    }

    /// The settings of a consumer that is one of `consumers`, which share LINE's rate.
    fn consumer_variables(&self, consumers: u32) -> anyhow::Result<BTreeMap<String, String>> {
        let share = |limit: u32| {
            if self.rate_limits {
                share_of(limit, consumers)
            } else {
                NO_RATE_LIMIT.to_owned()
            }
        };
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
        set("DELIVERY_QUEUE_URL", self.queues.deliveries.clone());
        set("DEAD_LETTER_QUEUE_URL", self.queues.dead_letters.clone());
        set("OUTCOME_QUEUE_URL", self.queues.outcomes.clone());
        set("CONTROL_URI", format!("{}/{CONTROL_KEY}", self.runs.uri()?));
        set("ENVIRONMENTS", consumers.to_string());
        set("MAX_RECEIVE_COUNT", MAX_RECEIVE_COUNT.to_string());
        set("PUSH_PER_SECOND", share(PUSH_PER_SECOND));
        set("MULTICAST_PER_SECOND", share(MULTICAST_PER_SECOND));
        set("NOTIFY_PER_SECOND", share(PUSH_PER_SECOND));
        set(
            "RETRY_BASE_SECONDS",
            self.timeouts.retry_base.as_secs_f64().to_string(),
        );
        // An empty one: a live run has no key from the environment either.
        set("SEAL_KEY_ARN", self.seal_key.arn().unwrap_or_default());
        if let Some(line) = &self.line {
            set(
                "REQUEST_TIMEOUT_SECONDS",
                self.timeouts.request.as_secs().to_string(),
            );
            set("LINE_API_BASE", line.url().to_owned());
            set("LINE_NOTIFY_API_BASE", line.url().to_owned());
            set("LINE_CHANNEL_ACCESS_TOKEN", "simulated".into());
        }
        Ok(variables)
    }
}

/// The share of a limit, in thousandths: the settings are no finer.
fn share_of(limit: u32, consumers: u32) -> String {
    let thousandths = limit * 1000 / consumers;
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// Queues that can't be created: `--queue-endpoint` is wrong.
fn no_queues(endpoint: &str, error: &anyhow::Error) -> InputError {
    let why = print::with_causes(error);
    InputError(format!(
        "the queue server at {endpoint} can't be used: {why}; nothing was sent"
    ))
}

async fn start_queue_server(faults: &Faults) -> anyhow::Result<QueueServer> {
    let options = QueueOptions {
        faults: faults.queue.clone(),
        ..QueueOptions::default()
    };
    QueueServer::start(options)
        .await
        .context("starting the embedded queue server")
}

async fn start_line(args: &RunArgs, faults: &Faults) -> anyhow::Result<LineServer> {
    let options = LineOptions {
        rate_limits: !args.no_rate_limit,
        faults: faults.line.clone(),
        ..LineOptions::default()
    };
    LineServer::start(options)
        .await
        .context("starting the simulated LINE")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn what_an_answer_that_was_lost_hides_is_back_twice_before_a_run_with_faults_gives_up() {
        let cli = Cli::parse_from(["fanline", "run", "campaign.json"]);
        let Command::Run(args) = cli.command else {
            panic!("`run` is a command");
        };
        let gives_up = Duration::from_secs(args.give_up_after);
        for hidden in [FAULT_TIMEOUTS.visibility, FAULT_TIMEOUTS.slice_visibility] {
            assert!(2 * hidden < gives_up, "{hidden:?}");
        }
    }

    #[test]
    fn the_shares_of_a_limit_are_never_more_than_the_limit() {
        for (limit, consumers, share) in [
            (2000, 1, "2000.000"),
            (2000, 5, "400.000"),
            (200, 3, "66.666"),
            (1, 7, "0.142"),
        ] {
            assert_eq!(share_of(limit, consumers), share);
        }
    }
}
