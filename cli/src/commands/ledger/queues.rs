//! The stack's queues, and the call that wakes the bookkeeper.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use fanline_bookkeeper::Queue;
use fanline_ledger::{Control, Lane, WAKE};

use crate::aws;
use crate::aws::AwsResource;
use crate::commands::ledger::place::Ledger;
use crate::exit::InputError;
use crate::print;

/// The queue at this URL, which the control object names.
pub(super) async fn open(ledger: &Ledger, url: &str) -> anyhow::Result<Queue> {
    Ok(Queue::new(Client::new(&config(ledger, url).await?), url))
}

/// Wakes the bookkeeper after an edit, so that it acts at once. Without it nothing is lost: the
/// bookkeeper looks each minute.
pub(super) async fn wake(ledger: &Ledger, outcomes: Option<&str>) {
    let Some(url) = outcomes else {
        return;
    };
    let wake = async {
        let queue = open(ledger, url).await?;
        Ok::<_, anyhow::Error>(queue.send(&[WAKE.to_owned()]).await?)
    };
    if let Err(error) = wake.await {
        print::note(format_args!(
            "the bookkeeper was not woken ({error:#}): it looks within a minute"
        ));
    }
}

/// The URL of a queue that a command needs, or why it can't go on.
pub(super) fn required<'a>(url: Option<&'a str>, what: &str) -> Result<&'a str, InputError> {
    url.ok_or_else(|| {
        InputError(format!(
            "the control object names no {what}: the bookkeeper writes it down each minute"
        ))
    })
}

/// The delivery queue of a run's lane.
pub(super) fn delivery_queue<'a>(control: &'a Control, run: &str) -> Result<&'a str, InputError> {
    refuse_without_lane(control, run)?;
    let lane = lane(control, run);
    let what = match lane {
        Lane::Bulk => "delivery queue",
        Lane::Urgent => "urgent queue",
    };
    required(control.stack().deliveries_of(lane), what)
}

/// An urgent run, and a stack that has lost its urgent lane.
pub(super) fn refuse_without_lane(control: &Control, run: &str) -> Result<(), InputError> {
    if lane(control, run) == Lane::Urgent && control.stack().lacks(Lane::Urgent) {
        return Err(InputError(format!(
            "the run `{run}` is on the urgent lane, and the stack has no urgent queue: deploy it \
             with `UrgentLane=ENABLED`"
        )));
    }
    Ok(())
}

fn lane(control: &Control, run: &str) -> Lane {
    control.run(run).map_or(Lane::Bulk, |run| run.lane)
}

/// The configuration for a queue: that of the stack's account, or for a queue of this machine one
/// that needs no account.
async fn config(ledger: &Ledger, url: &str) -> anyhow::Result<SdkConfig> {
    if let Some(account) = &ledger.account {
        return Ok(account.clone());
    }
    if aws::is_of_aws(url) {
        return aws::config(Some(AwsResource::Ledger)).await;
    }
    let config = aws::config(None).await?;
    Ok(aws::with_queue(config, origin(url).to_owned(), true))
}

/// `http://HOST:PORT` of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let rest = url.get(host..).unwrap_or_default();
    let end = rest.find('/').map_or(url.len(), |path| host + path);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_a_queue_is_the_beginning_of_its_url() {
        for (url, expected) in [
            ("http://127.0.0.1:9324/000/q", "http://127.0.0.1:9324"),
            (
                "https://sqs.us-east-1.amazonaws.com/1/q",
                "https://sqs.us-east-1.amazonaws.com",
            ),
            ("http://127.0.0.1:9324", "http://127.0.0.1:9324"),
            ("q", "q"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
