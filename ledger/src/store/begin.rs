//! Begins or continues a run.

use jiff::Timestamp;
use uuid::{Builder, Uuid};

use super::{Store, UpdateError};
use crate::json_object::ObjectError;
use crate::keys::RunKeys;
use crate::run::{Decision, Firing, RunRecord, decide};

/// Reads the run's record, decides what the firing may do, and writes the record where the firing
/// begins the run. Of several firings at the same time one begins it, and the others continue it or
/// are refused.
///
/// Nothing of the run may be published unless this has given `Begin` or `Continue`.
pub async fn begin_run(
    store: &Store,
    firing: &Firing<'_>,
    now: Timestamp,
) -> Result<Decision, UpdateError<ObjectError>> {
    let mut decision = None;
    let decide_and_write = |existing: Option<&[u8]>| {
        let existing = existing.map(RunRecord::decode).transpose()?;
        let decided = decision.insert(decide(existing.as_ref(), firing, now));
        Ok(match (decided, existing) {
            (Decision::Begin(record), None) => Some(record.encode()),
            _ => None,
        })
    };
    let key = RunKeys::new(firing.run).record();
    store.update(&key, decide_and_write).await?;
    #[expect(
        clippy::expect_used,
        reason = "an update runs its edit before it succeeds"
    )]
    Ok(decision.expect("an update runs its edit"))
}

/// A name that no other process draws: of an invocation, or of a command that resends.
pub fn draw_id() -> Uuid {
    Builder::from_random_bytes(rand::random()).into_uuid()
}
