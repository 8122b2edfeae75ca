//! Campaigns and their lists.

use std::collections::HashSet;

use fanline_core::campaign::{Campaign, Recipients};
use fanline_core::list::{Format, JsonRow, ListReader, Row};
use fanline_core::recipient::Recipient;
use serde_json::Value;

use crate::event;

/// What a campaign's list holds: its recipients and the different messages that its rows make.
fn rendered(campaign: &Campaign) -> (Vec<Recipient>, HashSet<String>) {
    let (mut recipients, mut messages) = (Vec::new(), HashSet::new());
    let mut row = |row: &Row<'_>| {
        let column = campaign.channel.recipient_column();
        let name = row.text(column).unwrap();
        recipients.push(Recipient::parse(campaign.channel, name).unwrap());
        let mut json = String::new();
        campaign.messages.render(row, &mut json).unwrap();
        messages.insert(json);
    };
    match &campaign.recipients {
        Recipients::Inline(rows) => {
            for object in rows {
                let object = JsonRow::parse(&Value::from(object.clone()).to_string()).unwrap();
                row(&Row::Json(&object));
            }
        }
        Recipients::Path(name) => {
            let list = event(name);
            let (mut reader, mut input) =
                (ListReader::new(Format::of(name).unwrap()), list.as_bytes());
            while let Some(parsed) = reader.next(&mut input, true).unwrap() {
                row(&parsed.row.unwrap());
            }
            campaign
                .messages
                .check_header(reader.header().unwrap())
                .unwrap();
        }
        Recipients::S3 { .. } => {}
    }
    (recipients, messages)
}

#[test]
fn every_row_of_the_lists_becomes_a_message_for_somebody_else() {
    for (name, different) in [
        ("campaign.json", 1_000),
        ("one-text.json", 1),
        ("notify.json", 1_000),
    ] {
        let (recipients, messages) = rendered(&Campaign::parse(&event(name)).unwrap());
        assert_eq!(recipients.len(), 1_000, "{name}");
        let distinct: HashSet<_> = recipients.into_iter().collect();
        assert_eq!(distinct.len(), 1_000, "{name}");
        assert_eq!(messages.len(), different, "{name}");
    }
}

#[test]
fn a_campaign_may_bring_its_rows() {
    let (recipients, messages) = rendered(&Campaign::parse(&event("inline.json")).unwrap());
    assert_eq!((recipients.len(), messages.len()), (4, 4));
}

#[test]
fn a_scheduler_input_is_the_campaign_itself() {
    let campaign = Campaign::parse(&event("scheduler-input.json")).unwrap();
    assert_eq!(campaign.run(), "xmas-coupon-2026@2099-12-25T00:00:00Z");
}

#[test]
fn a_rules_event_carries_the_campaign_in_its_detail() {
    let mut envelope: Value = serde_json::from_str(&event("scheduled-event.json")).unwrap();
    let (recipients, _) = rendered(&Campaign::from_value(envelope["detail"].take()).unwrap());
    assert_eq!(recipients.len(), 2);
    let empty: Value = serde_json::from_str(&event("scheduled-event-empty.json")).unwrap();
    assert_eq!(empty["detail"], Value::Object(serde_json::Map::new()));
}
