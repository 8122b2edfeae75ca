use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::config::Credentials;
use axum::http::StatusCode;
use axum::{Json, Router};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

#[test]
fn only_a_mapping_that_is_off_leaves_the_queue_to_the_worker() {
    let queue = "arn:aws:sqs:ap-northeast-1:000000000000:deliveries";
    for (state, is_taken) in [
        (Some("Enabled"), true),
        (Some("Enabling"), true),
        (Some("Creating"), true),
        (Some("Updating"), true),
        (Some("Disabling"), true),
        (Some("Disabled"), false),
        (Some("Deleting"), false),
        (None, true),
    ] {
        let mapping = EventSourceMappingConfiguration::builder()
            .set_state(state.map(str::to_owned))
            .uuid("m-1")
            .function_arn("arn:aws:lambda:ap-northeast-1:000000000000:function:consumer:live");
        let taken = taken_by(&mapping.build(), queue);
        assert_eq!(taken.is_some(), is_taken, "{state:?}");
        let Some(taken) = taken else { continue };
        let text = taken.to_string();
        assert!(text.contains("`consumer` takes from the queue `deliveries`"));
        let has_command = text.contains("--no-enabled --uuid m-1");
        assert_eq!(has_command, state != Some("Disabling"), "{text}");
    }
}

#[test]
fn batches_may_be_under_way_for_the_consumers_time_after_its_mapping_is_off() {
    let timeout = Duration::from_secs(30);
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for (age, rest) in [
        (0, 30_000),
        (1, 29_999),
        (29_999, 1),
        (30_000, 0),
        (86_400_000, 0),
        // The clock of this machine is behind.
        (-1, 30_000),
        (-86_400_000, 30_000),
        (i64::MIN / 2, 30_000),
    ] {
        let modified = DateTime::from_millis(1_700_000_000_000 - age);
        let found = rest_of(Some(&modified), now, timeout);
        // What no time can be is no time.
        let is_time = Timestamp::from_millisecond(1_700_000_000_000 - age).is_ok();
        let rest = if is_time { rest } else { 0 };
        assert_eq!(found, Duration::from_millis(rest), "{age}");
    }
    assert_eq!(rest_of(None, now, timeout), Duration::ZERO);
}

proptest! {
    #[test]
    fn nobody_waits_longer_than_a_batch_can_take(
        millis in any::<i64>(),
        now in -1_000_000_000_i64..=4_000_000_000,
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let rest = rest_of(Some(&DateTime::from_millis(millis)), now, LOOK);
        prop_assert!(rest <= LOOK);
    }
}

/// Lambda, which gives these answers one after the other, and the last one for ever.
async fn lambda(
    timeout: Duration,
    answers: Vec<Result<Value, StatusCode>>,
) -> (Lambda, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let mappings = answers[number.min(answers.len() - 1)].clone()?;
        Ok::<_, StatusCode>(Json(json!({"EventSourceMappings": mappings})))
    };
    let app = Router::new().fallback(async move || answer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "any", None, None, "test"))
        .endpoint_url(url);
    let lambda = Lambda {
        client: Client::from_conf(config.build()),
        queues: vec!["arn:aws:sqs:us-east-1:000000000000:q".into()],
        look: Duration::from_millis(1),
        timeout,
    };
    (lambda, asked)
}

fn mapping(id: &str, state: &str) -> Value {
    json!({"UUID": id, "State": state})
}

#[tokio::test]
async fn a_mapping_that_somebody_switches_on_is_noticed() {
    let answers = vec![
        Ok(json!([])),
        Ok(json!([mapping("m-1", "Disabled")])),
        Err(StatusCode::FORBIDDEN),
        Ok(json!([mapping("m-1", "Enabling")])),
    ];
    let (lambda, _) = lambda(Duration::ZERO, answers).await;
    assert_eq!(lambda.check().await, Ok(None));
    let taken = lambda.begins().await;
    assert_eq!(
        (taken.id.as_str(), taken.state.as_str()),
        ("m-1", "Enabling")
    );
}

#[tokio::test]
async fn a_mapping_that_is_being_switched_off_is_waited_for_and_its_last_batches_too() {
    let timeout = Duration::from_millis(300);
    let disabling = Ok(json!([mapping("m-1", "Disabling")]));
    let answers = vec![
        disabling.clone(),
        disabling,
        Ok(json!([mapping("m-1", "Disabled")])),
    ];
    let (lambda, asked) = lambda(timeout, answers).await;
    let seen = lambda.check().await.unwrap().unwrap();
    let began = Instant::now();
    assert_eq!(lambda.wait(seen).await, Ok(()));
    assert!(began.elapsed() >= timeout, "{:?}", began.elapsed());
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_clock_that_differs_costs_the_time_of_a_batch_once() {
    let timeout = Duration::from_millis(200);
    let mut off = mapping("m-1", "Disabled");
    off["LastModified"] = json!(4_000_000_000_u64);
    let (lambda, asked) = lambda(timeout, vec![Ok(json!([off]))]).await;
    let seen = lambda.check().await.unwrap().unwrap();
    assert_eq!((seen.rest, &seen.taken), (timeout, &None));
    assert_eq!(lambda.wait(seen).await, Ok(()));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_that_stays_on_is_told_before_one_that_ends() {
    let (ending, on) = (mapping("m-1", "Disabling"), mapping("m-2", "Enabled"));
    let both = vec![Ok(json!([ending, on]))];
    let (lambda, _) = lambda(Duration::from_secs(9), both).await;
    assert_eq!(lambda.check().await.unwrap_err().id, "m-2");
}
