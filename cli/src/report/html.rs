//! The report of a run as one page that needs no other file.

use std::collections::BTreeMap;

use indicatif::HumanCount;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::report::accounting::Term;
use crate::report::chart::Chart;
use crate::report::dead_letters::DeadLetterWords;
use crate::report::measurements::Latency;
use crate::report::run_report::RunReport;

/// The name decides how values are escaped: as text in HTML.
const TEMPLATE_NAME: &str = "page.html.j2";
const TEMPLATE: &str = include_str!("page.html.j2");

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    run: &'a str,
    all_accepted: bool,
    target: &'static str,
    problem: Option<&'a str>,
    recipients_accepted: u64,
    seconds: String,
    deliveries: u64,
    retries: u64,
    too_fast: u64,
    chart: Chart,
    terms: Vec<Term>,
    rows: u64,
    latency_ms: Latency,
    dead_letters: &'a BTreeMap<String, u64>,
    reasons: &'a [DeadLetterWords],
}

/// The page of this report.
pub(crate) fn page(report: &RunReport) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("human_count", |n: u64| HumanCount(n).to_string());
    environment.add_template(TEMPLATE_NAME, TEMPLATE)?;
    environment
        .get_template(TEMPLATE_NAME)?
        .render(Serde(data(report)))
}

fn data(report: &RunReport) -> Page<'_> {
    let (accounting, measurements) = (&report.accounting, &report.measurements);
    // LINE Notify has no limit in requests a second.
    let limit = measurements
        .recipients_limit()
        .filter(|_| report.channel == "line");
    Page {
        run: &report.run,
        all_accepted: accounting.all_accepted(),
        target: report.target(),
        problem: report.problem.as_deref(),
        recipients_accepted: accounting.accepted + accounting.already_accepted,
        seconds: format!("{:.1}", report.seconds),
        deliveries: report.deliveries,
        retries: measurements.retries,
        too_fast: measurements.too_fast,
        chart: Chart::new(&measurements.accepted_by_second, limit),
        terms: accounting.terms(),
        rows: accounting.rows,
        latency_ms: measurements.latency_ms,
        dead_letters: &report.dead_letters,
        reasons: &report.reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::accounting::Accounting;
    use crate::report::measurements::Measurements;
    use crate::report::run_report::SimulatedLineCounts;

    fn report() -> RunReport {
        RunReport {
            run: "coupon@2026-12-25T00:00:00Z".into(),
            channel: "line",
            live: false,
            accounting: Accounting {
                rows: 10_000,
                accepted: 9_000,
                already_accepted: 900,
                refused: 40,
                expired: 0,
                not_sent: 0,
                cancelled: 0,
                unknown: 0,
                rejected: 50,
                duplicates: 10,
            },
            deliveries: 9_940,
            queue_requests: 994,
            seconds: 5.26,
            measurements: Measurements {
                accepted_by_second: vec![1_800, 2_000, 0, 2_100, 4_000],
                pushes: 9_900,
                multicasts: 0,
                requests: 10_200,
                latency_ms: Latency {
                    p50: 3,
                    p90: 12,
                    p99: 80,
                    max: 1_250,
                },
                retries: 260,
                too_fast: 12,
            },
            dead_letters: BTreeMap::from([("refused".into(), 40)]),
            reasons: Vec::new(),
            rejects: vec!["list.rejects.csv".into()],
            not_reached: None,
            line: None,
            problem: None,
        }
    }

    #[test]
    fn the_page_shows_the_whole_report() {
        insta::assert_snapshot!(page(&report()).unwrap());
    }

    #[test]
    fn a_run_that_sent_somebody_two_messages_is_not_complete() {
        let counts = |doubled| RunReport {
            accounting: Accounting {
                rows: 1,
                accepted: 1,
                ..Accounting::default()
            },
            line: Some(SimulatedLineCounts {
                recipients_accepted: 1,
                recipients_doubled: doubled,
                requests_rate_limited: 0,
            }),
            ..report()
        };
        assert!(counts(0).is_complete() && !counts(1).is_complete());
    }

    #[test]
    fn text_from_outside_stays_text() {
        let markup = "<script>alert(1)</script><img src=x onerror='a()'>\"&amp;";
        let page = page(&RunReport {
            run: markup.into(),
            problem: Some(markup.into()),
            dead_letters: BTreeMap::from([(markup.into(), 1)]),
            ..report()
        })
        .unwrap();
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert_eq!(page.matches("&lt;script&gt;").count(), 4, "{page}");
        assert!(page.contains("&quot;&amp;amp;"), "{page}");
    }

    #[test]
    fn an_empty_run_has_a_page() {
        let page = page(&RunReport {
            accounting: Accounting::default(),
            measurements: Measurements::default(),
            dead_letters: BTreeMap::new(),
            problem: Some("interrupted".into()),
            live: true,
            ..report()
        })
        .unwrap();
        for text in ["interrupted", "Sent to LINE.", "nothing was set aside"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("class=\"limit\""), "{page}");
    }
}
