//! The producers: firings of campaigns, and slices from their queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_sqs::Client;
use fanline_core::surroundings::Random;
use fanline_poller::{Poller, PollerOptions};
use fanline_producer::{Producer, Settings, Summary};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::lists::event;
use crate::log::RowCounts;
use crate::network::config_of;
use crate::plan::CampaignPlan;
use crate::world::{World, ledger, queues, service};

/// A person repeats a firing that fails so often at most.
const MAX_REPEATS: u32 = 3;

/// What runs the producers. A drop ends them.
pub(crate) struct Producers {
    _firings: JoinSet<()>,
    _slices: Poller,
}

/// Starts the firings and the slice queue's mapping.
pub(crate) async fn start(world: &Arc<World>) -> Producers {
    let mut firings = JoinSet::new();
    for campaign in &world.plan.campaigns {
        for number in 0..campaign.firings.len() {
            world.productions.fetch_add(1, Ordering::Relaxed);
            firings.spawn(fire(Arc::clone(world), campaign.clone(), number));
        }
    }
    let to = Arc::clone(world);
    let function = move |event| {
        let world = Arc::clone(&to);
        async move {
            world.productions.fetch_add(1, Ordering::Relaxed);
            let bytes = world.plan.producers.slice_bytes;
            let end = produce(&world, event, bytes, None).await;
            world.production_over();
            end.map(|()| Value::Null)
        }
    };
    let options = PollerOptions {
        batch_size: 1,
        concurrency: world.plan.producers.concurrency,
        report_failures: false,
        random: Random::seeded(world.draw(0, u64::MAX)),
        ..PollerOptions::new(queues::url(&world.names.slices))
    };
    let sqs = Client::new(&config_of(&world.network, &service()));
    let slices = Poller::start(sqs, options, function).await;
    Producers {
        _firings: firings,
        _slices: slices.expect("the slice queue is there"),
    }
}

/// One firing. Where it fails, a person repeats it.
async fn fire(world: Arc<World>, campaign: CampaignPlan, number: usize) {
    let firing = campaign.firings[number];
    let name = (campaign.id.clone(), number);
    world.network.time.sleep_until(firing.at).await;
    let bytes = firing
        .slice_bytes
        .unwrap_or(world.plan.producers.slice_bytes);
    let event = event(&campaign, &firing, world.network.time);
    for _ in 0..=MAX_REPEATS {
        if produce(&world, event.clone(), bytes, Some(name.clone()))
            .await
            .is_ok()
        {
            break;
        }
        tokio::time::sleep(world.plan.producers.repeat_after).await;
    }
    world.production_over();
}

/// One invocation, in an environment of its own.
async fn produce(
    world: &Arc<World>,
    event: Value,
    slice_bytes: u64,
    firing: Option<(String, usize)>,
) -> Result<(), String> {
    let process = world.process();
    let surroundings = world.surroundings();
    let timeout = world.plan.producers.timeout;
    let deadline = surroundings.clock.now() + timeout;
    let config = config_of(&world.network, &process);
    let producer = Producer::in_surroundings(settings(world, slice_bytes), &config, surroundings);
    let end = tokio::select! {
        biased;
        () = process.died() => Err("the environment died".to_owned()),
        end = tokio::time::timeout(timeout, producer.handle(event, Some(deadline))) => match end {
            Ok(end) => end.map_err(|error| error.to_string()),
            Err(_) => Err("the function timed out".to_owned()),
        },
    };
    if process.is_dead() {
        world.network.log.died(process.number());
    }
    process.kill();
    let run = end.as_ref().map_or("", |summary| summary.run.as_str());
    let counts = end.as_ref().map(counts).map_err(Clone::clone);
    world.network.log.produced(firing.as_ref(), run, &counts);
    end.map(|_| ())
}

fn counts(summary: &Summary) -> RowCounts {
    RowCounts {
        rows: summary.rows,
        // Who has an outcome already is left out where a run goes on.
        recipients: summary.recipients + summary.left_out.total(),
        rejected: summary.rejected,
        duplicates: summary.duplicates,
        sliced: summary.sliced_rows,
    }
}

fn settings(world: &World, slice_bytes: u64) -> Settings {
    let lookup = |name: &str| match name {
        "DELIVERY_QUEUE_URL" => Some(queues::url(&world.names.deliveries)),
        "URGENT_QUEUE_URL" => world.names.urgent.as_deref().map(queues::url),
        "SLICE_QUEUE_URL" => Some(queues::url(&world.names.slices)),
        "LEDGER_URI" => Some(ledger::LEDGER_URI.to_owned()),
        "CONTROL_URI" if world.plan.ledger.is_some() => Some(ledger::CONTROL_URI.to_owned()),
        "SLICE_BYTES" => Some(slice_bytes.to_string()),
        _ => None,
    };
    Settings::from_lookup(lookup).expect("the plan's settings can be used")
}

impl World {
    /// A firing or a slice is over.
    fn production_over(&self) {
        self.productions.fetch_sub(1, Ordering::Relaxed);
        self.production_ended.notify_waiters();
    }
}
