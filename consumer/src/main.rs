//! The consumer Lambda: the only file that knows it runs on Lambda.

use std::io::{self, Write};

use aws_lambda_events::sqs::SqsEvent;
use fanline_consumer::{Consumer, Settings};
use fanline_core::settings::variable;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    fanline_telemetry::init(variable);
    let settings = Settings::from_lookup(variable)
        .inspect_err(|error| tracing::error!(%error, "the settings can't be used"))?;
    let config = fanline_tls::sdk_config().await;
    let consumer = Consumer::new(settings, &config).await?;
    let consumer = &consumer;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let deadline = Timestamp::try_from(event.context.deadline())?;
        let handled = consumer.handle(event.payload, deadline).await;
        // A metric that can't be written is lost. An error here would bring the whole batch back.
        let mut out = io::stdout().lock();
        handled
            .metrics
            .iter()
            .for_each(|line| drop(writeln!(out, "{line}")));
        drop(out);
        Ok::<_, Error>(handled.response)
    }))
    .await
}
