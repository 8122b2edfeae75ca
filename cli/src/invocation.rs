//! The functions inside this process: one invocation of the consumer's handler, from Lambda's event
//! to its answer.
//!
//! - `bookkeeping`: the bookkeeper behind its queue and its tick

use fanline_consumer::{Consumer, Handled};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(crate) mod bookkeeping;

/// Invokes the handler, which ends within `timeout`. `on_handled` gets what the batch came to, with
/// the metric lines that the Lambda function would print.
pub(crate) async fn invoke(
    consumer: &Consumer,
    event: Value,
    timeout: SignedDuration,
    on_handled: impl Fn(&Handled),
) -> Result<Value, String> {
    let event = serde_json::from_value(event).map_err(|error| error.to_string())?;
    let handled = consumer.handle(event, Timestamp::now() + timeout).await;
    on_handled(&handled);
    serde_json::to_value(handled.response).map_err(|error| error.to_string())
}
