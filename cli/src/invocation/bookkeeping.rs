//! The bookkeeper inside this process: it polls the outcome queue, and looks at every run each
//! minute.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use fanline_bookkeeper::{Bookkeeper, Event, Message};
use fanline_ledger::WAKE;
use fanline_poller::{Poller, PollerError, PollerOptions};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::print;

/// As in the template.
const MAX_MESSAGES: usize = 1_000;
const MAX_BATCHES: usize = 2;
const BETWEEN_TICKS: Duration = Duration::from_mins(1);

/// A bookkeeper at work. A drop stops it in the middle, which does no harm.
pub(crate) struct Bookkeeping {
    bookkeeper: Arc<Bookkeeper>,
    outcomes: Poller,
    ticks: JoinSet<()>,
    on_metric_line: fn(&str),
}

impl Bookkeeping {
    /// Begins with a tick, and then polls this outcome queue. A batch that is not full waits for
    /// `window`.
    pub(crate) async fn start(
        bookkeeper: Bookkeeper,
        sqs: Client,
        outcome_queue: &str,
        window: Duration,
        on_metric_line: fn(&str),
    ) -> Result<Self, PollerError> {
        let bookkeeper = Arc::new(bookkeeper);
        let options = PollerOptions {
            batch_size: MAX_MESSAGES,
            concurrency: MAX_BATCHES,
            window,
            ..PollerOptions::new(outcome_queue)
        };
        let merging = Arc::clone(&bookkeeper);
        let outcomes = Poller::start(sqs, options, move |event| {
            let bookkeeper = Arc::clone(&merging);
            async move { merge(&bookkeeper, event, on_metric_line).await }
        });
        let outcomes = outcomes.await?;
        tick(&bookkeeper, on_metric_line).await;
        let ticking = Arc::clone(&bookkeeper);
        let mut ticks = JoinSet::new();
        ticks.spawn(async move {
            loop {
                tokio::time::sleep(BETWEEN_TICKS).await;
                tick(&ticking, on_metric_line).await;
            }
        });
        Ok(Self {
            bookkeeper,
            outcomes,
            ticks,
            on_metric_line,
        })
    }

    /// Lets a canary's others follow, where that is due: the tick would look within a minute.
    pub(crate) async fn wake(&self) {
        let message = Message {
            id: String::new(),
            body: WAKE.to_owned(),
        };
        // What goes wrong in it is in the log, and the next look is soon.
        drop(self.bookkeeper.handle(Event::Messages(vec![message])).await);
    }

    /// Finishes the batch that it has, and looks at every run for the last time.
    pub(crate) async fn stop(mut self) {
        self.ticks.shutdown().await;
        self.outcomes.stop().await;
        tick(&self.bookkeeper, self.on_metric_line).await;
    }
}

async fn merge(
    bookkeeper: &Bookkeeper,
    event: Value,
    on_metric_line: fn(&str),
) -> Result<Value, String> {
    let event = serde_json::from_value::<Event>(event).map_err(|error| error.to_string())?;
    let handled = bookkeeper.handle(event).await;
    let handled = handled.map_err(|error| error.to_string())?;
    handled.metrics.iter().for_each(|line| on_metric_line(line));
    serde_json::to_value(handled.response).map_err(|error| error.to_string())
}

async fn tick(bookkeeper: &Bookkeeper, on_metric_line: fn(&str)) {
    match bookkeeper.handle(Event::Tick).await {
        Ok(handled) => handled.metrics.iter().for_each(|line| on_metric_line(line)),
        Err(error) => {
            let error = print::with_causes(&error.into());
            tracing::error!(error, "tick failed");
        }
    }
}
