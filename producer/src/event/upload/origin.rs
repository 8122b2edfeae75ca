//! Where a run comes from: a file of the outbox, or a schedule. It is written once, so that a file
//! that was replaced is noticed, and a campaign that is uploaded and scheduled is not sent twice.

use std::fmt::Display;

use fanline_ledger::{Expect, RunKeys, SliceCounts, SliceLines, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::CampaignFile;

/// Where a run comes from, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase")]
enum Origin {
    /// A file of the outbox. The name is that of the run.
    Upload {
        /// The file.
        file: String,
        /// The digest of its content.
        digest: String,
        /// When it was claimed. Not there in records of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// A schedule, or another event with a time. The name is that of the campaign.
    Schedule,
}

/// Why a run is not begun: one sentence. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The file is not the one that the run began with.
    #[error(
        "the run `{run}` began with another version of its file, `{file}`: put that version back, \
         or give the campaign a new id"
    )]
    Replaced {
        /// The run.
        run: String,
        /// The file that it began with.
        file: String,
    },
    /// A schedule sends the campaign.
    #[error(
        "the campaign `{0}` is sent by a schedule, and the file would send it once more: give it \
         a new id, or the `scheduled_time` of the firing that it is"
    )]
    Scheduled(String),
    /// The campaign was uploaded.
    #[error(
        "the campaign `{campaign}` was uploaded as `{file}`, and the schedule would send it once \
         more: give one of them a new id"
    )]
    Uploaded {
        /// The campaign.
        campaign: String,
        /// The file.
        file: String,
    },
    /// The file began the run a moment ago, and its invocation may not have ended.
    #[error(
        "this file began the run `{0}` less than 15 minutes ago, and it may still be on its way to \
         the queues: LINE Notify can't tell a repeated message, so nothing is sent now"
    )]
    UnderWay(String),
    /// The file began the run, and an invocation broke off before everything was published.
    #[error(
        "this file began the run `{0}`, the ledger does not say that all of it is on the queues, \
         and LINE Notify can't tell a repeated message: see with `fanline status {0}` who has it"
    )]
    BrokeOff(String),
    /// The origin can't be read or written.
    #[error("the origin of the run can't be read or written, so nothing was sent: {0}")]
    Store(String),
}

/// Claims a run for a file. It must be the file that the run began with.
pub(crate) async fn claim_for_file(
    store: &Store,
    run: &str,
    file: &CampaignFile,
    now: Timestamp,
) -> Result<(), OriginError> {
    let CampaignFile { uri, digest } = file.clone();
    let ours = Origin::Upload {
        file: uri,
        digest,
        since: Some(now),
    };
    match claim(store, run, &ours).await? {
        Origin::Schedule => Err(OriginError::Scheduled(run.to_owned())),
        Origin::Upload { digest, .. } if digest == file.digest => Ok(()),
        Origin::Upload { file, .. } => Err(OriginError::Replaced {
            run: run.to_owned(),
            file,
        }),
    }
}

/// Claims a campaign for its schedule. No file may have sent it under its bare name.
pub(crate) async fn claim_for_schedule(store: &Store, campaign: &str) -> Result<(), OriginError> {
    match claim(store, campaign, &Origin::Schedule).await? {
        Origin::Schedule => Ok(()),
        Origin::Upload { file, .. } => Err(OriginError::Uploaded {
            campaign: campaign.to_owned(),
            file,
        }),
    }
}

/// An invocation of Lambda has ended by then.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_INVOCATION: SignedDuration = SignedDuration::from_mins(15);

/// Whether this file began a run, and everything of it is on the queue. Where the file began it and
/// something is missing, that is an error: the invocation broke off, or it has not ended.
pub(crate) async fn has_published(
    store: &Store,
    run: &str,
    file: &CampaignFile,
    now: Timestamp,
) -> Result<bool, OriginError> {
    let keys = RunKeys::new(run);
    let since = match read(store, &keys.origin()).await? {
        Some(Origin::Upload { digest, since, .. }) if digest == file.digest => since,
        _ => return Ok(false),
    };
    let may_go_on = since.is_some_and(|since| now.duration_since(since) < MAX_INVOCATION);
    let error = if may_go_on {
        OriginError::UnderWay
    } else {
        OriginError::BrokeOff
    };
    let incomplete = || error(run.to_owned());
    let slices = store
        .get(&keys.slices())
        .await
        .map_err(|error| failed(&error))?;
    let slices = SliceLines::decode(&slices.ok_or_else(incomplete)?.bytes);
    for line in slices.map_err(|error| failed(&error))?.0 {
        let counts = store.get(&keys.counts(line.slice)).await;
        let counts = counts.map_err(|error| failed(&error))?;
        let counts = SliceCounts::decode(&counts.ok_or_else(incomplete)?.bytes);
        if !counts.map_err(|error| failed(&error))?.published {
            return Err(incomplete());
        }
    }
    Ok(true)
}

/// Writes an origin where there is none. Returns the one that is there now.
async fn claim(store: &Store, name: &str, ours: &Origin) -> Result<Origin, OriginError> {
    let key = RunKeys::new(name).origin();
    let json = serde_json::to_vec(ours).map_err(|error| failed(&error))?;
    match store.put(&key, json, &Expect::Absent).await {
        Ok(_) => return Ok(ours.clone()),
        Err(StoreError::Conflict(_)) => {}
        Err(error) => return Err(failed(&error)),
    }
    let found = read(store, &key).await?;
    found.ok_or_else(|| failed(&format!("`{key}` was deleted")))
}

async fn read(store: &Store, key: &str) -> Result<Option<Origin>, OriginError> {
    let found = store.get(key).await.map_err(|error| failed(&error))?;
    let read = found.map(|found| serde_json::from_slice(&found.bytes));
    let read = read.transpose();
    read.map_err(|_| failed(&format!("`{key}` is not an origin")))
}

fn failed(error: &dyn Display) -> OriginError {
    OriginError::Store(error.to_string())
}
