//! What is new on a page, as events: the parts that have changed since the last one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep_until};

use super::page::Page;
use super::server::Server;

const INTERVAL: Duration = Duration::from_secs(1);

/// One browser that listens.
struct Listener {
    server: Arc<Server>,
    page: Page,
    seen: HashMap<&'static str, String>,
    next: Instant,
}

/// The events of a page: all parts at first, then once a second those that have changed.
pub(super) fn stream(
    server: Arc<Server>,
    page: Page,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = Listener {
        server,
        page,
        seen: HashMap::new(),
        next: Instant::now(),
    };
    let events = unfold(listener, async |mut listener| {
        let changes = listener.changes().await;
        Some((Ok(Event::default().data(changes)), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

impl Listener {
    /// Waits until something has changed. What can't be read now is tried again.
    async fn changes(&mut self) -> String {
        loop {
            sleep_until(self.next).await;
            self.next = Instant::now() + INTERVAL;
            if let Ok(Some(parts)) = self.server.parts(&self.page).await
                && let Some(changes) = parts.changes(&mut self.seen)
            {
                return changes;
            }
        }
    }
}
