//! The result of a run for people, on standard output.

use std::io;

use console::style;
use indicatif::HumanCount;

use crate::print;
use crate::report::Report;

impl Report {
    /// The report for people, on standard output.
    pub(crate) fn show(&self) -> io::Result<()> {
        let to = if self.live {
            "LINE"
        } else {
            "the simulated LINE"
        };
        print::line(format_args!(
            "{}: {} rows to {to} in {:.1} s, {} deliveries\n",
            style(&self.run).bold(),
            HumanCount(self.sum.rows),
            self.seconds,
            HumanCount(self.deliveries)
        ))?;
        for (name, n, meaning) in self.sum.terms() {
            if n > 0 {
                let good = matches!(name, "accepted" | "already accepted" | "duplicates");
                let name = if good {
                    style(name).green()
                } else {
                    style(name).red()
                };
                print::line(format_args!(
                    "  {name:<18}{:>12}   {}",
                    HumanCount(n).to_string(),
                    style(meaning).dim()
                ))?;
            }
        }
        print::line(format_args!("\n{}", self.sum.equation()))?;
        for (reason, n) in &self.dead_letters {
            print::line(format_args!("set aside as {reason}: {}", HumanCount(*n)))?;
        }
        for file in &self.rejects {
            print::line(format_args!("rejected rows: {file}"))?;
        }
        if let Some(line) = &self.line {
            print::line(format_args!(
                "the simulated LINE's ledger: {} reached, {} of them twice",
                HumanCount(line.recipients_accepted),
                HumanCount(line.recipients_doubled)
            ))?;
        }
        if let Some(problem) = &self.problem {
            print::note(format_args!(
                "{} {problem}",
                style("stopped:").for_stderr().red().bold()
            ));
        }
        Ok(())
    }
}
