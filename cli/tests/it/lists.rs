//! Lists out of pipes, and lists as office programs write them.

use crate::support::{Folder, PERSONAL, campaign, list, user};

#[test]
fn a_list_out_of_a_pipe_is_read_like_a_file() {
    let folder = Folder::new().with("campaign.json", campaign(PERSONAL));
    for command in ["check", "run"] {
        for path in ["-", "/dev/stdin"] {
            let args = [command, "campaign.json", "--list", path, "--json"];
            let answer = folder.fanline_from(&args, list(300).as_bytes());
            assert_eq!(answer.code, Some(0), "{answer:?}");
            assert_eq!(answer.json()["rows"], 300, "{answer:?}");
        }
    }
    let bad = format!("{}nobody,x\n", list(300));
    let answer = folder.fanline_from(&["run", "campaign.json", "--list", "-"], bad.as_bytes());
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let mut rejects = folder.files("list.rejects");
    assert_eq!(rejects.len(), 1, "{rejects:?}");
    let rejected = std::fs::read_to_string(rejects.remove(0)).unwrap();
    assert!(rejected.contains("301,302,to,"), "{rejected}");
}

#[test]
fn a_list_that_is_empty_or_a_device_is_named() {
    let folder = Folder::new().with("campaign.json", campaign(PERSONAL));
    let args = ["check", "campaign.json", "--list", "/dev/null"];
    let answer = folder.fanline(&args);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("the list is empty"), "{answer:?}");
}

#[test]
fn a_quote_that_is_not_closed_sends_nothing() {
    let folder = Folder::new()
        .with("campaign.json", campaign(PERSONAL))
        .with(
            "list.csv",
            format!(
                "to,name\n{},Ann\n{},\"Bo\n{},Cy\n{},\"Di\"\n",
                user(1),
                user(2),
                user(3),
                user(4)
            ),
        );
    for command in ["check", "run"] {
        let answer = folder.fanline(&[command, "campaign.json"]);
        assert_eq!((answer.code, &*answer.out), (Some(2), ""), "{answer:?}");
        let sentence = "`list.csv`: row 2 (line 3) opens a quote that is not closed";
        assert!(answer.err.contains(sentence), "{answer:?}");
    }
}

#[test]
fn a_token_is_never_shown() {
    let token = "MadeUpTokenMadeUpTokenMadeUpTokenMadeUpToke";
    let notify = r#"{"campaign":"c","channel":"line-notify","recipients":"list.csv",
        "messages":{"message":"hi"}}"#;
    for list in [
        format!("{token},Ann\n"),
        format!("{token}\n{token}\n"),
        format!("{token};{token}\n"),
        format!("Token\n{token}\n"),
    ] {
        let folder = Folder::new()
            .with("campaign.json", notify)
            .with("list.csv", &list);
        let answer = folder.fanline(&["check", "campaign.json"]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        let shown = format!("{}{}", answer.out, answer.err);
        assert!(!shown.contains("MadeUp"), "{answer:?}");
    }
}
