//! Runs whose deliveries are sealed on the queues.

use crate::support::{Answer, Folder, ONE_TEXT, PERSONAL, campaign, list};

fn run(messages: &str, flags: &[&str]) -> Answer {
    let folder = Folder::new()
        .with("campaign.json", campaign(messages))
        .with("list.csv", list(150));
    folder.fanline(&[&["run", "campaign.json", "--json"], flags].concat())
}

#[test]
fn a_sealed_run_reaches_everybody_as_one_in_plain_text_does() {
    for messages in [ONE_TEXT, PERSONAL] {
        let [plain, sealed] = [&[][..], &["--seal"]].map(|flags| run(messages, flags));
        assert_eq!(sealed.code, Some(0), "{sealed:?}");
        let (plain, sealed) = (plain.json(), sealed.json());
        for number in ["rows", "accepted", "deliveries", "requests"] {
            assert_eq!(sealed[number], plain[number], "{number}");
        }
        assert_eq!(sealed["line"]["recipients_accepted"], 150);
    }
}

#[test]
fn a_sealed_run_with_faults_loses_and_doubles_nobody() {
    let faults = "error-before=10%,error-after=10%,garbled=5%,duplicated=10%,kill=3%,panic=3%";
    let answer = run(PERSONAL, &["--seal", "--faults", faults, "--seed", "11"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let line = &answer.json()["line"];
    assert_eq!(line["recipients_accepted"], 150);
    assert_eq!(line["recipients_doubled"], 0);
}

#[test]
fn a_key_that_ends_with_the_run_does_not_go_with_queues_that_stay() {
    let endpoint = ["--seal", "--queue-endpoint", "http://127.0.0.1:9324"];
    let answer = run(ONE_TEXT, &endpoint);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.err.contains("--queue-endpoint"), "{answer:?}");
}
