//! Lists of every kind: from S3 and from files, packed, broken and changed.

use serde_json::json;

use crate::support::{World, campaign, greeting, greetings, gzip, list, user, zstd};

/// Sends the campaign to the list at this path of the world's S3, and returns the error. It has to
/// be one sentence, and nothing may be on the queue.
async fn refused(world: &World, path: &str) -> String {
    let event = campaign(&json!(format!("s3://{path}")), &json!({}));
    let error = world
        .producer(&[])
        .handle(event, None)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(world.requests(), 0, "{error}");
    assert!(!error.contains('\n'), "{error}");
    error
}

#[tokio::test]
async fn a_list_is_read_from_s3_plain_and_packed() {
    let plain = list(1000);
    let ndjson: Vec<String> = (0..1000)
        .map(|n| format!("{}\n", json!({"to": user(n), "name": format!("name {n}")})))
        .collect();
    let ndjson = ndjson.concat();
    let two_members = [
        gzip(&plain.as_bytes()[..9000]).await,
        gzip(&plain.as_bytes()[9000..]).await,
    ]
    .concat();
    for (name, bytes) in [
        ("friends.csv", plain.clone().into_bytes()),
        ("friends.csv.gz", gzip(plain.as_bytes()).await),
        ("twice.csv.gz", two_members),
        ("friends.csv.zst", zstd(plain.as_bytes()).await),
        ("friends.ndjson", ndjson.clone().into_bytes()),
        ("friends.jsonl.gz", gzip(ndjson.as_bytes()).await),
    ] {
        let world = World::start().await;
        world.put(&format!("bucket/lists/{name}"), bytes);
        let event = campaign(&json!(format!("s3://bucket/lists/{name}")), &json!({}));
        let producer = world.producer(&[("SLICE_QUEUE_URL", "slices")]);
        producer.handle(event, None).await.unwrap();
        let slice = world.take_slices().pop().unwrap();
        let summary = producer.handle(slice, None).await.unwrap();
        assert_eq!((summary.rows, summary.recipients), (1000, 1000), "{name}");
        assert_eq!(world.sent(), greetings(1000), "{name}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_in_pieces() {
    let world = World::start().await;
    // More than one piece of 4 MiB, one text for all.
    let people = 130_000;
    world.put("bucket/friends.csv", list(people));
    let more = json!({"messages": [{"type": "text", "text": "hi"}]});
    let event = campaign(&json!("s3://bucket/friends.csv"), &more);
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(
        (summary.recipients, summary.deliveries, summary.requests),
        (130_000, 260, 26)
    );
    let mut sent: Vec<String> = world.sent().into_iter().map(|(to, _)| to).collect();
    sent.dedup();
    assert_eq!(sent.len(), people);
}

#[tokio::test]
async fn a_list_that_can_not_be_read_is_named() {
    let world = World::start().await;
    world.put("no-etag/friends.csv", list(10));
    for (path, sentence) in [
        ("missing/friends.csv", "`s3://missing` does not exist"),
        (
            "bucket/nowhere.csv",
            "`s3://bucket/nowhere.csv` does not exist",
        ),
        (
            "forbidden/friends.csv",
            "`s3://forbidden/friends.csv` can't be read: no permission for `s3:GetObject`",
        ),
        (
            "no-etag/friends.csv",
            "`s3://no-etag/friends.csv` can't be used: \
             the store gives no ETag for it, so a change would go unnoticed",
        ),
    ] {
        assert_eq!(refused(&world, path).await, sentence);
    }
}

#[tokio::test]
async fn a_list_that_is_not_a_list_is_named() {
    let world = World::start().await;
    let open_quote = format!("to,name\n{},\"Ann\n", user(1));
    let wide_row = format!("to,name\n{},{}\n", user(1), "x".repeat(20 << 20));
    for (path, list, sentence) in [
        (
            "bucket/empty.csv",
            "",
            "`s3://bucket/empty.csv`: the list is empty: not even a header",
        ),
        (
            "bucket/header.csv",
            "to,name\n",
            "`s3://bucket/header.csv` has no rows: there is nobody to send to",
        ),
        (
            "bucket/no-to.csv",
            "user,name\nU1,Ann\n",
            "`s3://bucket/no-to.csv`: line 1: no column is called `to`; \
             the line has 2 columns: is it a header at all?",
        ),
        (
            "bucket/no-name.csv",
            "to\nU1\n",
            "`s3://bucket/no-name.csv`: line 1: no column is called `name`, which \
             `messages[0].text` names; the line has 1 column: is it a header at all?",
        ),
        (
            "bucket/open.csv",
            &open_quote,
            "`s3://bucket/open.csv`: row 1 (line 2) opens a quote that is never closed",
        ),
        (
            "bucket/wide.csv",
            &wide_row,
            "`s3://bucket/wide.csv`: row 1 (line 2) is longer than 1 MiB: is a quote left open?",
        ),
        (
            "bucket/twice.csv",
            "to,to\n",
            "`s3://bucket/twice.csv`: line 1: columns 1 and 2 have the same name: \
             is line 1 a header at all?",
        ),
    ] {
        world.put(path, list);
        assert_eq!(refused(&world, path).await, sentence);
    }
}

#[tokio::test]
async fn a_packed_list_that_can_not_be_unpacked_is_named() {
    let world = World::start().await;
    let (gzip, zstd) = (
        gzip(list(1000).as_bytes()).await,
        zstd(list(1000).as_bytes()).await,
    );
    let plain = list(10).into_bytes();
    let cut_short = "is cut short: its compressed data ends in the middle";
    let not_packed = "can't be unpacked: is it what its name says?";
    for (name, bytes, problem) in [
        ("cut.csv.gz", &gzip[..gzip.len() / 2], cut_short),
        ("cut.csv.zst", &zstd[..zstd.len() / 2], cut_short),
        ("plain.csv.gz", &plain[..], not_packed),
        ("plain.csv.zst", &plain[..], not_packed),
    ] {
        let path = format!("bucket/{name}");
        world.put(&path, bytes);
        let sentence = format!("`s3://{path}` {problem}");
        assert_eq!(refused(&world, &path).await, sentence);
    }
}

#[tokio::test]
async fn a_list_edited_while_it_is_read_is_noticed() {
    // The first read opens the list, the second one checks it, the third one publishes it.
    for edited_at in [2, 3] {
        let world = World::start().await;
        world.put("bucket/friends.csv", list(100));
        let mut reads = 0;
        world.before_read(move |objects| {
            reads += 1;
            if reads == edited_at {
                objects.insert("bucket/friends.csv".into(), list(200).into_bytes());
            }
        });
        let error = refused(&world, "bucket/friends.csv").await;
        assert!(
            error.starts_with("`s3://bucket/friends.csv` was changed while it was being read"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn byte_order_marks_and_line_ends_of_every_kind_make_no_difference() {
    let world = World::start().await;
    let text = format!(
        "\u{feff}to,name\r\n{},name 0\n\n{},\"name 1\"\r\n{},name 2",
        user(0),
        user(1),
        user(2)
    );
    world.put("bucket/friends.csv", text);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(world.sent(), greetings(3));
}

#[tokio::test]
async fn a_bad_row_is_written_down_and_its_neighbours_are_sent() {
    let world = World::start().await;
    let mut bytes = list(300).into_bytes();
    bytes.extend_from_slice(format!("{},\"two\nlines\"\n", user(300)).as_bytes());
    bytes.extend_from_slice(user(301).as_bytes());
    bytes.extend_from_slice(b",\xff\n");
    bytes.extend_from_slice(format!("{}\n", user(301)).as_bytes());
    bytes.extend_from_slice(format!("{},{}\n", user(302), "x".repeat(5000)).as_bytes());
    world.put("bucket/friends.csv", bytes);
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(
        (summary.rows, summary.recipients, summary.rejected),
        (304, 301, 3)
    );
    let rejects = "bucket/friends.csv.rejects/xmas@2126-12-25T00:00:00Z/row-1.csv";
    assert_eq!(summary.rejects, [format!("s3://{rejects}")]);
    let not_utf8 = "is not UTF-8 and looks like windows-1252: add `\"\"encoding\"\": \
                    \"\"windows-1252\"\"` to the campaign, or save the list in UTF-8";
    let too_long = "`messages[0].text` has 5003 UTF-16 code units; LINE takes 5000";
    assert_eq!(
        world.object(rejects).unwrap(),
        format!(
            "row,line,column,reason,recipient\n\
             302,304,,\"{not_utf8}\",\n\
             303,305,name,has no `name`,{}\n\
             304,306,messages[0].text,{too_long},{}\n",
            user(301),
            user(302)
        )
    );
    let mut expected = greetings(300);
    expected.push((user(300), greeting("two\nlines")));
    expected.sort();
    assert_eq!(world.sent(), expected);
}

#[tokio::test]
async fn too_many_bad_rows_stop_everything_and_are_written_down_all_the_same() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv",
        format!("{}nobody,x\nno one,y\n", list(100)),
    );
    let error = refused(&world, "bucket/friends.csv").await;
    assert!(
        error.starts_with(
            "`s3://bucket/friends.csv`: 2 of 102 rows can't be sent, which is more than \
             `max_bad_rows` allows, so nothing was sent; \
             the first is row 101 (line 102): `to` is not a LINE user"
        ),
        "{error}"
    );
    let rejects = "bucket/friends.csv.rejects/xmas@2126-12-25T00:00:00Z/row-1.csv";
    assert!(
        error.ends_with(&format!("; all of them are in `s3://{rejects}`")),
        "{error}"
    );
    assert_eq!(world.object(rejects).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn many_rejects_are_written_in_parts() {
    let world = World::start().await;
    let bad = 100_000;
    world.put(
        "bucket/friends.csv",
        format!("{}{}", list(1), "nobody,x\n".repeat(bad)),
    );
    let event = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"max_bad_rows": "100%"}),
    );
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!((summary.recipients, summary.rejected), (1, bad as u64));
    assert!(summary.rejects.len() > 1);
    let mut lines = 0;
    for place in &summary.rejects {
        let part = world.object(place.strip_prefix("s3://").unwrap()).unwrap();
        assert!(part.starts_with("row,line,column,reason,recipient\n"));
        assert!(part.len() < 9 << 20);
        lines += part.lines().count() - 1;
    }
    assert_eq!(lines, bad);
}

#[tokio::test]
async fn rejects_that_can_not_be_written_stop_the_campaign() {
    let world = World::start().await;
    world.put("read-only/friends.csv", format!("{}nobody,x\n", list(100)));
    let error = refused(&world, "read-only/friends.csv").await;
    assert!(
        error.starts_with(
            "the rejected rows can't be written to `s3://read-only/friends.csv.rejects/"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_person_with_many_rows_gets_one_message() {
    let world = World::start().await;
    world.put(
        "bucket/friends.csv",
        format!("to,name\n{}", format!("{},Ann\n", user(1)).repeat(50_000)),
    );
    let event = campaign(&json!("s3://bucket/friends.csv"), &json!({}));
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(
        (summary.rows, summary.recipients, summary.duplicates),
        (50_000, 1, 49_999)
    );
    assert_eq!(world.sent(), [(user(1), greeting("Ann"))]);
}

#[tokio::test]
async fn a_file_is_read_like_an_object_and_its_rejects_lie_beside_it() {
    let world = World::start().await;
    let directory = std::env::temp_dir().join(format!("fanline-producer-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("friends.csv");
    std::fs::write(&path, format!("{}nobody,x\n", list(100))).unwrap();
    let event = campaign(&json!(path), &json!({}));
    let summary = world.producer(&[]).handle(event, None).await.unwrap();
    assert_eq!(world.sent(), greetings(100));
    assert_eq!(
        std::fs::read_to_string(&summary.rejects[0])
            .unwrap()
            .lines()
            .count(),
        2
    );
    assert!(summary.rejects[0].starts_with(&format!("{}.rejects/", path.display())));
    std::fs::remove_dir_all(directory).unwrap();
}
