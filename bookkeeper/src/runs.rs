//! The records of runs, each read once by a process.

use std::collections::HashMap;
use std::sync::Arc;

use fanline_core::channel::Channel;
use fanline_ledger::{
    BrakeRule, CanaryRule, Lane, ListVersion, ObjectError, RunKeys, RunRecord, SliceId, SliceLines,
    Store, StoreError,
};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Deserialize as _;
use serde_json::Value;

/// So many records are kept. A stack has few runs at once.
const MAX_KEPT: usize = 64;

/// What the bookkeeper needs of a run's record. It never changes.
#[derive(Debug, Clone)]
pub(crate) struct RunRules {
    /// When the run began.
    pub(crate) started_at: Timestamp,
    /// Its lane; the usual one where the campaign's can't be read.
    pub(crate) lane: Lane,
    /// Its brake; the default one where the campaign's can't be read.
    pub(crate) brake: Option<BrakeRule>,
    /// Its canary, where it has one.
    pub(crate) canary: Option<CanaryRule>,
    /// When its deliveries expire, as the campaign says.
    pub(crate) expires_at: Option<Timestamp>,
    /// Its list.
    pub(crate) list: ListVersion,
    /// Whether what is waiting may be published again: LINE Notify has no retry keys, and rows that
    /// stood in the campaign are not in the record.
    pub(crate) can_be_swept: bool,
}

/// Why a run's record was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadRunError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What never changes of the runs that this process has seen.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    rules: Known<RunRules>,
    slices: Known<Vec<SliceId>>,
}

/// What is known of runs by their names.
type Known<T> = Mutex<HashMap<String, Arc<T>>>;

impl Runs {
    /// The slices that a run's list was cut into, each with that of its canary where it has one;
    /// `None` until it is cut.
    pub(crate) async fn slices(
        &self,
        store: &Store,
        run: &str,
        has_canary: bool,
    ) -> Result<Option<Arc<Vec<SliceId>>>, ReadRunError> {
        if let Some(known) = self.slices.lock().get(run) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(object) = store.get(&RunKeys::new(run).slices()).await? else {
            return Ok(None);
        };
        let lines = SliceLines::decode(&object.bytes)?.0.into_iter();
        let slices = lines.flat_map(|line| {
            let canary = has_canary.then(|| line.slice.canary());
            canary.into_iter().chain([line.slice])
        });
        Ok(Some(keep(&self.slices, run, slices.collect())))
    }

    /// The rules of a run; `None` where the run has no record.
    pub(crate) async fn rules(
        &self,
        store: &Store,
        run: &str,
    ) -> Result<Option<Arc<RunRules>>, ReadRunError> {
        if let Some(known) = self.rules.lock().get(run) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(object) = store.get(&RunKeys::new(run).record()).await? else {
            return Ok(None);
        };
        let rules = RunRules::of(&RunRecord::decode(&object.bytes)?);
        Ok(Some(keep(&self.rules, run, rules)))
    }
}

fn keep<T>(all: &Known<T>, run: &str, new: T) -> Arc<T> {
    let new = Arc::new(new);
    let mut all = all.lock();
    if all.len() >= MAX_KEPT {
        all.clear();
    }
    all.insert(run.to_owned(), Arc::clone(&new));
    new
}

impl RunRules {
    /// What the producer has checked is read again. What can't be read holds nothing up.
    fn of(record: &RunRecord) -> Self {
        let campaign = &record.campaign;
        let field = |name: &str| campaign.get(name).and_then(Value::as_str);
        let brake = BrakeRule::of_campaign(campaign);
        let brake = brake.or_else(|_| BrakeRule::of_campaign(&Value::Null));
        Self {
            started_at: record.started_at,
            lane: lane_of(campaign),
            brake: brake.ok(),
            canary: CanaryRule::of_campaign(campaign).ok().flatten(),
            expires_at: field("expires_at").and_then(|time| time.parse().ok()),
            can_be_swept: field("channel") != Some(Channel::LineNotify.as_str())
                && !record.list.is_inline(),
            list: record.list.clone(),
        }
    }
}

fn lane_of(campaign: &Value) -> Lane {
    let lane = campaign.get("lane").map(Lane::deserialize);
    lane.and_then(Result::ok).unwrap_or_default()
}
