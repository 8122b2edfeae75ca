//! The control object in a store.

use fanline_ledger::{
    CONTROL_KEY, Control, Edit, EditControlError, Entry, Expect, Lane, RunState, Store,
    UpdateError, edit_control, read_control,
};
use jiff::Timestamp;

use crate::support::{Fault, S3, TestFolder};

fn now() -> Timestamp {
    "2026-12-25T01:00:00Z".parse().unwrap()
}

async fn enter(store: &Store, run: &str) -> Control {
    let entry = Entry {
        run,
        started_at: now(),
        lane: Lane::Bulk,
        has_canary: false,
    };
    let edit = |control: &Control| Edit::new(control, "producer", None, now())?.enter(&entry);
    edit_control(store, edit).await.unwrap()
}

#[tokio::test]
async fn control_is_read_once_for_each_change() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    for store in [s3.store(), folder.store()] {
        let (control, tag) = read_control(&store, None).await.unwrap().unwrap();
        assert_eq!((control, tag), (Control::default(), None));
        enter(&store, "xmas").await;
        let (control, tag) = read_control(&store, None).await.unwrap().unwrap();
        assert_eq!(control.run("xmas").unwrap().state, RunState::Open);
        assert_eq!(read_control(&store, tag.as_ref()).await.unwrap(), None);
        let pause =
            |control: &Control| Edit::new(control, "operator", None, now())?.pause("xmas", None);
        edit_control(&store, pause).await.unwrap();
        let (control, new) = read_control(&store, tag.as_ref()).await.unwrap().unwrap();
        assert_eq!(control.run("xmas").unwrap().state, RunState::Paused);
        assert_ne!(new, tag);
        store.delete(CONTROL_KEY).await.unwrap();
        let (control, gone) = read_control(&store, new.as_ref()).await.unwrap().unwrap();
        assert_eq!((control, gone), (Control::default(), None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobodys_edit_is_lost() {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    let mut puts = 0;
    s3.script(move |_| {
        puts += 1;
        (puts == 2).then_some(Fault::LostAnswer)
    });
    for store in [s3.store(), folder.store()] {
        let producers: Vec<_> = (0..4)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { enter(&store, &format!("run-{number}")).await })
            })
            .collect();
        for producer in producers {
            producer.await.unwrap();
        }
        let (control, _) = read_control(&store, None).await.unwrap().unwrap();
        assert_eq!(control.runs().len(), 4);
    }
}

#[tokio::test]
async fn an_edit_that_changes_nothing_puts_nothing() {
    let s3 = S3::start().await;
    let store = s3.store();
    for _ in 0..3 {
        enter(&store, "xmas").await;
    }
    let puts = s3.requests();
    let puts = puts.iter().filter(|request| request.starts_with("PUT"));
    assert_eq!(puts.count(), 1);
}

#[tokio::test]
async fn a_refused_edit_and_a_broken_object_leave_everything_as_it_is() {
    let folder = TestFolder::new();
    let store = folder.store();
    let resume = |control: &Control| Edit::new(control, "operator", None, now())?.resume("xmas");
    let refused = edit_control(&store, resume).await.unwrap_err();
    assert!(
        matches!(&refused, UpdateError::Edit(EditControlError::Edit(_))),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("`xmas` is not in control"),
        "{refused}"
    );
    assert_eq!(store.get(CONTROL_KEY).await.unwrap(), None);
    let broken = r#"{"v":1,"runs":{"xmas":{"state":"pausd"}}}"#;
    store.put(CONTROL_KEY, broken, &Expect::Any).await.unwrap();
    let error = edit_control(&store, resume).await.unwrap_err().to_string();
    assert!(error.contains("`runs.xmas.state`"), "{error}");
    let error = read_control(&store, None).await.unwrap_err().to_string();
    assert!(error.contains("`runs.xmas.state`"), "{error}");
}

#[tokio::test]
async fn who_is_never_first_gives_up_and_says_so() {
    let s3 = S3::start().await;
    s3.script(|_| Some(Fault::PutUnderWay));
    let entry = Entry {
        run: "xmas",
        started_at: now(),
        lane: Lane::Bulk,
        has_canary: false,
    };
    let enter = |control: &Control| Edit::new(control, "producer", None, now())?.enter(&entry);
    let error = edit_control(&s3.store(), enter).await.unwrap_err();
    assert!(matches!(error, UpdateError::Contended(_)), "{error}");
    assert_eq!(s3.object("b/stack/control/control.json"), None);
}
