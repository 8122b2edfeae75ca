//! `dashboard`: attacked over real sockets, as a page of another site or a curious neighbour would.

mod again;
mod changes;
mod report;
mod rights;
mod statistics;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fanline_ledger::{Expect, RunKeys};

use super::world::{accepted, edit, enter, half_done, record, runtime, settle, store};
use crate::support::Folder;

const RUN: &str = "/run?at=0&run=test";

/// A dashboard of the folder's ledger, and the cookie that its address was exchanged for.
pub(super) struct Dashboard {
    child: Child,
    pub(super) port: u16,
    pub(super) token: String,
    pub(super) cookie: String,
}

/// An answer of the dashboard.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Dashboard {
    pub(super) fn start(folder: &Folder) -> Self {
        Self::start_with(folder, "records", &[])
    }

    pub(super) fn start_with(folder: &Folder, at: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
        command.args(["dashboard", "--at", at]).env_clear();
        command.envs(variables.iter().copied());
        command.current_dir(folder.path(".")).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("dashboard: http://127.0.0.1:");
        let (port, token) = address.unwrap().split_once("/?token=").unwrap();
        let mut dashboard = Self {
            child,
            port: port.parse().unwrap(),
            token: token.into(),
            cookie: String::new(),
        };
        let exchange = dashboard.send("GET", &format!("/?token={token}"), &[], "");
        assert_eq!(exchange.status, 303, "{exchange:?}");
        let cookie = exchange.header("set-cookie").unwrap();
        dashboard.cookie = cookie.split_once(';').unwrap().0.into();
        dashboard
    }

    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends a request with exactly these headers, and reads the whole answer.
    pub(super) fn raw(&self, head: &str, body: &str) -> Response {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Response::new(&answer)
    }

    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let host = self.host();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if !body.is_empty() {
            head = format!("{head}Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        self.raw(&head, body)
    }

    fn cookie_line(&self) -> String {
        format!("Cookie: {}\r\n", self.cookie)
    }

    /// A page, asked for under this name and with these lines besides.
    fn get_as(&self, path: &str, host: &str, more: &str) -> Response {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}");
        self.raw(&head, "")
    }

    /// A page, as our own browser asks for it.
    pub(super) fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[("Cookie", &self.cookie)], "")
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Response {
    fn new(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        Self {
            status: status.parse().unwrap(),
            head: head.into(),
            body: body.into(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut lines = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        Some(lines.next()?.1)
    }
}

#[test]
fn the_pages_show_the_runs_and_one_run() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let runs = dashboard.get("/");
    assert_eq!(runs.status, 200, "{runs:?}");
    for text in ["<a href=\"&#x2f;run?at=0&amp;run=test\">test</a>", "60.0 %"] {
        assert!(runs.body.contains(text), "{text}: {runs:?}");
    }
    let run = dashboard.get(RUN);
    for text in [
        "10 rows = 6 accepted + 1 refused + 1 set aside + 2 waiting",
        "refused, status 400",
        "set aside, quota, status 429",
        "the simulated LINE",
        "60.0 % accepted, 20.0 % got nothing, 20.0 % waiting",
        "LINE: <q>The property, &#x27;to&#x27;, in the request body is invalid</q>",
        "LINE refuses it each time.",
        "5 seconds from second 0: 6 accepted, 1 set aside, 1 refused or unknown",
    ] {
        assert!(run.body.contains(text), "{text}: {run:?}");
    }
    for missing in [
        "/run?at=0&run=other",
        "/run?at=1&run=test",
        "/run",
        "/other",
    ] {
        assert_eq!(dashboard.get(missing).status, 404, "{missing}");
    }
}

#[test]
fn what_changes_is_told_within_four_seconds() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, dashboard.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(4)))
        .unwrap();
    let (host, cookie) = (dashboard.host(), &dashboard.cookie);
    let head = format!("GET /events?at=0&run=test HTTP/1.1\r\nHost: {host}\r\n");
    stream
        .write_all(format!("{head}Cookie: {cookie}\r\n\r\n").as_bytes())
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut wait_for = |text: &str| {
        let mut data = lines.by_ref().map(Result::unwrap);
        data.find(|line| line.starts_with("data: ") && line.contains(text))
            .unwrap()
    };
    let first = wait_for("6 accepted");
    assert!(
        first.contains("\"state\"") && first.contains("\"course\""),
        "{first}"
    );
    settle(&store(&folder), "test", accepted(8..9));
    let next = wait_for("7 accepted");
    assert!(!next.contains("\"state\""), "only what is new: {next}");
    edit(&store(&folder), |edit| edit.pause("test", None));
    wait_for("paused");
}

#[test]
fn it_listens_on_this_machine_alone() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    // Every address of 127.0.0.0/8 is this machine: were it bound to all, this one would answer.
    let other = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), dashboard.port);
    let refused = TcpStream::connect_timeout(&other, Duration::from_secs(5));
    assert!(refused.is_err(), "{refused:?}");
    let help = folder.fanline(&["dashboard", "--host", "0.0.0.0"]);
    assert_eq!(help.code, Some(2), "{help:?}");
}

/// Each of these answers refuses, and says nothing. The HTTP server refuses some by itself.
fn assert_refused(attack: &str, response: &Response) {
    let is_refused = matches!(response.status, 400 | 403);
    assert!(is_refused, "{attack}: {response:?}");
    assert!(
        !response.body.contains("accepted"),
        "{attack}: {response:?}"
    );
    let cookie = response.header("set-cookie");
    assert_eq!(cookie, None, "{attack}: {response:?}");
}

#[test]
fn whoever_lacks_the_cookie_learns_nothing() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let (host, cookie) = (dashboard.host(), dashboard.cookie_line());
    for path in [
        "/",
        RUN,
        "/events",
        "/app.js",
        "/change?at=0&run=test&do=pause",
        "/other",
    ] {
        assert_refused(path, &dashboard.get_as(path, &host, ""));
    }
    let wrong = format!("/?token={}", "0".repeat(64));
    assert_refused("wrong token", &dashboard.get_as(&wrong, &host, ""));
    let with_cookie = dashboard.get_as(&wrong, &host, &cookie);
    assert_refused("wrong token, right cookie", &with_cookie);
    let token = format!("Cookie: fanline-{}={}\r\n", dashboard.port, dashboard.token);
    assert_refused("token as cookie", &dashboard.get_as("/", &host, &token));
    assert_eq!(dashboard.get_as("/", &host, &cookie).status, 200);
}

#[test]
fn whoever_asks_under_another_name_or_from_another_site_learns_nothing() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let (host, port, cookie) = (dashboard.host(), dashboard.port, dashboard.cookie_line());
    let evil = format!("evil.example:{port}");
    let token = format!("/?token={}", dashboard.token);
    assert_refused("other name", &dashboard.get_as("/", &evil, &cookie));
    assert_refused("other name, token", &dashboard.get_as(&token, &evil, ""));
    assert_refused("no port", &dashboard.get_as("/", "127.0.0.1", &cookie));
    let two = format!("{cookie}Host: {host}\r\n");
    assert_refused("two names", &dashboard.get_as("/", &evil, &two));
    let none = format!("GET / HTTP/1.0\r\n{cookie}");
    assert_refused("no name", &dashboard.raw(&none, ""));
    let absolute = format!("http://{evil}/");
    assert_refused("absolute", &dashboard.get_as(&absolute, &host, &cookie));
    for site in ["cross-site", "same-site", "", "same-origin, cross-site"] {
        let more = format!("{cookie}Sec-Fetch-Site: {site}\r\n");
        assert_refused(site, &dashboard.get_as("/", &host, &more));
    }
    let localhost = format!("localhost:{port}");
    assert_eq!(dashboard.get_as("/", &localhost, &cookie).status, 200);
}

#[test]
fn other_methods_are_not_allowed() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let response = dashboard.send(method, "/", &[("Cookie", &dashboard.cookie)], "");
        assert_eq!(response.status, 405, "{method}: {response:?}");
    }
}

#[test]
fn every_answer_tells_the_browser_to_trust_nothing() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let refused = dashboard.send("GET", "/", &[], "");
    let pages = ["/", RUN, "/style.css", "/app.js", "/other"].map(|path| dashboard.get(path));
    for response in pages.iter().chain([&refused]) {
        let csp = response.header("content-security-policy").unwrap();
        assert!(
            csp.starts_with("default-src 'none'; script-src 'self'; "),
            "{response:?}"
        );
        assert!(!csp.contains("unsafe"), "{csp}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(response.header(name), Some(value), "{response:?}");
        }
        assert_eq!(response.header("access-control-allow-origin"), None);
        for inline in ["style=\"", "onclick", "<style", "<script>", "javascript:"] {
            assert!(!response.body.contains(inline), "{inline}: {response:?}");
        }
    }
}

#[test]
fn names_and_words_from_outside_stay_text_and_no_recipient_is_shown() {
    let folder = half_done();
    let store = store(&folder);
    // A run with a name that is markup: no campaign has one, but a bucket may.
    let run = "<img/src=x/onerror=alert(1)>\"'&";
    let mut object = record(&store, "test");
    object.run = run.into();
    let key = RunKeys::new(run).record();
    let put = store.put(&key, object.encode(), &Expect::Any);
    runtime().block_on(put).unwrap();
    enter(&store, run);
    let words = "<script>alert(1)</script>";
    runtime()
        .block_on(fanline_ledger::edit_control(&store, |control| {
            let now = jiff::Timestamp::now();
            fanline_ledger::Edit::new(control, "<b>me</b>", Some(words), now)?.pause(run, None)
        }))
        .unwrap();
    let dashboard = Dashboard::start(&folder);
    let runs = dashboard.get("/");
    let start = runs
        .body
        .find("<a href=\"&#x2f;run?at=0&amp;run=%3C")
        .unwrap();
    let path = runs.body[start + 9..].split('"').next().unwrap();
    let path = path.replace("&#x2f;", "/").replace("&amp;", "&");
    let page = dashboard.get(&path);
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("&lt;script&gt;alert(1)"), "{page:?}");
    let missing = dashboard.get("/run?at=0&run=%3Cscript%3E");
    for response in [&runs, &page, &missing, &dashboard.get(RUN)] {
        for markup in ["<img", "<script>", "<b>", "onerror=alert(1)>"] {
            assert!(!response.body.contains(markup), "{markup}: {response:?}");
        }
        for user in 0..10 {
            let user = crate::support::user(user);
            assert!(!response.body.contains(&user), "{user}: {response:?}");
        }
    }
}

#[test]
fn a_taken_port_and_a_folder_that_is_not_there_are_one_sentence() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let port = dashboard.port.to_string();
    let answer = folder.fanline(&["dashboard", "--at", "records", "--port", &port]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains(&format!("--port {port}: ")),
        "{answer:?}"
    );
}
