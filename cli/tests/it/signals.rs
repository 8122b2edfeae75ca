//! What ends a command that runs until it is stopped.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A simulated queue, started by a shell after `before`.
fn start(before: &str) -> (Child, String) {
    let fanline = env!("CARGO_BIN_EXE_fanline");
    let script = format!("{before} exec {fanline} simulate queue --port 0");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let out = child.stdout.as_mut().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    let (_, address) = line.split_once("http://").unwrap();
    let address = address.split(['/', ' ', '\n']).next().unwrap();
    (child, address.into())
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {id}")])
        .status();
    assert!(sent.unwrap().success());
}

fn end(mut child: Child) -> ExitStatus {
    child.wait().unwrap()
}

#[test]
fn a_command_ends_by_itself_at_each_signal_that_stops_it() {
    for signal in ["INT", "TERM", "HUP"] {
        let (child, _) = start("");
        send(signal, &child);
        assert_eq!(end(child).code(), Some(0), "{signal}");
    }
}

#[test]
fn a_terminal_that_goes_away_does_not_end_a_command_that_ignores_it() {
    let (child, address) = start("trap '' HUP;");
    send("HUP", &child);
    TcpStream::connect(&address).unwrap();
    send("TERM", &child);
    // Ended by the second signal: the first one would have killed it.
    assert_eq!(end(child).code(), Some(0));
}
