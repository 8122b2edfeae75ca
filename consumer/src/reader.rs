//! Reads the deliveries of records: in plain text, or sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use fanline_core::channel::Channel;
use fanline_core::delivery::{DecodeError, Delivery};
use fanline_core::surroundings::Clock;
use fanline_seal::{KeyArn, KeyService, Opener};
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::sqs::record::{Content, Record, Unreadable};

/// Reads records. Where there is a key, only what was sealed with it is a delivery.
pub(crate) struct Reader {
    opener: Option<Opener>,
    clock: Clock,
    /// Whether the log says that there is no key.
    has_said_no_key: AtomicBool,
}

/// What a record was read to be.
#[derive(Debug)]
pub(crate) enum Read {
    /// A delivery.
    Delivery(Arc<Delivery>),
    /// A delivery that goes alone, and the others of its batch have begun: it comes again.
    Late,
    /// No delivery, or none that can be read now.
    Not(Unreadable),
}

impl Reader {
    /// Opens what is sealed with this key. Without a key, deliveries are in plain text.
    pub(crate) fn new(config: &SdkConfig, key: Option<KeyArn>, clock: Clock) -> Self {
        Self {
            opener: key.map(|key| Opener::new(KeyService::new(config, key))),
            clock,
            has_said_no_key: AtomicBool::new(false),
        }
    }

    /// Whether records wait for a key.
    pub(crate) fn is_waiting(&self) -> bool {
        let opener = self.opener.as_ref();
        opener.is_some_and(|opener| opener.next_probe().is_some())
    }

    /// Reads the records, until `latest` at most. One without a key is left for [`Reader::wait`].
    pub(crate) async fn read_all(&self, records: &[Arc<Record>], latest: Timestamp) {
        let reads = records.iter().map(async |record| {
            if let Ok(read) = self.read(&record.body, latest).await {
                record.content.get_or_init(|| read);
            }
        });
        join_all(reads).await;
    }

    /// The delivery of a record. Where there is no key for any, it waits for one until `latest`:
    /// a batch that was answered at once would be followed by the next one, and the whole queue
    /// would be received for nothing.
    pub(crate) async fn wait(&self, record: &Record, latest: Timestamp) -> Read {
        let was_read = record.content.get().is_some();
        while record.content.get().is_none() {
            if self.clock.now() >= latest {
                return Read::Not(self.out_of_time());
            }
            let unreadable = match self.read(&record.body, latest).await {
                Ok(read) => {
                    record.content.get_or_init(|| read);
                    break;
                }
                Err(unreadable) => unreadable,
            };
            let probe = self.opener.as_ref().and_then(Opener::next_probe);
            let probe = probe.filter(|probe| *probe <= latest);
            self.sleep_until(probe.unwrap_or(latest)).await;
            if probe.is_none() {
                return Read::Not(unreadable);
            }
        }
        let delivery = match record.content.get() {
            Some(Ok(content)) => &content.delivery,
            Some(Err(unreadable)) => return Read::Not(unreadable.clone()),
            None => return Read::Late,
        };
        let is_again = record.receive_count > 1;
        let goes_alone = is_again && delivery.envelope.channel == Channel::LineNotify;
        if goes_alone && !was_read {
            return Read::Late;
        }
        Read::Delivery(Arc::clone(delivery))
    }

    /// What a body is. An error: there is no key for any now.
    async fn read(
        &self,
        body: &str,
        latest: Timestamp,
    ) -> Result<Result<Content, Unreadable>, Unreadable> {
        let Some(opener) = &self.opener else {
            let read = Content::plain(body);
            if let Err(unreadable @ Unreadable::Decode(DecodeError::Sealed)) = read {
                self.say_no_key();
                return Err(unreadable);
            }
            return Ok(read);
        };
        let now = self.clock.now();
        let time = Duration::try_from(latest.duration_since(now)).unwrap_or(Duration::ZERO);
        let answer = tokio::time::timeout(time, opener.open(body, now));
        match answer.await.unwrap_or_else(|_| Err(opener.out_of_time())) {
            Ok(plain) => Ok(Content::opened(plain)),
            Err(error) if error.is_of_all() => Err(error.into()),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// Why a record is not read for which there was no time.
    fn out_of_time(&self) -> Unreadable {
        match &self.opener {
            Some(opener) => opener.out_of_time().into(),
            None => DecodeError::Sealed.into(),
        }
    }

    async fn sleep_until(&self, time: Timestamp) {
        let time = Duration::try_from(time.duration_since(self.clock.now()));
        tokio::time::sleep(time.unwrap_or(Duration::ZERO)).await;
    }

    /// Once: every record would say it.
    fn say_no_key(&self) {
        if !self.has_said_no_key.swap(true, Ordering::Relaxed) {
            let error = DecodeError::Sealed;
            tracing::error!(%error, "sealed deliveries wait");
        }
    }
}
