//! The producer Lambda. Only this file and `failed` know that it runs on Lambda.

mod failed;

use std::io::{self, Write};

use fanline_core::settings::variable;
use fanline_producer::{Intake, Settings};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::failed::Failed;

#[tokio::main]
async fn main() -> Result<(), Error> {
    fanline_telemetry::init(variable);
    let settings = Settings::from_lookup(variable)
        .inspect_err(|error| tracing::error!(%error, "the producer can't use its settings"))?;
    let config = fanline_tls::sdk_config().await;
    let intake = &Intake::new(settings, &config);
    let function = &variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "producer".into());
    run(service_fn(async |event: LambdaEvent<Value>| {
        let deadline = Timestamp::try_from(event.context.deadline()).ok();
        let answer = intake
            .handle(event.payload, deadline)
            .await
            .map_err(Failed)?;
        // CloudWatch finds metrics only where they are the whole line, so the log can't write them.
        let line = answer.summary.metrics(function, Timestamp::now());
        drop(writeln!(io::stdout().lock(), "{line}"));
        Ok::<_, Failed>(answer)
    }))
    .await
}
