//! What both stores promise, asked of both.

use bytes::Bytes;
use fanline_core::s3_uri::S3Uri;
use fanline_ledger::{Bucket, Expect, Fetched, Put, Store, StoreError};

use crate::support::{Fault, S3, TestFolder};

/// Both stores, empty, with what keeps them alive.
async fn both() -> (Vec<Store>, (S3, TestFolder)) {
    let (s3, folder) = (S3::start().await, TestFolder::new());
    (vec![s3.store(), folder.store()], (s3, folder))
}

#[tokio::test]
async fn an_object_is_read_as_it_was_put_last() {
    let (stores, _kept) = both().await;
    for store in stores {
        assert_eq!(store.get("a/b").await.unwrap(), None);
        assert_eq!(store.get_head("a/b", 4).await.unwrap(), None);
        let first = store.put("a/b", "first", &Expect::Any).await.unwrap();
        let second = store.put("a/b", "second", &Expect::Any).await.unwrap();
        assert_ne!(first, second);
        let object = store.get("a/b").await.unwrap().unwrap();
        assert_eq!((&object.bytes[..], &object.tag), (&b"second"[..], &second));
        for (bytes, head) in [(0, ""), (3, "sec"), (6, "second"), (99, "second")] {
            let found = store.get_head("a/b", bytes).await.unwrap();
            assert_eq!(found, Some(Bytes::from(head)), "{bytes}");
        }
        store.put("empty", "", &Expect::Any).await.unwrap();
        assert_eq!(
            store.get_head("empty", 9).await.unwrap(),
            Some(Bytes::new())
        );
        store.delete("a/b").await.unwrap();
        store.delete("a/b").await.unwrap();
        assert_eq!(store.get("a/b").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_put_happens_only_where_the_object_is_as_expected() {
    let (stores, _kept) = both().await;
    for store in stores {
        let conflict = |put: Result<_, StoreError>| {
            assert!(matches!(put, Err(StoreError::Conflict(_))), "{put:?}");
        };
        let one = store.put("run.json", "one", &Expect::Absent).await.unwrap();
        conflict(store.put("run.json", "two", &Expect::Absent).await);
        let expected = Expect::Tag(one);
        let two = store.put("run.json", "two", &expected).await.unwrap();
        conflict(store.put("run.json", "three", &expected).await);
        assert_eq!(
            &store.get("run.json").await.unwrap().unwrap().bytes[..],
            b"two"
        );
        store.delete("run.json").await.unwrap();
        conflict(store.put("run.json", "four", &Expect::Tag(two)).await);
        assert_eq!(store.get("run.json").await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_known_is_not_read_again() {
    let (stores, _kept) = both().await;
    for store in stores {
        let tag = store.put("control", "one", &Expect::Any).await.unwrap();
        assert_eq!(
            store.get_unless("control", &tag).await.unwrap(),
            Fetched::Same
        );
        let new = store.put("control", "two", &Expect::Any).await.unwrap();
        match store.get_unless("control", &tag).await.unwrap() {
            Fetched::Object(object) => assert_eq!(object.tag, new),
            other => panic!("{other:?}"),
        }
        store.delete("control").await.unwrap();
        assert_eq!(
            store.get_unless("control", &tag).await.unwrap(),
            Fetched::Absent
        );
    }
}

#[tokio::test]
async fn a_listing_has_every_object_below_its_prefix_in_order() {
    let (stores, _kept) = both().await;
    for store in stores {
        assert!(store.list("ledger/").await.unwrap().is_empty());
        for key in [
            "ledger/b/2",
            "ledger/a/10",
            "ledger/a/1",
            "ledger/a/x/y",
            "other/z",
            "top",
        ] {
            store.put(key, key, &Expect::Absent).await.unwrap();
        }
        for (prefix, expected) in [
            (
                "ledger/",
                vec!["ledger/a/1", "ledger/a/10", "ledger/a/x/y", "ledger/b/2"],
            ),
            ("ledger/a/1", vec!["ledger/a/1", "ledger/a/10"]),
            (
                "",
                vec![
                    "ledger/a/1",
                    "ledger/a/10",
                    "ledger/a/x/y",
                    "ledger/b/2",
                    "other/z",
                    "top",
                ],
            ),
            ("to", vec!["top"]),
            ("nothing/", vec![]),
        ] {
            let listed = store.list(prefix).await.unwrap();
            let keys: Vec<_> = listed.iter().map(|object| object.key.as_str()).collect();
            assert_eq!(keys, expected, "{prefix}");
            assert!(
                listed
                    .iter()
                    .all(|object| object.bytes == object.key.len() as u64)
            );
        }
    }
}

#[tokio::test]
async fn the_folders_below_a_prefix_are_listed_without_what_is_in_them() {
    let (stores, _kept) = both().await;
    for store in stores {
        assert!(store.folders("ledger/").await.unwrap().is_empty());
        for key in [
            "ledger/b/pages/1",
            "ledger/b/pages/2",
            "ledger/a/run.json",
            "ledger/a%2Fb/run.json",
            "ledger/c/run.json",
            "ledger/d/run.json",
            "ledger/file",
            "control/control.json",
        ] {
            store.put(key, "x", &Expect::Absent).await.unwrap();
        }
        let runs = store.folders("ledger/").await.unwrap();
        let expected = [
            "ledger/a%2Fb/",
            "ledger/a/",
            "ledger/b/",
            "ledger/c/",
            "ledger/d/",
        ];
        assert_eq!(runs, expected);
        let tops = store.folders("").await.unwrap();
        assert_eq!(tops, ["control/", "ledger/"]);
    }
}

#[tokio::test]
async fn a_file_is_put_without_being_read_into_memory() {
    let (stores, kept) = both().await;
    let roll = kept.1.0.join("roll");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    std::fs::write(&roll, &bytes).unwrap();
    for store in stores {
        let tag = store.put("rolls/1", Put::File(roll.clone()), &Expect::Absent);
        let tag = tag.await.unwrap();
        let object = store.get("rolls/1").await.unwrap().unwrap();
        assert_eq!((object.bytes.len(), object.tag), (bytes.len(), tag));
        assert!(object.bytes == bytes, "the same bytes");
        let again = store.put("rolls/1", Put::File(roll.clone()), &Expect::Absent);
        assert!(matches!(again.await, Err(StoreError::Conflict(_))));
        let nothing = Put::File(roll.with_extension("missing"));
        assert!(store.put("rolls/2", nothing, &Expect::Any).await.is_err());
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_or_not_ours_is_named() {
    let s3 = S3::start().await;
    let denied = "`s3://forbidden/run.json` can't be reached: no permission for ";
    for (bucket, on_get, on_put) in [
        (
            "missing",
            "`s3://missing` does not exist".to_owned(),
            "`s3://missing` does not exist".to_owned(),
        ),
        (
            "forbidden",
            format!("{denied}`s3:GetObject`, and for what is not there `s3:ListBucket`"),
            format!("{denied}`s3:PutObject`"),
        ),
    ] {
        let place = S3Uri {
            bucket: bucket.into(),
            key: String::new(),
        };
        let store = Store::Bucket(Bucket::new(&s3.config(), place));
        let error = store.get("run.json").await.unwrap_err();
        assert_eq!(error.to_string(), on_get);
        let error = store
            .put("run.json", "x", &Expect::Absent)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), on_put);
    }
    let place = S3Uri {
        bucket: "missing".into(),
        key: String::new(),
    };
    let store = Store::Bucket(Bucket::new(&s3.config(), place));
    let error = store.list("").await.unwrap_err().to_string();
    assert_eq!(error, "`s3://missing` does not exist");
}

#[tokio::test]
async fn a_put_under_way_is_a_conflict_and_a_service_that_fails_is_none() {
    let s3 = S3::start().await;
    s3.script(|key| match key {
        "stack/busy" => Some(Fault::PutUnderWay),
        "stack/down" => Some(Fault::Unavailable),
        _ => None,
    });
    let store = s3.store();
    let busy = store.put("busy", "x", &Expect::Absent).await;
    assert!(matches!(busy, Err(StoreError::Conflict(_))), "{busy:?}");
    let down = store.put("down", "x", &Expect::Absent).await;
    assert!(matches!(down, Err(StoreError::Failed { .. })), "{down:?}");
    // Without a condition nobody can have been faster.
    let busy = store.put("busy", "x", &Expect::Any).await;
    assert!(matches!(busy, Err(StoreError::Failed { .. })), "{busy:?}");
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let folder = TestFolder::new();
    let store = folder.store();
    for key in [
        "",
        "a/",
        "../x",
        "a/../../x",
        "/x",
        "a//b",
        ".lock",
        "a/.b",
        "C:x",
        "a\\b",
        "a\0b",
    ] {
        let put = store.put(key, "x", &Expect::Any).await;
        assert!(matches!(put, Err(StoreError::Key(_))), "{key}: {put:?}");
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_keeps_nothing_but_its_objects() {
    let folder = TestFolder::new();
    let store = folder.store();
    for content in ["one", "two"] {
        let tag = store.put("a/b", content, &Expect::Any).await.unwrap();
        store
            .put("a/b", "three", &Expect::Absent)
            .await
            .unwrap_err();
        store.put("a/b", content, &Expect::Tag(tag)).await.unwrap();
    }
    let names = |path: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder.0.join(path)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("stack"), [".lock", "a"]);
    assert_eq!(names("stack/a"), ["b"]);
    let listed = store.list("").await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
}
