//! What was read a moment ago: however many pages are open, a run is read once a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::page::Page;
use super::parts::Parts;

/// A page that nobody asked for in this time is forgotten.
const KEPT: Duration = Duration::from_mins(1);

/// The parts of the pages that are open.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Page, Arc<Slot>>>);

struct Slot {
    asked: Mutex<Instant>,
    /// Locked while the parts are made, so that the others wait for them.
    parts: tokio::sync::Mutex<Option<(Instant, Arc<Parts>)>>,
}

impl Cache {
    /// The parts of a page: those that were made less than `max_age` ago, or new ones. `None` where
    /// there is no such page.
    pub(super) async fn get<E>(
        &self,
        page: &Page,
        max_age: impl Fn(&Parts) -> Duration,
        make: impl Future<Output = Result<Option<Parts>, E>>,
    ) -> Result<Option<Arc<Parts>>, E> {
        let slot = self.slot(page);
        let mut kept = slot.parts.lock().await;
        if let Some((made, parts)) = &*kept
            && made.elapsed() < max_age(parts)
        {
            return Ok(Some(Arc::clone(parts)));
        }
        let new = make.await?.map(Arc::new);
        *kept = new.clone().map(|parts| (Instant::now(), parts));
        Ok(new)
    }

    /// Forgets all: something was changed.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    fn slot(&self, page: &Page) -> Arc<Slot> {
        let mut slots = self.0.lock();
        slots.retain(|_, slot| slot.asked.lock().elapsed() < KEPT);
        let slot = slots.entry(page.clone()).or_insert_with(|| {
            Arc::new(Slot {
                asked: Mutex::new(Instant::now()),
                parts: tokio::sync::Mutex::default(),
            })
        });
        *slot.asked.lock() = Instant::now();
        Arc::clone(slot)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_run_is_read_once_however_many_pages_are_open() {
        let (cache, reads) = (Cache::default(), AtomicU32::new(0));
        let parts = || Parts {
            title: String::new(),
            all: Vec::new(),
            is_over: false,
        };
        let get = |max_age: Duration| {
            let make = async {
                reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Some(parts()))
            };
            cache.get(&Page::Runs, move |_| max_age, make)
        };
        let minute = Duration::from_mins(1);
        let pages = futures_util::future::join_all((0..20).map(|_| get(minute))).await;
        assert!(pages.iter().all(|page| matches!(page, Ok(Some(_)))));
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert!(get(Duration::ZERO).await.unwrap().is_some());
        assert_eq!(reads.load(Ordering::Relaxed), 2, "it was too old");
        cache.clear();
        assert!(get(minute).await.unwrap().is_some());
        assert_eq!(reads.load(Ordering::Relaxed), 3, "it was forgotten");
    }
}
