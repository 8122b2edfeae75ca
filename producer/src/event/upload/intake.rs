//! Events of every form, also those of files in the outbox: each starts its run, and is moved away
//! when that is settled.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use fanline_core::campaign::Campaign;
use fanline_core::surroundings::Surroundings;
use fanline_ledger::ListVersion;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::error::ProduceError;
use crate::event::upload::notice::{Change, Notice};
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
    pub async fn handle(
        &self,
        event: Value,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
        let Some(outbox) = &self.outbox else {
            return Box::pin(self.producer.handle(event, deadline)).await;
        };
        let Some(notices) = Notice::all_in(&event)? else {
            return Box::pin(self.producer.handle(event, deadline)).await;
        };
        let began = Instant::now();
        let (mut summary, mut first_error) = (Summary::default(), None);
        let mut seen = BTreeSet::new();
        for notice in notices {
            if !seen.insert((notice.bucket.clone(), notice.key.clone())) {
                continue;
            }
            match Box::pin(self.take(outbox, &notice, deadline)).await {
                Ok(done) => summary.add(done),
                // The other files are not its fault.
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        summary.seconds = began.elapsed().as_secs_f64();
        first_error.map_or(Ok(summary), Err)
    }

    /// Starts the run of the file that a notice names, if it is a campaign in the outbox.
    async fn take(
        &self,
        outbox: &Outbox,
        notice: &Notice,
        deadline: Option<Timestamp>,
    ) -> Result<Summary, ProduceError> {
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
                let may_pass = may_pass(&error);
                let error = ProduceError::in_file(file, error);
                if !may_pass {
                    outbox.settle_failed(&taken, &error.to_string()).await?;
                }
                Err(error)
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
        Campaign::parse(text)?;
        let json = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut campaign: Value = serde_json::from_str(json).map_err(OutboxError::not_json)?;
        if let Some(Value::String(list)) = campaign.get_mut("recipients") {
            *list = list_uri(&taken.bucket, &taken.key, list)?;
        }
        let mut firing = Firing::new(campaign, None)?;
        firing.file = Some(CampaignFile {
            uri: file.to_owned(),
            // The content, and not its `ETag`: with a KMS key, equal files have different ones.
            digest: ListVersion::inline(&Value::from(text.as_str())).etag,
        });
        self.producer.send(firing, deadline).await
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
        | ProduceError::Origin(OriginError::Store(_))
        | ProduceError::Ledger(_)
        | ProduceError::Roll(_)
        | ProduceError::BegunMeanwhile(_)
        | ProduceError::Sort { .. }
        | ProduceError::Panicked => true,
        _ => false,
    }
}
