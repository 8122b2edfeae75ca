//! `fanline check` says what a run would do. With `--live` it asks LINE.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use fanline_local::{LineOptions, LineServer};

use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list, user};

#[test]
fn what_a_template_names_is_known_when_the_campaign_is_read() {
    for (text, sentence) in [
        (
            "{{ name|datefromat }}",
            "uses the filter `datefromat`, which does not exist",
        ),
        (
            "{% if name is palindrome %}x{% endif %}",
            "uses the test `palindrome`, which does not",
        ),
        (
            "{{ greet(name) }}",
            "calls the function `greet`, which does not exist",
        ),
        (
            "{{ name.capitalise() }}",
            "calls the method `capitalise`, which does not exist",
        ),
        (
            "{{ family name }}",
            "write a column with this name as `{{ row['family name'] }}`",
        ),
        (
            "{{ name-no }}",
            "write the column `name-no` as `{{ row['name-no'] }}`",
        ),
        (
            "{{ 2nd }}",
            "write a column with this name as `{{ row['2nd'] }}`",
        ),
        (
            "{{ 氏名（カナ） }}",
            "write a column with this name as `{{ row['氏名（カナ）'] }}`",
        ),
        (
            "{{ 🎁 }}",
            "write a column with this name as `{{ row['🎁'] }}`",
        ),
        ("Hi {{ name", "a `}}` is missing"),
    ] {
        // No row comes as far as the name.
        let rows = format!("to,name,name-no\n{},,\n", user(1));
        let messages = serde_json::json!([{"type": "text", "text": text}]);
        let folder = Folder::new()
            .with("campaign.json", campaign(&messages.to_string()))
            .with("list.csv", rows);
        for command in ["check", "run"] {
            let answer = folder.fanline(&[command, "campaign.json"]);
            assert_eq!(
                (answer.code, &*answer.out),
                (Some(2), ""),
                "{text}: {answer:?}"
            );
            let names_field = answer.err.contains("`messages[0].text`");
            assert!(
                names_field && answer.err.contains(sentence),
                "{text}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_check_says_that_a_run_would_send_nothing() {
    let rows = format!("{}nobody,x\n", list(2));
    for (max, sends_nothing) in [
        ("0", true),
        ("1", false),
        ("\"34%\"", false),
        ("\"33%\"", true),
    ] {
        let text = campaign(PERSONAL).replace(
            "{\"campaign\"",
            &format!("{{\"max_bad_rows\": {max}, \"campaign\""),
        );
        let folder = Folder::new()
            .with("campaign.json", text)
            .with("list.csv", &rows);
        let answer = folder.fanline(&["check", "campaign.json"]);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        let says = answer.out.contains("a run would send nothing");
        assert_eq!(says, sends_nothing, "{max}: {answer:?}");
        let json = folder.fanline(&["check", "campaign.json", "--json"]).json();
        assert_eq!(json["sends_nothing"], sends_nothing, "{max}: {json}");
        let code = folder.fanline(&["run", "campaign.json"]).code;
        assert_eq!(code, Some(if sends_nothing { 2 } else { 1 }), "{max}");
    }
}

#[test]
fn a_time_that_no_run_can_keep_is_refused_by_check_and_run() {
    for (field, time, sentence) in [
        (
            "expires_at",
            "2020-01-01T00:00:00Z",
            "`expires_at` is past: nothing could be sent",
        ),
        (
            "deliver_at",
            "2126-01-01T00:00:00Z",
            "`deliver_at` is more than 15 minutes after",
        ),
    ] {
        let text = campaign(ONE_TEXT).replace(
            "{\"campaign\"",
            &format!("{{\"{field}\": \"{time}\", \"campaign\""),
        );
        let folder = Folder::new()
            .with("campaign.json", text)
            .with("list.csv", list(3));
        for command in ["check", "run"] {
            let answer = folder.fanline(&[command, "campaign.json"]);
            assert_eq!((answer.code, &*answer.out), (Some(2), ""), "{answer:?}");
            assert!(answer.err.contains(sentence), "{answer:?}");
        }
    }
}

#[test]
fn what_line_may_refuse_is_a_warning() {
    let messages = r#"[{"type": "text", "text": "hi", "sender": {"name": "line dance"}}]"#;
    let folder = Folder::new()
        .with("campaign.json", campaign(messages))
        .with("list.csv", list(3));
    let answer = folder.fanline(&["check", "campaign.json"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let warning = "warning: `messages[0].sender.name` has the word `LINE`";
    assert!(answer.out.starts_with(warning), "{answer:?}");
}

fn check_live(url: &str, messages: &str) -> Answer {
    check_live_list(url, messages, 3)
}

fn check_live_list(url: &str, messages: &str, people: usize) -> Answer {
    let folder = Folder::new()
        .with("campaign.json", campaign(messages))
        .with("list.csv", list(people));
    let token = ("LINE_CHANNEL_ACCESS_TOKEN", "secret-token");
    let variables = [token, ("LINE_API_BASE", url)];
    folder.fanline_with(&["check", "campaign.json", "--live"], &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_check_asks_line_and_sends_nothing() {
    let line = LineServer::start(LineOptions::default()).await.unwrap();
    let answer = check_live(line.url(), PERSONAL);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.out.contains("It sent nothing."), "{answer:?}");
    let ledger = line.ledger();
    assert_eq!(ledger.accepted_requests, 0);
    let endpoints: Vec<_> = ledger.requests.keys().collect();
    assert_eq!(endpoints, ["validate"]);
    line.change(|options| options.revoked = ["secret-token".to_owned()].into());
    let answer = check_live(line.url(), PERSONAL);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("LINE refuses the channel access token"),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_check_asks_about_eight_rows_drawn_from_the_list() {
    let line = LineServer::start(LineOptions::default()).await.unwrap();
    let answer = check_live_list(line.url(), PERSONAL, 500);
    // Besides the first row and the longest. Each is asked about as a push and as a multicast.
    assert!(answer.out.contains("and others: 10 rows."), "{answer:?}");
    let requests: u64 = line.ledger().requests["validate"].values().sum();
    assert_eq!(requests, 20);
}

/// A server that refuses one request. Gives its URL, and the head of that request.
fn refusing(body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.unwrap().parse().unwrap();
        reader.take(length).read_to_end(&mut Vec::new()).unwrap();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 400 Bad Request\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        head
    });
    (url, asked)
}

#[test]
fn what_line_says_to_a_live_check_is_told_with_the_row() {
    let (url, asked) = refusing(
        r#"{"message":"The request body has 1 error(s)",
            "details":[{"message":"invalid","property":"messages[0].text"}]}"#,
    );
    let answer = check_live(&url, PERSONAL);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let sentence = "row 1 (line 2): LINE refuses the messages: \
                    The request body has 1 error(s); messages[0].text: invalid";
    assert!(answer.err.contains(sentence), "{answer:?}");
    let head = asked.join().unwrap();
    assert!(
        head.starts_with("POST /v2/bot/message/validate/push "),
        "{head}"
    );
    assert!(
        !head.to_ascii_lowercase().contains("x-line-retry-key"),
        "{head}"
    );
}

#[test]
fn a_live_check_needs_a_token_and_the_messaging_api() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3))
        .with(
            "notify.json",
            r#"{"campaign": "n", "channel": "line-notify", "recipients": [{"token": "aaaaaaaa"}],
                "messages": [{"message": "hi"}]}"#,
        );
    for (file, sentence) in [
        (
            "campaign.json",
            "`LINE_CHANNEL_ACCESS_TOKEN` is not set: --live asks LINE",
        ),
        (
            "notify.json",
            "--live asks the Messaging API, and LINE Notify has no such request",
        ),
    ] {
        let answer = folder.fanline(&["check", file, "--live"]);
        assert_eq!((answer.code, &*answer.out), (Some(2), ""), "{answer:?}");
        assert!(answer.err.contains(sentence), "{answer:?}");
    }
    let answer = check_live("http://127.0.0.1:9", ONE_TEXT);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let sentence = "LINE can't be reached at http://127.0.0.1:9: no connection";
    assert!(answer.err.contains(sentence), "{answer:?}");
}

#[test]
fn a_check_shows_messages_counts_empty_values_and_draws_a_page() {
    let messages = r##"[{"type": "text", "text": "Hi {{ name }}!"},
        {"type": "flex", "altText": "a", "contents": {"type": "bubble", "body":
            {"type": "box", "layout": "vertical", "contents": [
                {"type": "text", "text": "for {{ name }}", "color": "#00ff00"}]}}}]"##;
    let rows = format!(
        "to,name\n{},Ann\n{},\n{},<script>x</script>\n",
        user(1),
        user(2),
        user(3)
    );
    let folder = Folder::new()
        .with("campaign.json", campaign(messages))
        .with("list.csv", rows);
    let args = [
        "check",
        "campaign.json",
        "--row",
        "3",
        "--preview",
        "page.html",
    ];
    let answer = folder.fanline(&args);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for words in [
        "`name` is empty in 1 row",
        "row 3, which you asked for:\n  Hi <script>x</script>!\n  [flex a]",
        "row 1, the first one that is sent:\n  Hi Ann!",
        "row 2, in which `name` is empty:\n  Hi !",
    ] {
        assert!(answer.out.contains(words), "{words}: {}", answer.out);
    }
    let page = folder.read("page.html");
    assert!(
        page.contains("Hi &lt;script&gt;x&lt;/script&gt;!"),
        "{page}"
    );
    assert!(page.contains("color:#00ff00;\">for Ann</div>"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    // A page takes the place of a page, and of nothing else.
    assert_eq!(folder.fanline(&args).code, Some(0));
    let over_list = ["check", "campaign.json", "--preview", "list.csv"];
    let refused = folder.fanline(&over_list);
    let words = "--preview: list.csv: it is read by this command";
    assert!(
        refused.code == Some(2) && refused.err.contains(words),
        "{refused:?}"
    );
    let answer = folder.fanline(&["check", "campaign.json", "--row", "9"]);
    let words = "the list has 3 rows, so it has no row 9";
    assert!(
        answer.code == Some(2) && answer.err.contains(words),
        "{answer:?}"
    );
}
