//! LINE does not answer for a while: the run waits, and goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fanline_local::{LineFault, LineFaults, LineOptions, LineServer};

use crate::support::{Folder, PERSONAL, campaign, list};

/// A run that stands still for so long with a wrong token ends.
const ENDS_A_HELD_RUN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_some_seconds_does_not_end_a_run_as_on_hold() {
    let line = LineServer::start(LineOptions {
        faults: LineFaults {
            rates: BTreeMap::from([(LineFault::ErrorBefore, 1.0)]),
            ..LineFaults::default()
        },
        ..LineOptions::default()
    });
    let line = line.await.unwrap();
    let url = line.url().to_owned();
    let run = tokio::task::spawn_blocking(move || {
        let folder = Folder::new()
            .with("campaign.json", campaign(PERSONAL))
            .with("list.csv", list(60));
        let variables = [
            ("LINE_API_BASE", url.as_str()),
            ("LINE_CHANNEL_ACCESS_TOKEN", "a-token"),
        ];
        let args = ["run", "campaign.json", "--live", "--yes", "--json"];
        folder.fanline_with(&args, &variables)
    });
    let failed = || line.ledger().faults.values().sum::<u64>();
    let (mut before, mut stands_since) = (0, Instant::now());
    // A probe after the time that would end a run with a wrong token: the run still goes on.
    loop {
        let now = failed();
        if now > before {
            let stood = stands_since.elapsed() > ENDS_A_HELD_RUN;
            if before >= 40 && stood {
                break;
            }
            if before < 40 {
                stands_since = Instant::now();
            }
            before = now;
        }
        assert!(!run.is_finished(), "it ended after {before} requests");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    line.change(|options| options.faults = LineFaults::default());
    let answer = run.await.unwrap();
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(line.ledger().accepted_recipients, 60);
    assert_eq!(line.ledger().duplicates, 0);
}
