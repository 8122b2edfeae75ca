//! The ledger, and what an operator does during a run.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::plan::{CampaignPlan, Plan};

/// With a ledger: outcome messages, a bookkeeper, and control.
#[derive(Clone, Debug, Default)]
pub struct LedgerPlan {
    /// What an operator does, and when. A run that is paused has to be resumed or cancelled, so
    /// that it comes to an end.
    pub orders: Vec<(Duration, Order)>,
    /// From when and for how long the store of the ledger and of control does not work.
    pub store_down: Vec<(Duration, Duration)>,
    /// The bookkeeper's processes die at this part of their requests.
    pub bookkeeper_deaths: f64,
}

/// What an operator does with the run of a campaign's first firing. The campaign is named by its
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Its deliveries wait, or are parked where other runs are open.
    Pause(usize),
    /// It goes on. What was parked the bookkeeper puts back.
    Resume(usize),
    /// Nothing more of it is sent.
    Cancel(usize),
}

impl Plan {
    /// The drawn plan of this seed with a ledger, an operator, and mishaps of both.
    pub fn drawn_with_ledger(seed: u64) -> Self {
        let mut plan = Self::drawn(seed);
        let mut random = StdRng::seed_from_u64(!seed);
        let mut ledger = LedgerPlan::default();
        let first = plan
            .campaigns
            .iter()
            .enumerate()
            .filter_map(|(number, campaign)| {
                let firing = campaign.firings.first()?;
                Some((number, firing.at))
            });
        for (number, fired) in first.collect::<Vec<_>>() {
            let mut after = |most| fired + Duration::from_secs(random.random_range(1..=most));
            let (paused, lasts) = (after(40), Duration::from_secs(random.random_range(5..=240)));
            match random.random_range(0..4) {
                0 => {}
                1 => ledger.orders.push((paused, Order::Cancel(number))),
                _ => {
                    ledger.orders.push((paused, Order::Pause(number)));
                    let end = match random.random_range(0..3) {
                        0 => Order::Cancel(number),
                        _ => Order::Resume(number),
                    };
                    ledger.orders.push((paused + lasts, end));
                }
            }
        }
        ledger.orders.sort_by_key(|(at, _)| *at);
        if random.random_bool(0.5) {
            let from = Duration::from_secs(random.random_range(5..=120));
            let lasts = Duration::from_secs(random.random_range(1..=90));
            ledger.store_down.push((from, lasts));
        }
        if random.random_bool(0.5) {
            ledger.bookkeeper_deaths = 0.05;
        }
        plan.ledger = Some(ledger);
        plan
    }

    /// Whether an operator cancels a run of the campaign.
    pub(crate) fn is_cancelled(&self, campaign: &CampaignPlan) -> bool {
        let number = self.campaigns.iter().position(|one| one.id == campaign.id);
        let orders = self.ledger.iter().flat_map(|ledger| &ledger.orders);
        let mut cancels = orders.filter_map(|(_, order)| match order {
            Order::Cancel(number) => Some(*number),
            Order::Pause(_) | Order::Resume(_) => None,
        });
        cancels.any(|cancelled| Some(cancelled) == number)
    }
}
