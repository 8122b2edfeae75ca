//! Messages from the campaign's file to LINE: what is refused before anything is sent, and what
//! people get.

use fanline_local::{LineOptions, LineServer};
use serde_json::{Value, json};

use crate::support::{Answer, Folder, campaign, user};

/// Runs the campaign against a simulated LINE. Gives the answer and the LINE.
async fn run(messages: &Value, name: &str, list: &str) -> (Answer, LineServer) {
    let line = LineServer::start(LineOptions::default()).await.unwrap();
    let text = campaign(&messages.to_string())
        .replace("list.csv", name)
        .replace("{\"campaign\"", "{\"max_bad_rows\": \"50%\", \"campaign\"");
    let folder = Folder::new().with("campaign.json", text).with(name, list);
    let token = ("LINE_CHANNEL_ACCESS_TOKEN", "any");
    let args = ["run", "campaign.json", "--live", "--yes", "--json"];
    let answer = folder.fanline_with(&args, &[token, ("LINE_API_BASE", line.url())]);
    (answer, line)
}

/// What user `n` got, once.
fn got(line: &LineServer, n: usize) -> Value {
    let receipts = line.receipts(&user(n));
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    serde_json::from_str(receipts[0].messages.as_ref().unwrap()).unwrap()
}

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// A Flex Message whose JSON is a little longer than the text in it.
fn bubble(text: &str) -> Value {
    let text = json!({"type": "text", "text": text, "wrap": true});
    let body = json!({"type": "box", "layout": "vertical", "contents": [text]});
    json!([{"type": "flex", "altText": "a", "contents": {"type": "bubble", "body": body}}])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_line_would_refuse_for_everybody_is_refused_before_anything_is_sent() {
    let audio = |url: &str, duration: Value| json!([{"type": "audio", "originalContentUrl": url, "duration": duration}]);
    let list = format!("to,name\n{},Ann\n", user(1));
    for (messages, sentence) in [
        (
            audio("http://example.com/a.m4a", json!(1)),
            "`messages[0].originalContentUrl` is not `https://`",
        ),
        (
            audio("https://example.com/a b.m4a", json!(1)),
            "`messages[0].originalContentUrl` is not percent-encoded",
        ),
        (
            audio("https://example.com/a.m4a", json!("1")),
            "`messages[0].duration` is not a number",
        ),
        (
            json!([{"type": "video", "originalContentUrl": "https://example.com/a.mp4"}]),
            "`messages[0].previewImageUrl` is missing",
        ),
        (
            json!([{"type": "stickers", "packageId": "1", "stickerId": "1"}]),
            "`messages[0].type` is no type of message that LINE takes here",
        ),
        (
            json!([{"type": "textV2", "text": "Hi {name}"}]),
            "`messages[0].text` has a placeholder in braces that is not in `substitution`",
        ),
        (
            json!([{"type": "text", "text": "Hi", "sender": {"name": "x".repeat(21)}}]),
            "`messages[0].sender.name` has 21 UTF-16 code units; LINE takes 20",
        ),
        (
            bubble(&"x".repeat(31_000)),
            "`messages[0].contents` has 311",
        ),
    ] {
        let (answer, line) = run(&messages, "list.csv", &list).await;
        assert_eq!((answer.code, &*answer.out), (Some(2), ""), "{answer:?}");
        assert!(answer.err.contains(sentence), "{sentence}: {answer:?}");
        assert!(line.ledger().requests.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_line_would_refuse_is_rejected_and_the_others_get_theirs() {
    let image = "https://example.com/{{ name }}.jpg";
    let image = json!([{"type": "image", "originalContentUrl": image, "previewImageUrl": image}]);
    let long = "x".repeat(31_000);
    for (messages, bad, field) in [
        (image, "小明", "messages[0].originalContentUrl"),
        (bubble("{{ name }}"), long.as_str(), "messages[0].contents"),
        (text("{{ name }}"), "", "messages[0].text"),
    ] {
        let list = format!(
            "to,name\n{},Ann\n{},{bad}\n{},Bo\n",
            user(1),
            user(2),
            user(3)
        );
        let (answer, line) = run(&messages, "list.csv", &list).await;
        assert_eq!(answer.code, Some(1), "{field}: {answer:?}");
        assert_eq!(
            (&answer.json()["accepted"], &answer.json()["rejected"]),
            (&json!(2), &json!(1))
        );
        assert!(line.receipts(&user(2)).is_empty());
        got(&line, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_the_text_that_was_written() {
    let texts = [
        ("name", "Ann", "Hi {{ name }}\n\n", "Hi Ann\n\n"),
        ("first name", "Ann", "Hi {{ row['first name'] }}", "Hi Ann"),
        (
            "range",
            "10-20",
            "{{ range }} {{ range|upper }}",
            "10-20 10-20",
        ),
        (
            "name",
            "王 & Co",
            "{{ name|urlencode }}",
            "%E7%8E%8B%20%26%20Co",
        ),
        ("no", "007", "{{ no }}", "007"),
        (
            "end",
            "2026-12-25",
            "{{ end|datetimeformat('%-m/%-d') }}",
            "12/25",
        ),
        ("name", "早", "{{ [name]|tojson }}", "[\"早\"]"),
    ];
    for (column, value, template, expected) in texts {
        let list = format!("to,{column}\n{},{value}\n", user(1));
        let (answer, line) = run(&text(template), "list.csv", &list).await;
        assert_eq!(answer.code, Some(0), "{template}: {answer:?}");
        assert_eq!(got(&line, 1)[0]["text"], expected, "{template}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_a_value_that_is_missing() {
    let rows = [(1, "null"), (2, "\"Ann\"")];
    let rows = rows.map(|(n, name)| format!("{{\"to\":\"{}\",\"name\":{name}}}\n", user(n)));
    let list = rows.concat();
    let (answer, line) = run(&text("Hi {{ name }}"), "list.ndjson", &list).await;
    assert_eq!(answer.json()["rejected"], 1, "{answer:?}");
    assert_eq!(got(&line, 2)[0]["text"], "Hi Ann");
    let friend = text("Hi {{ name|default('friend')|upper }}");
    let (answer, line) = run(&friend, "list.ndjson", &list).await;
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(got(&line, 1)[0]["text"], "Hi FRIEND");
}

#[tokio::test(flavor = "multi_thread")]
async fn braces_in_a_value_stay_braces_in_a_text_with_placeholders() {
    let emoji = json!({"type": "emoji", "productId": "5a8555cfe1e61f0d1", "emojiId": "002"});
    let messages = json!([{
        "type": "textV2", "text": "Hi {{ name }} {% raw %}{smile}{% endraw %}",
        "substitution": {"smile": emoji},
    }]);
    let list = format!(
        "to,name\n{},{{^_^}}\n{},{{smile}}\n{},Bo}}\n",
        user(1),
        user(2),
        user(3)
    );
    let (answer, line) = run(&messages, "list.csv", &list).await;
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for (n, text) in [
        (1, "Hi {{^_^}} {smile}"),
        (2, "Hi {{smile}} {smile}"),
        (3, "Hi Bo}} {smile}"),
    ] {
        assert_eq!(got(&line, n)[0]["text"], text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_may_come_from_the_list() {
    let messages = json!([
        {"type": "audio", "originalContentUrl": "https://example.com/a.m4a", "duration": "{{ ms }}"},
        {"type": "text", "text": "{{ name }} $", "emojis": [
            {"index": "{{ at }}", "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"},
        ]},
    ]);
    let list = format!(
        "to,name,ms,at\n{},Ann,60000,4\n{},Bo,soon,3\n",
        user(1),
        user(2)
    );
    let (answer, line) = run(&messages, "list.csv", &list).await;
    assert_eq!(answer.json()["rejected"], 1, "{answer:?}");
    let messages = got(&line, 1);
    assert_eq!(messages[0]["duration"], 60000);
    assert_eq!(messages[1]["emojis"][0]["index"], 4);
}
