//! A worker beside the consumer on Lambda: together they would be faster than LINE allows.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use fanline_local::LineOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Running, World, free_port, health, terminate, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:deliveries";

/// The state of the mapping, and when it was last modified; `None`: the role may not read it.
type Mapping = Arc<Mutex<Option<(&'static str, Timestamp)>>>;

async fn mappings(State(mapping): State<Mapping>, asked: Uri) -> Response {
    let Some((state, modified)) = *mapping.lock().unwrap() else {
        let no_right = [("x-amzn-errortype", "AccessDeniedException")];
        let words = Json(json!({"Message": "no right to lambda:ListEventSourceMappings"}));
        return (StatusCode::FORBIDDEN, no_right, words).into_response();
    };
    let query = asked.query().unwrap().replace("%3A", ":");
    assert!(
        query.contains(&format!("EventSourceArn={QUEUE}")),
        "{query}"
    );
    let mapping = json!({
        "UUID": "1b5e",
        "State": state,
        "LastModified": modified.as_second(),
        "EventSourceArn": QUEUE,
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:fanline-Consumer:live",
    });
    Json(json!({"EventSourceMappings": [mapping]})).into_response()
}

/// Lambda's API with a mapping of the delivery queue, which is in this state since last month.
fn lambda(world: &World, state: Option<&'static str>) -> String {
    let last_month = Timestamp::now() - SignedDuration::from_hours(30 * 24);
    lambda_with(world, state.map(|state| (state, last_month)))
}

fn lambda_with(world: &World, mapping: Option<(&'static str, Timestamp)>) -> String {
    let mapping = Mapping::new(Mutex::new(mapping));
    // With and without the slash: the SDK asks with it.
    let app = Router::new()
        .route("/2015-03-31/event-source-mappings", get(mappings))
        .route("/2015-03-31/event-source-mappings/", get(mappings));
    let listener = TcpListener::bind("127.0.0.1:0");
    let listener = world.runtime.block_on(listener).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = app.with_state(mapping);
    let serving = async move { axum::serve(listener, app).await.unwrap() };
    world.runtime.spawn(serving);
    url
}

#[test]
fn a_worker_does_not_start_while_lambda_takes_from_its_queue() {
    let world = World::with(10, LineOptions::default());
    let mut worker = world.command(&[]);
    worker.env("AWS_ENDPOINT_URL_LAMBDA", lambda(&world, Some("Enabled")));
    let output = worker.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in [
        "`fanline-Consumer` takes from the queue `deliveries`",
        "--no-enabled --uuid 1b5e`",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(world.waiting(), (10, 0));
}

#[test]
fn a_worker_begins_when_the_last_batches_of_lambda_have_ended() {
    let world = World::with(10, LineOptions::default());
    // A batch takes 30 seconds at most.
    let off_since = Timestamp::now() - SignedDuration::from_secs(24);
    let log = world.folder.path("log");
    let port = free_port();
    let mut worker = world.command(&["--health", &port.to_string()]);
    let url = lambda_with(&world, Some(("Disabled", off_since)));
    worker
        .env("AWS_ENDPOINT_URL_LAMBDA", url)
        .stdout(std::fs::File::create(&log).unwrap());
    let mut worker = Running(worker.spawn().unwrap());
    until("it waits", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains("the worker waits for the last batches")
    });
    assert_eq!(health(port), "HTTP/1.1 503 Service Unavailable");
    assert_eq!(world.line.ledger().accepted_recipients, 0);
    until("it sends", || world.line.ledger().accepted_recipients == 10);
    assert!(Timestamp::now().duration_since(off_since) >= SignedDuration::from_secs(29));
    assert_eq!(health(port), "HTTP/1.1 200 OK");
    terminate(&worker.0);
    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_worker_that_waits_for_lambda_can_be_stopped() {
    let world = World::with(10, LineOptions::default());
    let log = world.folder.path("log");
    let mut worker = world.command(&[]);
    worker
        .env("AWS_ENDPOINT_URL_LAMBDA", lambda(&world, Some("Disabling")))
        .stdout(std::fs::File::create(&log).unwrap());
    let mut worker = Running(worker.spawn().unwrap());
    until("it waits", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains("the worker waits for the last batches")
    });
    terminate(&worker.0);
    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
    assert_eq!(world.waiting(), (10, 0));
}

#[test]
fn a_worker_takes_what_lambda_leaves_to_it_or_what_it_is_told_to() {
    for (state, flags) in [
        (Some("Disabled"), &[][..]),
        (Some("Enabled"), &["--beside-lambda"]),
        (None, &[]),
    ] {
        let world = World::with(10, LineOptions::default());
        let log = world.folder.path("log");
        let mut worker = world.command(flags);
        worker
            .env("AWS_ENDPOINT_URL_LAMBDA", lambda(&world, state))
            .stdout(std::fs::File::create(&log).unwrap());
        let mut worker = Running(worker.spawn().unwrap());
        until("it sends", || world.line.ledger().accepted_recipients == 10);
        terminate(&worker.0);
        assert_eq!(worker.0.wait().unwrap().code(), Some(0));
        let log = std::fs::read_to_string(log).unwrap();
        let warnings = log.matches("not known whether Lambda takes").count();
        assert_eq!(warnings, usize::from(state.is_none()), "{log}");
    }
}
