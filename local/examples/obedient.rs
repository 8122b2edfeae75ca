//! A Lambda function that does as its event says, for the tests of the host: `{"do": "answer", "with": …}`.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(obey)).await
}

#[expect(clippy::print_stdout, reason = "what a function prints is its log")]
async fn obey(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let told = |name: &str| event.payload.get(name).cloned().unwrap_or_default();
    match told("do").as_str().unwrap_or_default() {
        "answer" => Ok(told("with")),
        "describe" => Ok(json!({
            "process": std::process::id(),
            "variables": std::env::vars().collect::<std::collections::BTreeMap<_, _>>(),
            "arn": event.context.invoked_function_arn,
            "deadline": event.context.deadline,
        })),
        "print" => {
            println!("{}", told("line").as_str().unwrap_or_default());
            Ok(Value::Null)
        }
        "fail" => Err("as told".into()),
        "panic" => panic!("as told"),
        "exit" => std::process::exit(7),
        "sleep" => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Ok(Value::Null)
        }
        _ => Err("told nothing".into()),
    }
}
