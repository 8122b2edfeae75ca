//! Keeps ECS from ending the task while a batch is in hand.
//!
//! ECS gives a task the address of its agent in `ECS_AGENT_URI`. On a machine without one there is
//! nothing to do: there SIGTERM comes first, and the worker finishes what it has.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html>

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanline_core::settings::variable;
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinHandle;

/// The protection ends by itself after so many minutes: the task may die.
const EXPIRES_MINUTES: u32 = 2;
/// It is asked for anew so often while batches come.
const RENEW: Duration = Duration::from_secs(45);
/// And given up when nothing was in hand for so long.
const IDLE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(500);
const TIME_OUT: Duration = Duration::from_secs(5);

/// The batches in hand.
#[derive(Clone, Default)]
pub(super) struct InHand(Arc<AtomicUsize>);

/// A batch in hand, until it is dropped.
pub(super) struct BatchInHand(InHand);

impl InHand {
    pub(super) fn take(&self) -> BatchInHand {
        self.0.fetch_add(1, Ordering::Relaxed);
        BatchInHand(self.clone())
    }
}

impl Drop for BatchInHand {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The protection of this task.
pub(super) struct Protection {
    in_hand: InHand,
    agent: Option<(Agent, JoinHandle<()>)>,
}

#[derive(Clone)]
struct Agent {
    client: Client,
    url: String,
}

impl Protection {
    /// Protects this task from now on whenever a batch is in hand.
    pub(super) fn of_this_task() -> Self {
        Self::by_agent(variable("ECS_AGENT_URI").as_deref(), IDLE)
    }

    fn by_agent(uri: Option<&str>, after: Duration) -> Self {
        let in_hand = InHand::default();
        let client = Client::builder().timeout(TIME_OUT).build();
        let agent = uri.zip(client.ok()).map(|(uri, client)| {
            let url = format!("{uri}/task-protection/v1/state");
            let agent = Agent { client, url };
            let keeper = tokio::spawn(agent.clone().keep(in_hand.clone(), after));
            (agent, keeper)
        });
        Self { in_hand, agent }
    }

    /// Where batches say that they are in hand.
    pub(super) fn in_hand(&self) -> InHand {
        self.in_hand.clone()
    }

    /// The task may be ended.
    pub(super) async fn end(self) {
        if let Some((agent, keeper)) = self.agent {
            keeper.abort();
            agent.protect(false).await;
        }
    }
}

impl Agent {
    async fn keep(self, in_hand: InHand, after: Duration) {
        let (mut since, mut idle) = (None::<Duration>, Duration::ZERO);
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            let is_busy = in_hand.0.load(Ordering::Relaxed) > 0;
            idle = if is_busy { Duration::ZERO } else { idle + LOOK };
            match since {
                None if is_busy => {
                    self.protect(true).await;
                    since = Some(Duration::ZERO);
                }
                Some(_) if idle >= after => {
                    self.protect(false).await;
                    since = None;
                }
                Some(lasts) if lasts >= RENEW => {
                    self.protect(true).await;
                    since = Some(Duration::ZERO);
                }
                Some(lasts) => since = Some(lasts + LOOK),
                None => {}
            }
        }
    }

    /// A task that is not protected may be ended with SIGTERM, so a failure loses nothing.
    async fn protect(&self, is_protected: bool) {
        let body = if is_protected {
            json!({"ProtectionEnabled": true, "ExpiresInMinutes": EXPIRES_MINUTES})
        } else {
            json!({"ProtectionEnabled": false})
        };
        let request = self.client.put(&self.url).json(&body).send().await;
        let answer = request.and_then(reqwest::Response::error_for_status);
        if let Err(error) = answer {
            let error = error.without_url();
            tracing::warn!(%error, is_protected, "task protection not changed");
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::State;
    use axum::routing::put;
    use axum::{Json, Router};
    use parking_lot::Mutex;
    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;

    type Asked = Arc<Mutex<Vec<Value>>>;

    async fn note(State(asked): State<Asked>, Json(body): Json<Value>) {
        asked.lock().push(body);
    }

    async fn until(asked: &Asked, number: usize) -> Vec<Value> {
        for _ in 0..2_000 {
            if asked.lock().len() >= number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        asked.lock().clone()
    }

    #[tokio::test]
    async fn a_task_is_protected_while_a_batch_is_in_hand() {
        let asked = Asked::default();
        let app = Router::new().route("/agent/task-protection/v1/state", put(note));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/agent", listener.local_addr().unwrap());
        let app = app.with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

        let protection = Protection::by_agent(Some(&uri), LOOK);
        let batch = protection.in_hand().take();
        let on = json!({"ProtectionEnabled": true, "ExpiresInMinutes": 2});
        assert_eq!(until(&asked, 1).await, std::slice::from_ref(&on));
        drop(batch);
        let off = json!({"ProtectionEnabled": false});
        assert_eq!(until(&asked, 2).await, [on.clone(), off.clone()]);
        protection.end().await;
        assert_eq!(until(&asked, 3).await, [on, off.clone(), off]);
    }
}
