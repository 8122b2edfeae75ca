//! The buttons: what they change, and who can't press them.

use fanline_ledger::{RunState, Stack, Store, read_control};
use jiff::{SignedDuration, Timestamp};

use super::{Dashboard, RUN, Response};
use crate::ledger::world::half_done;
use crate::ledger::world::{edit, runtime, store};

const CHANGE: &str = "/change?at=0&run=test";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn control(store: &Store) -> fanline_ledger::Control {
    let control = runtime().block_on(read_control(store, None)).unwrap();
    control.unwrap().0
}

fn state(store: &Store) -> RunState {
    control(store).run("test").unwrap().state
}

fn origin(origin: &str) -> (&str, &str) {
    ("Origin", origin)
}

fn site(site: &str) -> (&str, &str) {
    ("Sec-Fetch-Site", site)
}

impl Dashboard {
    /// The token of the forms, as the page of the run has it.
    fn form_token(&self) -> String {
        let page = self.get(RUN).body;
        let (_, token) = page.split_once("name=\"form\" value=\"").unwrap();
        token.split('"').next().unwrap().into()
    }

    /// Sends a form as a browser does.
    fn post(&self, fields: &str) -> Response {
        let body = format!("form={}&{fields}", self.form_token());
        let origin = format!("http://{}", self.host());
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("Origin", &origin),
            ("Sec-Fetch-Site", "same-origin"),
            FORM,
        ];
        self.send("POST", CHANGE, &headers, &body)
    }
}

#[test]
fn a_button_changes_the_run_and_leads_back_to_it() {
    let folder = half_done();
    let store = store(&folder);
    let dashboard = Dashboard::start(&folder);
    let paused = dashboard.post("do=pause&why=too+many+refused");
    assert_eq!(
        (paused.status, paused.header("location")),
        (303, Some(RUN)),
        "{paused:?}"
    );
    let entry = control(&store).run("test").cloned().unwrap();
    assert_eq!(entry.state, RunState::Paused);
    assert_eq!(entry.why.as_deref(), Some("too many refused"));
    let page = dashboard.get(RUN).body;
    assert!(
        page.contains("paused") && page.contains("too many refused"),
        "{page}"
    );
    assert_eq!(dashboard.post("do=resume").status, 303);
    assert_eq!(state(&store), RunState::Open);
}

#[test]
fn what_can_not_be_undone_needs_the_name_of_the_run() {
    let folder = half_done();
    let store = store(&folder);
    let dashboard = Dashboard::start(&folder);
    for typed in ["", "&typed_run=", "&typed_run=tes", "&typed_run=TEST"] {
        let response = dashboard.post(&format!("do=cancel{typed}"));
        assert_eq!(response.status, 422, "{response:?}");
        assert!(
            response.body.contains("the name is not `test`"),
            "{response:?}"
        );
    }
    assert_eq!(state(&store), RunState::Open);
    let form = dashboard.get(&format!("{CHANGE}&do=cancel"));
    assert!(form.body.contains("name=\"typed_run\""), "{form:?}");
    assert_eq!(state(&store), RunState::Open, "a form changes nothing");
    assert_eq!(dashboard.post("do=cancel&typed_run=test").status, 303);
    assert_eq!(state(&store), RunState::Cancelled);
    let page = dashboard.get(RUN).body;
    assert!(
        page.contains("this run has ended") && !page.contains("<button"),
        "{page}"
    );
}

#[test]
fn a_pace_and_a_time_are_set_or_refused_in_a_sentence() {
    let folder = half_done();
    let store = store(&folder);
    let dashboard = Dashboard::start(&folder);
    let early = dashboard.post("do=pace&push=500&multicast=");
    assert_eq!(early.status, 422, "{early:?}");
    assert!(
        early.body.contains("before the bookkeeper has said"),
        "{early:?}"
    );
    let stack = Stack {
        environments: Some(10),
        ..Stack::default()
    };
    edit(&store, |edit| edit.set_stack(stack.clone()));
    assert_eq!(dashboard.post("do=pace&push=500&multicast=").status, 303);
    assert_eq!(control(&store).pace().push, Some(500));
    let form = dashboard.get(&format!("{CHANGE}&do=pace"));
    assert!(
        form.body.contains("name=\"push\" inputmode=\"numeric\""),
        "{form:?}"
    );
    assert!(form.body.contains("value=\"500\""), "{form:?}");
    assert_eq!(dashboard.post("do=pace&push=&multicast=").status, 303);
    assert_eq!(control(&store).pace().push, None);

    let soon = Timestamp::now() + SignedDuration::from_hours(2);
    let soon: Timestamp = soon
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
        .parse()
        .unwrap();
    assert_eq!(
        dashboard
            .post(&format!("do=extend&expires_at={soon}"))
            .status,
        303
    );
    assert_eq!(control(&store).run("test").unwrap().expires_at, Some(soon));
    for (fields, problem) in [
        ("do=extend&expires_at=tomorrow", "the time is not like"),
        (
            "do=extend&expires_at=2020-01-01T00:00:00Z",
            "has passed already",
        ),
        (
            "do=extend&expires_at=2090-01-01T00:00:00Z",
            "may forget the run",
        ),
        ("do=pace&push=fast", "neither a number"),
        ("do=pace&push=1", "a batch would outlast"),
        ("do=release&typed_run=test", "is not in this run"),
    ] {
        let response = dashboard.post(fields);
        assert_eq!(response.status, 422, "{fields}: {response:?}");
        assert!(response.body.contains(problem), "{fields}: {response:?}");
    }
    assert_eq!(dashboard.post("do=other").status, 404);
}

#[test]
fn no_page_of_another_site_can_press_a_button() {
    let folder = half_done();
    let store = store(&folder);
    let dashboard = Dashboard::start(&folder);
    let ours = format!("http://{}", dashboard.host());
    let body = format!("do=pause&form={}", dashboard.form_token());
    let cookie = ("Cookie", dashboard.cookie.as_str());
    let (ours, evil) = (origin(&ours), origin("http://evil.example"));
    for (attack, headers) in [
        ("no cookie", &[ours, FORM][..]),
        ("no origin", &[cookie, FORM]),
        ("null origin", &[cookie, origin("null"), FORM]),
        ("other origin", &[cookie, evil, FORM]),
        ("other port", &[cookie, origin("http://127.0.0.1:1"), FORM]),
        ("two origins", &[cookie, ours, evil, FORM]),
        ("other site", &[cookie, ours, site("cross-site"), FORM]),
        ("same site", &[cookie, ours, site("same-site"), FORM]),
        ("text", &[cookie, ours, ("Content-Type", "text/plain")]),
        ("no type", &[cookie, ours]),
    ] {
        let response = dashboard.send("POST", CHANGE, headers, &body);
        assert_eq!(response.status, 403, "{attack}: {response:?}");
    }
    assert_eq!(state(&store), RunState::Open, "nothing was changed");
    let response = dashboard.send("POST", CHANGE, &[cookie, ours, FORM], &body);
    assert_eq!(response.status, 303, "{response:?}");
}

#[test]
fn a_button_needs_a_form_of_ours_and_its_own_address() {
    let folder = half_done();
    let store = store(&folder);
    let dashboard = Dashboard::start(&folder);
    let form = dashboard.form_token();
    let ours = format!("http://{}", dashboard.host());
    let headers = [("Cookie", dashboard.cookie.as_str()), origin(&ours), FORM];
    let session = dashboard.cookie.split_once('=').unwrap().1;
    for (body, status) in [
        ("do=pause".to_owned(), 403),
        (format!("do=pause&form={}", "0".repeat(64)), 403),
        (format!("do=pause&form={session}"), 403),
        (
            format!("do=pause&form={form}&why={}", "x".repeat(5_000)),
            413,
        ),
    ] {
        let response = dashboard.send("POST", CHANGE, &headers, &body);
        assert_eq!(response.status, status, "{body}: {response:?}");
    }
    let body = format!("do=pause&form={form}");
    let get = format!("{CHANGE}&{body}");
    assert_eq!(dashboard.get(&get).status, 200, "a form, and no change");
    for path in ["/", RUN, "/events", "/app.js"] {
        let response = dashboard.send("POST", path, &headers, &body);
        assert_eq!(response.status, 405, "{path}: {response:?}");
    }
    assert_eq!(state(&store), RunState::Open, "nothing was changed");
}
