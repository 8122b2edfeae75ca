//! `fanline plan`: what a campaign needs, and whether it can be had. Sends nothing.

use std::time::Duration;

use aws_config::SdkConfig;
use fanline_consumer::{AccountError, AccountInfo, LineAccess, LineAccount, MonthlyQuota};
use fanline_core::campaign::{Campaign, Lane};
use fanline_core::channel::Channel;
use fanline_core::settings::variable;
use fanline_ledger::{CanaryRule, Pace};
use fanline_producer::Plan;
use jiff::Timestamp;

use crate::args::PlanArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::commands::check::live;
use crate::exit::{self, CommandEnd, InputError};
use crate::print::{self, next_step};

pub(crate) mod estimate;
mod friends;
pub(crate) mod problem;
pub(crate) mod report;
mod stack;

use estimate::{Load, usual_consumers};
use friends::{FriendCounts, Friends};
use problem::PlanProblem;
use report::{Found, PlanReport};
use stack::Stack;

/// What LINE says about the account of the token.
pub(crate) struct LineSays {
    pub(crate) info: AccountInfo,
    pub(crate) quota: MonthlyQuota,
    /// How many names of aggregation units the month has; `None`: the campaign needs none.
    pub(crate) units: Option<u64>,
}

/// Plans the campaign.
pub(crate) async fn execute(args: &PlanArgs) -> anyhow::Result<CommandEnd> {
    let file = CampaignFile::read(&args.campaign)?;
    let access = access(file.campaign.channel)?;
    let has_secret = variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
    let resource = AwsResource::for_check(&file.campaign, has_secret && access.is_some());
    let config = aws::config(resource).await?;
    let account = access.map(|access| LineAccount::new(access, &config));
    let account = account.transpose()?;
    let now = Timestamp::now();
    let stack = match &args.at {
        Some(place) => Some(Stack::read(place, &file.campaign.run(), file.campaign.lane).await?),
        None => None,
    };
    let is_sealed = args.seal || stack.as_ref().is_some_and(|stack| stack.sealed);
    let (plan, friends) = if args.friends {
        let (plan, counts) = read_with_friends(&file, &config, account.as_ref(), is_sealed).await?;
        (plan, Some(counts))
    } else {
        (read(&file, &config, is_sealed).await?, None)
    };
    let mut load = load(&plan, &file)?;
    let mut problems = Vec::new();
    if let Some(stack) = &stack {
        problems.extend(stack.lacks_lane.then_some(PlanProblem::NoUrgentLane));
        load.pace = stack.pace;
        load.others = stack.others.unwrap_or(load.others);
    }
    let known = stack.as_ref().and_then(|stack| stack.consumers);
    let known = args.concurrency.or(known);
    let consumers = known.unwrap_or(usual_consumers(load.lane));
    let capacity = (consumers, Duration::from_millis(args.latency));
    problems.extend(problem::of_the_time(
        &load,
        capacity,
        file.campaign.expires_at,
        now,
    ));
    let others = stack.as_ref().map_or(0, |stack| stack.waiting);
    let line = match &account {
        Some(account) => ask_line(account, &file, &plan, others, &mut problems).await,
        None => None,
    };
    let found = Found {
        stack,
        line: line.as_ref(),
        friends,
        is_sealed,
        problems: &problems,
    };
    let report = PlanReport::new(args, &file.campaign, &plan, &load, capacity, found, now);
    if args.json {
        print::json(&report)?;
    } else {
        report.print()?;
        if report.end() != CommandEnd::Impossible {
            next_step::after_plan(&args.campaign);
        }
    }
    Ok(report.end())
}

/// Reads the list twice, as the producer does.
pub(crate) async fn read(
    file: &CampaignFile,
    config: &SdkConfig,
    is_sealed: bool,
) -> anyhow::Result<Plan> {
    let plan = fanline_producer::plan(file.event.clone(), config, is_sealed, |_| ());
    plan.await.map_err(exit::producer_error)
}

/// The same as [`read`], and counts who is no friend of the account.
async fn read_with_friends(
    file: &CampaignFile,
    config: &SdkConfig,
    account: Option<&LineAccount>,
    is_sealed: bool,
) -> anyhow::Result<(Plan, FriendCounts)> {
    let Some(account) = account else {
        let problem = match file.campaign.channel {
            Channel::LineNotify => "LINE Notify has no friends",
            Channel::Line => "it asks LINE, so set `LINE_CHANNEL_ACCESS_TOKEN`",
        };
        return Err(InputError(format!("--friends: {problem}")).into());
    };
    let friends = Friends::ask(account).await;
    let friends = friends.map_err(|error| InputError(format!("--friends: {error}")))?;
    let mut counts = friends.counts();
    let plan = fanline_producer::plan(file.event.clone(), config, is_sealed, |recipient| {
        friends.see(recipient, &mut counts);
    });
    Ok((plan.await.map_err(exit::producer_error)?, counts))
}

/// What is to be sent, and how long the canary is watched.
pub(crate) fn load(plan: &Plan, file: &CampaignFile) -> Result<Load, InputError> {
    let canary = CanaryRule::of_campaign(&file.event);
    let canary = canary.map_err(|error| InputError(error.to_string()))?;
    let wait = canary.map_or(0, |canary| canary.wait_seconds);
    let lane = file.campaign.lane;
    Ok(Load {
        deliveries: plan.deliveries,
        canary_wait: Duration::from_secs(wait.into()),
        pace: Pace::default(),
        lane,
        // An urgent lane is beside the other one, and the template has no urgent lane by itself.
        others: match lane {
            Lane::Bulk => 0,
            Lane::Urgent => usual_consumers(Lane::Bulk),
        },
    })
}

/// How LINE is asked. `None` where no token is named, or the channel has no such requests.
fn access(channel: Channel) -> Result<Option<LineAccess>, InputError> {
    if channel == Channel::LineNotify || !live::names_a_token() {
        return Ok(None);
    }
    live::access(channel).map(Some)
}

/// Asks LINE for the account, for what is left of its month, and about the messages. `others`: so
/// many people are still to be sent to by other runs.
async fn ask_line(
    account: &LineAccount,
    file: &CampaignFile,
    plan: &Plan,
    others: u64,
    problems: &mut Vec<PlanProblem>,
) -> Option<LineSays> {
    let says = match says(account, &file.campaign).await {
        Ok(says) => says,
        Err(error) => {
            problems.push(PlanProblem::Line(error.to_string()));
            return None;
        }
    };
    let people = plan.preview.checked.recipients();
    problems.extend(problem::of_the_quota(people, says.quota, others));
    problems.extend(says.units.and_then(problem::of_the_units));
    if let Err(error) = live::ask(account, &plan.preview.samples).await {
        problems.push(PlanProblem::Line(error.to_string()));
    }
    Some(says)
}

/// What LINE says about the account.
pub(crate) async fn says(
    account: &LineAccount,
    campaign: &Campaign,
) -> Result<LineSays, AccountError> {
    Ok(LineSays {
        info: account.info().await?,
        quota: account.quota().await?,
        units: if campaign.statistics {
            Some(account.units().await?)
        } else {
            None
        },
    })
}
