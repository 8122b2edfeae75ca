//! `--report`: a run on one self-contained page.

use std::fmt::Write as _;

use indicatif::HumanCount;

use crate::report::measurements::Measurements;
use crate::report::run_report::RunReport;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#16181d;--dim:#667085;--line:#e4e7ec;--card:#fff;--page:#f6f7f9;--good:#06a94d;--bad:#d92d20;--limit:#b54708}
@media(prefers-color-scheme:dark){:root{--ink:#f2f4f7;--dim:#98a2b3;--line:#344054;--card:#1d2230;--page:#12151d;--limit:#fdb022}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1rem}h1{font-size:1.4rem;margin:.5rem 0;overflow-wrap:anywhere}h2{font-size:1rem;margin:0 0 .5rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:1rem 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:1rem}.figures b{display:block;font-size:1.5rem;line-height:1.2}
.dim,.figures span{color:var(--dim);font-size:.875rem}table{border-collapse:collapse;width:100%}td,th{padding:.35rem .25rem;border-top:1px solid var(--line);text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.good{color:var(--good)}.bad{color:var(--bad)}svg{width:100%;max-width:42rem;height:auto;display:block}
svg text{fill:var(--dim);font:10px system-ui,sans-serif}.bar{fill:var(--good)}.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 4}.axis{stroke:var(--line)}";

/// The page for this run.
pub(crate) fn page(report: &RunReport) -> String {
    let run = escape(&report.run);
    let sum = &report.accounting;
    let verdict = if sum.all_accepted() {
        "<span class=good>Everybody was reached.</span>"
    } else {
        "<span class=bad>Not everybody was reached.</span>"
    };
    let to = if report.live {
        "LINE"
    } else {
        "the simulated LINE"
    };
    let mut terms = String::new();
    for term in sum.terms() {
        push(
            &mut terms,
            format_args!(
                "<tr><td>{}<br><span class=dim>{}</span><td class=n>{}",
                term.name,
                term.meaning,
                HumanCount(term.rows)
            ),
        );
    }
    push(
        &mut terms,
        format_args!("<tr><th>rows<td class=n><b>{}</b>", HumanCount(sum.rows)),
    );
    let figures: String = [
        (
            "people reached",
            HumanCount(sum.accepted + sum.already_accepted).to_string(),
        ),
        (
            "from the first row to the last outcome",
            format!("{:.1} s", report.seconds),
        ),
        ("deliveries", HumanCount(report.deliveries).to_string()),
        (
            "retries",
            HumanCount(report.measurements.retries).to_string(),
        ),
        (
            "answers “too fast”",
            HumanCount(report.measurements.too_fast).to_string(),
        ),
    ]
    .iter()
    .fold(String::new(), |mut html, (name, value)| {
        push(
            &mut html,
            format_args!("<div><b>{value}</b><span>{name}</span></div>"),
        );
        html
    });
    let latency = &report.measurements.latency_ms;
    let mut set_aside = String::new();
    for (reason, n) in &report.dead_letters {
        push(
            &mut set_aside,
            format_args!("<tr><td>{}<td class=n>{}", escape(reason), HumanCount(*n)),
        );
    }
    if set_aside.is_empty() {
        set_aside.push_str("<tr><td class=dim>nothing was set aside");
    }
    let problem = report.problem.as_ref().map_or(String::new(), |problem| {
        format!("<p class=bad>{}</p>", escape(problem))
    });
    // LINE Notify has no limit of the kind.
    let limit = report
        .measurements
        .recipients_limit()
        .filter(|_| report.channel == "line");
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\"><title>{run} · fanline</title>\
         <style>{STYLE}</style><main><h1>{run}</h1><p>{verdict} <span class=dim>Sent to {to}.</span></p>{problem}\
         <section class=figures>{figures}</section>\
         <section><h2>Accepted a second</h2>{}</section>\
         <section><h2>Every row, once</h2><table>{terms}</table></section>\
         <section><h2>How long a request took</h2><table><tr><th>half within<th>90 %<th>99 %<th>all\
         <tr><td>{} ms<td>{} ms<td>{} ms<td>{} ms</table></section>\
         <section><h2>Set aside, and why</h2><table>{set_aside}</table></section></main></html>\n",
        chart(&report.measurements, limit),
        latency.p50,
        latency.p90,
        latency.p99,
        latency.max,
    )
}

/// Bars over time, and the limit above them.
fn chart(measurements: &Measurements, limit: Option<u64>) -> String {
    const WIDTH: f64 = 360.0;
    const HEIGHT: f64 = 140.0;
    const LEFT: f64 = 44.0;
    const BOTTOM: f64 = 24.0;
    let seconds = &measurements.accepted_by_second;
    let most = seconds
        .iter()
        .copied()
        .chain(limit)
        .max()
        .unwrap_or(0)
        .max(1);
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    let height = |people: u64| people as f64 / most as f64 * (HEIGHT - 16.0);
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    let step = (WIDTH - LEFT) / seconds.len().max(1) as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=img aria-label=\"people accepted in each second\">",
        HEIGHT + BOTTOM
    );
    let mut left = LEFT;
    for people in seconds {
        let tall = height(*people);
        push(
            &mut svg,
            format_args!(
                "<rect class=bar x={left:.1} y={:.1} width={:.2} height={tall:.1}><title>{}</title></rect>",
                HEIGHT - tall,
                (step * 0.92).max(0.4),
                HumanCount(*people)
            ),
        );
        left += step;
    }
    push(
        &mut svg,
        format_args!("<line class=axis x1={LEFT} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />"),
    );
    push(
        &mut svg,
        format_args!(
            "<text x={LEFT} y={:.0}>0 s</text><text x={WIDTH} y={:.0} text-anchor=end>{} s</text>",
            HEIGHT + 18.0,
            HEIGHT + 18.0,
            seconds.len()
        ),
    );
    if let Some(limit) = limit {
        let y = HEIGHT - height(limit);
        push(
            &mut svg,
            format_args!(
                "<line class=limit x1={LEFT} x2={WIDTH} y1={y:.1} y2={y:.1} /><text x=0 y={:.1}>{}</text>",
                y + 4.0,
                HumanCount(limit)
            ),
        );
        push(
            &mut svg,
            format_args!(
                "<text x={WIDTH} y={:.1} text-anchor=end>LINE’s limit</text>",
                (y - 4.0).max(11.0)
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn push(html: &mut String, what: std::fmt::Arguments<'_>) {
    html.write_fmt(what).unwrap_or_default(); // a `String` takes whatever is written to it
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
