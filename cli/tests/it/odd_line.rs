//! A LINE with answers that the simulated LINE needs a long time for, or has no reason to give.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// Starts a LINE that refuses messages with this word in them. Its month has no name left for
/// statistics. Gives its URL.
pub(crate) fn odd_line(word: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let length = head.to_ascii_lowercase();
            let length = length
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            let mut body = String::new();
            reader.take(length).read_to_string(&mut body).unwrap();
            let (status, answer) = if body.contains(word) {
                ("400 Bad Request", r#"{"message": "Not this one"}"#)
            } else if head.contains("/v2/bot/info") {
                (
                    "200 OK",
                    r#"{"displayName": "Corner shop", "basicId": "@corner"}"#,
                )
            } else if head.contains("/aggregation/info") {
                ("200 OK", r#"{"numOfCustomAggregationUnits": 1000}"#)
            } else {
                ("200 OK", r#"{"type": "none", "totalUsage": 0}"#)
            };
            let length = answer.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{answer}"
            )
            .unwrap();
        }
    });
    url
}
