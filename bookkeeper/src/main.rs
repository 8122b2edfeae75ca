//! The bookkeeper Lambda: the only file that knows it runs on Lambda.

use std::io::{self, Write};

use fanline_bookkeeper::{Bookkeeper, Event, Settings};
use fanline_core::settings::variable;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    fanline_telemetry::init(variable);
    let settings = Settings::from_lookup(variable)
        .inspect_err(|error| tracing::error!(%error, "the bookkeeper can't use its settings"))?;
    let config = fanline_tls::sdk_config().await;
    let bookkeeper = &Bookkeeper::new(settings, &config);
    run(service_fn(async |event: LambdaEvent<Event>| {
        let handled = bookkeeper.handle(event.payload).await;
        let handled = handled.inspect_err(|error| tracing::error!(%error, "tick failed"))?;
        // A metric that can't be written is lost. An error here would bring the whole batch back.
        let mut out = io::stdout().lock();
        let lines = handled.metrics.iter();
        lines.for_each(|line| drop(writeln!(out, "{line}")));
        drop(out);
        Ok::<_, Error>(handled.response)
    }))
    .await
}
