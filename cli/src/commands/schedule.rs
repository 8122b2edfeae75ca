//! `fanline schedule`: when the deployed stack sends which campaign.
//!
//! The schedules are in the stack's schedule group, and CloudFormation does not know them. So
//! no deployment changes them.

mod set;
mod when;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::get_schedule::{GetScheduleError, GetScheduleOutput};
use aws_sdk_scheduler::types::ScheduleState;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::{ScheduleArgs, ScheduleListArgs, ScheduleNameArgs, StackArgs};
use crate::exit::{CommandEnd, InputError};
use crate::print;
use crate::stack::{Stack, sdk_problem};
pub(crate) use when::When;

/// Does what the flags say.
pub(crate) async fn execute(args: &ScheduleArgs) -> anyhow::Result<CommandEnd> {
    let now = Timestamp::now();
    match args {
        ScheduleArgs::Set(args) => set::set(args, now).await?,
        ScheduleArgs::On(args) => switch(args, ScheduleState::Enabled, now).await?,
        ScheduleArgs::Off(args) => switch(args, ScheduleState::Disabled, now).await?,
        ScheduleArgs::Remove(args) => remove(args).await?,
        ScheduleArgs::List(args) => list(args, now).await?,
    }
    Ok(CommandEnd::Complete)
}

/// The schedules of a stack.
pub(crate) struct Schedules {
    pub(crate) stack: Stack,
    group: String,
    client: Client,
}

/// A schedule as it stands in its group.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    pub(crate) state: ScheduleState,
    pub(crate) when: When,
    /// The campaign's id, if the input has one.
    pub(crate) campaign: Option<String>,
    /// What it calls.
    pub(crate) target: String,
}

/// A line of `fanline schedule list --json`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    on: bool,
    when: &'a str,
    time_zone: &'a str,
    campaign: Option<&'a str>,
    over: bool,
}

impl Schedules {
    async fn of(args: &StackArgs) -> anyhow::Result<Self> {
        let (stack, config) = Stack::read(args).await?;
        Self::in_stack(stack, Client::new(&config)).map_err(Into::into)
    }

    /// The schedules of a stack that has been read.
    pub(crate) fn in_stack(stack: Stack, client: Client) -> Result<Self, InputError> {
        let group = stack.output("ScheduleGroup")?.to_owned();
        Ok(Self {
            stack,
            group,
            client,
        })
    }

    /// A schedule, or `None` if there is none of this name.
    async fn get(&self, name: &str) -> anyhow::Result<Option<Schedule>> {
        Ok(self.described(name).await?.as_ref().map(Schedule::from))
    }

    async fn described(&self, name: &str) -> anyhow::Result<Option<GetScheduleOutput>> {
        let request = self
            .client
            .get_schedule()
            .group_name(&self.group)
            .name(name);
        match request.send().await {
            Ok(found) => Ok(Some(found)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetScheduleError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.problem(name, &sdk_problem(&error)).into()),
        }
    }

    /// All schedules, in the order of their names.
    pub(crate) async fn all(&self) -> anyhow::Result<Vec<Schedule>> {
        let request = self.client.list_schedules().group_name(&self.group);
        let mut pages = request.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| InputError(sdk_problem(&error)))?;
            names.extend(
                page.schedules()
                    .iter()
                    .filter_map(|one| Some(one.name()?.to_owned())),
            );
        }
        names.sort();
        let mut schedules = Vec::with_capacity(names.len());
        for name in names {
            schedules.extend(self.get(&name).await?);
        }
        Ok(schedules)
    }

    fn problem(&self, name: &str, problem: &str) -> InputError {
        InputError(format!(
            "the schedule `{name}` of `{}`: {problem}",
            self.stack.name
        ))
    }

    fn missing(&self, name: &str) -> InputError {
        let stack = &self.stack.name;
        InputError(format!(
            "`{stack}` has no schedule `{name}`: `fanline schedule list --at {stack}` lists them"
        ))
    }
}

impl From<&GetScheduleOutput> for Schedule {
    fn from(found: &GetScheduleOutput) -> Self {
        let expression = found.schedule_expression().unwrap_or("?");
        let time_zone = found.schedule_expression_timezone().unwrap_or("UTC");
        // Somebody else can have written an expression that we would not write.
        let when = When::new(expression, time_zone).unwrap_or_else(|_| When {
            expression: expression.to_owned(),
            time_zone: time_zone.to_owned(),
            once: None,
        });
        let target = found.target();
        let input = target.and_then(|target| target.input()).unwrap_or("");
        let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
        Self {
            name: found.name().unwrap_or("?").to_owned(),
            state: found.state().cloned().unwrap_or(ScheduleState::Enabled),
            when,
            campaign: input
                .pointer("/detail/campaign")
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned),
            target: target.map_or("", |target| target.arn()).to_owned(),
        }
    }
}

/// Switches a schedule on or off, and changes nothing else of it.
async fn switch(
    args: &ScheduleNameArgs,
    state: ScheduleState,
    now: Timestamp,
) -> anyhow::Result<()> {
    let schedules = Schedules::of(&args.stack).await?;
    let name = &args.name;
    let found = schedules.described(name).await?;
    let found = found.ok_or_else(|| schedules.missing(name))?;
    let schedule = Schedule::from(&found);
    if state == ScheduleState::Enabled && schedule.when.is_over(now) {
        let when = &schedule.when;
        return Err(InputError(format!(
            "{when} is in the past: it would never fire. `fanline schedule set` gives it a new time"
        ))
        .into());
    }
    // An update sets what it does not name to its default, so all of it is given back.
    let updated = schedules
        .client
        .update_schedule()
        .group_name(&schedules.group)
        .name(name)
        .state(state.clone())
        .set_schedule_expression(found.schedule_expression)
        .set_schedule_expression_timezone(found.schedule_expression_timezone)
        .set_description(found.description)
        .set_start_date(found.start_date)
        .set_end_date(found.end_date)
        .set_flexible_time_window(found.flexible_time_window)
        .set_action_after_completion(found.action_after_completion)
        .set_kms_key_arn(found.kms_key_arn)
        .set_target(found.target)
        .send()
        .await;
    updated.map_err(|error| schedules.problem(name, &sdk_problem(&error)))?;
    print::line(shown(name, &state, &schedule.when, now))?;
    Ok(())
}

async fn remove(args: &ScheduleNameArgs) -> anyhow::Result<()> {
    let schedules = Schedules::of(&args.stack).await?;
    let name = &args.name;
    if schedules.get(name).await?.is_none() {
        return Err(schedules.missing(name).into());
    }
    let request = schedules
        .client
        .delete_schedule()
        .group_name(&schedules.group);
    let removed = request.name(name).send().await;
    removed.map_err(|error| schedules.problem(name, &sdk_problem(&error)))?;
    print::line(format_args!("{name}: removed"))?;
    Ok(())
}

async fn list(args: &ScheduleListArgs, now: Timestamp) -> anyhow::Result<()> {
    let all = Schedules::of(&args.stack).await?.all().await?;
    if args.json {
        let lines: Vec<_> = all.iter().map(|one| listed(one, now)).collect();
        return print::json(&lines);
    }
    if all.is_empty() {
        print::note(format_args!("`{}` has no schedule", args.stack.name));
    }
    for one in &all {
        let campaign = one.campaign.as_deref().unwrap_or("?");
        let line = shown(&one.name, &one.state, &one.when, now);
        print::line(format_args!("{line}, campaign `{campaign}`"))?;
    }
    Ok(())
}

fn listed(schedule: &Schedule, now: Timestamp) -> Listed<'_> {
    Listed {
        name: &schedule.name,
        on: schedule.state == ScheduleState::Enabled,
        when: &schedule.when.expression,
        time_zone: &schedule.when.time_zone,
        campaign: schedule.campaign.as_deref(),
        over: schedule.when.is_over(now),
    }
}

/// A schedule in words.
fn shown(name: &str, state: &ScheduleState, when: &When, now: Timestamp) -> String {
    let state = match state {
        ScheduleState::Enabled => "on",
        _ => "off",
    };
    let over = if when.is_over(now) { ", over" } else { "" };
    format!("{name}: {state}{over}, {when}")
}
