use super::*;

#[test]
fn the_object_is_pinned() {
    let stack = Stack {
        outcomes: Some("https://sqs.example/outcomes".into()),
        environments: Some(10),
        ..Stack::default()
    };
    let control = open(&["xmas@2026-12-25T00:00:00Z"]);
    let control = edit(&control, hours(1)).set_stack(stack).unwrap();
    let control = edit(&control, hours(1))
        .extend("xmas@2026-12-25T00:00:00Z", hours(20))
        .unwrap();
    let control = edit(&control, hours(2))
        .pause("xmas@2026-12-25T00:00:00Z", None)
        .unwrap();
    let pace = Pace {
        push: Some(500),
        multicast: None,
    };
    let control = edit(&control, hours(2)).set_pace(pace).unwrap();
    let json = r#"{
  "v": 1,
  "runs": {
    "xmas@2026-12-25T00:00:00Z": {
      "state": "paused",
      "mode": "wait",
      "started_at": "2026-12-25T00:00:00Z",
      "since": "2026-12-25T02:00:00Z",
      "by": "operator",
      "why": "a test",
      "expires_at": "2026-12-25T20:00:00Z"
    }
  },
  "pace": {
    "push": 500,
    "multicast": null
  },
  "pace_set": {
    "since": "2026-12-25T02:00:00Z",
    "by": "operator",
    "why": "a test"
  },
  "mapping": "disabled",
  "stack": {
    "outcomes": "https://sqs.example/outcomes",
    "environments": 10
  }
}
"#;
    assert_eq!(String::from_utf8(control.encode()).unwrap(), json);
    assert_eq!(Control::decode(json.as_bytes()), Ok(control));
    assert_eq!(Control::decode(b"{\"v\":1}"), Ok(Control::default()));
    let half = Control::decode(br#"{"v":1,"pace":{"push":500}}"#).unwrap();
    assert_eq!(half.pace(), pace);
}

/// Each object is refused, with this problem in the sentence.
fn refused(objects: &[(&str, &str)]) {
    for (json, problem) in objects {
        let error = Control::decode(json.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("`control.json`"), "{error}");
        assert!(error.contains(problem), "{json}: {error}");
    }
}

#[test]
fn nonsense_by_hand_is_an_error_that_names_the_field() {
    refused(&[
        ("", "EOF"),
        ("[]", "invalid length 0"),
        ("{}", "missing field `v`"),
        (r#"{"v":2,"runs":[]}"#, "is of version 2; this build reads"),
        (r#"{"v":1} {"v":1}"#, "trailing characters"),
        (r#"{"v":1,"run":{}}"#, "field `run`: unknown field `run`"),
        (
            r#"{"v":1,"pace":{"push":0}}"#,
            "`pace.push`: is not from 1 to",
        ),
        (
            r#"{"v":1,"pace":{"multicast":201}}"#,
            "field `pace.multicast`",
        ),
        (r#"{"v":1,"pace":{"push":"fast"}}"#, "field `pace.push`"),
        (
            r#"{"v":1,"mapping":"off"}"#,
            "`mapping`: unknown variant `off`",
        ),
        (
            r#"{"v":1,"stack":{"environments":0}}"#,
            "`stack.environments`: is 0",
        ),
    ]);
}

#[test]
fn nonsense_about_a_run_names_the_run_and_the_field() {
    let start = r#""started_at":"2026-12-25T00:00:00Z","since":"2026-12-25T00:00:00Z""#;
    for (fields, problem) in [
        ("", "`: missing field `state`"),
        (r#","state":"pausd""#, ".state`: unknown variant `pausd`"),
        (
            r#","state":"open","stat":"x""#,
            ".stat`: unknown field `stat`",
        ),
        (r#","state":"paused""#, ".mode`: is missing"),
        (
            r#","state":"open","mode":"wait""#,
            ".mode`: is there although",
        ),
        (
            r#","state":"paused","mode":"stop""#,
            ".mode`: unknown variant",
        ),
        (r#","state":"done""#, ".closed`: is missing"),
        (
            r#","state":"open","closed":"2026-12-25T01:00:00Z""#,
            ".closed`: is there although",
        ),
        (
            r#","state":"open","expires_at":"2026-12-26T00:00:00Z""#,
            ".expires_at`: is more than 23",
        ),
        (
            r#","state":"open","expires_at":"tomorrow""#,
            ".expires_at`: ",
        ),
    ] {
        let json = format!(r#"{{"v":1,"runs":{{"xmas":{{{start},"by":"operator"{fields}}}}}}}"#);
        refused(&[(&json, &format!("field `runs.xmas{problem}"))]);
    }
    let open =
        format!(r#"{{"v":1,"runs":{{"x mas":{{"state":"open",{start},"by":"operator"}}}}}}"#);
    refused(&[(&open, "field `runs.x mas`: is not the name")]);
}
