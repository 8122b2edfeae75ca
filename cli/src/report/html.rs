//! The report of a run as one page that needs no other file.

use std::collections::BTreeMap;

use indicatif::HumanCount;
use minijinja::Value;
use serde::Serialize;

use crate::html::chart::{self, Chart, OUTCOMES, OverTime};
use crate::html::{Frame, Templates};
use crate::print::words::{count, percent};
use crate::report::advice::advice;
use crate::report::dead_letters::DeadLetterWords;
use crate::report::facts::RunFacts;
use crate::report::measurements::{Latency, SettledInASecond};
use crate::report::run_report::RunReport;

const TEMPLATE: &str = "report";

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    run: &'a str,
    verdict: String,
    all_accepted: bool,
    target: &'static str,
    problem: Option<&'a str>,
    figures: Vec<Figure>,
    chart: Value,
    terms: Vec<TermView>,
    equation: String,
    latency_ms: Option<Latency>,
    dead_letters: &'a BTreeMap<String, u64>,
    reasons: Vec<ReasonView<'a>>,
    /// Those of the dead letters that are in no reason.
    others: Vec<(&'a str, u64)>,
    rejects: &'a [String],
    facts: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: String,
    beside: &'static str,
}

#[derive(Serialize)]
struct TermView {
    name: &'static str,
    rows: u64,
    percent: String,
    meaning: &'static str,
    advice: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct ReasonView<'a> {
    #[serde(flatten)]
    words: &'a DeadLetterWords,
    advice: &'static str,
}

/// The page of this report.
pub(crate) fn page(report: &RunReport) -> Result<String, minijinja::Error> {
    let templates = templates()?;
    let frame = Frame {
        title: &report.run,
        is_file: true,
        ..Frame::default()
    };
    templates.page(&frame, content(&templates, report)?)
}

fn templates() -> Result<Templates, minijinja::Error> {
    Templates::new(&[(TEMPLATE, include_str!("page.html.j2"))])
}

/// The page without the layout and the styles around it.
fn content(templates: &Templates, report: &RunReport) -> Result<String, minijinja::Error> {
    let chart = templates.part(chart::TEMPLATE, &chart_of(report))?;
    templates.part(TEMPLATE, &page_of(report, Value::from_safe_string(chart)))
}

/// The chart of the whole run, to its last second.
fn chart_of(report: &RunReport) -> Chart {
    let measurements = &report.measurements;
    // LINE Notify has no limit in requests a second.
    let limit = measurements
        .recipients_limit()
        .filter(|_| report.channel == "line");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run takes no negative time, and no million years"
    )]
    let seconds = report.seconds.ceil() as usize;
    let mut settled = measurements.settled_by_second.clone();
    settled.resize(settled.len().max(seconds), SettledInASecond::default());
    let stack = |second: &SettledInASecond| {
        vec![
            second.accepted,
            second.already_accepted,
            second.not_sent,
            second.set_aside,
            second.refused,
        ]
    };
    let data = OverTime {
        series: &OUTCOMES,
        intervals: settled.iter().map(stack).collect(),
        seconds: 1,
        limit,
    };
    Chart::new(&data, "0 s".into(), format!("{} s", settled.len()))
}

fn page_of(report: &RunReport, chart: Value) -> Page<'_> {
    let accounting = &report.accounting;
    let accepted = accounting.accepted + accounting.already_accepted;
    let (all, rows) = (accounting.all_accepted(), accounting.rows);
    Page {
        run: &report.run,
        verdict: if all && rows > 0 {
            format!("LINE accepted all {}.", HumanCount(accepted))
        } else {
            let rows = count(rows, "row", "rows");
            format!("LINE accepted {} of {rows}.", HumanCount(accepted))
        },
        all_accepted: all && rows > 0,
        target: report.target(),
        problem: report.problem.as_deref(),
        figures: figures(report),
        chart,
        terms: terms(report),
        equation: accounting.equation(),
        latency_ms: Some(report.measurements.latency_ms).filter(|latency| latency.max > 0),
        dead_letters: &report.dead_letters,
        reasons: report
            .reasons
            .iter()
            .map(|words| ReasonView {
                words,
                advice: advice(&words.reason),
            })
            .collect(),
        others: others(report),
        rejects: &report.rejects,
        facts: facts(report),
    }
}

/// The people of dead letters whose words are not kept: there is a most for them.
fn others(report: &RunReport) -> Vec<(&str, u64)> {
    let dead_letters = report.dead_letters.iter();
    let others = dead_letters.map(|(reason, people)| {
        let told = report.reasons.iter().filter(|told| told.reason == *reason);
        let told: u64 = told.map(|told| told.recipients).sum();
        (reason.as_str(), people.saturating_sub(told))
    });
    others.filter(|(_, people)| *people > 0).collect()
}

fn figures(report: &RunReport) -> Vec<Figure> {
    let figure = |name, value, beside| Figure {
        name,
        value,
        beside,
    };
    let (accounting, measurements) = (&report.accounting, &report.measurements);
    let accepted = accounting.accepted + accounting.already_accepted;
    let mut figures = vec![
        figure(
            "LINE accepted",
            HumanCount(accepted).to_string(),
            "accepted is not the same as read",
        ),
        figure(
            "time",
            format!("{:.1} s", report.seconds),
            "from the first row to the last outcome",
        ),
    ];
    for (name, number, beside) in [
        (
            "deliveries",
            report.deliveries,
            "requests that the list makes",
        ),
        (
            "retries",
            measurements.retries,
            "deliveries that came again",
        ),
        ("too fast", measurements.too_fast, "answers with status 429"),
    ] {
        if number > 0 {
            figures.push(figure(name, HumanCount(number).to_string(), beside));
        }
    }
    figures
}

/// The terms that have rows.
fn terms(report: &RunReport) -> Vec<TermView> {
    let terms = report.accounting.terms().into_iter();
    let terms = terms.filter(|term| term.rows > 0);
    terms
        .map(|term| TermView {
            name: term.name,
            rows: term.rows,
            percent: percent(term.rows, report.accounting.rows),
            meaning: term.meaning,
            // A simulated LINE forgets, so a rehearsal can't go on.
            advice: match term.name {
                "not sent" if !report.live => "",
                name => advice(name),
            },
            class: if term.is_accepted { "good" } else { "bad" },
        })
        .collect()
}

/// When, where and with what: what can be told of this run.
fn facts(report: &RunReport) -> Vec<(&'static str, String)> {
    let RunFacts {
        began,
        ended,
        list,
        version,
        sealed,
        host,
        faults,
        seed,
        faults_hit,
    } = &report.facts;
    let time = |time: &jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let hit: Vec<_> = faults_hit
        .iter()
        .map(|(name, times)| format!("{name} {}", count(*times, "time", "times")))
        .collect();
    let line = report.line.as_ref().map(|line| {
        let twice = HumanCount(line.recipients_doubled);
        format!(
            "{} accepted, {twice} twice",
            HumanCount(line.recipients_accepted)
        )
    });
    let facts = [
        ("began", Some(time(began))),
        ("ended", Some(time(ended))),
        ("list", Some(list.clone())),
        ("sent to", Some(report.target().to_owned())),
        ("on the queue", sealed.then(|| "sealed".to_owned())),
        ("the simulated LINE’s own count", line),
        ("faults on purpose", faults.clone()),
        ("seed", seed.map(|seed| seed.to_string())),
        ("LINE’s faults that happened", Some(hit.join(", "))),
        ("machine", host.clone()),
        ("fanline", Some((*version).to_owned())),
    ];
    let facts = facts.into_iter();
    let told = facts.filter_map(|(name, value)| Some((name, value?)));
    told.filter(|(_, value)| !value.is_empty()).collect()
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
            facts: RunFacts {
                began: "2026-12-25T00:00:01Z".parse().unwrap(),
                ended: "2026-12-25T00:00:06Z".parse().unwrap(),
                list: "friends.csv".into(),
                version: "0.1.0 (abc)",
                sealed: false,
                host: Some("office".into()),
                faults: Some("error-after=10%".into()),
                seed: Some(7),
                faults_hit: BTreeMap::from([("error-after".into(), 1)]),
            },
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
                settled_by_second: [(1_800, 0), (2_000, 0), (0, 0), (1_200, 900), (4_000, 0)]
                    .map(|(accepted, already_accepted)| SettledInASecond {
                        accepted,
                        already_accepted,
                        ..SettledInASecond::default()
                    })
                    .to_vec(),
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
        insta::assert_snapshot!(content(&templates().unwrap(), &report()).unwrap());
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
        for text in ["interrupted", "Sent to LINE.", "LINE accepted 0 of 0 rows."] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for absent in ["class=\"limit\"", "dead letters", "How long a request took"] {
            assert!(!page.contains(absent), "{absent}: {page}");
        }
    }
}
