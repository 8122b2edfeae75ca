//! One invocation of a function inside this process, within its time.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::task::AbortHandle;

/// The function's answer, or its error. A panic and a time-out are errors too.
pub(crate) async fn invoke<A>(function: A, timeout: Option<Duration>) -> Result<Value, String>
where
    A: Future<Output = Result<Value, String>> + Send + 'static,
{
    // In a task of its own, which can panic and be cut off without its caller.
    let task = tokio::spawn(function);
    let _cut = CutOff(task.abort_handle());
    let elapsed = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        answer = task => answer.unwrap_or_else(|_| Err("the function panicked".to_owned())),
        () = elapsed => Err("the function timed out".to_owned()),
    }
}

/// Ends the task in the middle of what it does, where it has not ended.
struct CutOff(AbortHandle);

impl Drop for CutOff {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_answer_an_error_and_a_panic_come_back() {
        let answer = invoke(async { Ok(json!(7)) }, None).await;
        assert_eq!(answer, Ok(json!(7)));
        let answer = invoke(async { Err("boom".to_owned()) }, None).await;
        assert_eq!(answer, Err("boom".to_owned()));
        let answer = invoke(async { panic!("boom") }, None).await;
        assert_eq!(answer, Err("the function panicked".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_past_its_time_goes_no_further() {
        let done = Arc::new(AtomicBool::new(false));
        let went_on = Arc::clone(&done);
        let function = async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            went_on.store(true, Ordering::SeqCst);
            Ok(Value::Null)
        };
        let answer = invoke(function, Some(Duration::from_secs(3))).await;
        assert_eq!(answer, Err("the function timed out".to_owned()));
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!done.load(Ordering::SeqCst));
    }
}
