//! The host with real processes that run the real Lambda runtime: `examples/obedient.rs`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fanline_local::{Host, HostOptions, InvokeError, Kills};
use fanline_poller::{Poller, PollerOptions};
use serde_json::{Value, json};

use crate::support::{World, until};

/// Cargo builds the examples with the tests, in a folder beside them.
fn obedient() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap();
    let binary = built.join("examples").join("obedient");
    assert!(binary.exists(), "`cargo build --examples` builds it");
    binary
}

async fn process_of(host: &Host) -> u64 {
    let answer = host.invoke(&json!({ "do": "describe" })).await.unwrap();
    answer["process"].as_u64().unwrap()
}

#[tokio::test]
async fn one_process_answers_one_invocation_after_another() {
    let host = Host::new(HostOptions::new(obedient()));
    let event = json!({ "do": "answer", "with": { "早安": [1, null] } });
    assert_eq!(
        host.invoke(&event).await.unwrap(),
        json!({ "早安": [1, null] })
    );
    assert_eq!(process_of(&host).await, process_of(&host).await);
    assert_eq!(host.counts().started.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_process_has_lambdas_variables_and_the_functions_own_and_no_others() {
    let mut options = HostOptions::new(obedient());
    options
        .variables
        .insert("QUEUE_URL".to_owned(), "there".to_owned());
    options.timeout = Duration::from_mins(1);
    let host = Host::new(options);
    let answer = host.invoke(&json!({ "do": "describe" })).await.unwrap();
    assert_eq!(answer["variables"]["QUEUE_URL"], "there");
    assert_eq!(answer["variables"]["AWS_LAMBDA_FUNCTION_NAME"], "function");
    assert_eq!(answer["variables"].get("CARGO_MANIFEST_DIR"), None);
    assert_eq!(
        answer["arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:function"
    );
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let left = u128::from(answer["deadline"].as_u64().unwrap()) - now.unwrap().as_millis();
    assert!((50_000..=60_000).contains(&left), "{left} ms");
}

#[tokio::test]
async fn after_an_error_or_a_panic_the_process_goes_on() {
    let host = Host::new(HostOptions::new(obedient()));
    let first = process_of(&host).await;
    for what in ["fail", "panic"] {
        let error = host.invoke(&json!({ "do": what })).await.unwrap_err();
        let InvokeError::Function { message, .. } = error else {
            panic!("{error:?}");
        };
        assert!(message.contains("as asked"), "{message}");
    }
    assert_eq!(process_of(&host).await, first);
}

#[tokio::test]
async fn a_process_that_ends_or_takes_too_long_is_replaced() {
    let mut options = HostOptions::new(obedient());
    options.timeout = Duration::from_millis(500);
    let host = Host::new(options);
    let first = process_of(&host).await;
    let error = host.invoke(&json!({ "do": "exit" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::Exited(status) if status.code() == Some(7)));
    let second = process_of(&host).await;
    let started = Instant::now();
    let error = host.invoke(&json!({ "do": "sleep" })).await.unwrap_err();
    assert!(matches!(error, InvokeError::TimedOut(_)), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    let third = process_of(&host).await;
    assert_eq!(BTreeSet::from([first, second, third]).len(), 3);
    assert_eq!(host.counts().started.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_kill_loses_the_answer_and_the_process() {
    let mut options = HostOptions::new(obedient());
    options.kills = Kills {
        seed: 5,
        rate: 0.3,
        within: Duration::from_millis(5),
    };
    let run = async || {
        let host = Host::new(options.clone());
        let mut killed = Vec::new();
        for number in 0..20 {
            match host
                .invoke(&json!({ "do": "answer", "with": number }))
                .await
            {
                Ok(answer) => assert_eq!(answer, number),
                Err(InvokeError::Killed) => killed.push(number),
                Err(error) => panic!("{error:?}"),
            }
        }
        killed
    };
    let killed = run().await;
    assert!((1..20).contains(&killed.len()), "{killed:?}");
    assert_eq!(run().await, killed);
}

#[tokio::test]
async fn each_line_that_a_process_prints_is_sent_on() {
    let (logs, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let mut options = HostOptions::new(obedient());
    options.logs = Some(logs);
    let host = Host::new(options);
    host.invoke(&json!({ "do": "print", "line": "早安" }))
        .await
        .unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while lines.recv().await.unwrap() != "早安" {}
    });
    assert!(waited.await.is_ok());
}

#[tokio::test]
async fn a_binary_that_does_not_exist_is_an_error() {
    let host = Host::new(HostOptions::new("/nowhere/bootstrap"));
    let error = host.invoke(&Value::Null).await.unwrap_err();
    assert!(matches!(error, InvokeError::Start(_)), "{error:?}");
}

#[tokio::test]
async fn a_poller_empties_a_queue_though_its_processes_are_killed() {
    let world = World::start().await;
    let url = world.queue("mail", &[]).await;
    for _ in 0..30 {
        world.send(&url, "x").await;
    }
    let mut options = HostOptions::new(obedient());
    options.environments = 2;
    options.kills = Kills {
        seed: 1,
        rate: 0.5,
        within: Duration::from_millis(2),
    };
    let host = Host::new(options);
    let invoked = host.clone();
    let function = move |_| {
        let host = invoked.clone();
        async move {
            let event = json!({ "do": "answer", "with": { "batchItemFailures": [] } });
            host.invoke(&event).await.map_err(|error| error.to_string())
        }
    };
    let options = PollerOptions {
        batch_size: 1,
        concurrency: 2,
        ..PollerOptions::new(&url)
    };
    let poller = Poller::start(world.sqs.clone(), options, function)
        .await
        .unwrap();
    until("the queue is empty", || async {
        world.clock.advance(Duration::from_secs(30));
        world.counts(&url).await == [0, 0, 0]
    })
    .await;
    poller.stop().await;
    assert!(host.counts().killed.load(Ordering::Relaxed) > 0);
}
