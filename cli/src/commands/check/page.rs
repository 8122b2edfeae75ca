//! `check --preview`: messages as people see them on their phones, on one page that needs no other
//! file but the pictures.

use fanline_producer::{Preview, Sample};
use indicatif::HumanCount;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

use super::shown;

mod flex;
mod html;
mod message;
mod text;

/// The name decides how values are escaped: as text in HTML.
const TEMPLATE_NAME: &str = "page.html.j2";
const TEMPLATE: &str = include_str!("page/page.html.j2");

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    campaign: &'a str,
    phones: Vec<Phone>,
    empty: Vec<(&'a str, u64)>,
}

/// What one person sees.
#[derive(Serialize)]
struct Phone {
    row: u64,
    reason: String,
    /// HTML, whose texts are escaped.
    messages: String,
}

/// The page with these messages.
pub(super) fn page(campaign: &str, preview: &Preview) -> anyhow::Result<String> {
    let phones = preview.samples.iter().map(phone);
    let empty = preview.samples.empty_values();
    let page = Page {
        campaign,
        phones: phones.collect::<Result<_, _>>()?,
        empty: empty.map(|of| (of.column.as_str(), of.rows)).collect(),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("human_count", |n: u64| HumanCount(n).to_string());
    environment.add_template(TEMPLATE_NAME, TEMPLATE)?;
    let template = environment.get_template(TEMPLATE_NAME)?;
    Ok(template.render(Serde(page))?)
}

fn phone(sample: &Sample) -> serde_json::Result<Phone> {
    let messages: Value = serde_json::from_str(&sample.messages)?;
    let messages = messages.as_array().map_or(&[][..], Vec::as_slice);
    let mut html: String = messages.iter().map(message::draw).collect();
    // LINE shows the quick replies of the last message only.
    html.extend(messages.last().map(message::quick_replies));
    Ok(Phone {
        row: sample.place.row,
        reason: shown::reason(&sample.reason),
        messages: html,
    })
}
