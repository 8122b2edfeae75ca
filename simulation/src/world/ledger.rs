//! The ledger's parts: the bookkeeper, its tick, the operator, and what the books say at the end.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use fanline_bookkeeper::{Bookkeeper, Event, Settings};
use fanline_core::surroundings::Random;
use fanline_ledger::{Edit, Equation, RunKeys, Store, edit_control, read_sum};
use fanline_poller::{Poller, PollerOptions};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::network::{Process, config_of};
use crate::plan::{CampaignPlan, LedgerPlan, Order};
use crate::world::{World, queues, service};

/// Where the ledger and the control object are.
pub(crate) const LEDGER_URI: &str = "s3://lists/ledger/";
/// The control object.
pub(crate) const CONTROL_URI: &str = "s3://lists/control/control.json";

/// The bookkeeper is called so often.
const TICK: Duration = Duration::from_mins(1);
/// An operator whose command failed tries again after this time.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// `MaximumConcurrency` of the outcome queue.
const BOOKKEEPERS: usize = 2;

/// What runs the ledger. A drop ends it.
pub(crate) struct Ledger {
    _tasks: JoinSet<()>,
    _outcomes: Poller,
}

/// What the books say of a run.
#[derive(Debug)]
pub(crate) struct Books {
    pub campaign: usize,
    /// `None`: nobody has begun a record of it.
    pub equation: Option<Equation>,
    /// People of accepted deliveries without a place in the run.
    pub loose: u64,
}

/// Starts the bookkeeper, its ticks and the operator, where the plan has a ledger.
pub(crate) async fn start(world: &Arc<World>) -> Option<Ledger> {
    let plan = world.plan.ledger.clone()?;
    let mut tasks = JoinSet::new();
    tasks.spawn(tick(Arc::clone(world)));
    tasks.spawn(operate(Arc::clone(world), plan));
    let to = Arc::clone(world);
    let function = move |event: Value| {
        let world = Arc::clone(&to);
        async move {
            let event = serde_json::from_value(event).expect("the poller makes SQS events");
            keep(&world, event).await
        }
    };
    let options = PollerOptions {
        concurrency: BOOKKEEPERS,
        random: Random::seeded(world.draw(0, u64::MAX)),
        ..PollerOptions::new(queues::url(queues::OUTCOMES))
    };
    let sqs = Client::new(&config_of(&world.network, &service()));
    let outcomes = Poller::start(sqs, options, function).await;
    Some(Ledger {
        _tasks: tasks,
        _outcomes: outcomes.expect("the outcome queue is there"),
    })
}

async fn tick(world: Arc<World>) {
    loop {
        tokio::time::sleep(TICK).await;
        // A tick that fails is one less.
        drop(keep(&world, Event::Tick).await);
    }
}

/// One invocation of the bookkeeper, in an environment of its own.
async fn keep(world: &Arc<World>, event: Event) -> Result<Value, String> {
    let process = world.bookkeeper_process();
    let config = config_of(&world.network, &process);
    let bookkeeper = Bookkeeper::in_surroundings(settings(world), &config, world.surroundings());
    let handled = tokio::select! {
        biased;
        () = process.died() => Err("the environment died".to_owned()),
        handled = bookkeeper.handle(event) => handled.map_err(|error| error.to_string()),
    };
    process.kill();
    let response = handled?.response;
    Ok(serde_json::to_value(response).expect("a response is JSON"))
}

fn settings(world: &World) -> Settings {
    let url = |name: &str| Some(queues::url(name));
    let lookup = |name: &str| match name {
        "LEDGER_URI" => Some(LEDGER_URI.to_owned()),
        "OUTCOME_QUEUE_URL" => url(queues::OUTCOMES),
        "PARKED_QUEUE_URL" => url(queues::PARKED),
        "URGENT_QUEUE_URL" => world.names.urgent.as_deref().map(queues::url),
        "DELIVERY_QUEUE_URL" => url(&world.names.deliveries),
        "SLICE_QUEUE_URL" => url(&world.names.slices),
        "ENVIRONMENTS" => Some(world.plan.consumers.concurrency.to_string()),
        _ => None,
    };
    Settings::from_lookup(lookup).expect("the plan's settings can be used")
}

/// The operator. A command that the store does not take is given again.
async fn operate(world: Arc<World>, plan: LedgerPlan) {
    let store = store(&world, &service());
    for (at, order) in plan.orders {
        world.network.time.sleep_until(at).await;
        while !obey(&world, &store, order).await {
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

/// Carries an order out. `false`: the run has not begun yet, or the store does not work.
async fn obey(world: &World, store: &Store, order: Order) -> bool {
    let (Order::Pause(number) | Order::Resume(number) | Order::Cancel(number)) = order;
    let run = run_of(world, &world.plan.campaigns[number]);
    let now = world.network.time.now();
    let edited = edit_control(store, |control| {
        // What has ended can't be changed, and need not be.
        let ends = |control: &fanline_ledger::Control| control.clone();
        let edit = Edit::new(control, "operator", None, now)?;
        let edited = match order {
            Order::Pause(_) => edit.pause(&run, None),
            Order::Resume(_) => edit.resume(&run),
            Order::Cancel(_) => edit.cancel(&run),
        };
        match edited {
            Err(_) if control.run(&run).is_some() => Ok(ends(control)),
            edited => edited,
        }
    });
    // What is parked the bookkeeper brings back: the operator's command may die in the middle.
    edited.await.is_ok()
}

fn run_of(world: &World, campaign: &CampaignPlan) -> String {
    let scheduled = campaign.firings.first().and_then(|firing| firing.scheduled);
    match scheduled {
        Some(scheduled) => format!("{}@{}", campaign.id, world.network.time.at(scheduled)),
        None => campaign.id.clone(),
    }
}

/// What the books say of the first run of each campaign.
pub(crate) async fn books(world: &World) -> Vec<Books> {
    let mut all = Vec::new();
    if world.plan.ledger.is_none() {
        return all;
    }
    let store = store(world, &service());
    for (number, campaign) in world.plan.campaigns.iter().enumerate() {
        let run = run_of(world, campaign);
        let sum = read_sum(&store, &RunKeys::new(&run)).await;
        let sum = sum.expect("the store works at the end");
        all.push(Books {
            campaign: number,
            loose: sum.loose.people.accepted,
            equation: (!sum.counts.is_empty()).then(|| sum.equation()),
        });
    }
    all
}

fn store(world: &World, process: &Process) -> Store {
    let place = LEDGER_URI.parse().expect("an S3 URI");
    Store::of_ledger_uri(&config_of(&world.network, process), &place)
}
