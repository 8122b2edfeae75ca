//! What the control object said before is kept, whoever edits it at the same time.

use fanline_ledger::{
    Control, Edit, EditError, Entry, Lane, Pace, PauseMode, RunKeys, RunState, Stack, Store,
    edit_control, read_control, read_history, read_past_paces,
};
use jiff::{SignedDuration, Timestamp};

use crate::support::{Fault, S3, TestFolder};

const RUN: &str = "xmas";

fn at(second: i64) -> Timestamp {
    let eight: Timestamp = "2026-12-25T08:00:00Z".parse().unwrap();
    eight + SignedDuration::from_secs(second)
}

async fn edit(
    store: &Store,
    by: &str,
    second: i64,
    change: impl Fn(Edit<'_>) -> Result<Control, EditError>,
) -> Control {
    let edited = edit_control(store, |control| {
        change(Edit::new(control, by, Some("a reason"), at(second))?)
    });
    edited.await.unwrap()
}

async fn enter(store: &Store) {
    let entry = Entry {
        run: RUN,
        started_at: at(0),
        lane: Lane::Bulk,
        has_canary: false,
    };
    edit(store, "producer", 0, |edit| edit.enter(&entry)).await;
}

/// Who has said what about the run, the last one in the control object.
async fn said(store: &Store) -> Vec<(String, RunState)> {
    let past = read_history(store, &RunKeys::new(RUN)).await.unwrap();
    let (control, _) = read_control(store, None).await.unwrap().unwrap();
    let all = past.into_iter().chain(control.run(RUN).cloned());
    all.map(|run| (run.by, run.state)).collect()
}

#[tokio::test]
async fn each_state_of_a_run_and_each_pace_is_kept_with_who_and_why() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        enter(&store).await;
        edit(&store, "brake", 10, |edit| edit.pause(RUN, None)).await;
        edit(&store, "mei", 20, |edit| edit.resume(RUN)).await;
        edit(&store, "mei", 20, |edit| edit.resume(RUN)).await;
        edit(&store, "bo", 30, |edit| edit.cancel(RUN)).await;
        let expected = [
            ("producer", RunState::Open),
            ("brake", RunState::Paused),
            ("mei", RunState::Open),
            ("bo", RunState::Cancelled),
        ];
        let said = said(&store).await;
        let said: Vec<_> = said
            .iter()
            .map(|(by, state)| (by.as_str(), *state))
            .collect();
        assert_eq!(said, expected);
        let past = read_history(&store, &RunKeys::new(RUN)).await.unwrap();
        assert_eq!(past[1].mode, Some(PauseMode::Wait));
        assert_eq!(past[1].why.as_deref(), Some("a reason"));

        let stack = Stack {
            environments: Some(10),
            ..Stack::default()
        };
        edit(&store, "bookkeeper", 40, |edit| {
            edit.set_stack(stack.clone())
        })
        .await;
        for push in [Some(500), Some(800), None] {
            let pace = Pace {
                push,
                multicast: None,
            };
            edit(&store, "mei", 50, |edit| edit.set_pace(pace)).await;
        }
        let paces = read_past_paces(&store).await.unwrap();
        let mut pushes: Vec<_> = paces.iter().map(|past| past.pace.push).collect();
        pushes.sort_unstable();
        assert_eq!(pushes, [Some(500), Some(800)]);
        assert_eq!(paces[0].set.by, "mei");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_operators_at_once_nothing_that_was_said_is_lost() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        enter(&store).await;
        let operators = (1..=4).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let expires_at = at(3600 + number);
                let by = format!("operator {number}");
                edit(&store, &by, number, |edit| edit.extend(RUN, expires_at)).await;
            })
        });
        for operator in operators.collect::<Vec<_>>() {
            operator.await.unwrap();
        }
        let mut by: Vec<_> = said(&store).await.into_iter().map(|(by, _)| by).collect();
        by.sort();
        let expected: Vec<_> = (1..=4).map(|number| format!("operator {number}")).collect();
        assert_eq!(by, [&expected[..], &["producer".to_owned()]].concat());
    }
}

#[tokio::test]
async fn who_may_not_write_the_history_can_pause_all_the_same() {
    let s3 = S3::start().await;
    let store = s3.store();
    enter(&store).await;
    s3.script(|request| request.contains("/history/").then_some(Fault::Denied));
    edit(&store, "mei", 10, |edit| edit.pause(RUN, None)).await;
    s3.script(|_| None);
    assert_eq!(said(&store).await, [("mei".to_owned(), RunState::Paused)]);
}
