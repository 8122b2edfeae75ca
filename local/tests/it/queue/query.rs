//! The query protocol, with raw requests. An old SDK asks all its questions in
//! `tests/conformance`.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::support::{World, bodies};

/// Posts a form and gives the status, the kind of content and the text of the answer.
async fn post(url: &str, form: &[(&str, &str)]) -> (u16, String, String) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30));
    let request = client.build().unwrap().post(url).form(form);
    read(request.send().await.unwrap()).await
}

async fn get(url: String) -> (u16, String, String) {
    read(reqwest::get(url).await.unwrap()).await
}

async fn read(answer: reqwest::Response) -> (u16, String, String) {
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let id = answer.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert!(
        text.contains(&format!("<RequestId>{id}</RequestId>")),
        "{text}"
    );
    (status, kind, text)
}

/// The text of the first element with this name.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once(&format!("</{name}>")).unwrap().0
}

#[tokio::test]
async fn a_form_is_answered_in_xml_and_the_other_protocol_sees_the_same_queue() {
    let world = World::start().await;
    let form = [("Action", "CreateQueue"), ("QueueName", "mail")];
    let (status, kind, text) = post(world.server.url(), &form).await;
    assert_eq!((status, kind.as_str()), (200, "text/xml"));
    let url = element(&text, "QueueUrl").to_owned();
    assert_eq!(url, format!("{}/000000000000/mail", world.server.url()));
    let body = "早安\r\n<\"&'>\t🌅";
    let form = [
        ("Action", "SendMessage"),
        ("QueueUrl", &url),
        ("MessageBody", body),
    ];
    let (_, _, sent) = post(world.server.url(), &form).await;
    let received = world.receive(&url).await;
    assert_eq!(bodies(&received), [body]);
    assert_eq!(received[0].message_id(), Some(element(&sent, "MessageId")));
}

#[tokio::test]
async fn what_the_other_protocol_sends_is_received_with_each_character() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.send(&url, "1 < 2 & \"3\"\r\n早安").await;
    let form = [("Action", "ReceiveMessage"), ("AttributeName.1", "All")];
    let (_, _, text) = post(&url, &form).await;
    assert_eq!(
        element(&text, "Body"),
        "1 &lt; 2 &amp; &quot;3&quot;&#13;\n早安"
    );
    assert!(text.contains("<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value>"));
}

#[tokio::test]
async fn a_get_works_too_and_the_path_stands_for_the_queue_url() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    world.send(&url, "x").await;
    let query = "Action=ReceiveMessage&VisibilityTimeout=0&MaxNumberOfMessages=10";
    let (status, _, text) = get(format!("{url}?{query}")).await;
    assert_eq!((status, element(&text, "Body")), (200, "x"));
    let (_, _, text) = get(format!("{}/?Action=ListQueues", world.server.url())).await;
    assert_eq!(element(&text, "QueueUrl"), url);
}

#[tokio::test]
async fn an_error_has_its_code_and_its_status() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let purge = [("Action", "PurgeQueue")];
    assert_eq!(post(&url, &purge).await.0, 200);
    let server = world.server.url();
    let missing = format!("{server}/000000000000/none");
    for (to, form, status, code) in [
        (server, &[][..], 400, "MissingAction"),
        (server, &[("Action", "Fly")], 400, "InvalidAction"),
        (server, &purge, 404, "InvalidAddress"),
        (
            &missing,
            &purge,
            400,
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (
            &url,
            &purge,
            403,
            "AWS.SimpleQueueService.PurgeQueueInProgress",
        ),
        (&url, &[("Action", "SendMessage")], 400, "MissingParameter"),
        (
            &url,
            &[("Action", "SendMessageBatch")],
            400,
            "AWS.SimpleQueueService.EmptyBatchRequest",
        ),
    ] {
        let (answered, _, text) = post(to, form).await;
        assert_eq!((answered, element(&text, "Code")), (status, code), "{text}");
        assert_eq!(element(&text, "Type"), "Sender");
    }
}

fn statement(label: &str, principals: &Value, actions: &Value) -> Value {
    json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": principals },
        "Action": actions,
        "Resource": "arn:aws:sqs:us-east-1:000000000000:mail",
    })
}

#[tokio::test]
async fn permissions_are_statements_of_the_policy() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    let add = |label, actions: &[&str], accounts: &[&str]| {
        let request = world.sqs.add_permission().queue_url(&url).label(label);
        let actions = actions.iter().map(ToString::to_string).collect();
        let accounts = accounts.iter().map(ToString::to_string).collect();
        let request = request.set_actions(Some(actions));
        request.set_aws_account_ids(Some(accounts)).send()
    };
    let remove = |label| {
        world
            .sqs
            .remove_permission()
            .queue_url(&url)
            .label(label)
            .send()
    };
    add("one", &["SendMessage"], &["111111111111"])
        .await
        .unwrap();
    add(
        "two",
        &["*", "PurgeQueue"],
        &["111111111111", "222222222222"],
    )
    .await
    .unwrap();
    let policy = world
        .attribute(&url, QueueAttributeName::Policy)
        .await
        .unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let [one, two] = ["111111111111", "222222222222"].map(|id| format!("arn:aws:iam::{id}:root"));
    assert_eq!(
        policy,
        json!({
            "Version": "2012-10-17",
            "Id": "arn:aws:sqs:us-east-1:000000000000:mail/SQSDefaultPolicy",
            "Statement": [
                statement("one", &json!(one), &json!("SQS:SendMessage")),
                statement("two", &json!([one, two]), &json!(["SQS:*", "SQS:PurgeQueue"])),
            ],
        })
    );
    remove("one").await.unwrap();
    assert!(remove("one").await.is_err());
    remove("two").await.unwrap();
    assert_eq!(
        world.attribute(&url, QueueAttributeName::Policy).await,
        None
    );
}

#[tokio::test]
async fn a_policy_that_was_set_whole_keeps_its_other_statements() {
    let world = World::start().await;
    let policy = r#"{"Statement":{"Sid":"own","Effect":"Deny"},"Version":"2012-10-17"}"#;
    let url = world
        .queue("mail", &[(QueueAttributeName::Policy, policy)])
        .await;
    let form = [
        ("Action", "AddPermission"),
        ("Label", "more"),
        ("ActionName.1", "ReceiveMessage"),
        ("AWSAccountId.1", "111111111111"),
    ];
    assert_eq!(post(&url, &form).await.0, 200);
    assert_eq!(
        post(&url, &[("Action", "RemovePermission"), ("Label", "more")])
            .await
            .0,
        200
    );
    let kept = world.attribute(&url, QueueAttributeName::Policy).await;
    let one = r#"{"Statement":[{"Effect":"Deny","Sid":"own"}],"Version":"2012-10-17"}"#;
    assert_eq!(kept.as_deref(), Some(one));
}
