//! A Lambda function for the tests of the host. It does what its event says, for example
//! `{"do": "answer", "with": 7}`.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(obey)).await
}

#[expect(clippy::print_stdout, reason = "a function logs to standard output")]
async fn obey(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let field = |name: &str| event.payload.get(name).cloned().unwrap_or_default();
    match field("do").as_str().unwrap_or_default() {
        "answer" => Ok(field("with")),
        "describe" => Ok(json!({
            "process": std::process::id(),
            "variables": std::env::vars().collect::<std::collections::BTreeMap<_, _>>(),
            "arn": event.context.invoked_function_arn,
            "deadline": event.context.deadline,
        })),
        "print" => {
            println!("{}", field("line").as_str().unwrap_or_default());
            Ok(Value::Null)
        }
        "fail" => Err("as asked".into()),
        "panic" => panic!("as asked"),
        "exit" => std::process::exit(7),
        "sleep" => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Ok(Value::Null)
        }
        _ => Err("the event asks for nothing".into()),
    }
}
