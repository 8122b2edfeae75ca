//! How deliveries came to their ends: request IDs and times, out of a run's pages.

use std::collections::HashMap;

use fanline_ledger::{
    At, Cell, DeliveryOutcome, Page, PageLine, Positions, RunKeys, SliceId, Standing, Store,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// So many pages of a bucket are read at the same time.
const BUCKET_READS: usize = 16;
/// The same for a folder. Each read has a thread, and each thread's memory stays with it.
const FOLDER_READS: usize = 2;
/// Deliveries in one piece of memory. One long list would be moved each time it grows, and what it
/// leaves behind is half of the memory that a million deliveries take.
const CHUNK: u32 = 4_096;

/// How a person's delivery came to its end.
#[derive(Debug)]
pub(crate) struct Ending {
    /// LINE's request ID, where it answered.
    pub(crate) request_id: Option<String>,
    pub(crate) time: Option<Timestamp>,
}

/// How one delivery, or a part of one, came to its end, as it is held in memory.
///
/// A million of them are held at once, in 32 bytes each.
#[derive(Debug, Clone)]
struct Held {
    cell: Cell,
    milliseconds: i64,
    request: Request,
}

/// LINE's request ID. A UUID is kept as a number.
#[derive(Debug, Clone)]
enum Request {
    None,
    Uuid(Uuid),
    /// Its place in `Endings::other_ids`.
    Other(u32),
}

/// The endings of a run's deliveries.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    wholes: HashMap<(SliceId, u32), Vec<Option<Held>>>,
    parts: HashMap<(SliceId, u32), Vec<(Positions, Held)>>,
    /// Request IDs that are no UUIDs.
    other_ids: Vec<Box<str>>,
}

impl Endings {
    /// Reads all pages of a run. `is_wanted` says which deliveries are kept.
    pub(crate) async fn read(
        ledger: &Ledger,
        keys: &RunKeys,
        is_wanted: impl Fn(&At) -> bool,
    ) -> anyhow::Result<Self> {
        let pages = ledger.store.list(&keys.pages()).await.map_err(unusable)?;
        let pages = stream::iter(pages).map(async |page| {
            let object = ledger.store.get(&page.key).await;
            object.map(|object| (page.key, object))
        });
        let mut pages = pages.buffered(match ledger.store {
            Store::Bucket(_) => BUCKET_READS,
            Store::Folder(_) => FOLDER_READS,
        });
        let mut endings = Self::default();
        while let Some((key, object)) = pages.try_next().await.map_err(unusable)? {
            let Some(object) = object else {
                continue;
            };
            let wrong = |error| InputError(format!("`{key}`: {error}"));
            for line in Page::read(object.bytes).map_err(wrong)? {
                let PageLine::Outcome(outcome) = line.map_err(wrong)? else {
                    continue;
                };
                if let Standing::At(at) = &outcome.standing
                    && is_wanted(at)
                {
                    endings.add(at, &outcome);
                }
            }
        }
        Ok(endings)
    }

    fn add(&mut self, at: &At, outcome: &DeliveryOutcome) {
        let held = Held {
            cell: outcome.cell(),
            milliseconds: outcome.time.as_millisecond(),
            request: self.request(outcome.request_id.as_deref()),
        };
        if let Some(positions) = at.positions() {
            let parts = self.parts.entry((at.slice(), at.delivery())).or_default();
            parts.push((positions.clone(), held));
            return;
        }
        let (chunk, index) = place_of(at.delivery());
        let wholes = self.wholes.entry((at.slice(), chunk));
        let wholes = wholes.or_insert_with(|| vec![None; CHUNK as usize]);
        if let Some(whole) = wholes.get_mut(index) {
            let is_better = whole.as_ref().is_none_or(|known| known.cell < held.cell);
            if is_better {
                *whole = Some(held);
            }
        }
    }

    fn request(&mut self, id: Option<&str>) -> Request {
        let Some(id) = id else {
            return Request::None;
        };
        match Uuid::parse_str(id) {
            // Only in the form in which it is written again.
            Ok(uuid) if uuid.to_string() == id => Request::Uuid(uuid),
            _ => {
                let place = u32::try_from(self.other_ids.len()).unwrap_or(u32::MAX);
                self.other_ids.push(id.into());
                Request::Other(place)
            }
        }
    }

    /// How a person of a delivery came to this cell; `None` where no page says it.
    pub(crate) fn of(
        &self,
        (slice, delivery, position): (SliceId, u32, u16),
        cell: Cell,
    ) -> Option<Ending> {
        let (chunk, index) = place_of(delivery);
        let wholes = self.wholes.get(&(slice, chunk));
        let whole = wholes.and_then(|wholes| wholes.get(index)?.as_ref());
        let parts = self.parts.get(&(slice, delivery)).into_iter().flatten();
        let parts = parts.filter(|(positions, _)| positions.iter().any(|one| one == position));
        let mut all = whole.into_iter().chain(parts.map(|(_, held)| held));
        let held = all.find(|held| held.cell == cell)?;
        Some(Ending {
            request_id: match held.request {
                Request::None => None,
                Request::Uuid(id) => Some(id.to_string()),
                Request::Other(place) => {
                    let id = self.other_ids.get(place as usize);
                    id.map(|id| id.as_ref().to_owned())
                }
            },
            time: Timestamp::from_millisecond(held.milliseconds).ok(),
        })
    }
}

/// The chunk of a delivery, and where it is there.
fn place_of(delivery: u32) -> (u32, usize) {
    (delivery / CHUNK, (delivery % CHUNK) as usize)
}
