//! What outlives a batch.

use aws_config::SdkConfig;

use crate::channel::http;
use crate::line::channel::LineChannel;
use crate::line_notify::channel::NotifyChannel;
use crate::settings::Settings;
use crate::sqs::dead_letter::DeadLetterQueue;
use crate::sqs::delivery_queue::DeliveryQueue;

/// One environment: the channels with their clients, tokens and paces, and the queues.
pub(crate) struct Environment {
    /// What the environment variables say.
    pub settings: Settings,
    /// The Messaging API.
    pub line: LineChannel,
    /// LINE Notify.
    pub line_notify: NotifyChannel,
    /// Where the records come from.
    pub delivery_queue: DeliveryQueue,
    /// Where deliveries are set aside.
    pub dead_letter_queue: DeadLetterQueue,
}

/// Why there can be no consumer.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no HTTP client. Usually TLS has no root certificates.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
}

impl Environment {
    /// Makes the clients, and reads the channel access token if there is one.
    pub(crate) async fn start(settings: Settings, config: &SdkConfig) -> Result<Self, StartError> {
        let client = http::client(settings.request_timeout).map_err(StartError::Http)?;
        let config = &http::with_timeouts(config);
        let sqs = aws_sdk_sqs::Client::new(config);
        let secrets_manager = aws_sdk_secretsmanager::Client::new(config);
        let s3 = aws_sdk_s3::Client::new(config);
        Ok(Self {
            line: LineChannel::start(&settings, &client, secrets_manager).await,
            line_notify: NotifyChannel::new(&settings, client, s3),
            delivery_queue: DeliveryQueue::new(sqs.clone(), settings.delivery_queue_url.clone()),
            dead_letter_queue: DeadLetterQueue::new(sqs, settings.dead_letter_queue_url.clone()),
            settings,
        })
    }
}
