//! The question before a live send: what will be sent, from where, to how many people, and how much
//! of the quota is left after it.

use std::io::{self, BufRead, IsTerminal};

use fanline_consumer::{AccountError, LineAccess, LineAccount};
use fanline_core::channel::Channel;
use fanline_core::settings::variable;
use fanline_producer::Plan;
use indicatif::HumanCount;

use crate::args::RunArgs;
use crate::aws::{self, AwsResource};
use crate::campaign_file::CampaignFile;
use crate::commands::check::{live, shown};
use crate::commands::plan::{self, problem, report::requests};
use crate::exit::InputError;
use crate::print;
use crate::print::words::{HumanTime, count};

/// A send to more people is confirmed with their number.
const MAX_PEOPLE_BY_YES: u64 = 10_000;

/// LINE's own address.
const LINE: &str = "https://api.line.me";

/// The variable with the address of a server for LINE Notify.
const NOTIFY_API_BASE: &str = "LINE_NOTIFY_API_BASE";

/// Says what a live run would do, and asks whether to do it. `accepted`: so many people have it
/// already, since the run goes on.
/// Returns `false` where the answer is no.
///
/// A wrong token, no network and too little quota are errors, and nobody is asked.
pub(super) async fn ask(
    args: &RunArgs,
    file: &CampaignFile,
    accepted: u64,
) -> anyhow::Result<bool> {
    let has_secret = variable("LINE_CHANNEL_ACCESS_TOKEN_SECRET_ARN").is_some();
    let config = aws::config(AwsResource::for_check(&file.campaign, has_secret)).await?;
    let account = match file.campaign.channel {
        Channel::Line => Some(LineAccount::new(live::access(Channel::Line)?, &config)?),
        Channel::LineNotify => None,
    };
    let line = match &account {
        Some(account) => Some(
            plan::says(account, &file.campaign)
                .await
                .map_err(|error| refused(&error))?,
        ),
        None => None,
    };
    let plan = plan::read(file, &config, args.seals()).await?;
    let people = plan.preview.checked.recipients();
    print::note(format_args!(
        "This sends campaign `{}` to {}.",
        file.campaign.id,
        count(people, "person", "people")
    ));
    if let (Some(account), Some(line)) = (&account, &line) {
        let (name, id) = (&line.info.display_name, &line.info.basic_id);
        print::note(format_args!(
            "account   {name} ({id}), {}",
            host(account.base())
        ));
    } else {
        let base = variable(NOTIFY_API_BASE).unwrap_or_default();
        print::note(format_args!("server    {base}"));
    }
    describe(file, &plan)?;
    if let Some(line) = &line {
        let needed = people.saturating_sub(accepted);
        if let Some(problem) = problem::of_the_quota(needed, line.quota, 0) {
            return Err(InputError(format!("{problem}; nothing was sent")).into());
        }
        let quota = plan::report::quota_for(line.quota.left(), needed, 0);
        print::note(format_args!("quota     {quota}"));
        // Who goes on with a run has its name already.
        if let (0, Some(problem)) = (accepted, line.units.and_then(problem::of_the_units)) {
            print::note(format_args!("warning   {problem}"));
        }
    }
    if args.yes {
        return Ok(true);
    }
    confirmed(people)
}

/// Prints what is sent: rows, requests, time, and the first message.
fn describe(file: &CampaignFile, plan: &Plan) -> anyhow::Result<()> {
    let checked = plan.preview.checked;
    print::note(format_args!(
        "rows      {} of {}; {} can't be sent, {} duplicates",
        HumanCount(checked.recipients()),
        HumanCount(checked.rows),
        HumanCount(checked.rejected),
        HumanCount(checked.duplicates)
    ));
    let takes = plan::load(plan, file)?.on_this_machine();
    print::note(format_args!("requests  {}", requests(plan.deliveries)));
    print::note(format_args!(
        "time      {} at LINE's limit",
        HumanTime(takes)
    ));
    if let Some(first) = plan.preview.samples.iter().next() {
        let messages = serde_json::from_str(&first.messages)?;
        for (i, line) in shown::lines(&messages).iter().enumerate() {
            let label = if i == 0 { "message " } else { "" };
            print::note(format_args!("{label:<10}{line}"));
        }
    }
    Ok(())
}

/// Asks on the terminal. Returns `false` where the answer is no.
fn confirmed(people: u64) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let problem = format!(
            "this sends to {}, and standard input is no terminal to ask on: add --yes",
            count(people, "person", "people")
        );
        return Err(InputError(problem).into());
    }
    if people > MAX_PEOPLE_BY_YES {
        print::note("To send it, type the number of people:");
    } else {
        print::note("Send it? Type `yes`:");
    }
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_agreed(&answer, people))
}

/// Whether the answer means that so many people are to get the messages.
fn is_agreed(answer: &str, people: u64) -> bool {
    let answer = answer.trim();
    if people <= MAX_PEOPLE_BY_YES {
        return answer == "yes";
    }
    let digits: String = answer
        .chars()
        .filter(|c| !matches!(c, ',' | '.' | '_' | ' '))
        .collect();
    digits == people.to_string()
}

/// Whether it is LINE that gets the messages.
fn host(base: &str) -> String {
    if base == LINE {
        "LINE itself".into()
    } else {
        format!("at {base}, which is not LINE itself")
    }
}

/// A live run that can't begin.
fn refused(error: &AccountError) -> anyhow::Error {
    InputError(format!("{error}; nothing was sent")).into()
}

/// How LINE is reached, for a check of the settings that comes first of all.
pub(super) fn access(channel: Channel) -> Result<Option<LineAccess>, InputError> {
    match channel {
        Channel::Line => live::access(channel).map(Some),
        Channel::LineNotify if variable(NOTIFY_API_BASE).is_none_or(|base| base.is_empty()) => {
            Err(InputError(format!(
                "`{NOTIFY_API_BASE}` is not set: LINE ended its own LINE Notify on 2025-03-31, so \
                 name a server that uses the same protocol"
            )))
        }
        Channel::LineNotify => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_people_are_confirmed_with_their_number_and_few_with_a_yes() {
        for (answer, people, agreed) in [
            ("yes\n", 10_000, true),
            ("y\n", 1, false),
            ("\n", 1, false),
            ("yes\n", 10_001, false),
            ("10001\n", 10_001, true),
            ("1,200,000\n", 1_200_000, true),
            ("1200001\n", 1_200_000, false),
            ("\n", 1_200_000, false),
        ] {
            assert_eq!(is_agreed(answer, people), agreed, "{answer} {people}");
        }
    }

    #[test]
    fn only_lines_own_address_is_line() {
        assert_eq!(host("https://api.line.me"), "LINE itself");
        assert!(host("http://127.0.0.1:5102").contains("not LINE itself"));
    }
}
