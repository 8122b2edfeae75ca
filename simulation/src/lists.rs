//! The campaigns and lists of a run.

use std::fmt::Write as _;

use fanline_core::campaign::Lane;
use fanline_core::channel::Channel;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::person::person;
use crate::plan::{CampaignPlan, FiringPlan};
use crate::time::VirtualTime;

/// The bucket of the lists.
const BUCKET: &str = "lists";

/// The path of a campaign's list in the object store.
pub(crate) fn list_path(campaign: &CampaignPlan) -> String {
    format!("/{BUCKET}/{}.csv", campaign.id)
}

/// A campaign's list.
pub(crate) fn list(campaign: &CampaignPlan) -> String {
    let mut csv = String::from("to,name\n");
    let mut row = |to: &str, name: u32| {
        writeln!(csv, "{to},n{name}").expect("a `String` takes every write");
    };
    for index in 0..campaign.people {
        let to = person(campaign.channel, campaign.first_person + index);
        row(&to, index / campaign.alike.max(1));
    }
    for index in 0..campaign.doubled.min(campaign.people) {
        let to = person(campaign.channel, campaign.first_person + index);
        row(&to, index / campaign.alike.max(1));
    }
    for _ in 0..campaign.bad_rows {
        row("not an id", 0);
    }
    csv
}

/// The campaign as an event for the producer.
pub(crate) fn event(campaign: &CampaignPlan, firing: &FiringPlan, time: VirtualTime) -> Value {
    let CampaignPlan { id, channel, .. } = campaign;
    let text = format!("{id} for {{{{ name }}}}");
    let message = match channel {
        Channel::Line => json!({"type": "text", "text": text}),
        Channel::LineNotify => json!({"message": text}),
    };
    let mut event = json!({
        "campaign": id,
        "channel": channel,
        "recipients": format!("s3:/{}", list_path(campaign)),
        "messages": [message],
        "max_bad_rows": campaign.bad_rows,
    });
    if campaign.lane == Lane::Urgent {
        event["lane"] = json!(campaign.lane);
    }
    if let Some(scheduled) = firing.scheduled {
        event["scheduled_time"] = text_of(time.at(scheduled));
    }
    if let (Some(after), Some(first)) = (campaign.expires_after, campaign.firings.first()) {
        event["expires_at"] = text_of(time.at(first.at + after));
    }
    event
}

/// Whether a message that LINE got is of the campaign.
pub(crate) fn is_of(campaign: &CampaignPlan, messages: &str) -> bool {
    messages.contains(&format!("{} for ", campaign.id))
}

fn text_of(time: Timestamp) -> Value {
    Value::from(time.to_string())
}
