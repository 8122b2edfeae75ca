//! How deliveries came to their ends: request IDs and times, out of a run's pages.

use std::collections::HashMap;

use fanline_ledger::{
    At, Cell, DeliveryOutcome, Page, PageLine, Positions, RunKeys, SliceId, Standing,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// So many pages are read at the same time.
const READS: usize = 16;
/// Deliveries in one piece of memory. One long list would be moved each time it grows, and what it
/// leaves behind is half of the memory that a million deliveries take.
const CHUNK: u32 = 4_096;

/// How one delivery, or a part of one, came to its end.
///
/// A million of them are held at once, so the ID is kept as a number where it is a UUID.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    cell: Cell,
    milliseconds: i64,
    request: Request,
}

#[derive(Debug, Clone)]
enum Request {
    None,
    Uuid(Uuid),
    Other(Box<str>),
}

impl Ending {
    fn of(outcome: &DeliveryOutcome) -> Self {
        let request = match &outcome.request_id {
            None => Request::None,
            Some(id) => match Uuid::parse_str(id) {
                // Only in the form in which it is written again.
                Ok(uuid) if uuid.to_string() == *id => Request::Uuid(uuid),
                _ => Request::Other(id.as_str().into()),
            },
        };
        Self {
            cell: outcome.cell(),
            milliseconds: outcome.time.as_millisecond(),
            request,
        }
    }

    /// LINE's request ID, where it answered.
    pub(crate) fn request_id(&self) -> Option<String> {
        match &self.request {
            Request::None => None,
            Request::Uuid(id) => Some(id.to_string()),
            Request::Other(id) => Some(id.as_ref().to_owned()),
        }
    }

    /// When it came to its end.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.milliseconds).ok()
    }
}

/// The endings of a run's deliveries.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    wholes: HashMap<(SliceId, u32), Vec<Option<Ending>>>,
    parts: HashMap<(SliceId, u32), Vec<(Positions, Ending)>>,
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
        let mut pages = pages.buffered(READS);
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
        let ending = Ending::of(outcome);
        if let Some(positions) = at.positions() {
            let parts = self.parts.entry((at.slice(), at.delivery())).or_default();
            parts.push((positions.clone(), ending));
            return;
        }
        let (chunk, index) = place_of(at.delivery());
        let wholes = self.wholes.entry((at.slice(), chunk));
        let wholes = wholes.or_insert_with(|| vec![None; CHUNK as usize]);
        if let Some(whole) = wholes.get_mut(index) {
            let is_better = whole.as_ref().is_none_or(|known| known.cell < ending.cell);
            if is_better {
                *whole = Some(ending);
            }
        }
    }

    /// How a person of a delivery came to this cell; `None` where no page says it.
    pub(crate) fn of(
        &self,
        (slice, delivery, position): (SliceId, u32, u16),
        cell: Cell,
    ) -> Option<&Ending> {
        let (chunk, index) = place_of(delivery);
        let wholes = self.wholes.get(&(slice, chunk));
        let whole = wholes.and_then(|wholes| wholes.get(index)?.as_ref());
        let parts = self.parts.get(&(slice, delivery)).into_iter().flatten();
        let parts = parts.filter(|(positions, _)| positions.iter().any(|one| one == position));
        let mut all = whole.into_iter().chain(parts.map(|(_, ending)| ending));
        all.find(|ending| ending.cell == cell)
    }
}

/// The chunk of a delivery, and where it is there.
fn place_of(delivery: u32) -> (u32, usize) {
    (delivery / CHUNK, (delivery % CHUNK) as usize)
}
