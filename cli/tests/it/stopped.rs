//! Ctrl-C: a run finishes what is under way, and a second one ends it at once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanline_local::{LineFault, LineFaults, LineOptions, LineServer};

use crate::support::{Folder, PERSONAL, campaign, list};

/// A live run to this LINE, and what it says on standard error.
fn start(folder: &Folder, line: &LineServer) -> (Child, impl Iterator<Item = String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
    command.args(["run", "campaign.json", "--live", "--yes"]);
    command.args(["--at", "records"]).env_clear();
    command.current_dir(folder.path("."));
    command.env("LINE_API_BASE", line.url());
    command.env("LINE_CHANNEL_ACCESS_TOKEN", "a-token");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, said.map(Result::unwrap))
}

fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

/// A LINE that takes requests and never answers.
async fn silent_line() -> LineServer {
    let options = LineOptions {
        faults: LineFaults {
            rates: BTreeMap::from([(LineFault::SilenceAfter, 1.0)]),
            silence_millis: 60_000,
            ..LineFaults::default()
        },
        ..LineOptions::default()
    };
    LineServer::start(options).await.unwrap()
}

fn folder(people: usize) -> Folder {
    Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with("list.csv", list(people))
}

async fn wait_until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_says_what_it_waits_for_and_the_second_ends_at_once() {
    let (line, folder) = (silent_line().await, folder(10));
    let (mut child, mut said) = start(&folder, &line);
    wait_until(|| line.ledger().accepted_requests > 0).await;
    interrupt(&child);
    assert!(said.any(|line| line.starts_with("Stopping: nothing new is sent.")));
    assert!(said.any(|line| line.ends_with("Ctrl-C again ends at once.")));
    let since = Instant::now();
    interrupt(&child);
    let ended = said.find(|line| line.starts_with("Ended at once"));
    assert!(ended.is_some());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // A request to LINE has ten seconds.
    assert!(since.elapsed() < Duration::from_secs(8), "{since:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ctrl_c_ended_at_once_goes_on_with_the_same_command_and_reaches_nobody_twice() {
    let (line, folder) = (silent_line().await, folder(10));
    let (mut child, mut said) = start(&folder, &line);
    wait_until(|| line.ledger().accepted_requests == 10).await;
    interrupt(&child);
    assert!(said.any(|line| line.starts_with("Stopping")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    line.change(|options| options.faults = LineFaults::default());
    let (mut child, said) = start(&folder, &line);
    let said: Vec<_> = said.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said:?}");
    let ledger = line.ledger();
    assert_eq!((ledger.distinct_recipients, ledger.duplicates), (10, 0));
}
