//! One call of a function inside this process, with a time limit.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::task::AbortHandle;

/// The function's answer or its error. A panic and a time-out are errors too.
pub(crate) async fn invoke<A>(function: A, timeout: Option<Duration>) -> Result<Value, String>
where
    A: Future<Output = Result<Value, String>> + Send + 'static,
{
    // The function runs in a task of its own, so a panic or a time-out ends only this task.
    let task = tokio::spawn(function);
    let _abort = AbortOnDrop(task.abort_handle());
    let elapsed = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ended = task => match ended {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => Err("the function panicked".to_owned()),
            Err(_) => Err("the function was cancelled".to_owned()),
        },
        () = elapsed => Err("the function timed out".to_owned()),
    }
}

/// Stops the task in the middle, if it still runs.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
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
    async fn a_function_that_takes_too_long_is_stopped() {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        let function = async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            flag.store(true, Ordering::SeqCst);
            Ok(Value::Null)
        };
        let answer = invoke(function, Some(Duration::from_secs(3))).await;
        assert_eq!(answer, Err("the function timed out".to_owned()));
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!ended.load(Ordering::SeqCst));
    }
}
