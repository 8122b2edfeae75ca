//! The producer as a Lambda function: the only file that knows it runs on Lambda.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use producer::{Producer, Settings};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let level = lookup("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| "info".into());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(EnvFilter::new(level))
        .init();
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let producer = &Producer::new(Settings::from_lookup(lookup)?, &config);
    lambda_runtime::run(service_fn(
        async |event: LambdaEvent<Value>| -> Result<Value, Error> {
            let deadline = Timestamp::try_from(event.context.deadline())?;
            let summary = producer.handle(event.payload, Some(deadline)).await?;
            print(&summary.metrics(Timestamp::now()));
            Ok(serde_json::to_value(summary)?)
        },
    ))
    .await
}

/// Metrics are found only in lines that are nothing else, so they can't go through the log.
#[expect(
    clippy::print_stdout,
    reason = "standard output is where Lambda takes log lines from"
)]
fn print(line: &Value) {
    println!("{line}");
}
