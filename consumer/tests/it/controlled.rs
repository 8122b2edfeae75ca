//! A world with a control object in a folder, as an operator's commands write it.

use std::path::PathBuf;

use fanline_consumer::{Consumer, Handled};
use fanline_ledger::{
    CONTROL_KEY, Control, Edit, EditError, Entry, Folder, Lane, OutcomeMessage, Stack, Store,
    edit_control,
};
use fanline_local::LineOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{World, delivery_with, receive};

pub(crate) const RUN: &str = "xmas@2026-12-25T00:00:00Z";
pub(crate) const OTHER: &str = "new-year@2027-01-01T00:00:00Z";
/// How many environments share a pace in these tests.
pub(crate) const ENVIRONMENTS: u32 = 10;

/// A world with an outcome queue, a parked queue and a control object.
pub(crate) struct Controlled {
    pub(crate) world: World,
    pub(crate) outcomes: String,
    pub(crate) parked: String,
    folder: PathBuf,
}

impl Controlled {
    /// Both runs are open.
    pub(crate) async fn start(options: LineOptions) -> Self {
        let world = World::with(options).await;
        let outcomes = queue(&world, "outcomes").await;
        let parked = queue(&world, "parked").await;
        let name = format!("fanline-control-{:x}", rand::random::<u64>());
        let controlled = Self {
            world,
            outcomes,
            parked,
            folder: std::env::temp_dir().join(name),
        };
        for run in [RUN, OTHER] {
            controlled.enter(run).await;
        }
        controlled
    }

    async fn enter(&self, run: &str) {
        let stack = Stack {
            environments: Some(ENVIRONMENTS),
            ..Stack::default()
        };
        self.edit(|edit| edit.set_stack(stack.clone())).await;
        let entry = Entry {
            run,
            started_at: Timestamp::now() - SignedDuration::from_hours(1),
            lane: Lane::Bulk,
            has_canary: false,
        };
        self.edit(|edit| edit.enter(&entry)).await;
    }

    /// An operator's command. It has returned when this has.
    pub(crate) async fn edit(&self, edit: impl Fn(Edit<'_>) -> Result<Control, EditError>) {
        let store = Store::Folder(Folder::new(&self.folder));
        let edited = edit_control(&store, |control| {
            edit(Edit::new(control, "an-operator", None, Timestamp::now())?)
        });
        edited.await.unwrap();
    }

    /// Only the first run is in control.
    pub(crate) async fn cancel_the_other(&self) {
        self.edit(|edit| edit.cancel(OTHER)).await;
    }

    /// Somebody has edited the object by hand.
    pub(crate) fn spoil(&self) {
        std::fs::write(self.folder.join(CONTROL_KEY), "{\"v\":1,\"runs\":").unwrap();
    }

    /// The control object.
    pub(crate) fn object(&self) -> Vec<u8> {
        std::fs::read(self.folder.join(CONTROL_KEY)).unwrap()
    }

    /// Nobody has written one yet.
    pub(crate) fn remove(&self) {
        std::fs::remove_file(self.folder.join(CONTROL_KEY)).unwrap();
    }

    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let control = format!("file://{}", self.folder.join(CONTROL_KEY).display());
        vec![
            ("CONTROL_URI", control),
            ("CONTROL_SECONDS", "0.1".into()),
            ("OUTCOME_QUEUE_URL", self.outcomes.clone()),
            ("PARKED_QUEUE_URL", self.parked.clone()),
            ("ENVIRONMENTS", ENVIRONMENTS.to_string()),
        ]
    }

    pub(crate) async fn consumer(&self) -> Consumer {
        self.consumer_with(&[]).await
    }

    /// A new environment. `changed` replaces the variables of this world.
    pub(crate) async fn consumer_with(&self, changed: &[(&str, &str)]) -> Consumer {
        let mut all = changed.to_vec();
        let own = self.variables();
        all.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        self.world.consumer_with(&all).await
    }

    pub(crate) async fn handle_for(
        &self,
        seconds: i64,
        consumer: &Consumer,
        bodies: &[String],
    ) -> Handled {
        self.world.handle_for(seconds, consumer, bodies).await
    }

    /// What the outcome queue has said so far.
    pub(crate) async fn messages(&self) -> Vec<OutcomeMessage> {
        let mut all = Vec::new();
        loop {
            let messages = receive(&self.world.sqs, &self.outcomes).await;
            if messages.is_empty() {
                return all;
            }
            let bodies = messages.iter().map(|message| message.body.as_deref());
            all.extend(bodies.map(|body| OutcomeMessage::decode(body.unwrap()).unwrap()));
        }
    }

    /// Takes some deliveries off the parked queue.
    pub(crate) async fn take_parked(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        for message in receive(&self.world.sqs, &self.parked).await {
            let request = self.world.sqs.delete_message().queue_url(&self.parked);
            let request = request.receipt_handle(message.receipt_handle.unwrap());
            request.send().await.unwrap();
            bodies.push(message.body.unwrap());
        }
        bodies
    }

    /// How many requests LINE has seen.
    pub(crate) fn requests(&self) -> u64 {
        let ledger = self.world.line.ledger();
        ledger.requests.values().flat_map(|by| by.values()).sum()
    }
}

impl Drop for Controlled {
    fn drop(&mut self) {
        // It lies in the system's folder for such things; what is left there harms nobody.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A delivery of this run.
pub(crate) fn of(run: &str, place: &str, recipients: &[String]) -> String {
    delivery_with(recipients, |body| {
        body["run"] = json!(run);
        body["at"] = json!(place);
    })
}

async fn queue(world: &World, name: &str) -> String {
    let queue = world.sqs.create_queue().queue_name(name).send().await;
    queue.unwrap().queue_url.unwrap()
}
