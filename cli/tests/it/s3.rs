//! Campaigns whose list is in S3: only reading the list needs an AWS account.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::{Folder, ONE_TEXT, campaign, list};
use crate::worker::Process;

/// A campaign with its list in S3.
fn folder() -> Folder {
    let text = campaign(ONE_TEXT).replace("list.csv", "s3://lists/list.csv");
    Folder::new().with("campaign.json", text)
}

/// Serves `object` at every path to requests that are signed with the access key `ACCOUNT`, and
/// refuses all others. Gives its URL.
fn serve(object: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), object.as_bytes());
        }
    });
    url
}

/// Answers one `GetObject` with the range that it asks for.
fn answer(mut stream: TcpStream, object: &[u8]) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head: Vec<_> = lines
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty())
        .collect();
    let header = |name: &str| {
        let value = |line: &String| Some(line.strip_prefix(name)?.trim().to_owned());
        head.iter().find_map(value).unwrap()
    };
    if !header("authorization:").contains("Credential=ACCOUNT/") {
        let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(refusal).unwrap();
    }
    let range = header("range:");
    let (first, last) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let last = last.min(object.len() - 1);
    let part = &object[first..=last];
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nETag: \"1\"\r\nContent-Length: {}\r\n\
         Content-Range: bytes {first}-{last}/{}\r\nConnection: close\r\n\r\n",
        part.len(),
        object.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(part).unwrap();
}

#[test]
fn a_list_in_s3_without_credentials_is_an_error_about_the_list() {
    let region = ("AWS_REGION", "ap-northeast-1");
    // Without this the SDK asks a server of EC2 for credentials.
    let no_ec2 = ("AWS_EC2_METADATA_DISABLED", "true");
    for command in ["run", "check"] {
        let args = [command, "campaign.json"];
        let answer = folder().fanline_with(&args, &[no_ec2, region]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert_eq!(
            answer.err,
            "error: the list is in S3, and there are no AWS credentials: set valid ones, or name \
             a copy of the list with --list\n"
        );
        let answer = folder().fanline_with(&args, &[no_ec2]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert_eq!(
            answer.err,
            "error: the list is in S3, and `AWS_REGION` is not set: set it, or name a copy of the \
             list with --list\n"
        );
    }
}

#[test]
fn a_list_in_s3_is_read_with_the_credentials_of_the_environment() {
    let s3 = serve(list(30));
    let variables = [
        ("AWS_REGION", "ap-northeast-1"),
        ("AWS_ACCESS_KEY_ID", "ACCOUNT"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_S3", &s3),
    ];
    let answer = folder().fanline_with(&["check", "campaign.json", "--json"], &variables);
    assert_eq!(answer.json()["recipients"], 30, "{answer:?}");
    let answer = folder().fanline_with(&["run", "campaign.json", "--json"], &variables);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.json()["accepted"], 30);
}

#[test]
fn a_simulated_s3_has_the_files_that_it_was_given() {
    let friends = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/friends.csv");
    let object = format!("s3://lists/list.csv={friends}");
    let mut s3 = Process::start(&["simulate", "s3", "--port", "0", &object], &[]);
    let variables = [
        ("AWS_REGION", "ap-northeast-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_S3", &s3.url()),
    ];
    let answer = folder().fanline_with(&["check", "campaign.json", "--json"], &variables);
    assert_eq!(answer.json()["recipients"], 1_000, "{answer:?}");
}

#[test]
fn a_file_that_a_simulated_s3_can_not_have_is_one_sentence() {
    for (object, problem) in [
        (
            "s3://lists/list.csv=missing.csv",
            "`missing.csv`: No such file",
        ),
        (
            "s3://lists=list.csv",
            "`s3://lists` is not `s3://BUCKET/KEY`",
        ),
        ("s3://lists/list.csv", "is not URI=FILE"),
    ] {
        let answer = Folder::new().fanline(&["simulate", "s3", "--port", "0", object]);
        assert_eq!(answer.code, Some(2), "{answer:?}");
        assert!(answer.err.contains(problem), "{answer:?}");
    }
}
