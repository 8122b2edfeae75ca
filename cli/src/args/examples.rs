//! Examples in the help of each main command.

use clap::CommandFactory;

use super::Cli;

/// The command, and lines that its reader can copy.
const EXAMPLES: [(&str, &[&str]); 12] = [
    (
        "run",
        &[
            "fanline run campaign.json",
            "fanline run campaign.json --list friends.csv --report run.html",
            "fanline run campaign.json --faults error-after=10%,kill=2% --seed 7",
            "fanline run campaign.json --live --test-to U4af4980629f0c1d2e3f4a5b6c7d8e9fa",
            "fanline run campaign.json --live",
        ],
    ),
    (
        "check",
        &[
            "fanline check campaign.json --list friends.csv",
            "fanline check campaign.json --preview page.html --row 17",
            "fanline check campaign.json --live",
        ],
    ),
    (
        "plan",
        &[
            "fanline plan campaign.json --list friends.csv",
            "fanline plan campaign.json --concurrency 80 --fee 3",
        ],
    ),
    (
        "worker",
        &[
            "fanline worker --queue-url https://sqs.ap-northeast-1.amazonaws.com/123456789012/deliveries",
        ],
    ),
    (
        "schedule",
        &[
            "fanline schedule set every-morning campaign.json --when \"cron(0 8 * * ? *)\" --time-zone Asia/Taipei",
            "fanline schedule list",
            "fanline schedule off every-morning",
        ],
    ),
    (
        "status",
        &[
            "fanline status xmas-coupon-2026",
            "fanline status xmas --watch --at s3://BUCKET",
        ],
    ),
    (
        "pause",
        &[
            "fanline pause xmas-coupon-2026 --why \"wrong text\"",
            "fanline pause xmas --mode park --at s3://BUCKET",
        ],
    ),
    (
        "export",
        &[
            "fanline export xmas-coupon-2026 --out rows.csv",
            "fanline export xmas --only refused,expired --out rest.csv.zst",
        ],
    ),
    (
        "redrive",
        &["fanline redrive xmas-coupon-2026 --only quota,unauthorized --at s3://BUCKET"],
    ),
    (
        "resend",
        &["fanline resend xmas-coupon-2026 --only expired,cancelled --out again"],
    ),
    (
        "dashboard",
        &[
            "fanline dashboard",
            "fanline dashboard --at s3://BUCKET --port 8080",
        ],
    ),
    (
        "make-list",
        &[
            "fanline make-list 1000 > list.csv",
            "fanline make-list 1000000 --personalised > list.csv",
        ],
    ),
];

/// The command line with its help.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    for (name, examples) in EXAMPLES {
        command = command.mut_subcommand(name, |command| {
            let mut help = format!("Examples:\n  {}", examples.join("\n  "));
            if let Some(after) = command.get_after_help() {
                help = format!("{help}\n\n{after}");
            }
            command.after_help(help)
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line, as a shell takes them: only double quotes are used.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (i, part) in line.split('"').enumerate() {
            if i % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[test]
    fn the_examples_are_in_the_help_before_the_exit_codes() {
        let command = command();
        for (name, examples) in EXAMPLES {
            let of = command.find_subcommand(name).unwrap();
            let help = of.get_after_help().unwrap().to_string();
            assert!(help.starts_with("Examples:\n  fanline "), "{name}: {help}");
            assert!(help.contains(examples[0]), "{name}: {help}");
        }
        let run = command.find_subcommand("run").unwrap();
        let help = run.get_after_help().unwrap().to_string();
        assert!(help.contains("\n\nExit codes:"), "{help}");
    }

    #[test]
    fn each_example_is_a_line_that_the_command_takes() {
        for (name, examples) in EXAMPLES {
            for example in examples {
                let line = example.split(" > ").next().unwrap();
                let words = words(line);
                assert_eq!(words[..2], ["fanline", name], "{example}");
                let read = command().try_get_matches_from(words);
                assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
            }
        }
    }
}
