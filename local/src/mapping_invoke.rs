//! One invocation of a function inside this process, within its time and under the schedule of kills.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::task::AbortHandle;

/// How an invocation may be cut off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Past this time it is cut off, as on Lambda.
    pub(crate) timeout: Option<Duration>,
    /// It is killed then, or when it answers before: its answer is lost.
    pub(crate) kill_after: Option<Duration>,
}

/// The function's answer, or its error: a panic is one too.
pub(crate) async fn invoke<A>(function: A, limits: Limits) -> Result<Value, String>
where
    A: Future<Output = Result<Value, String>> + Send + 'static,
{
    // In a task of its own, which can panic and be cut off without its caller.
    let task = tokio::spawn(function);
    let _cut = CutOff(task.abort_handle());
    let elapsed = async |limit: Option<Duration>| match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    };
    tokio::select! {
        biased;
        () = elapsed(limits.kill_after) => Err("the function was killed".to_owned()),
        answer = task => match answer {
            _ if limits.kill_after.is_some() => Err("the function was killed".to_owned()),
            Ok(answer) => answer,
            Err(_) => Err("the function panicked".to_owned()),
        },
        () = elapsed(limits.timeout) => Err("the function took too long".to_owned()),
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

    const NONE: Limits = Limits {
        timeout: None,
        kill_after: None,
    };

    #[tokio::test]
    async fn an_answer_an_error_and_a_panic_come_back() {
        let answer = invoke(async { Ok(json!(7)) }, NONE).await;
        assert_eq!(answer, Ok(json!(7)));
        let answer = invoke(async { Err("boom".to_owned()) }, NONE).await;
        assert_eq!(answer, Err("boom".to_owned()));
        let answer = invoke(async { panic!("boom") }, NONE).await;
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
        let limits = Limits {
            timeout: Some(Duration::from_secs(3)),
            ..NONE
        };
        let answer = invoke(function, limits).await;
        assert_eq!(answer, Err("the function took too long".to_owned()));
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!done.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_kill_loses_the_answer_that_came_before_it() {
        let limits = Limits {
            kill_after: Some(Duration::from_secs(1)),
            ..NONE
        };
        for seconds in [0, 2] {
            let function = async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Value::Null)
            };
            let answer = invoke(function, limits).await;
            assert_eq!(answer, Err("the function was killed".to_owned()));
        }
    }
}
