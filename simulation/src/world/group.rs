//! Workers that come and go, and share the pace by leases.

use std::sync::Arc;

use aws_sdk_sqs::Client;
use fanline_core::campaign::Lane;
use fanline_poller::{Gate, Poller, PollerOptions};
use tokio::task::JoinSet;

use crate::network::config_of;
use crate::plan::{Stay, StayEnd};
use crate::world::consumers::Environment;
use crate::world::{World, queues};

/// Runs the workers of the plan, each for its time.
pub(super) async fn run(world: Arc<World>) {
    let mut workers = JoinSet::new();
    for (number, stay) in (0..).zip(world.plan.consumers.stays.clone()) {
        workers.spawn(worker(Arc::clone(&world), number, stay));
    }
    while workers.join_next().await.is_some() {}
    std::future::pending::<()>().await;
}

async fn worker(world: Arc<World>, number: u32, stay: Stay) {
    world.network.time.sleep_until(stay.from).await;
    let worker = Arc::new(Environment::start(&world, number, 0).await);
    let mut tasks = JoinSet::new();
    let leased = Arc::clone(&worker);
    tasks.spawn(async move { leased.hold_lease().await });
    let poller = poll(&world, &worker).await;
    let Some((at, end)) = stay.end else {
        return std::future::pending().await;
    };
    world.network.time.sleep_until(at).await;
    match end {
        StayEnd::Stops => {
            poller.stop().await;
            tasks.abort_all();
            worker.give_lease_back().await;
        }
        StayEnd::Dies => {
            worker.process().kill();
            drop(poller);
        }
    }
}

async fn poll(world: &Arc<World>, worker: &Arc<Environment>) -> Poller {
    let (to, runs) = (Arc::clone(world), Arc::clone(worker));
    let function = move |event| {
        let (world, worker) = (Arc::clone(&to), Arc::clone(&runs));
        async move { worker.invoke(&world, event).await }
    };
    let sqs = Client::new(&config_of(&world.network, worker.process()));
    let taker = Arc::clone(worker);
    let (queue, concurrency) = (&world.names.deliveries, world.plan.consumers.concurrency);
    let options = PollerOptions {
        gate: Gate::from_fn(move || taker.takes_more(Lane::Bulk)),
        ..queues::polled(world, queue, concurrency)
    };
    let poller = Poller::start(sqs, options, function).await;
    poller.expect("the delivery queue is there")
}
