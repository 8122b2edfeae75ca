//! Whether Lambda takes from the queues of this worker too.
//!
//! The consumer on Lambda has a part of LINE's limits of its own. Beside workers, which share all
//! of the limits, it would send faster than LINE allows.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use fanline_core::settings::variable;
use fanline_poller::{PollerError, queue_arn};
use fanline_telemetry::aws_error::{status, words};

use crate::args::WorkerArgs;
use crate::aws::is_of_aws;

/// The mappings are looked at so often while the worker runs. Somebody may switch one on.
const LOOK: Duration = Duration::from_secs(10);
const TIME_OUT: Duration = Duration::from_secs(10);

/// The queues of this worker, and Lambda, which may take from them.
pub(super) struct Lambda {
    client: Client,
    queues: Vec<String>,
    look: Duration,
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
        if state == "Disabling" {
            return f.write_str("start the worker when it is Disabled");
        }
        write!(
            f,
            "switch the mapping off with `aws lambda update-event-source-mapping --no-enabled \
             --uuid {id}`, or give each of them its part of the limits and say --beside-lambda"
        )
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
        let timeouts = TimeoutConfig::builder().operation_timeout(TIME_OUT).build();
        let config = config.to_builder().timeout_config(timeouts).build();
        Ok(Some(Self {
            client: Client::new(&config),
            queues,
            look: LOOK,
        }))
    }

    /// Looks before the first batch. Where the mappings can't be read, it says so and goes on.
    pub(super) async fn check(&self) -> Result<(), TakenByLambda> {
        match self.taken().await {
            Ok(Some(taken)) => Err(taken),
            Ok(None) => Ok(()),
            Err(unseen) => {
                unseen.tell();
                Ok(())
            }
        }
    }

    /// Returns when a mapping takes from a queue of this worker. Looks again and again.
    pub(super) async fn begins(&self) -> TakenByLambda {
        loop {
            tokio::time::sleep(self.look).await;
            match self.taken().await {
                Ok(Some(taken)) => return taken,
                // A refusal was told at the start.
                Ok(None) | Err(Unseen::Refused(_)) => {}
                Err(unseen) => unseen.tell(),
            }
        }
    }

    /// A mapping that takes from one of the queues, if there is any.
    async fn taken(&self) -> Result<Option<TakenByLambda>, Unseen> {
        for queue in &self.queues {
            let list = self.client.list_event_source_mappings();
            let mut mappings = list.event_source_arn(queue).into_paginator().items().send();
            while let Some(mapping) = mappings.next().await {
                let mapping = mapping.map_err(|error| match status(&error) {
                    None | Some(429 | 500..) => Unseen::NoAnswer(words(&error)),
                    _ => Unseen::Refused(words(&error)),
                })?;
                if let Some(taken) = taken_by(&mapping, queue) {
                    return Ok(Some(taken));
                }
            }
        }
        Ok(None)
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

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS`.
fn function_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_lambda::config::Credentials;
    use axum::http::StatusCode;
    use axum::{Json, Router};
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_a_mapping_that_is_off_leaves_the_queue_to_the_worker() {
        let queue = "arn:aws:sqs:ap-northeast-1:000000000000:deliveries";
        for (state, is_taken) in [
            (Some("Enabled"), true),
            (Some("Enabling"), true),
            (Some("Creating"), true),
            (Some("Updating"), true),
            (Some("Disabling"), true),
            (Some("Disabled"), false),
            (Some("Deleting"), false),
            (None, true),
        ] {
            let mapping = EventSourceMappingConfiguration::builder()
                .set_state(state.map(str::to_owned))
                .uuid("m-1")
                .function_arn("arn:aws:lambda:ap-northeast-1:000000000000:function:consumer:live");
            let taken = taken_by(&mapping.build(), queue);
            assert_eq!(taken.is_some(), is_taken, "{state:?}");
            let Some(taken) = taken else { continue };
            let text = taken.to_string();
            assert!(text.contains("`consumer` takes from the queue `deliveries`"));
            let has_command = text.contains("--no-enabled --uuid m-1");
            assert_eq!(has_command, state != Some("Disabling"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_mapping_that_somebody_switches_on_is_noticed() {
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = move || {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let mappings = match number {
                0 => json!([]),
                1 => json!([{"UUID": "m-1", "State": "Disabled"}]),
                2 => return Err(StatusCode::FORBIDDEN),
                _ => json!([{"UUID": "m-1", "State": "Enabling"}]),
            };
            Ok(Json(json!({"EventSourceMappings": mappings})))
        };
        let app = Router::new().fallback(async move || answer());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("any", "any", None, None, "test"))
            .endpoint_url(url);
        let lambda = Lambda {
            client: Client::from_conf(config.build()),
            queues: vec!["arn:aws:sqs:us-east-1:000000000000:q".into()],
            look: Duration::from_millis(1),
        };
        assert_eq!(lambda.check().await, Ok(()));
        let taken = lambda.begins().await;
        assert_eq!(
            (taken.id.as_str(), taken.state.as_str()),
            ("m-1", "Enabling")
        );
    }
}
