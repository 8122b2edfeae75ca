//! The environments of the consumer, and its invocations.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use fanline_consumer::{Consumer, Settings};
use fanline_core::campaign::Lane;
use fanline_core::surroundings::Clock;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;

use crate::network::{Process, config_of, line_of};
use crate::plan::WarmOrder;
use crate::time::Millis;
use crate::world::{World, ledger, queues};

/// How long a cold start takes, in milliseconds.
const COLD_START: (u64, u64) = (150, 700);
/// How long Lambda keeps an environment that rests, in seconds.
const KEPT: (u64, u64) = (5 * 60, 45 * 60);

/// The environments of the function.
pub(crate) struct Environments {
    order: WarmOrder,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    resting: VecDeque<Environment>,
    started: u32,
    /// The shares that new environments get. A deployment ends the older environments.
    sharers: usize,
}

/// One environment: a process with a consumer that stays.
pub(crate) struct Environment {
    process: Process,
    consumer: Consumer,
    clock: Clock,
    sharers: usize,
    kept_until: Millis,
}

impl Environment {
    /// Starts an environment whose share is one of `sharers`; of 0, where it has a lease. It is the
    /// one with this number.
    pub(crate) async fn start(world: &Arc<World>, number: u32, sharers: usize) -> Self {
        let process = world.process();
        let surroundings = world.surroundings();
        let clock = surroundings.clock.clone();
        let config = config_of(&world.network, &process);
        let settings = settings(world, sharers);
        let line = line_of(&world.network, &process, number);
        Self {
            consumer: Consumer::in_simulation(settings, &config, surroundings, line).await,
            process,
            clock,
            sharers,
            kept_until: 0,
        }
    }

    /// What it runs in.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Whether the worker may receive more.
    pub(crate) fn takes_more(&self, lane: Lane) -> bool {
        self.consumer.takes_more(lane)
    }

    /// Holds its lease, for ever.
    pub(crate) async fn hold_lease(&self) {
        self.consumer.hold_lease().await;
    }

    /// Gives its lease back.
    pub(crate) async fn give_lease_back(&self) {
        self.consumer.give_lease_back().await;
    }

    /// Works through a batch. An error: it died or took too long, so it is gone.
    pub(crate) async fn invoke(&self, world: &World, event: Value) -> Result<Value, String> {
        let event: SqsEvent = serde_json::from_value(event).expect("the poller makes SQS events");
        let records = event.records.len();
        let timeout = world.plan.consumers.timeout;
        let deadline: Timestamp = self.clock.now() + timeout;
        world.busy.fetch_add(1, Ordering::Relaxed);
        let handled = tokio::select! {
            biased;
            () = self.process.died() => None,
            handled = tokio::time::timeout(timeout, self.consumer.handle(event, deadline)) => {
                handled.ok()
            }
        };
        world.busy.fetch_sub(1, Ordering::Relaxed);
        let number = self.process.number();
        let log = &world.network.log;
        log.invoked(number, records, handled.is_some());
        if self.process.is_dead() {
            log.died(number);
        }
        // What is not answered is ended by Lambda.
        self.process_ends_unless(handled.is_some());
        let handled = handled.ok_or("the environment is gone")?;
        Ok(serde_json::to_value(handled.response).expect("a response is JSON"))
    }

    fn process_ends_unless(&self, is_well: bool) {
        if !is_well {
            self.process.kill();
        }
    }
}

impl Environments {
    /// Environments of which an invocation takes one in this order. None is warm.
    pub(crate) fn new(order: WarmOrder, sharers: usize) -> Self {
        let state = State {
            sharers,
            ..State::default()
        };
        Self {
            order,
            state: Mutex::new(state),
        }
    }

    /// Starts so many environments.
    pub(crate) async fn warm_up(&self, world: &Arc<World>, number: usize) {
        for _ in 0..number {
            let environment = self.start(world).await;
            self.rest(world, environment);
        }
    }

    /// Deploys new shares. Environments with the old ones get no more invocations.
    pub(crate) fn deploy(&self, sharers: usize) {
        self.state.lock().sharers = sharers;
    }

    /// One invocation.
    pub(crate) async fn invoke(&self, world: &Arc<World>, event: Value) -> Result<Value, String> {
        let environment = if let Some(environment) = self.take(world) {
            environment
        } else {
            let (least, most) = COLD_START;
            let wait = Duration::from_millis(world.draw(least, most));
            tokio::time::sleep(wait).await;
            self.start(world).await
        };
        let answer = environment.invoke(world, event).await;
        if answer.is_ok() {
            self.rest(world, environment);
        }
        answer
    }

    async fn start(&self, world: &Arc<World>) -> Environment {
        let (number, sharers) = {
            let mut state = self.state.lock();
            state.started += 1;
            (state.started - 1, state.sharers)
        };
        Environment::start(world, number, sharers).await
    }

    fn rest(&self, world: &World, mut environment: Environment) {
        let (least, most) = KEPT;
        let now = world.network.time.millis();
        environment.kept_until = now + world.draw(least, most) * 1_000;
        self.state.lock().resting.push_back(environment);
    }

    fn take(&self, world: &World) -> Option<Environment> {
        let now = world.network.time.millis();
        let mut state = self.state.lock();
        let sharers = state.sharers;
        state.resting.retain(|environment| {
            environment.kept_until > now
                && environment.sharers == sharers
                && !environment.process.is_dead()
        });
        match self.order {
            WarmOrder::Last => state.resting.pop_back(),
            WarmOrder::Turns => state.resting.pop_front(),
            WarmOrder::Any => {
                let last = state.resting.len().checked_sub(1)?;
                let which = world.draw(0, last as u64);
                state.resting.remove(usize::try_from(which).ok()?)
            }
        }
    }
}

/// The settings of an environment that is one of `sharers`.
fn settings(world: &World, sharers: usize) -> Settings {
    let plan = &world.plan;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let share = |limit: f64| (limit / sharers.max(1) as f64).to_string();
    let mut variables = vec![
        ("LINE_CHANNEL_ACCESS_TOKEN", "the-token".to_owned()),
        ("LINE_API_BASE", "https://line.simulation".to_owned()),
        ("LINE_NOTIFY_API_BASE", "https://line.simulation".to_owned()),
        ("DELIVERY_QUEUE_URL", queues::url(&world.names.deliveries)),
        (
            "DEAD_LETTER_QUEUE_URL",
            queues::url(&world.names.dead_letters),
        ),
        ("NOTIFY_PER_SECOND", share(plan.line.push_limit)),
        (
            "RETRY_BASE_SECONDS",
            plan.consumers.retry_base.as_secs_f64().to_string(),
        ),
        (
            "MAX_RECEIVE_COUNT",
            plan.queue.max_receive_count.to_string(),
        ),
    ];
    let (push, multicast) = (plan.line.push_limit, plan.line.multicast_limit);
    if sharers == 0 {
        variables.extend([
            ("SHARE_PACE", "true".to_owned()),
            ("LINE_PUSH_LIMIT", push.to_string()),
            ("LINE_MULTICAST_LIMIT", multicast.to_string()),
        ]);
    } else {
        variables.extend([
            ("PUSH_PER_SECOND", share(push)),
            ("MULTICAST_PER_SECOND", share(multicast)),
        ]);
    }
    if plan.ledger.is_some() {
        variables.extend([
            ("OUTCOME_QUEUE_URL", queues::url(queues::OUTCOMES)),
            ("PARKED_QUEUE_URL", queues::url(queues::PARKED)),
            ("CONTROL_URI", ledger::CONTROL_URI.to_owned()),
        ]);
        if sharers > 0 {
            variables.push(("ENVIRONMENTS", sharers.to_string()));
        }
    }
    if let Some(urgent) = &world.names.urgent {
        variables.push(("URGENT_QUEUE_URL", queues::url(urgent)));
    }
    let lookup = |name: &str| {
        let variable = variables.iter().find(|(key, _)| *key == name);
        variable.map(|(_, value)| value.clone())
    };
    Settings::from_lookup(lookup).expect("the plan's settings can be used")
}
