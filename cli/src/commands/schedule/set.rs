//! `fanline schedule set`: a schedule whose input is the campaign.

use anyhow::Context;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode,
    RetryPolicy, ScheduleState, Target,
};
use fanline_core::campaign::{Campaign, Recipients, SCHEDULED_TIME_PLACEHOLDER};
use fanline_core::s3_uri::S3Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::when::When;
use super::{Schedules, shown};
use crate::args::ScheduleSetArgs;
use crate::exit::InputError;
use crate::print;
use crate::stack::{Stack, sdk_problem};

/// The longest input that a schedule takes, in bytes.
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html>
const MAX_INPUT: usize = 256 * 1024;
/// A firing that could not reach the producer is tried again for so long, and then kept in the
/// schedules' dead-letter queue.
const RETRY_SECONDS: i32 = 3600;
const RETRIES: i32 = 20;

/// Creates the schedule, or changes it.
pub(super) async fn set(args: &ScheduleSetArgs, now: Timestamp) -> anyhow::Result<()> {
    let when = When::new(&args.when, &args.time_zone);
    let when = when.map_err(|error| InputError(error.to_string()))?;
    if when.is_over(now) {
        return Err(InputError(format!("{when} is in the past: it would never fire")).into());
    }
    let path = args.campaign.display();
    let wrong = |problem: String| InputError(format!("{path}: {problem}"));
    let text = std::fs::read_to_string(&args.campaign);
    let text = text.map_err(|error| wrong(error.to_string()))?;
    let schedules = Schedules::of(&args.stack).await?;
    let input = input(&text, &when, &schedules.stack).map_err(wrong)?;
    let old = schedules.get(&args.name).await?;
    let state = match &old {
        Some(old) => old.state.clone(),
        None if args.off => ScheduleState::Disabled,
        None => ScheduleState::Enabled,
    };
    let target = target(&schedules.stack, input)?;
    let is_new = old.is_none();
    schedules
        .put(&args.name, &when, &state, target, is_new)
        .await?;
    print::line(shown(&args.name, &state, &when, now))?;
    Ok(())
}

impl Schedules {
    async fn put(
        &self,
        name: &str,
        when: &When,
        state: &ScheduleState,
        target: Target,
        is_new: bool,
    ) -> anyhow::Result<()> {
        // No window: a campaign fires within its minute.
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()?;
        let key = self.stack.parameter("KmsKeyArn").map(str::to_owned);
        // The macro stands for two builders of the same methods and of different types.
        macro_rules! send {
            ($request:expr) => {
                $request
                    .group_name(&self.group)
                    .name(name)
                    .schedule_expression(&when.expression)
                    .schedule_expression_timezone(&when.time_zone)
                    .flexible_time_window(window)
                    .state(state.clone())
                    .action_after_completion(ActionAfterCompletion::None)
                    .set_kms_key_arn(key)
                    .target(target)
                    .send()
                    .await
                    .map(drop)
                    .map_err(|error| sdk_problem(&error))
            };
        }
        let done = if is_new {
            send!(self.client.create_schedule())
        } else {
            send!(self.client.update_schedule())
        };
        done.map_err(|problem| InputError(format!("the schedule `{name}`: {problem}")).into())
    }
}

fn target(stack: &Stack, input: String) -> anyhow::Result<Target> {
    let letters = DeadLetterConfig::builder()
        .arn(stack.output("ScheduleDeadLetterQueueArn")?)
        .build();
    let retries = RetryPolicy::builder()
        .maximum_event_age_in_seconds(RETRY_SECONDS)
        .maximum_retry_attempts(RETRIES)
        .build();
    Target::builder()
        .arn(stack.output("ProducerArn")?)
        .role_arn(stack.output("ScheduleRoleArn")?)
        .dead_letter_config(letters)
        .retry_policy(retries)
        .input(input)
        .build()
        .context("the target of the schedule")
}

/// What the schedule sends to the producer: the campaign, with the time of the firing beside it. So
/// each firing is a run of its own, and the same firing sent twice is the same run.
fn input(text: &str, when: &When, stack: &Stack) -> Result<String, String> {
    let filled = text.replace(SCHEDULED_TIME_PLACEHOLDER, "2000-01-01T00:00:00Z");
    let campaign = Campaign::parse(&filled).map_err(|error| error.to_string())?;
    can_be_read(&campaign.recipients, stack)?;
    if campaign.scheduled_time.is_some() && filled == text && when.once.is_none() {
        return Err(
            "`scheduled_time` is fixed, so every firing would be the same run, and LINE \
                    would send nothing after the first: remove it"
                .into(),
        );
    }
    if let (Some(expires_at), Some(once)) = (campaign.expires_at, when.once)
        && expires_at <= once
    {
        return Err(format!(
            "`expires_at` is not after {when}: nothing could ever be sent"
        ));
    }
    let detail: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| error.to_string())?;
    let envelope = json!({
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "time": SCHEDULED_TIME_PLACEHOLDER,
        "detail": detail,
    })
    .to_string();
    if envelope.len() > MAX_INPUT {
        return Err(format!(
            "it has {} bytes, and a schedule takes {MAX_INPUT}: put the rows into a list in S3",
            envelope.len()
        ));
    }
    Ok(envelope)
}

/// Whether the producer of the stack may read the list.
fn can_be_read(recipients: &Recipients, stack: &Stack) -> Result<(), String> {
    let no_output = |error: InputError| error.to_string();
    let bucket = stack.output("ListsBucketName").map_err(no_output)?;
    let prefix = stack.parameter("ListsPrefix").unwrap_or("");
    let allowed = format!("s3://{bucket}/{prefix}");
    match recipients {
        Recipients::Inline(_) => Ok(()),
        Recipients::S3(S3Uri { bucket: named, key })
            if named == bucket && key.starts_with(prefix) =>
        {
            Ok(())
        }
        Recipients::S3(uri) => Err(format!(
            "the producer may not read `{uri}`, but only {allowed}"
        )),
        Recipients::Path(path) => Err(format!(
            "`{path}` is a file on this machine: copy it with `aws s3 cp {path} {allowed}`, and \
             write its new place into `recipients`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMPAIGN: &str = r#"{"campaign": "daily", "channel": "line", "recipients": "LIST",
        "messages": [{"type": "text", "text": "早安"}] MORE}"#;

    fn given(list: &str, more: &str, when: &str) -> Result<Value, String> {
        let stack = Stack::with(&[("ListsBucketName", "b")], &[("ListsPrefix", "lists/")]);
        let text = CAMPAIGN.replace("LIST", list).replace("MORE", more);
        let when = When::new(when, "UTC").unwrap();
        input(&text, &when, &stack).map(|input| serde_json::from_str(&input).unwrap())
    }

    #[test]
    fn the_input_is_the_campaign_with_the_time_of_the_firing() {
        let placeholder = r#", "scheduled_time": "<aws.scheduler.scheduled-time>""#;
        for more in ["", placeholder] {
            let input = given("s3://b/lists/l.csv", more, "rate(1 day)").unwrap();
            assert_eq!(input["time"], SCHEDULED_TIME_PLACEHOLDER);
            assert_eq!(input["detail"]["campaign"], "daily");
            assert_eq!(input["detail"]["messages"][0]["text"], "早安");
        }
    }

    #[test]
    fn a_campaign_that_could_not_be_sent_is_refused() {
        let fixed = r#", "scheduled_time": "2026-12-25T00:00:00Z""#;
        let expires = r#", "expires_at": "2026-12-25T00:00:00Z""#;
        let (daily, once) = ("rate(1 day)", "at(2026-12-25T00:00:00)");
        let list = "s3://b/lists/l.csv";
        for (list, more, when, problem) in [
            (
                "friends.csv",
                "",
                daily,
                "aws s3 cp friends.csv s3://b/lists/",
            ),
            (
                "s3://other/lists/l.csv",
                "",
                daily,
                "but only s3://b/lists/",
            ),
            ("s3://b/rejects/l.csv", "", daily, "but only s3://b/lists/"),
            (list, fixed, daily, "`scheduled_time` is fixed"),
            (list, expires, once, "`expires_at` is not after"),
            (list, r#", "colour": 1"#, daily, "colour"),
        ] {
            let refused = given(list, more, when).unwrap_err();
            assert!(refused.contains(problem), "{refused}");
        }
        assert!(given(list, fixed, once).is_ok());
        assert!(given(list, expires, daily).is_ok());
    }

    #[test]
    fn a_campaign_too_long_for_a_schedule_is_refused() {
        let rows = (0..8_000).map(|n| format!(r#"{{"to": "U{n:032x}"}}"#));
        let rows: Vec<_> = rows.collect();
        let text = CAMPAIGN
            .replace("\"LIST\"", &format!("[{}]", rows.join(",")))
            .replace("MORE", "");
        let when = When::new("rate(1 day)", "UTC").unwrap();
        let stack = Stack::with(&[("ListsBucketName", "b")], &[]);
        let refused = input(&text, &when, &stack).unwrap_err();
        assert!(refused.contains("a schedule takes 262144"), "{refused}");
    }
}
