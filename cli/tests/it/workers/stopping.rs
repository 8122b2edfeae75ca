//! What the health port says, and what becomes of a batch in hand.

use std::collections::BTreeMap;

use fanline_local::{LineFault, LineFaults, LineOptions};

use super::{Running, World, asked, free_port, health, terminate, until};

const READY: &str = "HTTP/1.1 200 OK";
const NOT_READY: &str = "HTTP/1.1 503 Service Unavailable";

#[test]
fn a_worker_that_stops_says_so_and_finishes_the_batch_in_hand() {
    let faults = LineFaults {
        rates: BTreeMap::from([(LineFault::Slow, 1.0)]),
        slow_millis: 3_000,
        ..LineFaults::default()
    };
    let line = LineOptions {
        faults,
        ..LineOptions::default()
    };
    let world = World::with(10, line);
    let port = free_port();
    let flags = ["--health", &port.to_string(), "--concurrency", "1"];
    let mut worker = Running(world.worker(&flags));
    until("a batch is in hand", || world.waiting() == (0, 10));
    assert_eq!(health(port), READY);
    terminate(&worker.0);
    until("it says that it stops", || health(port) == NOT_READY);
    assert!(asked(port, "/").ends_with("not ready: it stops\n"));
    assert!(asked(port, "/live").starts_with(READY));
    assert_eq!(worker.0.try_wait().unwrap(), None, "LINE has not answered");
    assert_eq!(world.waiting(), (0, 10));

    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
    assert_eq!(world.line.ledger().accepted_recipients, 10);
    assert_eq!(world.waiting(), (0, 0), "all are deleted");
    assert!(world.parts().is_empty(), "it gave its lease back");
}

#[test]
fn a_worker_whose_queue_is_out_of_reach_is_alive_and_not_ready() {
    let mut world = World::with(0, LineOptions::default());
    let port = free_port();
    let mut worker = Running(world.worker(&["--health", &port.to_string()]));
    until("it is ready", || health(port) == READY);
    drop(world.queue.take());
    until("it notices", || health(port) == NOT_READY);
    assert!(asked(port, "/").ends_with("not ready: the queue can't be read\n"));
    assert!(asked(port, "/live").starts_with(READY));
    terminate(&worker.0);
    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_worker_does_not_start_without_its_queue() {
    let mut world = World::with(0, LineOptions::default());
    drop(world.queue.take());
    let output = world.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "error: the queue at `{}` can't be polled: ",
        world.deliveries
    );
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let output = world.command(&["--queue-url", ""]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
