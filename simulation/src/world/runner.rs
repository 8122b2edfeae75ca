//! What calls the consumers: Lambda's mapping, or the worker.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use fanline_core::campaign::Lane;
use fanline_poller::{Gate, Poller, PollerOptions};
use tokio::task::JoinSet;

use crate::network::config_of;
use crate::plan::{Runner, WarmOrder};
use crate::world::consumers::{Environment, Environments};
use crate::world::{World, group, queues, service};

/// `CloudFormation` updates the function first, and the mapping that refers to it after it.
const MAPPING_FOLLOWS: Duration = Duration::from_mins(1);
/// A worker that died is started again after so many seconds.
const RESTART: (u64, u64) = (1, 60);

/// Starts the consumers. A drop ends them.
pub(crate) fn start(world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    match world.plan.consumers.runner {
        Runner::Lambda(order) => tasks.spawn(lambda(Arc::clone(world), order)),
        Runner::Worker => tasks.spawn(worker(Arc::clone(world))),
        Runner::Group => tasks.spawn(group::run(Arc::clone(world))),
    };
    tasks
}

async fn lambda(world: Arc<World>, order: WarmOrder) {
    let plan = &world.plan.consumers;
    let all = |concurrency| concurrency + plan.urgent;
    let environments = Arc::new(Environments::new(order, all(plan.concurrency)));
    environments.warm_up(&world, plan.warm).await;
    let _urgent = match &world.names.urgent {
        Some(urgent) => Some(map(&world, &environments, urgent, plan.urgent).await),
        None => None,
    };
    let queue = &world.names.deliveries;
    let mut mapping = map(&world, &environments, queue, plan.concurrency).await;
    for (at, concurrency) in &plan.changes {
        world.network.time.sleep_until(*at).await;
        environments.deploy(all(*concurrency));
        tokio::time::sleep(MAPPING_FOLLOWS).await;
        mapping.stop().await;
        mapping = map(&world, &environments, queue, *concurrency).await;
    }
    std::future::pending::<()>().await;
}

/// The event source mapping of a queue.
async fn map(
    world: &Arc<World>,
    environments: &Arc<Environments>,
    queue: &str,
    concurrency: usize,
) -> Poller {
    let (to, environments) = (Arc::clone(world), Arc::clone(environments));
    let function = move |event| {
        let (world, environments) = (Arc::clone(&to), Arc::clone(&environments));
        async move { environments.invoke(&world, event).await }
    };
    let sqs = Client::new(&config_of(&world.network, &service()));
    let options = PollerOptions {
        ramp: true,
        ..queues::polled(world, queue, concurrency)
    };
    let poller = Poller::start(sqs, options, function).await;
    poller.expect("the delivery queue is there")
}

/// Workers, one after the other: each lives until it dies.
async fn worker(world: Arc<World>) {
    for number in 0.. {
        let environment = Arc::new(Environment::start(&world, number, 1).await);
        let process = environment.process().clone();
        let (to, runs) = (Arc::clone(&world), Arc::clone(&environment));
        let function = move |event| {
            let (world, environment) = (Arc::clone(&to), Arc::clone(&runs));
            async move { environment.invoke(&world, event).await }
        };
        let sqs = Client::new(&config_of(&world.network, &process));
        let taker = Arc::clone(&environment);
        let options = PollerOptions {
            gate: Gate::from_fn(move || taker.takes_more(Lane::Bulk)),
            ..queues::polled(
                &world,
                &world.names.deliveries,
                world.plan.consumers.concurrency,
            )
        };
        let poller = tokio::select! {
            biased;
            () = process.died() => None,
            poller = Poller::start(sqs, options, function) => poller.ok(),
        };
        if poller.is_some() {
            process.died().await;
        }
        drop(poller);
        let (least, most) = RESTART;
        tokio::time::sleep(Duration::from_secs(world.draw(least, most))).await;
    }
}
