//! The plan, for people and as JSON.

use std::io;
use std::time::Duration;

use fanline_core::campaign::Campaign;
use fanline_ledger::{ByEndpoint, PlannedRun, plan_cost};
use fanline_producer::Plan;
use indicatif::{HumanCount, HumanFloatCount};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::LineSays;
use super::estimate::{Load, as_f64};
use super::friends::FriendCounts;
use super::problem::{MAX_UNITS, PlanProblem, whole_seconds};
use super::stack::Stack;
use crate::args::PlanArgs;
use crate::commands::check::live;
use crate::exit::CommandEnd;
use crate::print;
use crate::print::list_rows::ListRows;
use crate::print::words::{HumanTime, count};

/// How long the bookkeeper of the template gathers outcomes.
const LEDGER_SECONDS: u32 = 2;

/// The plan, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct PlanReport {
    campaign: String,
    #[serde(flatten)]
    list: ListRows,
    requests: ByEndpoint<u64>,
    people: ByEndpoint<u64>,
    /// The mean length of a delivery on the queue.
    delivery_bytes: ByEndpoint<u64>,
    /// Whether they are sealed there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sealed: bool,
    consumers: u32,
    seconds: u64,
    ends_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// How long `fanline run` takes on this machine.
    seconds_on_this_machine: u64,
    canary_seconds: u64,
    /// What the ledger of --at says.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Stack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountReport>,
    /// Only with --friends.
    #[serde(skip_serializing_if = "Option::is_none")]
    friends: Option<FriendCounts>,
    aws_dollars: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_fee: Option<f64>,
    /// Whether everybody gets the same, so that a broadcast of LINE might do.
    one_text: bool,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct AccountReport {
    name: String,
    basic_id: String,
    quota: Option<u64>,
    used: u64,
    left: Option<u64>,
    /// Runs with statistics that the month has, where this is to be one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<u64>,
}

/// What was found out besides the list.
pub(super) struct Found<'a> {
    pub(super) stack: Option<Stack>,
    pub(super) line: Option<&'a LineSays>,
    pub(super) friends: Option<FriendCounts>,
    pub(super) is_sealed: bool,
    pub(super) problems: &'a [PlanProblem],
}

impl PlanReport {
    pub(super) fn new(
        args: &PlanArgs,
        campaign: &Campaign,
        plan: &Plan,
        load: &Load,
        (consumers, latency): (u32, Duration),
        found: Found<'_>,
        now: Timestamp,
    ) -> Self {
        let list = ListRows::from(plan.preview.checked);
        let takes = load.on_a_stack(consumers, latency);
        let ends_at = SignedDuration::try_from(takes)
            .ok()
            .and_then(|takes| now.checked_add(takes).ok());
        Self {
            campaign: campaign.id.clone(),
            list,
            requests: plan.deliveries,
            people: plan.people,
            delivery_bytes: mean_bytes(plan),
            sealed: found.is_sealed,
            consumers,
            seconds: takes.as_secs(),
            ends_at: whole_seconds(ends_at.unwrap_or(Timestamp::MAX)),
            expires_at: campaign.expires_at,
            seconds_on_this_machine: load.on_this_machine().as_secs(),
            canary_seconds: load.canary_wait.as_secs(),
            stack: found.stack,
            account: found.line.map(|line| AccountReport {
                name: line.info.display_name.clone(),
                basic_id: line.info.basic_id.clone(),
                quota: line.quota.limit,
                used: line.quota.used,
                left: line.quota.left(),
                units: line.units,
            }),
            friends: found.friends,
            aws_dollars: dollars(plan, consumers, latency, takes),
            line_fee: args.fee.map(|fee| fee * as_f64(list.recipients)),
            one_text: campaign.messages.columns().is_empty(),
            problems: found.problems.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn end(&self) -> CommandEnd {
        if !self.problems.is_empty() {
            CommandEnd::Impossible
        } else if self.list.rejected > 0 {
            CommandEnd::Incomplete
        } else {
            CommandEnd::Complete
        }
    }

    /// Prints the plan for people.
    pub(super) fn print(&self) -> io::Result<()> {
        print::line(format_args!("{}: {}", self.campaign, self.list))?;
        self.print_requests()?;
        self.print_time()?;
        self.print_stack()?;
        self.print_money()?;
        for problem in &self.problems {
            print::line(format_args!("problem   {problem}"))?;
        }
        Ok(())
    }

    fn print_requests(&self) -> io::Result<()> {
        print::line(format_args!("requests  {}", requests(self.requests)))?;
        if self.requests.multicast > 0 {
            let people = as_f64(self.people.multicast) / as_f64(self.requests.multicast);
            print::line(format_args!("          {people:.1} people in a multicast"))?;
        }
        if self.sealed {
            print::line("          sealed on the queue, which is a third longer than plain text")?;
        }
        if self.one_text {
            print::line(
                "          The text is the same for all. If the list is all your friends, LINE's \
                 broadcast is one request.",
            )?;
        }
        Ok(())
    }

    fn print_time(&self) -> io::Result<()> {
        let seconds = Duration::from_secs;
        print::line(format_args!(
            "time      {} on a stack with {}; begun now, it ends at {}",
            HumanTime(seconds(self.seconds)),
            count(self.consumers.into(), "consumer", "consumers"),
            self.ends_at
        ))?;
        print::line(format_args!(
            "          {} on this machine, with `fanline run`",
            HumanTime(seconds(self.seconds_on_this_machine))
        ))?;
        if self.canary_seconds > 0 {
            let watched = HumanTime(seconds(self.canary_seconds));
            print::line(format_args!(
                "          {watched} of it for watching the canary"
            ))?;
        }
        match self.expires_at {
            Some(expires_at) => print::line(format_args!("deadline  {expires_at}")),
            None => print::line("deadline  none, but nothing is sent 23 hours after the start"),
        }
    }

    fn people_of_others(&self) -> u64 {
        self.stack.as_ref().map_or(0, |stack| stack.waiting)
    }

    fn print_stack(&self) -> io::Result<()> {
        let Some(stack) = &self.stack else {
            return Ok(());
        };
        let mut words = vec![stack.ledger.clone()];
        let paces = [
            ("pushes", stack.pace.push),
            ("multicasts", stack.pace.multicast),
        ];
        for (name, pace) in paces {
            words.extend(
                pace.map(|pace| format!("at most {} {name} a second", HumanCount(pace.into()))),
            );
        }
        let runs = count(stack.open_runs, "other open run", "other open runs");
        let people = count(stack.waiting, "person", "people");
        words.push(format!("{runs} with {people} to send to"));
        print::line(format_args!("stack     {}", words.join("; ")))
    }

    fn print_money(&self) -> io::Result<()> {
        match &self.account {
            Some(account) => {
                print::line(format_args!(
                    "account   {} ({})",
                    account.name, account.basic_id
                ))?;
                print::line(format_args!(
                    "quota     {}",
                    quota_for(account.left, self.list.recipients, self.people_of_others())
                ))?;
                if let Some(units) = account.units {
                    print::line(format_args!(
                        "counted   {} of the {} runs with statistics of this month",
                        HumanCount(units),
                        HumanCount(MAX_UNITS)
                    ))?;
                }
            }
            None if live::names_a_token() => print::line("quota     not known")?,
            None => print::line(
                "quota     not known: set `LINE_CHANNEL_ACCESS_TOKEN`, and LINE is asked",
            )?,
        }
        if let Some(friends) = &self.friends {
            print::line(format_args!("friends   {}", friends_of_list(friends)))?;
        }
        if self.aws_dollars < 0.005 {
            print::line("AWS       less than $0.01")?;
        } else {
            print::line(format_args!("AWS       ${:.2}", self.aws_dollars))?;
        }
        match self.line_fee {
            Some(fee) => print::line(format_args!(
                "LINE      {} at most, less what your plan includes",
                HumanFloatCount(fee.round())
            )),
            None => print::line(format_args!(
                "LINE      {} of your plan, or its price for each (--fee)",
                count(self.list.recipients, "message", "messages")
            )),
        }
    }
}

/// What a send to so many people leaves of the month. `others`: so many people are still to be sent
/// to by other runs.
pub(crate) fn quota_for(left: Option<u64>, people: u64, others: u64) -> String {
    let needed = HumanCount(people);
    let and_others = match others {
        0 => String::new(),
        others => format!(" and the {} of other open runs", HumanCount(others)),
    };
    match left {
        Some(left) => format!(
            "needs {needed}; this month has {} left, {} after it{and_others}",
            HumanCount(left),
            HumanCount(left.saturating_sub(people).saturating_sub(others))
        ),
        None => format!("needs {needed}; this account has no limit"),
    }
}

/// How many of a list are friends, in words.
fn friends_of_list(friends: &FriendCounts) -> String {
    let users = count(friends.users, "user", "users");
    match friends.not_friends {
        0 => format!("{users} in the list, and all of them are friends of the account"),
        others => format!(
            "{} of {users} in the list; no friends: {}, who get nothing and take requests",
            HumanCount(friends.users - others),
            HumanCount(others)
        ),
    }
}

/// The requests by endpoint, in words.
pub(crate) fn requests(requests: ByEndpoint<u64>) -> String {
    let pushes = count(requests.push, "push", "pushes");
    let multicasts = count(requests.multicast, "multicast", "multicasts");
    match (requests.push, requests.multicast) {
        (_, 0) => pushes,
        (0, _) => multicasts,
        _ => format!("{pushes} and {multicasts}"),
    }
}

/// The mean length of a delivery. Where there is none, it is 0.
fn mean_bytes(plan: &Plan) -> ByEndpoint<u64> {
    let sums = plan.bytes.zip(plan.deliveries);
    sums.map(|_, (bytes, count)| bytes.checked_div(count).unwrap_or_default())
}

/// What AWS takes.
fn dollars(plan: &Plan, consumers: u32, latency: Duration, takes: Duration) -> f64 {
    let run = PlannedRun {
        deliveries: plan.deliveries,
        delivery_bytes: mean_bytes(plan),
        environments: consumers,
        latency,
        takes,
        ledger_seconds: LEDGER_SECONDS,
    };
    plan_cost(&run).iter().map(|line| line.dollars).sum()
}
