//! Nobody twice, nobody without an outcome, and the sums add up.

use std::collections::{HashMap, HashSet};

use fanline_core::channel::Channel;

use crate::check::{Broken, Invariant, note};
use crate::lists::is_of;
use crate::person::person;
use crate::plan::{CampaignPlan, Plan};
use crate::world::Ended;

/// How often something was seen, and one example.
#[derive(Default)]
struct Tally {
    count: u64,
    example: String,
}

impl Tally {
    fn add(&mut self, example: impl FnOnce() -> String) {
        if self.count == 0 {
            self.example = example();
        }
        self.count += 1;
    }

    fn tell(self, broken: &mut Vec<Broken>, invariant: Invariant, words: &str) {
        if self.count > 0 {
            let Self { count, example } = self;
            note(
                broken,
                invariant,
                format!("{count} {words}, first {example}"),
            );
        }
    }
}

pub(crate) fn check(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    let letters = runs_by_person(ended);
    for campaign in &plan.campaigns {
        people(plan, campaign, ended, &letters, broken);
    }
    without_reason(plan, ended, broken);
    unsettled(ended, broken);
    sums(ended, broken);
}

/// For each person the runs that are set aside for them.
type Letters<'a> = HashMap<&'a str, HashSet<&'a str>>;

fn runs_by_person(ended: &Ended) -> Letters<'_> {
    let mut runs: Letters<'_> = HashMap::new();
    for letter in &ended.leftovers.dead_letters {
        for recipient in &letter.recipients {
            runs.entry(recipient).or_default().insert(&letter.run);
        }
    }
    runs
}

fn people(
    plan: &Plan,
    campaign: &CampaignPlan,
    ended: &Ended,
    letters: &Letters<'_>,
    broken: &mut Vec<Broken>,
) {
    let owed = Owed::of(campaign, ended);
    // A repeat may be set aside, where nobody knows any more what the first firing reached.
    let is_repeated = campaign.firings.iter().any(|firing| firing.is_repeat);
    let (mut twice, mut skipped, mut both) = <(Tally, Tally, Tally)>::default();
    for index in 0..campaign.people {
        let id = person(campaign.channel, campaign.first_person + index);
        let receipts = ended.line.receipts(&id);
        let got = receipts.iter().filter(|receipt| {
            let text = receipt.messages.as_deref();
            text.is_some_and(|text| is_of(campaign, text))
        });
        let got = got.count() as u64;
        let aside = letters.get(id.as_str()).map_or(0, |runs| {
            let own = runs.iter().filter(|run| is_run_of(run, &campaign.id));
            own.count() as u64
        });
        let tell = || {
            format!(
                "person {index} of {}: {got} received, {aside} aside",
                campaign.id
            )
        };
        // LINE Notify has no retry keys: what ends unclear may come twice.
        if got > owed.most && !(campaign.channel == Channel::LineNotify && plan.has_unclear_ends())
        {
            twice.add(tell);
        } else if got + aside < owed.least && !plan.is_cancelled(campaign) {
            // Of a cancelled one the books say who got nothing.
            skipped.add(tell);
        } else if got + aside > owed.most && !plan.has_unclear_ends() && !is_repeated {
            both.add(tell);
        }
    }
    twice.tell(broken, Invariant::NobodyTwice, "people got a message twice");
    skipped.tell(broken, Invariant::NobodySkipped, "people have no outcome");
    both.tell(broken, Invariant::OneOutcome, "people have two outcomes");
}

/// How many messages of a campaign each person of its list is owed.
struct Owed {
    least: u64,
    most: u64,
}

impl Owed {
    fn of(campaign: &CampaignPlan, ended: &Ended) -> Self {
        let firings = campaign.firings.iter().enumerate();
        let new: Vec<usize> = firings
            .filter(|(_, firing)| !firing.is_repeat)
            .map(|(number, _)| number)
            .collect();
        let ended_well = |number: &&usize| {
            ended.happened.productions.iter().any(|production| {
                let firing = production.firing.as_ref();
                let is_it = firing.is_some_and(|(id, n)| *id == campaign.id && n == *number);
                is_it && production.end.is_ok()
            })
        };
        // Slices that nobody works on are an alarm, and not silent.
        let is_said = ended.leftovers.dead_slices > 0;
        let least = new.iter().filter(ended_well).count() as u64;
        Self {
            least: if is_said { 0 } else { least },
            most: new.len() as u64,
        }
    }
}

/// Whether a run is one of the campaign with this id.
fn is_run_of(run: &str, id: &str) -> bool {
    let rest = run.strip_prefix(id);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

fn without_reason(plan: &Plan, ended: &Ended, broken: &mut Vec<Broken>) {
    let letters = ended.leftovers.dead_letters.iter();
    let silent: HashSet<&str> = letters
        .filter(|letter| letter.reason.is_none())
        .flat_map(|letter| &letter.recipients)
        .map(String::as_str)
        .collect();
    // A death at the last receive leaves no time for a reason.
    let may_lose_last = plan.deaths.rate > 0.0 || plan.queue_faults.lost > 0.0;
    if silent.is_empty() || may_lose_last {
        return;
    }
    let untried = ended.happened.deliveries.iter().filter(|delivery| {
        let of_silent = |recipient: &String| silent.contains(recipient.as_str());
        delivery.asked.is_none() && delivery.recipients.iter().any(of_silent)
    });
    let what = format!(
        "{} people are in the dead-letter queue without a reason; {} deliveries were never tried",
        silent.len(),
        untried.count()
    );
    note(broken, Invariant::ReasonGiven, what);
}

fn unsettled(ended: &Ended, broken: &mut Vec<Broken>) {
    let (deliveries, slices) = (ended.leftovers.deliveries, ended.leftovers.slices);
    if deliveries + slices > 0 {
        let what = format!("{deliveries} deliveries and {slices} slices wait at the end");
        note(broken, Invariant::AllSettled, what);
    }
}

fn sums(ended: &Ended, broken: &mut Vec<Broken>) {
    for production in &ended.happened.productions {
        let Ok(counts) = &production.end else {
            continue;
        };
        if counts.rows != counts.recipients + counts.rejected + counts.duplicates {
            let what = format!("run {}: {counts:?}", production.run);
            note(broken, Invariant::SumsAddUp, what);
        }
    }
}
