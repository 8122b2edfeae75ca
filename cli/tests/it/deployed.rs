//! The commands that work on a deployed stack, as far as they go without one. `make test-deploy`
//! runs them on a stack.

use crate::support::{Folder, ONE_TEXT, campaign};

/// Without this the SDK asks a server of EC2 for credentials.
const NO_EC2: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

#[test]
fn a_stack_without_credentials_is_an_error_about_the_stack() {
    let region = ("AWS_REGION", "ap-northeast-1");
    for command in [["schedule", "list"].as_slice(), &["doctor"]] {
        let answer = Folder::new().fanline_with(command, &[NO_EC2, region]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert_eq!(
            answer.err,
            "error: the stack is in AWS, and there are no AWS credentials: set valid ones\n"
        );
    }
}

#[test]
fn a_schedule_that_cannot_fire_is_refused_before_aws_is_asked() {
    let folder = Folder::new().with("campaign.json", campaign(ONE_TEXT));
    for (when, zone, problem) in [
        ("cron(0", "UTC", "`cron(0` is not cron(…), rate(…) or at(…)"),
        (
            "rate(1 day)",
            "Taipei",
            "`Taipei` is not a time zone such as Asia/Taipei",
        ),
        (
            "at(2026-01-01T08:00:00)",
            "Asia/Taipei",
            "at(2026-01-01T08:00:00) in Asia/Taipei is in the past: it would never fire",
        ),
    ] {
        let args = ["schedule", "set", "daily", "campaign.json", "--when", when];
        let args = [args.as_slice(), &["--time-zone", zone]].concat();
        let answer = folder.fanline_with(&args, &[NO_EC2]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert_eq!(answer.err, format!("error: {problem}\n"));
    }
}
