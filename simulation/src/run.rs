//! One run, from its plan to its report.

use std::collections::HashSet;
use std::time::Duration;

use crate::check::{self, Broken};
use crate::log::Happened;
use crate::person::person;
use crate::plan::{CampaignPlan, Plan};
use crate::world::World;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// What did not hold.
    pub broken: Vec<Broken>,
    /// A print of everything that happened, in its order. Two runs with the same print were equal.
    pub print: u64,
    /// How long it lasted, in virtual time.
    pub lasted: Duration,
    /// How many deliveries were on the queue.
    pub deliveries: usize,
    /// How many requests LINE got.
    pub requests: usize,
    /// When a consumer made the last request for people of each campaign. `None`: it made none.
    pub last_asked: Vec<Option<Duration>>,
    /// How many processes died in the middle.
    pub deaths: u32,
    /// How many requests each process made, in the order of their starts.
    pub process_requests: Vec<u64>,
}

/// Runs a plan to its end, and checks every invariant.
pub fn run(plan: &Plan) -> RunReport {
    // The SDK draws the waits between its attempts from this thread's source.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let ended = runtime
        .expect("a runtime without input and output")
        .block_on(async { World::build(plan).run().await });
    RunReport {
        broken: check::all(plan, &ended),
        print: ended.happened.print,
        lasted: ended.lasted,
        deliveries: ended.happened.deliveries.len(),
        requests: ended.happened.arrivals.len(),
        last_asked: last_asked(plan, &ended.happened),
        deaths: ended.happened.deaths,
        process_requests: ended.process_requests,
    }
}

fn last_asked(plan: &Plan, happened: &Happened) -> Vec<Option<Duration>> {
    let of_campaign = |campaign: &CampaignPlan| {
        let numbers = campaign.first_person..campaign.first_person + campaign.people;
        let people: HashSet<_> = numbers
            .map(|number| person(campaign.channel, number))
            .collect();
        let deliveries = happened.deliveries.iter();
        let own = deliveries
            .filter(|delivery| delivery.recipients.iter().any(|one| people.contains(one)));
        own.filter_map(|delivery| delivery.asked)
            .max()
            .map(Duration::from_millis)
    };
    plan.campaigns.iter().map(of_campaign).collect()
}
