//! Flags that other programs have, and what does the same here.

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

/// The flag, and what to use in its place.
const CURES: [(&str, &str); 4] = [
    (
        "--dry-run",
        "`fanline check` reads the list and sends nothing; `fanline run` without --live rehearses the whole run",
    ),
    (
        "--test",
        "`--live --test-to YOUR-USER-ID` sends a test to you alone",
    ),
    (
        "--token",
        "the token stands in the variable `LINE_CHANNEL_ACCESS_TOKEN`, where no list of processes shows it",
    ),
    ("--send", "`fanline run CAMPAIGN.json --live` sends"),
];

/// The error, with the cure for a flag that other programs have.
pub(super) fn with_cure(mut error: Error) -> Error {
    let cure = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => CURES
            .iter()
            .find(|(known, _)| known == flag)
            .map(|(_, cure)| cure),
        _ => None,
    };
    if let Some(cure) = cure {
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(*cure)]);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    #[test]
    fn a_flag_of_other_programs_is_answered_with_what_does_the_same_here() {
        for (flag, cure) in CURES {
            let words = ["fanline", "run", "campaign.json", flag];
            let error = command().try_get_matches_from(words).unwrap_err();
            let told = with_cure(error).to_string();
            assert!(
                told.contains(cure) && !told.contains("as a value"),
                "{told}"
            );
        }
    }
}
