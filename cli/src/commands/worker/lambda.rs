//! Whether Lambda takes from the queues of this worker too.
//!
//! The consumer on Lambda has a part of LINE's limits of its own. Beside workers, which share all
//! of the limits, it would send faster than LINE allows. Its last batches go on for a while after
//! its event source mapping is off.

use std::fmt;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use fanline_core::settings::variable;
use fanline_poller::{PollerError, queue_arn};
use fanline_telemetry::aws_error::{status, words};
use jiff::{SignedDuration, Timestamp};

use super::TIMEOUT;
use crate::args::WorkerArgs;
use crate::aws::is_of_aws;

/// The mappings are looked at so often while the worker runs. Somebody may switch one on.
const LOOK: Duration = Duration::from_secs(10);
/// For one request to Lambda.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The queues of this worker, and Lambda, which may take from them.
pub(super) struct Lambda {
    client: Client,
    queues: Vec<String>,
    look: Duration,
    /// No batch of the consumer on Lambda takes longer.
    timeout: Duration,
}

/// What the mappings of the queues do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    taken: Option<TakenByLambda>,
    /// So long batches of a mapping that is off may still be under way.
    rest: Duration,
}

/// An event source mapping that takes from a queue of this worker, or is about to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) struct TakenByLambda {
    id: String,
    state: String,
    function: String,
    queue: String,
}

impl fmt::Display for TakenByLambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            state,
            function,
            queue,
        } = self;
        write!(
            f,
            "Lambda's function `{function}` takes from the queue `{queue}` too (its event source \
             mapping is {state}), and together they would be faster than LINE allows: "
        )?;
        if self.is_ending() {
            return f.write_str("start the worker when it is Disabled");
        }
        write!(
            f,
            "switch the mapping off with `aws lambda update-event-source-mapping --no-enabled \
             --uuid {id}`, or give each of them its part of the limits and say --beside-lambda"
        )
    }
}

impl TakenByLambda {
    /// Whether the mapping will be off soon.
    fn is_ending(&self) -> bool {
        self.state == "Disabling"
    }
}

/// The mappings could not be read.
#[derive(Debug, PartialEq, Eq)]
enum Unseen {
    /// The role may not read them, or there is no Lambda. It is said once.
    Refused(String),
    /// It may be better next time.
    NoAnswer(String),
}

impl Lambda {
    /// Lambda, where it can take from the queues of this worker: they are SQS's own. `None` also
    /// where the worker was told that it is beside Lambda.
    pub(super) async fn of(
        args: &WorkerArgs,
        sqs: &aws_sdk_sqs::Client,
        config: &SdkConfig,
    ) -> Result<Option<Self>, PollerError> {
        let endpoints = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"];
        let has_endpoint = endpoints.iter().any(|name| variable(name).is_some());
        if args.beside_lambda || !(has_endpoint || is_of_aws(&args.queue_url)) {
            return Ok(None);
        }
        let mut queues = Vec::new();
        for (_, url, _) in args.lanes() {
            queues.push(queue_arn(sqs.clone(), url).await?);
        }
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(REQUEST_TIMEOUT)
            .build();
        let config = config.to_builder().timeout_config(timeouts).build();
        Ok(Some(Self {
            client: Client::new(&config),
            queues,
            look: LOOK,
            timeout: TIMEOUT.unsigned_abs(),
        }))
    }

    /// Looks before the first batch. `Some`: there is something to [`Self::wait`] for. Where the
    /// mappings can't be read, it says so and goes on.
    pub(super) async fn check(&self) -> Result<Option<Seen>, TakenByLambda> {
        match self.seen().await.map(Seen::must_wait) {
            Ok(must_wait) => must_wait,
            Err(unseen) => {
                unseen.tell();
                Ok(None)
            }
        }
    }

    /// Waits until the mappings are off, and then for the last batches that Lambda has begun.
    pub(super) async fn wait(&self, mut seen: Seen) -> Result<(), TakenByLambda> {
        let is_off = seen.taken.is_none();
        let seconds = if is_off { seen.rest } else { self.timeout }.as_secs();
        tracing::info!(
            is_off,
            seconds,
            "the worker waits for the last batches of Lambda's event source mapping"
        );
        while seen.taken.is_some() {
            let seen_on = Instant::now();
            tokio::time::sleep(self.look).await;
            seen = match self.seen().await {
                Ok(now) => now.must_wait()?.unwrap_or_default(),
                Err(Unseen::NoAnswer(_)) => continue,
                Err(unseen) => {
                    unseen.tell();
                    Seen::default()
                }
            };
            // On the clock of this machine, which may be another one than AWS's.
            let rest = self.timeout.saturating_sub(seen_on.elapsed());
            seen.rest = seen.rest.max(rest);
        }
        tokio::time::sleep(seen.rest).await;
        Ok(())
    }

    /// Returns when a mapping takes from a queue of this worker. Looks again and again.
    pub(super) async fn begins(&self) -> TakenByLambda {
        loop {
            tokio::time::sleep(self.look).await;
            match self.seen().await {
                Ok(seen) => {
                    if let Some(taken) = seen.taken {
                        return taken;
                    }
                }
                // A refusal was told at the start.
                Err(Unseen::Refused(_)) => {}
                Err(unseen) => unseen.tell(),
            }
        }
    }

    /// What the mappings of the queues do. One that will stay on is told before one that ends.
    async fn seen(&self) -> Result<Seen, Unseen> {
        let mut seen = Seen::default();
        for queue in &self.queues {
            let list = self.client.list_event_source_mappings();
            let mut mappings = list.event_source_arn(queue).into_paginator().items().send();
            while let Some(mapping) = mappings.next().await {
                let mapping = mapping.map_err(|error| match status(&error) {
                    None | Some(429 | 500..) => Unseen::NoAnswer(words(&error)),
                    _ => Unseen::Refused(words(&error)),
                })?;
                match taken_by(&mapping, queue) {
                    Some(taken) if taken.is_ending() => seen.taken = Some(taken),
                    Some(taken) => {
                        seen.taken = Some(taken);
                        return Ok(seen);
                    }
                    None => {
                        let rest = rest_of(mapping.last_modified(), Timestamp::now(), self.timeout);
                        seen.rest = seen.rest.max(rest);
                    }
                }
            }
        }
        Ok(seen)
    }
}

impl Seen {
    /// Whether the worker has to wait; an error where waiting does not help.
    fn must_wait(self) -> Result<Option<Self>, TakenByLambda> {
        match self.taken {
            Some(taken) if !taken.is_ending() => Err(taken),
            None if self.rest.is_zero() => Ok(None),
            _ => Ok(Some(self)),
        }
    }
}

impl Unseen {
    fn tell(&self) {
        let (problem, cure) = match self {
            Self::Refused(problem) => (
                problem,
                "allow `lambda:ListEventSourceMappings`, or see to it yourself",
            ),
            Self::NoAnswer(problem) => (problem, "it is looked at again in ten seconds"),
        };
        tracing::warn!(
            problem,
            cure,
            "not known whether Lambda takes from the queue too: both together would be faster than \
             LINE allows"
        );
    }
}

/// What a mapping does. Only one that is off, or gone, takes nothing.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html>
fn taken_by(mapping: &EventSourceMappingConfiguration, queue: &str) -> Option<TakenByLambda> {
    let state = mapping.state().unwrap_or("unknown");
    if matches!(state, "Disabled" | "Deleting") {
        return None;
    }
    Some(TakenByLambda {
        id: mapping.uuid().unwrap_or("unknown").to_owned(),
        state: state.to_owned(),
        function: function_name(mapping.function_arn().unwrap_or("unknown")).to_owned(),
        queue: last_part(queue).to_owned(),
    })
}

/// How long batches of a mapping that is off may still be under way: it was switched off when it
/// was last modified, or before. A time that is still to come is of a clock that differs.
fn rest_of(modified: Option<&DateTime>, now: Timestamp, timeout: Duration) -> Duration {
    let modified = modified.and_then(|time| time.to_millis().ok());
    let Some(modified) = modified.and_then(|millis| Timestamp::from_millisecond(millis).ok())
    else {
        return Duration::ZERO;
    };
    let age = now.duration_since(modified).max(SignedDuration::ZERO);
    timeout.saturating_sub(age.unsigned_abs())
}

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS`.
fn function_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests;
