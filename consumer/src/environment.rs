//! What outlives a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use fanline_core::campaign::Lane;
use fanline_core::surroundings::{Clock, Surroundings};

use crate::channel::http::{self, HttpClient};
use crate::channel::pace::{Pace, PartOfPace};
use crate::control::{Controls, ReadRules, SharedPaces};
use crate::lease::WorkerLease;
use crate::line::channel::LineChannel;
use crate::line_notify::channel::NotifyChannel;
use crate::reader::Reader;
use crate::settings::Settings;
use crate::sqs::dead_letter::DeadLetterQueue;
use crate::sqs::delivery_queue::DeliveryQueue;
use crate::sqs::outcome_queue::OutcomeQueue;
use crate::sqs::parked_queue::ParkedQueue;

/// One environment: the channels with their clients, tokens and paces, and the queues.
pub(crate) struct Environment {
    /// What the environment variables say.
    pub settings: Settings,
    /// The Messaging API.
    pub line: LineChannel,
    /// LINE Notify.
    pub line_notify: NotifyChannel,
    /// Where the records come from.
    pub delivery_queue: DeliveryQueue,
    /// Where deliveries are set aside.
    pub dead_letter_queue: DeadLetterQueue,
    /// Where the ledger hears what became of deliveries. `None`: there is no ledger.
    pub outcome_queue: Option<OutcomeQueue>,
    /// Where deliveries of paused runs go while others go on. `None`: they wait.
    pub parked_queue: Option<ParkedQueue>,
    /// Reads the deliveries of records.
    pub reader: Reader,
    /// What an operator says of each run.
    pub controls: Controls,
    /// The lease of a worker that shares the limits. `None`: the share is in the settings.
    pub lease: Option<WorkerLease>,
    /// The time of day and random numbers.
    pub surroundings: Surroundings,
    invocations: AtomicU32,
}

impl Environment {
    /// Makes the clients, and reads the control object and the channel access token, if there are
    /// any.
    pub(crate) async fn start(
        settings: Settings,
        config: &SdkConfig,
        http: HttpClient,
        surroundings: Surroundings,
    ) -> Self {
        let config = &http::with_timeouts(config);
        let sqs = aws_sdk_sqs::Client::new(config);
        let secrets_manager = aws_sdk_secretsmanager::Client::new(config);
        let s3 = aws_sdk_s3::Client::new(config);
        let Surroundings { clock, random } = surroundings.clone();
        let paces = [settings.push_per_second, settings.multicast_per_second];
        let paces = paces.map(|share| Arc::new(Pace::new(share)));
        let controls = controls(&settings, config, &paces, clock.clone());
        let lease = lease(&settings, config, &surroundings);
        let line = LineChannel::start(
            &settings,
            &http,
            secrets_manager,
            (controls.clone(), paces),
            clock.clone(),
        );
        let (line, ()) = tokio::join!(line, controls.read_first());
        let dead_letter_queue_url = settings.dead_letter_queue_url.clone();
        let outcome_queue_url = settings.outcome_queue_url.clone();
        let parked_queue_url = settings.parked_queue_url.clone();
        let environment = Self {
            line,
            reader: Reader::new(config, settings.seal_key.clone(), clock.clone()),
            line_notify: NotifyChannel::new(&settings, http, s3, controls.clone(), clock),
            controls,
            lease,
            delivery_queue: DeliveryQueue::new(
                sqs.clone(),
                settings.delivery_queue_url.clone(),
                settings.urgent_queue_url.clone(),
            ),
            parked_queue: parked_queue_url.map(|url| ParkedQueue::new(sqs.clone(), url)),
            outcome_queue: outcome_queue_url.map(|url| OutcomeQueue::new(sqs.clone(), url)),
            dead_letter_queue: DeadLetterQueue::new(sqs, dead_letter_queue_url, random),
            surroundings,
            settings,
            invocations: AtomicU32::new(0),
        };
        if environment.lease.is_some() {
            environment.use_part(PartOfPace::NOTHING);
        }
        environment
    }

    /// An invocation begins. It ends when the value is dropped.
    pub(crate) fn begin(&self) -> Invocation<'_> {
        self.invocations.fetch_add(1, Ordering::Relaxed);
        self.all_paces().for_each(Pace::begin);
        Invocation(self)
    }

    /// Whether it is worth while to take more records of a lane. During a hold one batch is enough:
    /// it has the probe. During a pause one is enough to see its end.
    pub(crate) fn takes_more(&self, lane: Lane) -> bool {
        // The paces of all endpoints have one lease.
        if self.lease.is_some() && self.all_paces().any(Pace::is_closed) {
            return false;
        }
        let has_no_key = self.reader.is_waiting();
        let waits = self.line.is_on_hold() || self.controls.is_all_paused(lane) || has_no_key;
        !waits || self.invocations.load(Ordering::Relaxed) == 0
    }

    /// A lease allows this part of the share of every endpoint.
    pub(crate) fn use_part(&self, part: PartOfPace) {
        self.all_paces().for_each(|pace| pace.set_part(part));
    }

    fn all_paces(&self) -> impl Iterator<Item = &Pace> {
        self.line
            .all_paces()
            .into_iter()
            .chain([self.line_notify.pace()])
    }
}

/// The control object that the settings name. Nothing is made where they name none.
fn controls(
    settings: &Settings,
    config: &SdkConfig,
    [push, multicast]: &[Arc<Pace>; 2],
    clock: Clock,
) -> Controls {
    let Some(place) = &settings.control else {
        return Controls::NONE;
    };
    let rules = ReadRules {
        period: settings.control_period,
        has_parked_queue: settings.parked_queue_url.is_some(),
    };
    let paces = SharedPaces {
        push: Arc::clone(push),
        multicast: Arc::clone(multicast),
        environments: settings.environments,
    };
    Controls::new(place.open(config), &rules, paces, clock)
}

/// The lease beside the control object, where the settings want one.
fn lease(
    settings: &Settings,
    config: &SdkConfig,
    surroundings: &Surroundings,
) -> Option<WorkerLease> {
    let place = settings.control.as_ref().filter(|_| settings.shares_pace)?;
    let Surroundings { clock, random } = surroundings.clone();
    Some(WorkerLease::new(place.open(config), clock, random))
}

/// An invocation under way.
pub(crate) struct Invocation<'a>(&'a Environment);

impl Invocation<'_> {
    /// For how long it must stay open after its last request. See [`Pace::unpaid`].
    pub(crate) fn unpaid(&self) -> Duration {
        let unpaid = self.0.all_paces().map(Pace::unpaid).max();
        unpaid.unwrap_or(Duration::ZERO)
    }
}

impl Drop for Invocation<'_> {
    fn drop(&mut self) {
        self.0.all_paces().for_each(Pace::end);
        self.0.invocations.fetch_sub(1, Ordering::Relaxed);
    }
}
