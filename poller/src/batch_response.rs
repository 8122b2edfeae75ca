//! Which messages of a batch failed, as the function's answer says. Pure.

use std::collections::HashSet;

use serde_json::Value;

/// How an answer is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseRules {
    /// `ReportBatchItemFailures`. Without it the answer is not read, and no message failed.
    pub(crate) report_failures: bool,
    /// In a batch from a FIFO queue every message after a failed one failed too.
    pub(crate) fifo: bool,
}

/// An answer that Lambda takes as the failure of the whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidResponse {
    /// It is text, a number, a list: no object and not null.
    #[error("the answer is not an object")]
    NotAnObject,
    /// `batchItemFailures` is there, and it is neither a list nor null.
    #[error("`batchItemFailures` is not a list")]
    NotAList,
    /// An entry has no `itemIdentifier`, or it is empty or not text.
    #[error("an entry of `batchItemFailures` has no `itemIdentifier`")]
    NoIdentifier,
    /// An entry names a message that is not in the batch.
    #[error("an `itemIdentifier` is not in the batch")]
    UnknownIdentifier,
}

/// For each message id of the batch, in its order, whether the message failed.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
pub(crate) fn failed(
    ids: &[&str],
    answer: &Value,
    rules: ResponseRules,
) -> Result<Vec<bool>, InvalidResponse> {
    if !rules.report_failures {
        return Ok(vec![false; ids.len()]);
    }
    let reported = reported_ids(answer)?;
    if !reported.iter().all(|id| ids.contains(id)) {
        return Err(InvalidResponse::UnknownIdentifier);
    }
    let mut after_a_failure = false;
    let failed = ids.iter().map(|id| {
        let failed = after_a_failure || reported.contains(id);
        after_a_failure = failed && rules.fifo;
        failed
    });
    Ok(failed.collect())
}

fn reported_ids(answer: &Value) -> Result<HashSet<&str>, InvalidResponse> {
    let failures = match answer {
        Value::Null => None,
        Value::Object(answer) => answer.get("batchItemFailures"),
        _ => return Err(InvalidResponse::NotAnObject),
    };
    let failures = match failures {
        None | Some(Value::Null) => return Ok(HashSet::new()),
        Some(Value::Array(failures)) => failures,
        Some(_) => return Err(InvalidResponse::NotAList),
    };
    failures
        .iter()
        .map(|failure| {
            let id = failure.get("itemIdentifier").and_then(Value::as_str);
            id.filter(|id| !id.is_empty())
                .ok_or(InvalidResponse::NoIdentifier)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const IDS: [&str; 3] = ["a", "b", "c"];
    const RULES: ResponseRules = ResponseRules {
        report_failures: true,
        fifo: false,
    };

    #[test]
    fn without_a_report_no_message_failed() {
        for answer in [
            json!(null),
            json!({}),
            json!({ "batchItemFailures": null }),
            json!({ "batchItemFailures": [] }),
            json!({ "other": 1 }),
        ] {
            assert_eq!(failed(&IDS, &answer, RULES), Ok(vec![false; 3]), "{answer}");
        }
    }

    #[test]
    fn only_the_reported_messages_failed() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        assert_eq!(failed(&IDS, &answer, RULES), Ok(vec![false, true, false]));
    }

    #[test]
    fn an_answer_that_is_not_valid_says_what_is_wrong_with_it() {
        use InvalidResponse::{NoIdentifier, NotAList, NotAnObject, UnknownIdentifier};
        for (failure, expected) in [
            (json!({ "itemIdentifier": "" }), NoIdentifier),
            (json!({ "itemIdentifier": null }), NoIdentifier),
            (json!({ "itemIdentifier": 7 }), NoIdentifier),
            (json!({ "itemId": "a" }), NoIdentifier),
            (json!({}), NoIdentifier),
            (json!("a"), NoIdentifier),
            (json!({ "itemIdentifier": "d" }), UnknownIdentifier),
        ] {
            let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "a" }, failure] });
            assert_eq!(failed(&IDS, &answer, RULES), Err(expected), "{answer}");
        }
        for (answer, expected) in [
            (json!("ok"), NotAnObject),
            (json!([]), NotAnObject),
            (json!(7), NotAnObject),
            (json!({ "batchItemFailures": "a" }), NotAList),
        ] {
            assert_eq!(failed(&IDS, &answer, RULES), Err(expected), "{answer}");
        }
    }

    #[test]
    fn from_a_fifo_queue_every_message_after_the_first_failure_failed() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] });
        let rules = ResponseRules {
            fifo: true,
            ..RULES
        };
        assert_eq!(failed(&IDS, &answer, rules), Ok(vec![false, true, true]));
    }

    #[test]
    fn without_report_batch_item_failures_the_answer_is_not_read() {
        let rules = ResponseRules {
            report_failures: false,
            ..RULES
        };
        for answer in [
            json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }),
            json!("ok"),
        ] {
            assert_eq!(failed(&IDS, &answer, rules), Ok(vec![false; 3]));
        }
    }
}
