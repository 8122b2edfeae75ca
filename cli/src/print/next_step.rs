//! The command that comes next. Each one that went well says it, down to the live run.

use std::path::Path;

use crate::args::{CampaignArgs, RunArgs};
use crate::print;

/// The folder of the examples. Who has run one of them takes a list of their own next.
const EXAMPLES: &str = "events";

const TEST_NEEDS: &str = "First set LINE_CHANNEL_ACCESS_TOKEN to the channel's token. Your user ID is \
     on the channel's page \"Basic settings\".";

/// The command after a check.
pub(crate) fn after_check(args: &CampaignArgs) {
    say(&line("plan", args, ""));
}

/// The command after a plan without a problem.
pub(crate) fn after_plan(args: &CampaignArgs) {
    say(&line("run", args, ""));
}

/// The command after a run in which everybody was reached. `is_notify`: it is on LINE Notify, which
/// has no test to a user ID.
pub(crate) fn after_run(args: &RunArgs, is_notify: bool) {
    if let Some(next) = next_of_run(args, is_notify) {
        say(&next);
        if next.contains("--test-to") {
            print::note(TEST_NEEDS);
        }
    }
}

fn next_of_run(args: &RunArgs, is_notify: bool) -> Option<String> {
    let campaign = &args.campaign;
    if args.live {
        let is_test = !args.test_to.is_empty();
        return is_test.then(|| line("run", campaign, " --live"));
    }
    if is_example(campaign) {
        return Some(line("check", campaign, " --list YOUR-LIST.csv"));
    }
    let flags = if is_notify {
        " --live"
    } else {
        " --live --test-to YOUR-USER-ID"
    };
    Some(line("run", campaign, flags))
}

/// Whether it is an example with its own list.
fn is_example(args: &CampaignArgs) -> bool {
    let folder = args.campaign.parent().and_then(Path::file_name);
    args.list.is_none() && folder.is_some_and(|name| name == EXAMPLES)
}

fn say(next: &str) {
    print::note(format_args!("Next: {next}"));
}

/// The command with this campaign and its list.
fn line(command: &str, args: &CampaignArgs, flags: &str) -> String {
    let list = args.list.as_deref();
    let list = list.map_or_else(String::new, |list| format!(" --list {}", word(list)));
    format!("fanline {command} {}{list}{flags}", word(&args.campaign))
}

/// The path as one word of a shell.
fn word(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./\\:@+,".contains(c);
    if path.chars().all(is_plain) {
        return path.into_owned();
    }
    let escaped = path.replace('\'', "'\\''");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;
    use crate::args::{self, Cli, Command};

    fn next(words: &str, is_notify: bool) -> Option<String> {
        let words = words.split_whitespace();
        let read = args::command().try_get_matches_from(words).unwrap();
        match Cli::from_arg_matches(&read).unwrap().command {
            Command::Run(args) => next_of_run(&args, is_notify),
            _ => panic!("not a run"),
        }
    }

    #[test]
    fn a_run_is_followed_by_the_list_then_by_a_test_then_by_the_live_run() {
        let user = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa";
        for (ran, next_one) in [
            (
                "fanline run events/one-text.json".to_owned(),
                Some("fanline check events/one-text.json --list YOUR-LIST.csv"),
            ),
            (
                "fanline run events/one-text.json --list my.csv".to_owned(),
                Some(
                    "fanline run events/one-text.json --list my.csv --live --test-to YOUR-USER-ID",
                ),
            ),
            (
                "fanline run c.json".to_owned(),
                Some("fanline run c.json --live --test-to YOUR-USER-ID"),
            ),
            (
                format!("fanline run c.json --list my.csv --live --test-to {user}"),
                Some("fanline run c.json --list my.csv --live"),
            ),
            ("fanline run c.json --live".to_owned(), None),
        ] {
            assert_eq!(next(&ran, false).as_deref(), next_one, "{ran}");
        }
        let notify = next("fanline run notify.json", true);
        assert_eq!(notify.as_deref(), Some("fanline run notify.json --live"));
    }

    #[test]
    fn a_path_with_spaces_is_one_word() {
        for (path, as_word) in [
            ("c.json", "c.json"),
            ("my list.csv", "'my list.csv'"),
            ("名單.csv", "名單.csv"),
            ("it's.csv", "'it'\\''s.csv'"),
        ] {
            assert_eq!(word(Path::new(path)), as_word);
        }
    }
}
