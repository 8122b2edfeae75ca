//! One batch: every record by itself, all at once, and back only those that must come again.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use fanline_core::outcome::Outcome;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tracing::Instrument;
use uuid::Uuid;

use crate::batch::{Invocation, Settlement};
use crate::channel::hold::Hold;
use crate::channel::http;
use crate::channel::pace::Pace;
use crate::line::client::Line;
use crate::line::token::{Issuer, Tokens};
use crate::line_notify::client::Notify;
use crate::line_notify::image::Images;
use crate::settings::Settings;
use crate::sqs::dead_letter::DeadLetterQueue;
use crate::sqs::delivery_queue::DeliveryQueue;
use crate::sqs::record::{self, Record};
use crate::tally::Tally;

/// Kept back at an invocation's end for dead letters, changes of visibility and the answer itself.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);
/// Kept back of that for changes of visibility and the answer: what is not settled then is handed back as it is.
const LAST_CALL: SignedDuration = SignedDuration::from_millis(800);
/// Kept back of that for the answer alone.
const VERY_LAST: SignedDuration = SignedDuration::from_millis(300);

/// One environment's consumer: clients, token, pace and holds live as long as it does.
#[derive(Clone)]
pub struct Consumer {
    environment: Arc<Environment>,
    observer: Arc<dyn Fn(&Settled) + Send + Sync>,
}

/// What outlives a batch.
pub(crate) struct Environment {
    pub(crate) settings: Settings,
    pub(crate) line: Line,
    pub(crate) tokens: Tokens,
    pub(crate) notify: Notify,
    pub(crate) images: Images,
    pub(crate) queue: DeliveryQueue,
    pub(crate) dead_letters: DeadLetterQueue,
    pub(crate) push: Pace,
    pub(crate) multicast: Pace,
    pub(crate) notify_pace: Pace,
    /// The `line` channel's. LINE Notify has none: each of its tokens stands for itself.
    pub(crate) hold: Hold,
}

/// A delivery, or a part of one, that has come to its end. The same key may come to it twice: a queue delivers at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The delivery's identity.
    pub retry_key: Uuid,
    /// What became of it. [`Outcome::Hold`]: set aside until there is quota, or a token.
    pub outcome: Outcome,
    /// How many people it was for.
    pub recipients: usize,
}

/// What a batch came to.
#[derive(Debug)]
pub struct Handled {
    /// The records that must come again. All others may be deleted.
    pub response: SqsBatchResponse,
    /// Lines for CloudWatch, one JSON object each, to be printed as they are.
    pub metrics: Vec<String>,
}

/// Why there can be no consumer.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client has no TLS: no root certificates, as a rule.
    #[error("the HTTP client can't be made")]
    Http(#[source] reqwest::Error),
}

impl Consumer {
    /// A consumer with its clients; the token is read already, where there is one to read.
    pub async fn new(settings: Settings, config: &SdkConfig) -> Result<Self, StartError> {
        let client = http::client(settings.request_timeout).map_err(StartError::Http)?;
        let config = &http::patient(config);
        let sqs = aws_sdk_sqs::Client::new(config);
        let issuer = Issuer {
            http: client.clone(),
            base: settings.line_api_base.clone(),
        };
        let secrets = aws_sdk_secretsmanager::Client::new(config);
        let tokens = Tokens::new(settings.token.clone(), issuer, secrets);
        if let Err(error) = tokens.current(Timestamp::now()).await {
            tracing::warn!(%error, "deliveries of the channel `line` will be held");
        }
        let environment = Environment {
            line: Line::new(client.clone(), settings.line_api_base.clone()),
            tokens,
            notify: Notify::new(client, settings.line_notify_api_base.clone()),
            images: Images::new(aws_sdk_s3::Client::new(config)),
            queue: DeliveryQueue::new(sqs.clone(), settings.delivery_queue_url.clone()),
            dead_letters: DeadLetterQueue::new(sqs, settings.dead_letter_queue_url.clone()),
            push: Pace::new(settings.push_per_second),
            multicast: Pace::new(settings.multicast_per_second),
            notify_pace: Pace::new(settings.notify_per_second),
            hold: Hold::default(),
            settings,
        };
        Ok(Self {
            environment: Arc::new(environment),
            observer: Arc::new(|_| ()),
        })
    }

    /// Calls `observer` for each end that a delivery or a part of one comes to.
    #[must_use]
    pub fn with_observer(self, observer: impl Fn(&Settled) + Send + Sync + 'static) -> Self {
        Self {
            observer: Arc::new(observer),
            ..self
        }
    }

    /// Works through a batch. It ends before `deadline`; what there was no time for is handed back.
    ///
    /// A record is left out of the response only when each of its recipients has an outcome. Everything else, a panic
    /// included, is a batch item failure of that record alone.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Handled {
        let records: Vec<Arc<Record>> = event
            .records
            .into_iter()
            .map(|record| Arc::new(record.into()))
            .collect();
        let request_timeout =
            SignedDuration::try_from(self.environment.settings.request_timeout).unwrap_or(MARGIN);
        let invocation = Arc::new(Invocation {
            environment: Arc::clone(&self.environment),
            observer: Arc::clone(&self.observer),
            latest_start: deadline - request_timeout - MARGIN,
            tally: Mutex::new(Tally::default()),
        });
        if invocation.latest_start < Timestamp::now() && !records.is_empty() {
            tracing::error!(
                "no request can be made: the function's timeout is not longer than `REQUEST_TIMEOUT_SECONDS` and 2 s"
            );
        }
        let settlements = settle_all(&invocation, &records, deadline).await;
        let hide = invocation.hide(&records, &settlements);
        if tokio::time::timeout(room(deadline, VERY_LAST), hide)
            .await
            .is_err()
        {
            tracing::warn!("no time was left to change the waits");
        }

        let mut response = SqsBatchResponse::default();
        for (record, settlement) in records.iter().zip(&settlements) {
            if *settlement != Settlement::Acknowledge {
                // Nothing can name a record without an id; an empty name makes Lambda take the whole batch back, which is
                // the only answer that does not lose it.
                // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
                response.add_failure(record.message_id.clone().unwrap_or_default());
            }
        }
        Handled {
            response,
            metrics: invocation.metrics(Timestamp::now()),
        }
    }
}

/// Settles the records, rows of them at the same time, and gives up shortly before `deadline`.
async fn settle_all(
    invocation: &Arc<Invocation>,
    records: &[Arc<Record>],
    deadline: Timestamp,
) -> Vec<Settlement> {
    let settlements = Arc::new(Mutex::new(vec![Settlement::Untouched; records.len()]));
    let mut tasks = JoinSet::new();
    for row in record::rows(records) {
        let invocation = Arc::clone(invocation);
        let settlements = Arc::clone(&settlements);
        let work = async move {
            for (position, record) in row {
                let settlement = invocation.settle(&record).await;
                if let Some(place) = settlements.lock().get_mut(position) {
                    *place = settlement;
                }
                // What follows a failure in its FIFO group stays untouched, or it would overtake it.
                if settlement != Settlement::Acknowledge {
                    break;
                }
            }
        };
        // In the runtime's span, which names the invocation.
        tasks.spawn(work.in_current_span());
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            if ended.is_err_and(|error| error.is_panic()) {
                tracing::error!("a record's handling panicked: the record is handed back");
            }
        }
    };
    if tokio::time::timeout(room(deadline, LAST_CALL), all)
        .await
        .is_err()
    {
        tracing::error!("the invocation's time is up: what is not settled is handed back");
    }
    settlements.lock().clone()
}

/// The time until so long before `deadline`.
fn room(deadline: Timestamp, before: SignedDuration) -> Duration {
    let room = deadline.duration_since(Timestamp::now()) - before;
    Duration::try_from(room).unwrap_or_default()
}
