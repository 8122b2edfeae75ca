//! What is wrong with the key that seals the deliveries of a stack.

use fanline_seal::{KeyArn, KeyDescription, KeyError, KeyFault};

use super::{Finding, redeploy};
use crate::commands::doctor::facts::Facts;
use crate::stack::Stack;

/// What is wrong with the key, if anything is.
pub(super) fn finding(stack: &Stack, facts: &Facts) -> Option<Finding> {
    let another = || redeploy(stack, "SealKeyArn=ARN-OF-THE-KEY");
    let (arn, answer) = match facts.seal_key.as_ref()? {
        Ok(described) => described,
        Err(error) => {
            return Some(Finding {
                what: format!("the parameter `SealKeyArn`: {error}"),
                mend: another(),
            });
        }
    };
    let (what, mend) = match answer {
        Ok(described) if !described.is_fit() => (of_kind(described), another()),
        Ok(described) if described.is_enabled() => return None,
        Ok(described) => of_state(arn, &described.state),
        Err(error) if error.fault == KeyFault::Missing => {
            let region = arn.region();
            let where_else = if region == facts.region {
                String::new()
            } else {
                format!(", and the stack is in {}", facts.region)
            };
            (
                format!("does not exist in {region}{where_else}: {STANDS}"),
                another(),
            )
        }
        Err(error) => (of_error(arn, error), aws(arn, "describe-key")),
    };
    Some(Finding {
        what: format!("the key `{arn}` of `SealKeyArn` {what}"),
        mend,
    })
}

/// What a key that can't be used means.
const STANDS: &str = "nothing is sealed, and sealed deliveries wait";

fn of_kind(KeyDescription { usage, spec, .. }: &KeyDescription) -> String {
    format!("is no symmetric key for encryption ({usage}, {spec}): {STANDS}")
}

fn of_state(arn: &KeyArn, state: &str) -> (String, String) {
    let enable = aws(arn, "enable-key");
    match state {
        "Disabled" => (format!("is disabled: {STANDS}"), enable),
        // A key whose deletion is cancelled is disabled.
        "PendingDeletion" => (
            format!("waits for its deletion: {STANDS}"),
            format!("{} && {enable}", aws(arn, "cancel-key-deletion")),
        ),
        _ => (
            format!("is in the state {state}: {STANDS}"),
            aws(arn, "describe-key"),
        ),
    }
}

fn of_error(arn: &KeyArn, error: &KeyError) -> String {
    let words = &error.words;
    match error.fault {
        KeyFault::Denied => format!(
            "can't be looked at: allow `kms:DescribeKey` on it to your role, and in the key's \
             policy; KMS says: {words}"
        ),
        _ => format!("can't be looked at: KMS in {} says: {words}", arn.region()),
    }
}

/// A command of KMS for this key.
fn aws(arn: &KeyArn, command: &str) -> String {
    format!("aws kms {command} --key-id {arn} --region {}", arn.region())
}

#[cfg(test)]
mod tests;
