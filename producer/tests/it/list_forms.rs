//! Lists that are packed, encoded and written in other ways than their names say.

use fanline_producer::Summary;
use serde_json::json;

use crate::support::{World, campaign, greeting, greetings, gzip, list, user, zstd};

/// A workbook. Its first sheet has three people, and an empty row above them.
const WORKBOOK: &[u8] = include_bytes!("lists/friends.xlsx");

fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some('\u{feff}');
    let text: String = mark.into_iter().chain(text.chars()).collect();
    text.encode_utf16().flat_map(bytes).collect()
}

/// The error that refuses a list.
async fn refused(path: &str, bytes: Vec<u8>, more: &serde_json::Value) -> String {
    let world = World::start().await;
    world.put(path, bytes);
    let event = campaign(&json!(format!("s3://{path}")), more);
    let error = world.producer(&[]).handle(event, None).await.unwrap_err();
    assert_eq!(world.requests(), 0, "{error}");
    error.to_string()
}

/// Sends a list that is one slice, although slices are shorter: it can't be cut.
async fn sent_as_one_slice(world: &World, event: serde_json::Value, slice_bytes: &str) -> Summary {
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", slice_bytes)]);
    let summary = producer.handle(event, None).await;
    assert_eq!(summary.unwrap_or_else(|error| panic!("{error}")).slices, 1);
    let slice = world.take_slices().pop().unwrap();
    producer.handle(slice, None).await.unwrap()
}

#[tokio::test]
async fn a_list_is_read_by_its_first_bytes_and_not_by_its_name() {
    let plain = list(1000);
    let mut padded = gzip(plain.as_bytes()).await;
    padded.resize(padded.len() + 3000, 0);
    let mut two = padded.clone();
    two.truncate(padded.len() - 2999);
    two.extend(gzip(b"").await);
    for (name, bytes) in [
        ("padded.csv.gz", padded),
        ("zero-between.csv.gz", two),
        ("UPPER.CSV.GZ", gzip(plain.as_bytes()).await),
        ("packed-inside.csv", gzip(plain.as_bytes()).await),
        ("packed-inside", zstd(plain.as_bytes()).await),
        ("no-ending", plain.clone().into_bytes()),
        ("marked.csv", utf16(&plain, true, u16::to_le_bytes)),
        ("unmarked.csv", utf16(&plain, false, u16::to_be_bytes)),
        (
            "utf16.csv.gz",
            gzip(&utf16(&plain, true, u16::to_le_bytes)).await,
        ),
        ("tabs.tsv", plain.replace(',', "\t").into_bytes()),
        ("marks.csv", format!("\u{feff}\u{feff}{plain}").into_bytes()),
    ] {
        let world = World::start().await;
        world.put(&format!("bucket/{name}"), bytes);
        let event = campaign(&json!(format!("s3://bucket/{name}")), &json!({}));
        let summary = sent_as_one_slice(&world, event, "1000000").await;
        assert_eq!((summary.rows, summary.recipients), (1000, 1000), "{name}");
        assert_eq!(world.sent(), greetings(1000), "{name}");
    }
}

#[tokio::test]
async fn a_list_in_another_encoding_is_read_where_the_campaign_says_so() {
    // 王小明 in Big5, whose second bytes can be ASCII: 功 ends with a backslash.
    let name = b"\xa4\xfd\xa4p\xa9\xfa\xa5\x5c";
    let row = [user(0).as_bytes(), b",\"", name, b"\"\n"].concat();
    let list = [&b"to,name\n"[..], &row].concat();
    let world = World::start().await;
    world.put("bucket/big5.csv", list.clone());
    let big5 = json!({"encoding": "Big5"});
    let event = campaign(&json!("s3://bucket/big5.csv"), &big5);
    sent_as_one_slice(&world, event, "1").await;
    assert_eq!(world.sent(), [(user(0), greeting("王小明功"))]);

    let error = refused("bucket/big5.csv", list, &json!({})).await;
    assert!(
        error.contains(
            "row 1 (line 2): is not UTF-8 and looks like Big5: add `\"encoding\": \"big5\"`"
        ),
        "{error}"
    );
    let marked = utf16("to,name\n", true, u16::to_le_bytes);
    assert_eq!(
        refused("bucket/marked.csv", marked, &big5).await,
        "`s3://bucket/marked.csv` is in UTF-16LE by its first bytes, and the campaign says Big5: \
         take `encoding` out"
    );
}

#[tokio::test]
async fn a_sheet_of_a_workbook_is_a_list() {
    let world = World::start().await;
    world.put("bucket/friends.xlsx", WORKBOOK);
    let text = "{{ name }} {{ code }} {{ day }}";
    let more = json!({"messages": [{"type": "text", "text": text}]});
    let event = campaign(&json!("s3://bucket/friends.xlsx"), &more);
    let summary = sent_as_one_slice(&world, event, "1").await;
    assert_eq!((summary.rows, summary.recipients), (3, 3));
    let texts: Vec<_> = world
        .sent()
        .into_iter()
        .map(|(_, messages)| messages)
        .collect();
    let message = |text: &str| json!([{"text": text, "type": "text"}]).to_string();
    assert_eq!(
        texts,
        [
            message("name 0 00007 2026-12-25"),
            message("name 1 12345 2026-12-25"),
            message("name, \"2\" 00000 2026-12-25"),
        ]
    );
}

#[tokio::test]
async fn a_workbook_that_can_not_be_read_is_named() {
    let cut_short = &WORKBOOK[..WORKBOOK.len() / 2];
    for (bytes, more, problem) in [
        (
            WORKBOOK,
            json!({"sheet": "Friend"}),
            "has no sheet `Friend`; its sheets are `Friends`, `Empty`",
        ),
        (
            cut_short,
            json!({}),
            "can't be read as a workbook: is it one, and is it whole?",
        ),
        (
            WORKBOOK,
            json!({"format": "csv"}),
            "is a workbook of Excel by its first bytes: take `format` out of the campaign",
        ),
    ] {
        assert_eq!(
            refused("bucket/friends.xlsx", bytes.into(), &more).await,
            format!("`s3://bucket/friends.xlsx` {problem}")
        );
    }
    let empty = json!({"sheet": "Empty"});
    assert_eq!(
        refused("bucket/friends.xlsx", WORKBOOK.into(), &empty).await,
        "`s3://bucket/friends.xlsx`: the list is empty: not even a header"
    );
}

#[tokio::test]
async fn a_quote_that_is_not_closed_sends_nothing_in_slices_and_packed_lists_alike() {
    let mut rows: Vec<String> = list(300).lines().map(|row| format!("{row}\n")).collect();
    rows[40] = format!("{},\"Ann\n", user(39));
    rows[250] = format!("{},\"Bo \"\"B\"\" Li\"\n", user(249));
    let bytes = rows.concat().into_bytes();
    let plain = bytes.clone();
    let packed = gzip(&bytes).await;
    for (name, bytes) in [("list.csv", plain), ("list.csv.gz", packed)] {
        let world = World::start().await;
        world.put(&format!("bucket/{name}"), bytes);
        let event = campaign(&json!(format!("s3://bucket/{name}")), &json!({}));
        let settings = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1000")];
        let error = world.producer(&settings).handle(event, None).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!(
                "`s3://bucket/{name}`: row 40 (line 41) opens a quote"
            )),
            "{error}"
        );
        assert_eq!(world.requests(), 0);
    }
}
