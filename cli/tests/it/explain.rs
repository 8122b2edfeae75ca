//! Words and fields are explained, and an editor gets the same texts.

use serde_json::Value;

use crate::support::{Folder, ONE_TEXT, campaign, list};

fn schema() -> Value {
    Folder::new().fanline(&["schema"]).json()
}

#[test]
fn each_field_of_a_campaign_and_each_word_is_explained() {
    let folder = Folder::new();
    let listed = folder.fanline(&["explain"]).out;
    let words: Vec<String> = listed
        .lines()
        .filter(|line| line.starts_with("  "))
        .flat_map(|line| line.split(','))
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let fields = schema()["properties"].as_object().unwrap().clone();
    for field in fields.keys() {
        assert!(words.contains(field), "{field} is not listed");
    }
    for outcome in [
        "accepted",
        "already accepted",
        "refused",
        "expired",
        "unknown",
        "not sent",
    ] {
        assert!(
            words.iter().any(|word| word == outcome),
            "{outcome} is not listed"
        );
    }
    for word in words {
        let answer = folder.fanline(&["explain", &word]);
        assert_eq!(answer.code, Some(0), "{word}: {}", answer.err);
        assert!(answer.out.len() > 20, "{word}: {}", answer.out);
        let longest = answer.out.lines().map(str::len).max().unwrap();
        assert!(longest <= 80, "{word}: {longest} columns");
    }
}

#[test]
fn a_word_is_found_as_people_and_as_programs_write_it() {
    let folder = Folder::new();
    let answer = folder.fanline(&["explain", "not sent"]).out;
    for word in ["not_sent", "Not-Sent"] {
        assert_eq!(folder.fanline(&["explain", word]).out, answer);
    }
    let unknown = folder.fanline(&["explain", "colour"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("no word `colour`"), "{}", unknown.err);
}

#[test]
fn the_schema_has_no_field_that_a_campaign_has_not_and_the_file_is_up_to_date() {
    let schema = schema();
    let kept = include_str!("../../../events/campaign.schema.json");
    assert_eq!(
        serde_json::from_str::<Value>(kept).unwrap(),
        schema,
        "write it again: fanline schema > events/campaign.schema.json"
    );
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["required"],
        serde_json::json!(["campaign", "channel", "recipients", "messages"])
    );
}

#[test]
fn a_campaign_may_name_its_schema() {
    let mut named: Value = serde_json::from_str(&campaign(ONE_TEXT)).unwrap();
    named["$schema"] = "campaign.schema.json".into();
    let folder = Folder::new()
        .with("campaign.json", named.to_string())
        .with("list.csv", list(3));
    let answer = folder.fanline(&["check", "campaign.json", "--list", "list.csv"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
}
