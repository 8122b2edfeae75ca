//! Several writers of one folder: threads, and processes of which one is killed.

use std::process::{Child, Command, Stdio};

use fanline_ledger::{Expect, Folder, Store, StoreError};

use crate::support::{S3, TestFolder};

/// Where a counting process finds its folder.
const FOLDER: &str = "LEDGER_RACE_FOLDER";
const COUNTS: u32 = 20;

/// Adds one to the number in an object, until it has been added by this writer and by nobody else.
async fn count(store: &Store) {
    loop {
        let now = store.get("number").await.unwrap();
        let (expect, number) = match now {
            None => (Expect::Absent, 0),
            Some(object) => {
                let text = std::str::from_utf8(&object.bytes).unwrap();
                (
                    Expect::Tag(object.tag.clone()),
                    text.parse::<u32>().unwrap(),
                )
            }
        };
        match store.put("number", (number + 1).to_string(), &expect).await {
            Ok(_) => return,
            Err(StoreError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn counted(store: &Store) -> u32 {
    let object = store.get("number").await.unwrap().unwrap();
    std::str::from_utf8(&object.bytes).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobodys_put_is_lost_among_tasks() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        let counters: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    for _ in 0..COUNTS {
                        count(&store).await;
                    }
                })
            })
            .collect();
        for counter in counters {
            counter.await.unwrap();
        }
        assert_eq!(counted(&store).await, 4 * COUNTS);
    }
}

/// Not a test by itself: the process that the next test starts. Without its variable it does
/// nothing.
#[tokio::test]
async fn a_process_that_counts() {
    if let Some(folder) = fanline_core::settings::variable(FOLDER) {
        let store = Store::Folder(Folder::new(folder));
        for _ in 0..COUNTS {
            count(&store).await;
        }
    }
}

fn process(folder: &TestFolder) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "race::a_process_that_counts"])
        .env(FOLDER, folder.0.join("stack"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn nobodys_put_is_lost_among_processes_and_a_killed_one_holds_nobody_up() {
    let folder = TestFolder::new();
    let store = folder.store();
    let mut killed = process(&folder);
    // It is at work, so it may hold the lock or have a file half written.
    while store.get("number").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = counted(&store).await;
    let mut processes = [process(&folder), process(&folder), process(&folder)];
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(counted(&store).await, before + 3 * COUNTS);
    assert_eq!(store.list("").await.unwrap().len(), 1);
}
