//! The stand-in for S3, asked with S3's own client.

use std::io::Write as _;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use fanline_local::{S3Fault, S3Faults, S3Options, S3Server};

const BUCKET: &str = "bucket";

async fn start(options: S3Options) -> (S3Server, Client) {
    let server = S3Server::start(options).await.unwrap();
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(server.url())
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(20))
                .build(),
        )
        .force_path_style(true)
        .build();
    (server, Client::from_conf(config))
}

async fn put(client: &Client, key: &str, body: &'static str) -> String {
    let put = client.put_object().bucket(BUCKET).key(key);
    let body = ByteStream::from_static(body.as_bytes());
    let put = put.body(body).send().await.unwrap();
    put.e_tag.unwrap()
}

async fn text(body: ByteStream) -> String {
    let bytes = body.collect().await.unwrap().to_vec();
    String::from_utf8(bytes).unwrap()
}

async fn get(client: &Client, key: &str) -> Result<String, Option<String>> {
    let got = client.get_object().bucket(BUCKET).key(key).send().await;
    match got {
        Ok(got) => Ok(text(got.body).await),
        Err(error) => Err(error.code().map(str::to_owned)),
    }
}

#[tokio::test]
async fn a_put_with_a_condition_happens_only_where_it_holds() {
    let (_server, client) = start(S3Options::default()).await;
    let put_if = async |key: &str, if_match: Option<&str>, if_none_match: Option<&str>| {
        let put = client.put_object().bucket(BUCKET).key(key);
        let put = put.set_if_match(if_match.map(str::to_owned));
        let put = put.set_if_none_match(if_none_match.map(str::to_owned));
        let put = put.body(ByteStream::from_static(b"new")).send().await;
        put.map(|put| put.e_tag.unwrap())
            .map_err(|error| error.code().unwrap().to_owned())
    };
    let failed = |code: &str| Err(code.to_owned());
    let absent = put_if("a", Some("\"tag\""), None).await;
    assert_eq!(absent, failed("NoSuchKey"));
    let tag = put_if("a", None, Some("*")).await.unwrap();
    let twice = put_if("a", None, Some("*")).await;
    assert_eq!(twice, failed("PreconditionFailed"));
    assert_eq!(
        put(&client, "a", "new").await,
        tag,
        "the tag is the content's"
    );
    let other = put(&client, "a", "other").await;
    assert_ne!(other, tag);
    let stale = put_if("a", Some(&tag), None).await;
    assert_eq!(stale, failed("PreconditionFailed"));
    assert_eq!(put_if("a", Some(&other), None).await, Ok(tag));
}

#[tokio::test]
async fn an_object_is_read_whole_in_part_and_only_where_it_is_new() {
    let (server, client) = start(S3Options::default()).await;
    let tag = put(&client, "stack/a%40b+c d/é", "0123456789").await;
    assert_eq!(server.keys(BUCKET, "stack/"), ["stack/a%40b+c d/é"]);
    let key = "stack/a%40b+c d/é";
    let request = || client.get_object().bucket(BUCKET).key(key);
    for (range, expected) in [
        ("bytes=0-3", "0123"),
        ("bytes=8-99", "89"),
        ("bytes=7-", "789"),
        ("bytes=-2", "89"),
    ] {
        let got = request().range(range).send().await.unwrap();
        assert_eq!(text(got.body).await, expected, "{range}");
    }
    let behind = request().range("bytes=10-").send().await.unwrap_err();
    assert_eq!(behind.code(), Some("InvalidRange"));
    let same = request().if_none_match(&tag).send().await.unwrap_err();
    assert_eq!(same.raw_response().unwrap().status().as_u16(), 304);
    let other = request().if_match("\"other\"").send().await.unwrap_err();
    assert_eq!(other.code(), Some("PreconditionFailed"));
    let head = client.head_object().bucket(BUCKET).key(key).send().await;
    assert_eq!(head.unwrap().content_length, Some(10));
    let deleted = client.delete_object().bucket(BUCKET).key(key);
    deleted.send().await.unwrap();
    assert_eq!(get(&client, key).await, Err(Some("NoSuchKey".into())));
    assert_eq!(server.counts().gets, 9);
}

#[tokio::test]
async fn a_listing_has_pages_and_folders() {
    let options = S3Options {
        page_entries: 2,
        ..S3Options::default()
    };
    let (_server, client) = start(options).await;
    for key in [
        "a/1", "a/2", "a/b/1", "a/b/2", "a/b/3", "a/c/1", "a/d", "b/<1>&",
    ] {
        put(&client, key, "x").await;
    }
    let list = async |prefix: &str, delimiter: Option<&str>| {
        let request = client.list_objects_v2().bucket(BUCKET).prefix(prefix);
        let request = request.set_delimiter(delimiter.map(str::to_owned));
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            let objects = page
                .contents()
                .iter()
                .map(|object| object.key.clone().unwrap());
            found.extend(objects);
            let folders = page.common_prefixes().iter();
            found.extend(folders.map(|folder| folder.prefix.clone().unwrap()));
        }
        found
    };
    let all = ["a/1", "a/2", "a/b/1", "a/b/2", "a/b/3", "a/c/1", "a/d"];
    assert_eq!(list("a/", None).await, all);
    assert_eq!(list("b/", None).await, ["b/<1>&"]);
    let mut folders = list("a/", Some("/")).await;
    folders.sort();
    assert_eq!(folders, ["a/1", "a/2", "a/b/", "a/c/", "a/d"]);
    assert_eq!(list("", Some("/")).await, ["a/", "b/"]);
    assert!(list("nothing", None).await.is_empty());
}

#[tokio::test]
async fn a_bucket_with_versions_keeps_what_was_replaced_and_deleted() {
    let options = S3Options {
        versions: true,
        ..S3Options::default()
    };
    let (_server, client) = start(options).await;
    put(&client, "a", "first").await;
    put(&client, "a", "second").await;
    let delete = client.delete_object().bucket(BUCKET).key("a");
    delete.send().await.unwrap();
    assert_eq!(get(&client, "a").await, Err(Some("NoSuchKey".into())));
    let versions = client.list_object_versions().bucket(BUCKET).prefix("a");
    let versions = versions.send().await.unwrap();
    assert_eq!(versions.delete_markers().len(), 1);
    let mut texts = Vec::new();
    for version in versions.versions() {
        let get = client.get_object().bucket(BUCKET).key("a");
        let got = get.version_id(version.version_id().unwrap()).send().await;
        texts.push(text(got.unwrap().body).await);
    }
    assert_eq!(texts, ["second", "first"], "the newest first");
}

#[tokio::test]
async fn a_file_that_the_client_sends_in_chunks_is_kept_as_it_was() {
    let (server, client) = start(S3Options::default()).await;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = path.join(format!("s3-{:032x}", rand::random::<u128>()));
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&bytes)
        .unwrap();
    let body = ByteStream::from_path(&path).await.unwrap();
    let put = client.put_object().bucket(BUCKET).key("file").body(body);
    put.send().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(server.object(BUCKET, "file").unwrap() == bytes);
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_said_in_s3s_words() {
    let options = S3Options {
        forbidden: vec!["theirs".to_owned()],
        ..S3Options::default()
    };
    let (server, client) = start(options).await;
    for (bucket, expected) in [("missing", "NoSuchBucket"), ("theirs", "AccessDenied")] {
        let got = client.get_object().bucket(bucket).key("a").send().await;
        assert_eq!(got.unwrap_err().code(), Some(expected));
    }
    client
        .create_bucket()
        .bucket("missing")
        .send()
        .await
        .unwrap();
    assert!(server.put("missing", "a", "x"));
    assert!(!server.put("nowhere", "a", "x"));
    let upload = client.create_multipart_upload().bucket(BUCKET).key("a");
    assert_eq!(
        upload.send().await.unwrap_err().code(),
        Some("NotImplemented")
    );
}

#[tokio::test]
async fn every_fault_is_what_a_client_can_meet() {
    let (server, client) = start(S3Options::default()).await;
    let fault = |fault| {
        server.script(move |call| (call.method == "PUT").then_some(fault));
    };
    let put = async |key: &str| {
        let put = client.put_object().bucket(BUCKET).key(key);
        let sent = put.body(ByteStream::from_static(b"x")).send();
        match tokio::time::timeout(Duration::from_secs(1), sent).await {
            Ok(answer) => answer.unwrap_err().code().map(str::to_owned),
            Err(_) => Some("silence".to_owned()),
        }
    };
    for (name, told, code, is_done) in [
        ("a", S3Fault::Unavailable, "SlowDown", false),
        (
            "b",
            S3Fault::PutUnderWay,
            "ConditionalRequestConflict",
            false,
        ),
        ("c", S3Fault::Denied, "AccessDenied", false),
        ("d", S3Fault::LostAnswer, "InternalError", true),
        ("e", S3Fault::Silent, "silence", false),
        ("f", S3Fault::DoneAndSilent, "silence", true),
    ] {
        fault(told);
        assert_eq!(put(name).await.as_deref(), Some(code));
        assert_eq!(server.object(BUCKET, name).is_some(), is_done, "{name}");
    }
    server.script(|_| None);
    server.set_faults(S3Faults {
        unavailable: 1.0,
        ..S3Faults::default()
    });
    assert_eq!(get(&client, "d").await, Err(Some("SlowDown".into())));
}

#[tokio::test]
async fn a_bucket_says_whom_it_tells_and_a_bucket_elsewhere_says_where() {
    for tells_event_bridge in [true, false] {
        let (server, client) = start(S3Options {
            tells_event_bridge,
            ..S3Options::default()
        })
        .await;
        let ask = || {
            client
                .get_bucket_notification_configuration()
                .bucket(BUCKET)
        };
        let told = ask().send().await.unwrap();
        let event_bridge = told.event_bridge_configuration();
        assert_eq!(event_bridge.is_some(), tells_event_bridge);

        server.script(|_| Some(S3Fault::OtherRegion));
        let error = ask().send().await.unwrap_err();
        assert_eq!(error.code(), Some("PermanentRedirect"));
        let headers = error.raw_response().unwrap().headers();
        assert_eq!(headers.get("x-amz-bucket-region"), Some("eu-west-1"));
    }
}
