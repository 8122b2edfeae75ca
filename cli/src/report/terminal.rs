//! The report of a run for people.

use std::io;

use console::style;
use indicatif::HumanCount;

use crate::print;
use crate::print::words::count;
use crate::report::run_report::RunReport;

/// Prints the report: its result on standard output, and why the run ended early on standard error.
pub(crate) fn print(report: &RunReport) -> io::Result<()> {
    print::line(format_args!(
        "{}: {} to {} in {:.1} s, {}{}\n",
        style(&report.run).bold(),
        count(report.accounting.rows, "row", "rows"),
        report.target(),
        report.seconds,
        count(report.deliveries, "delivery", "deliveries"),
        if report.facts.sealed { ", sealed" } else { "" }
    ))?;
    print_terms(report)?;
    print::line(format_args!("\n{}", report.accounting.equation()))?;
    for (reason, recipients) in &report.dead_letters {
        print::line(format_args!(
            "set aside as {reason}: {}",
            HumanCount(*recipients)
        ))?;
    }
    for words in &report.reasons {
        let status = words
            .status
            .iter()
            .map(|status| format!(" (status {status})"));
        let row = words.example_row.iter();
        let row = row.map(|row| format!(", for example row {}", HumanCount(*row)));
        print::line(format_args!(
            "  {} {}{}: {}{}",
            HumanCount(words.recipients),
            words.reason,
            status.collect::<String>(),
            words.words,
            row.collect::<String>()
        ))?;
    }
    for file in &report.rejects {
        print::line(format_args!("rejected rows: {file}"))?;
    }
    if let Some(file) = &report.not_reached {
        print::line(format_args!("who did not get it: {}", file.display()))?;
    }
    if let Some(line) = &report.line {
        let twice = match line.recipients_doubled {
            0 => "nobody".to_owned(),
            doubled => HumanCount(doubled).to_string(),
        };
        print::line(format_args!(
            "the simulated LINE's ledger: {} accepted, {twice} twice",
            HumanCount(line.recipients_accepted)
        ))?;
    }
    if let Some(problem) = &report.problem {
        print::note(format_args!(
            "{} {problem}",
            style("stopped:").for_stderr().red().bold()
        ));
    }
    Ok(())
}

/// Prints the terms that have rows, accepted ones in green.
fn print_terms(report: &RunReport) -> io::Result<()> {
    for term in report.accounting.terms() {
        if term.rows > 0 {
            let name = if term.is_accepted {
                style(term.name).green()
            } else {
                style(term.name).red()
            };
            print::line(format_args!(
                "  {name:<18}{:>12}   {}",
                HumanCount(term.rows).to_string(),
                style(term.meaning).dim()
            ))?;
        }
    }
    Ok(())
}
