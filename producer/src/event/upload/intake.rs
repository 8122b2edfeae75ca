//! Events of every form, also those of files in the outbox: each starts its run, and is moved away
//! when that is settled.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_lambda_events::sqs::SqsBatchResponse;
use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::surroundings::Surroundings;
use fanline_ledger::ListVersion;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::error::ProduceError;
use crate::event::upload::answer::Answer;
use crate::event::upload::notice::{Change, Notice, Notices, QueuedNotices};
use crate::event::upload::origin::OriginError;
use crate::event::upload::outbox::{Outbox, OutboxError, Taken};
use crate::event::upload::place::{Place, list_uri};
use crate::event::{CampaignFile, Firing};
use crate::handler::Producer;
use crate::list::rows::ReadError;
use crate::list::source::SourceError;
use crate::settings::Settings;
use crate::summary::Summary;

/// The producer, and the outbox whose files start runs.
#[derive(Debug)]
pub struct Intake {
    producer: Producer,
    outbox: Option<Outbox>,
}

impl Intake {
    /// An intake with these settings. Credentials, region and endpoints are the SDK's.
    pub fn new(settings: Settings, config: &SdkConfig) -> Self {
        Self::in_surroundings(settings, config, Surroundings::default())
    }

    /// The same with another clock and other random numbers than the machine's.
    pub fn in_surroundings(
        settings: Settings,
        config: &SdkConfig,
        surroundings: Surroundings,
    ) -> Self {
        let outbox = settings.outbox.clone();
        Self {
            outbox: outbox.map(|place| Outbox::new(config, place)),
            producer: Producer::in_surroundings(settings, config, surroundings),
        }
    }

    /// Does what an event asks for: starts the runs of files that were put into the outbox, or
    /// what [`Producer::handle`] does.
    ///
    /// An event may come again, as S3's do, and in any order: a file whose run is settled is no
    /// longer in the outbox, and one whose run is open continues it. A file that can't be sent is
    /// moved too, and the error says why. After any other error the file stays, and the same event
    /// starts it again.
    ///
    /// Messages of SQS are answered one by one. Only a message with a file that stays has failed.
    /// The file of every other message is settled, so an error would bring it back for nothing.
    pub async fn handle(
        &self,
        event: Value,
        deadline: Option<Timestamp>,
    ) -> Result<Answer, ProduceError> {
        let notices = match &self.outbox {
            Some(outbox) => Notices::all_in(&event)?.map(|notices| (outbox, notices)),
            None => None,
        };
        let Some((outbox, notices)) = notices else {
            let summary = Box::pin(self.producer.handle(event, deadline)).await?;
            return Ok(Answer::of(summary));
        };
        let began = Instant::now();
        let mut round = Round::new(self, outbox, deadline);
        let ended = match notices {
            Notices::Direct(notices) => {
                round.take_all(&notices).await;
                round.end(|_| true).map(|()| None)
            }
            Notices::Queued(messages) => {
                let (batch, nothing_is_settled) = round.take_messages(messages).await;
                // SQS reads the same from an error. But the error also raises the function's alarm,
                // and a mapping without `ReportBatchItemFailures` understands it too.
                let is_returned = |error: &FileError| nothing_is_settled && !error.is_settled;
                round.end(is_returned).map(|()| Some(batch))
            }
        };
        round.summary.seconds = began.elapsed().as_secs_f64();
        ended.map(|batch| Answer {
            summary: round.summary,
            batch,
        })
    }

    /// Starts the run of the file that a notice names, if it is a campaign in the outbox.
    /// `has_all_the_time`: whether it is the first file of its invocation.
    async fn take(
        &self,
        outbox: &Outbox,
        notice: &Notice,
        deadline: Option<Timestamp>,
        has_all_the_time: bool,
    ) -> Result<Summary, FileError> {
        let nothing = Ok(Summary::default());
        let file = notice.file();
        if notice.change == Change::Other {
            tracing::info!(%file, "event ignored: no file was put");
            return nothing;
        }
        let name = match outbox.place_of(notice) {
            Place::Campaign(name) => name,
            Place::Settled => return nothing,
            Place::NoJson => {
                tracing::warn!(%file, "file ignored: its name does not end in `.json`");
                return nothing;
            }
            Place::Elsewhere => {
                tracing::info!(%file, "file ignored: it is not in the outbox");
                return nothing;
            }
        };
        let Some(taken) = outbox.take(name).await? else {
            if outbox.has_settled(name, notice.etag.as_deref()).await? {
                tracing::info!(%file, "event ignored: the file is settled");
            } else {
                tracing::warn!(%file, "the file is gone and was not settled: nothing is sent");
            }
            return nothing;
        };
        let sent = self.send(&taken, &file, deadline).await;
        match sent {
            Ok(summary) => {
                outbox.settle_done(&taken).await?;
                tracing::info!(%file, run = summary.run, "file settled: its run is on the queues");
                Ok(summary)
            }
            Err(error) => {
                let had_too_little = matches!(error, ProduceError::NoTimeToCheck(_));
                let is_settled = !may_pass(&error) && (has_all_the_time || !had_too_little);
                let error = ProduceError::in_file(file, error);
                if is_settled {
                    outbox.settle_failed(&taken, &error.to_string()).await?;
                }
                Err(FileError { error, is_settled })
            }
        }
    }

    /// Sends the campaign in a file.
    async fn send(
        &self,
        taken: &Taken,
        file: &str,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let text = taken.text.as_ref().map_err(Clone::clone)?;
        // As text, so that a problem has its line and column.
        let mut campaign = Campaign::parse(text)?;
        let json = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut given: Value = serde_json::from_str(json).map_err(OutboxError::not_json)?;
        let field = given.get_mut("recipients");
        if let (Recipients::Path(list), Some(field)) = (&campaign.recipients, field) {
            let list = list_uri(&taken.bucket, &taken.key, list)?;
            *field = Value::from(list.to_string());
            campaign.recipients = Recipients::S3(list);
        }
        let mut firing = Firing::new(given, None)?;
        firing.file = Some(CampaignFile {
            uri: file.to_owned(),
            // The content, and not its `ETag`: with a KMS key, equal files have different ones.
            digest: ListVersion::inline(&Value::from(text.as_str())).etag,
        });
        self.producer.send(firing, campaign, deadline).await
    }
}

/// Why a file was not sent.
struct FileError {
    error: ProduceError,
    /// Whether it was moved to the other files that can't be sent. If not, it stays in the outbox.
    is_settled: bool,
}

impl From<OutboxError> for FileError {
    fn from(error: OutboxError) -> Self {
        Self {
            error: error.into(),
            is_settled: false,
        }
    }
}

/// The files of one event, each of which is taken once.
struct Round<'a> {
    intake: &'a Intake,
    outbox: &'a Outbox,
    deadline: Option<Timestamp>,
    /// Whether each file is settled, by its bucket and its key.
    files: BTreeMap<(String, String), bool>,
    summary: Summary,
    errors: Vec<FileError>,
}

impl<'a> Round<'a> {
    fn new(intake: &'a Intake, outbox: &'a Outbox, deadline: Option<Timestamp>) -> Self {
        Self {
            intake,
            outbox,
            deadline,
            files: BTreeMap::new(),
            summary: Summary::default(),
            errors: Vec::new(),
        }
    }

    /// Takes the files of all messages. Returns which messages failed, and whether all of them did.
    async fn take_messages(&mut self, messages: Vec<QueuedNotices>) -> (SqsBatchResponse, bool) {
        let (mut response, mut all_failed) = (SqsBatchResponse::default(), true);
        for message in messages {
            let is_settled = match message.notices {
                Ok(notices) => self.take_all(&notices).await,
                Err(error) => {
                    self.errors.push(FileError {
                        error: error.into(),
                        is_settled: false,
                    });
                    false
                }
            };
            all_failed &= !is_settled;
            if !is_settled {
                response.add_failure(message.message_id);
            }
        }
        (response, all_failed)
    }

    /// Takes these files, and returns whether all of them are settled. One that fails is not the
    /// fault of the others.
    async fn take_all(&mut self, notices: &[Notice]) -> bool {
        let mut all_settled = true;
        for notice in notices {
            let key = (notice.bucket.clone(), notice.key.clone());
            let is_settled = match self.files.get(&key) {
                Some(is_settled) => *is_settled,
                None => self.take(notice).await,
            };
            self.files.insert(key, is_settled);
            all_settled &= is_settled;
        }
        all_settled
    }

    /// Takes a file, and returns whether it is settled.
    async fn take(&mut self, notice: &Notice) -> bool {
        // The files before it have used some of the time.
        let has_all_the_time = self.files.is_empty();
        let taken = self
            .intake
            .take(self.outbox, notice, self.deadline, has_all_the_time);
        match Box::pin(taken).await {
            Ok(summary) => {
                self.summary.add(summary);
                true
            }
            Err(error) => {
                let is_settled = error.is_settled;
                self.errors.push(error);
                is_settled
            }
        }
    }

    /// Ends with the first error that is to be returned. The others are logged.
    fn end(&mut self, is_returned: impl Fn(&FileError) -> bool) -> Result<(), ProduceError> {
        let mut returned = None;
        for file in self.errors.drain(..) {
            if returned.is_none() && is_returned(&file) {
                returned = Some(file.error);
            } else if file.is_settled {
                tracing::error!(error = %file.error, "file not sent: it is moved to `failed/`");
            } else {
                tracing::error!(error = %file.error, "file not settled: its event comes again");
            }
        }
        returned.map_or(Ok(()), Err)
    }
}

/// Whether the same file may well be sent later. What the file or its list is to blame for does
/// not pass.
fn may_pass(error: &ProduceError) -> bool {
    match error {
        ProduceError::Read(ReadError::Source(error)) => matches!(
            error,
            SourceError::Changed(_) | SourceError::Panicked(_) | SourceError::Unreadable { .. }
        ),
        ProduceError::Outbox(error) => matches!(
            error,
            OutboxError::Denied { .. } | OutboxError::Failed { .. }
        ),
        ProduceError::Rejects(_)
        | ProduceError::Seal(_)
        | ProduceError::NoTimeToPublish { .. }
        | ProduceError::OutOfTime { .. }
        | ProduceError::HandOver { .. }
        | ProduceError::Publish { .. }
        | ProduceError::Slices { .. }
        | ProduceError::Origin(OriginError::Store(_) | OriginError::UnderWay(_))
        | ProduceError::Ledger(_)
        | ProduceError::Roll(_)
        | ProduceError::BegunMeanwhile(_)
        | ProduceError::Sort { .. }
        | ProduceError::Panicked => true,
        _ => false,
    }
}
