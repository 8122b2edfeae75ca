//! What a function's answer means for its batch. Pure.

use std::collections::HashSet;

use serde_json::Value;

/// How a mapping reads answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// `ReportBatchItemFailures`. Off, what a function answers is not looked at.
    pub(crate) report_failures: bool,
    /// From a FIFO queue, whatever comes after a failure has failed too.
    pub(crate) fifo: bool,
}

/// For each message id of the batch, in order, whether it succeeded: it is deleted then, and stays in flight otherwise.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
pub(crate) fn verdict(ids: &[&str], answer: Result<&Value, &str>, rules: Rules) -> Vec<bool> {
    let Ok(answer) = answer else {
        return vec![false; ids.len()];
    };
    if !rules.report_failures {
        return vec![true; ids.len()];
    }
    let Some(failed) = failed_ids(answer).filter(|failed| failed.iter().all(|id| ids.contains(id)))
    else {
        return vec![false; ids.len()];
    };
    let mut stopped = false;
    ids.iter()
        .map(|id| {
            let failed = failed.contains(id);
            stopped |= failed && rules.fifo;
            !failed && !stopped
        })
        .collect()
}

/// The ids that the answer reports; `None` where it is no such report, and the whole batch has failed.
fn failed_ids(answer: &Value) -> Option<HashSet<&str>> {
    let failures = match answer {
        Value::Null => return Some(HashSet::new()),
        Value::Object(answer) => answer.get("batchItemFailures"),
        _ => return None,
    };
    match failures {
        None | Some(Value::Null) => Some(HashSet::new()),
        Some(Value::Array(failures)) => failures
            .iter()
            .map(|failure| {
                failure
                    .get("itemIdentifier")?
                    .as_str()
                    .filter(|id| !id.is_empty())
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const IDS: [&str; 3] = ["a", "b", "c"];
    const RULES: Rules = Rules {
        report_failures: true,
        fifo: false,
    };

    #[test]
    fn nothing_reported_is_success() {
        for answer in [
            json!(null),
            json!({}),
            json!({ "batchItemFailures": null }),
            json!({ "batchItemFailures": [] }),
            json!({ "other": 1 }),
        ] {
            assert_eq!(verdict(&IDS, Ok(&answer), RULES), [true; 3], "{answer}");
        }
    }

    #[test]
    fn only_what_is_reported_fails() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        assert_eq!(verdict(&IDS, Ok(&answer), RULES), [true, false, true]);
    }

    #[test]
    fn what_is_no_report_fails_the_whole_batch() {
        for failure in [
            json!({ "itemIdentifier": "" }),
            json!({ "itemIdentifier": null }),
            json!({ "itemIdentifier": 7 }),
            json!({ "itemIdentifier": "d" }),
            json!({ "itemId": "a" }),
            json!({}),
            json!("a"),
        ] {
            let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "a" }, failure] });
            assert_eq!(verdict(&IDS, Ok(&answer), RULES), [false; 3], "{answer}");
        }
        for answer in [
            json!("ok"),
            json!([]),
            json!(7),
            json!({ "batchItemFailures": "a" }),
        ] {
            assert_eq!(verdict(&IDS, Ok(&answer), RULES), [false; 3], "{answer}");
        }
        assert_eq!(verdict(&IDS, Err("boom"), RULES), [false; 3]);
    }

    #[test]
    fn from_a_fifo_queue_all_after_the_first_failure_fail() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        let rules = Rules {
            fifo: true,
            ..RULES
        };
        assert_eq!(verdict(&IDS, Ok(&answer), rules), [true, false, false]);
    }

    #[test]
    fn without_reporting_only_an_error_fails() {
        let rules = Rules {
            report_failures: false,
            ..RULES
        };
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        assert_eq!(verdict(&IDS, Ok(&answer), rules), [true; 3]);
        assert_eq!(verdict(&IDS, Err("boom"), rules), [false; 3]);
    }
}
