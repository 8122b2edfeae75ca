//! `AddPermission` and `RemovePermission`: statements in the queue's attribute `Policy`. Nothing
//! here enforces a policy.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sqs::account::Account;
use crate::sqs::queue::Queue;
use crate::sqs::refusal::Refusal;

/// A statement has at most seven actions, a policy at most 20 statements and 50 principals.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>
const MAX_ACTIONS: usize = 7;
const MAX_STATEMENTS: usize = 20;
const MAX_PRINCIPALS: usize = 50;

/// A label has at most 80 characters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>
const MAX_LABEL: usize = 80;

/// The actions that a queue's owner can share. That of a batch comes with that of one message.
const SHARED_ACTIONS: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

/// The actions that stay with the queue's owner.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>
const OWNER_ACTIONS: [&str; 12] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueues",
    "ListQueueTags",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// A request of either action.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PermissionRequest {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    label: String,
    #[serde(default, rename = "AWSAccountIds")]
    account_ids: Vec<String>,
    #[serde(default)]
    actions: Vec<String>,
}

/// `AddPermission`: one statement more, whose `Sid` is the label.
pub(crate) fn add(account: &Account, request: &PermissionRequest) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    check_label(&request.label)?;
    check_actions(&request.actions)?;
    check_accounts(&request.account_ids)?;
    change_statements(account, &queue, |statements| {
        if statements.iter().any(|one| has_label(one, &request.label)) {
            return Err(refused_label(&request.label, "Already exists."));
        }
        if statements.len() >= MAX_STATEMENTS {
            return Err(Refusal::OverLimit(format!(
                "{} statements were found, maximum allowed is {MAX_STATEMENTS}.",
                statements.len() + 1
            )));
        }
        statements.push(statement(request, &queue.arn));
        Ok(())
    })
}

/// `RemovePermission`. The policy goes with its last statement.
pub(crate) fn remove(account: &Account, request: &PermissionRequest) -> Result<(), Refusal> {
    let queue = account.at(&request.queue_url)?;
    check_label(&request.label)?;
    change_statements(account, &queue, |statements| {
        let before = statements.len();
        statements.retain(|one| !has_label(one, &request.label));
        if statements.len() == before {
            let reason = "can't find label on existing policy.";
            return Err(refused_label(&request.label, reason));
        }
        Ok(())
    })
}

/// Changes the statements of the queue's policy, or nothing if `change` refuses.
fn change_statements(
    account: &Account,
    queue: &Queue,
    change: impl FnOnce(&mut Vec<Value>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut state = queue.lock();
    let text = state.attributes.others.get("Policy");
    let mut policy = match text {
        Some(text) => serde_json::from_str(text).map_err(|_| Refusal::InternalError)?,
        None => new_policy(&queue.arn),
    };
    // A policy with a single statement may have it without a list.
    let mut statements = match policy.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    change(&mut statements)?;
    if statements.is_empty() {
        state.attributes.others.remove("Policy");
    } else {
        policy.insert("Statement".to_owned(), statements.into());
        let text = Value::from(policy).to_string();
        state.attributes.others.insert("Policy".to_owned(), text);
    }
    state.modified = account.clock.millis();
    Ok(())
}

fn new_policy(arn: &str) -> Map<String, Value> {
    Map::from_iter([
        ("Version".to_owned(), "2012-10-17".into()),
        ("Id".to_owned(), format!("{arn}/SQSDefaultPolicy").into()),
    ])
}

fn statement(request: &PermissionRequest, arn: &str) -> Value {
    let principals = request.account_ids.iter();
    let principals = principals.map(|id| format!("arn:aws:iam::{id}:root"));
    let actions = request.actions.iter().map(|name| format!("SQS:{name}"));
    json!({
        "Sid": request.label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_list(principals.collect()) },
        "Action": one_or_list(actions.collect()),
        "Resource": arn,
    })
}

/// A policy has a single value without a list.
fn one_or_list(mut values: Vec<String>) -> Value {
    match (values.pop(), values.is_empty()) {
        (Some(only), true) => only.into(),
        (last, _) => values.into_iter().chain(last).collect(),
    }
}

fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

fn refused_label(label: &str, reason: &str) -> Refusal {
    Refusal::value(label, "Label", reason)
}

fn check_label(label: &str) -> Result<(), Refusal> {
    let is_valid = label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    match label.len() {
        0 => Err(Refusal::MissingParameter("Label")),
        1..=MAX_LABEL if is_valid => Ok(()),
        _ => Err(refused_label(
            label,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
    }
}

fn check_actions(actions: &[String]) -> Result<(), Refusal> {
    if actions.is_empty() {
        return Err(Refusal::MissingParameter("Actions"));
    }
    if actions.len() > MAX_ACTIONS {
        return Err(Refusal::OverLimit(format!(
            "{} Actions were found, maximum allowed is {MAX_ACTIONS}.",
            actions.len()
        )));
    }
    let is_shared = |name: &str| SHARED_ACTIONS.contains(&name);
    let Some(name) = actions.iter().find(|name| !is_shared(name)) else {
        return Ok(());
    };
    let reason = if OWNER_ACTIONS.contains(&name.as_str()) {
        "Only the queue owner is allowed to invoke this action."
    } else {
        "Please refer to the appropriate WSDL for a list of valid actions."
    };
    let value = format!("SQS:{name}");
    Err(Refusal::value(value, "ActionName", reason))
}

fn check_accounts(ids: &[String]) -> Result<(), Refusal> {
    let is_valid = |id: &String| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    if ids.is_empty() || !ids.iter().all(is_valid) {
        let value = format!("[{}]", ids.join(", "));
        return Err(Refusal::value(value, "PrincipalId", "Unable to verify."));
    }
    if ids.len() > MAX_PRINCIPALS {
        return Err(Refusal::OverLimit(format!(
            "{} principals were found, maximum allowed is {MAX_PRINCIPALS}.",
            ids.len()
        )));
    }
    Ok(())
}
