//! Each mistake in the input: one sentence that names the place, exit code 2, nothing sent.

use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list, user};

fn assert_unusable(answer: &Answer, sentence: &str) {
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert_eq!(answer.out, "", "{answer:?}");
    assert!(
        answer.err.contains(sentence),
        "wanted {sentence:?} in {answer:?}"
    );
    assert_eq!(answer.err.trim_end().lines().count(), 1, "{answer:?}");
}

#[test]
fn a_campaign_that_cannot_be_used_is_one_sentence() {
    let six = format!("[{}]", [r#"{"type":"text","text":"x"}"#; 6].join(","));
    for (text, sentence) in [
        (
            "{\n  \"campaign\": \n".to_owned(),
            "campaign.json: is not whole: the JSON ends at line 3, column 0",
        ),
        (
            campaign(ONE_TEXT).replace("\"channel\"", "\"chanel\""),
            "campaign.json: unknown field `chanel`",
        ),
        (
            campaign(ONE_TEXT).replace("\"line\"", "\"telegram\""),
            "campaign.json: unknown variant `telegram`, expected `line` or `line-notify` at line 1",
        ),
        (campaign(&six), "campaign.json: `messages` has 6 messages"),
        (
            campaign(r#"[{"type":"text","text":""}]"#),
            "campaign.json: `messages[0].text` is empty",
        ),
        (
            campaign(r#"[{"type":"text","text":"{{ name"}]"#),
            "campaign.json: `messages[0].text` is not a template",
        ),
        (
            campaign(r#"[{"type":"text","text":"{{ nickname }}"}]"#),
            "`list.csv`: line 1: no column is called `nickname`, which `messages[0].text` names; \
             the line has 2 columns: is it a header at all? The columns are `to`, `name`.",
        ),
    ] {
        let folder = Folder::new()
            .with("campaign.json", &text)
            .with("list.csv", list(3));
        for command in ["run", "check"] {
            assert_unusable(&folder.fanline(&[command, "campaign.json"]), sentence);
        }
    }
}

#[test]
fn a_list_that_cannot_be_used_is_one_sentence() {
    for (list, sentence) in [
        (
            "id,name\nU1,a\n".to_owned(),
            "`list.csv`: line 1: no column is called `to`; the line has 2 columns: \
             is it a header at all? The columns are `id`, `name`.",
        ),
        (
            format!("{},小明\n", user(1)),
            "`list.csv`: line 1: no column is called `to`; the line has 2 columns: \
             is it a header at all?\n",
        ),
        ("to,name\n".to_owned(), "`list.csv` has no rows"),
        (String::new(), "`list.csv`: the list is empty"),
        (
            format!("to,name\n{},\"open\n", user(1)),
            "`list.csv`: row 1 (line 2) opens a quote that is never closed",
        ),
        (
            format!("to,name\n{},a\nnobody,b\n", user(1)),
            "`list.csv`: 1 of 2 rows can't be sent",
        ),
    ] {
        let folder = Folder::new()
            .with("campaign.json", campaign(PERSONAL))
            .with("list.csv", &list);
        assert_unusable(&folder.fanline(&["run", "campaign.json"]), sentence);
    }
}

#[test]
fn a_file_or_flag_that_is_not_there_is_named() {
    let folder = Folder::new().with("campaign.json", campaign(ONE_TEXT));
    assert_unusable(
        &folder.fanline(&["run", "other.json"]),
        "other.json: No such file",
    );
    assert_unusable(
        &folder.fanline(&["run", "campaign.json"]),
        "list.csv: No such file",
    );
    assert_unusable(
        &folder.fanline(&["run", "campaign.json", "--list", "missing.csv"]),
        "missing.csv: No such file",
    );
    let elsewhere = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let answer = elsewhere.fanline(&["run", "campaign.json", "--report", "no/such/folder.html"]);
    assert_unusable(&answer, "--report: no/such/folder.html: No such file");
    assert_unusable(
        &elsewhere.fanline(&["run", "campaign.json", "--faults", "meteor=1"]),
        "--faults: there is no fault `meteor`",
    );
    let flag = ["run", "campaign.json", "--dry-run"];
    let answer = folder.fanline(&flag);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("`fanline check`"), "{answer:?}");
    let answer = folder.fanline(&["run", "campaign.json", "--lsit", "x"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("--list"), "{answer:?}");
}

#[test]
fn another_file_than_a_campaign_is_told_what_a_campaign_looks_like() {
    let folder = Folder::new()
        .with("list.csv", list(3))
        .with("empty.json", "");
    for (file, sentence) in [
        (
            "list.csv",
            "list.csv: is not a campaign, since it does not begin with `{`",
        ),
        (
            "empty.json",
            "empty.json: the campaign is empty; a campaign looks like",
        ),
    ] {
        for command in ["run", "check", "plan"] {
            assert_unusable(&folder.fanline(&[command, file]), sentence);
        }
    }
}

#[test]
fn a_share_of_bad_rows_that_is_none_is_told_its_bounds() {
    for value in ["-1", "1e23", "\"150%\"", "\"1\""] {
        let field = format!("\"max_bad_rows\": {value}, \"messages\"");
        let folder = Folder::new()
            .with(
                "campaign.json",
                campaign(ONE_TEXT).replace("\"messages\"", &field),
            )
            .with("list.csv", list(3));
        assert_unusable(
            &folder.fanline(&["check", "campaign.json"]),
            "`max_bad_rows` is neither a number of rows, from 0 on, nor a share in quotes, \
             from `\"0%\"` to `\"100%\"`",
        );
    }
}

#[test]
fn a_server_or_a_program_that_is_none_ends_the_run_before_anything_is_sent() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let run = |flag: &str, value: &str| folder.fanline(&["run", "campaign.json", flag, value]);
    for (flag, value, words) in [
        (
            "--queue-endpoint",
            "foo",
            "it is not a URL, such as `http://127.0.0.1:5101`",
        ),
        ("--give-up-after", "0", "0 is not in 1.."),
    ] {
        let answer = run(flag, value);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
    }
    let nowhere = run("--queue-endpoint", "http://127.0.0.1:9");
    assert_unusable(
        &nowhere,
        "the queue server at http://127.0.0.1:9 can't be used: ",
    );
    assert!(nowhere.err.contains("Connection refused"), "{nowhere:?}");
    assert!(nowhere.err.len() < 300, "{nowhere:?}");
    assert_unusable(
        &run("--consumer", "list.csv"),
        "--consumer: list.csv does not start: Permission denied",
    );
    assert_unusable(
        &run("--consumer", "/bin/true"),
        "--consumer: /bin/true does not start: it ended with exit status: 0 before it asked for \
         work",
    );
}

#[test]
fn a_log_filter_that_is_not_valid_is_named() {
    let folder = Folder::new()
        .with("campaign.json", campaign(ONE_TEXT))
        .with("list.csv", list(3));
    let answer = folder.fanline_with(
        &["check", "campaign.json"],
        &[("FANLINE_LOG", "fanline=loud")],
    );
    assert_unusable(&answer, "`FANLINE_LOG` is not valid");
}

#[test]
fn check_names_each_bad_row_with_its_line_and_reason() {
    let rows = format!(
        "\u{feff}to,name\r\n{},\"Wang, 小明\r\nsecond line\"\r\nnobody,b\r\n{},c\r\n{},\r\n",
        user(1),
        user(1),
        user(2)
    );
    let folder = Folder::new()
        .with(
            "campaign.json",
            campaign(r#"[{"type":"text","text":"{{ name }}"}]"#),
        )
        .with("list.csv", rows);
    let answer = folder.fanline(&["check", "campaign.json"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer
            .out
            .contains("list.csv:4: row 2: `to` is not a LINE user"),
        "{answer:?}"
    );
    assert!(
        answer
            .out
            .contains("list.csv:6: row 4: `messages[0].text` is empty"),
        "{answer:?}"
    );
    let result = folder.fanline(&["check", "campaign.json", "--json"]).json();
    assert_eq!(result["rows"], 4);
    assert_eq!(result["recipients"], 1);
    assert_eq!(result["rejected"], 2);
    assert_eq!(result["duplicates"], 1);
}
