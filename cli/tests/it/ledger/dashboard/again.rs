//! Sending again by the buttons: the same code as `redrive` and `resend`.

use fanline_ledger::{CellReason, DeliveryOutcome, Departed};

use super::{Dashboard, RUN, Response};
use crate::ledger::world::written;
use crate::ledger::world::{accepted, edit, enter, half_done, outcome, record, settle, store};
use crate::support::Folder;

fn post(dashboard: &Dashboard, path: &str, fields: &str) -> Response {
    let form = dashboard.get(&format!("/resend?{QUERY}")).body;
    let (_, form) = form.split_once("name=\"form\" value=\"").unwrap();
    let form = form.split('"').next().unwrap();
    let origin = format!("http://{}", dashboard.host());
    let headers = [
        ("Cookie", dashboard.cookie.as_str()),
        ("Origin", &origin),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let body = format!("form={form}&{fields}");
    dashboard.send("POST", &format!("{path}?{QUERY}"), &headers, &body)
}

const QUERY: &str = "at=0&run=test";

/// A closed run: 3 accepted, 1 expired for certain, 1 expired in doubt, 1 refused.
fn closed() -> Folder {
    let folder = written(6);
    let store = store(&folder);
    enter(&store, "test");
    let mut outcomes = accepted(0..3);
    outcomes.push(outcome(3, CellReason::Expired, None));
    outcomes.push(DeliveryOutcome {
        receives: 2,
        departed: Departed::Unanswered,
        ..outcome(4, CellReason::Expired, None)
    });
    outcomes.push(outcome(5, CellReason::Refused, Some(400)));
    settle(&store, "test", outcomes);
    edit(&store, |edit| edit.close("test"));
    folder
}

#[test]
fn a_resend_shows_its_plan_and_is_made_when_the_name_is_typed() {
    let folder = closed();
    let dashboard = Dashboard::start(&folder);
    let page = dashboard.get(RUN);
    assert!(page.body.contains(">Resend…</a>"), "{page:?}");
    let form = dashboard.get("/resend?at=0&run=test");
    for text in [
        "2 expired",
        "1 refused: LINE refuses",
        "LINE may have sent it already",
    ] {
        assert!(form.body.contains(text), "{text}: {form:?}");
    }
    let plan = post(&dashboard, "/resend", "only=expired&step=plan");
    for text in [
        "<th scope=\"row\">expired</th><td class=\"n\">1</td>",
        "All of them certainly got nothing.",
        "1 more are left out, because LINE may have accepted it.",
        "<input type=\"hidden\" name=\"only\" value=\"expired\">",
    ] {
        assert!(plan.body.contains(text), "{text}: {plan:?}");
    }
    let both = post(
        &dashboard,
        "/resend",
        "only=expired&may_double=yes&step=plan",
    );
    for text in ["1 may get it twice", "1 of them certainly got nothing."] {
        assert!(both.body.contains(text), "{text}: {both:?}");
    }
    let wrong = post(
        &dashboard,
        "/resend",
        "only=expired&step=make&typed_run=tes",
    );
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let nobody = post(&dashboard, "/resend", "step=plan");
    assert!(nobody.body.contains("choose at least one"), "{nobody:?}");
    assert!(!folder.path("test.r1").exists(), "nothing was made");
    let made = post(
        &dashboard,
        "/resend",
        "only=expired&step=make&typed_run=test&why=late",
    );
    assert_eq!(made.status, 200, "{made:?}");
    assert!(made.body.contains("test.r1&#x2f;campaign.json"), "{made:?}");
    let list = folder.read("test.r1/list.csv");
    assert_eq!(list.lines().count(), 2, "{list}");
    assert_eq!(record(&store(&folder), "test").resends.len(), 1);
}

#[test]
fn a_resend_that_began_stands_in_the_family_of_the_run() {
    let folder = closed();
    let dashboard = Dashboard::start(&folder);
    let made = post(
        &dashboard,
        "/resend",
        "only=expired&step=make&typed_run=test",
    );
    assert_eq!(made.status, 200, "{made:?}");
    assert!(
        !dashboard.get(RUN).body.contains("Its family"),
        "not begun yet"
    );
    let sent = folder.fanline(&["run", "test.r1/campaign.json", "--at", "records"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    // A run that is over is read again after some seconds.
    let dashboard = Dashboard::start(&folder);
    let page = dashboard.get(RUN);
    let link = "<a href=\"&#x2f;run?at=0&amp;run=test.r1\">test.r1</a>";
    assert!(page.body.contains(link), "{page:?}");
    let resend = dashboard.get("/run?at=0&run=test.r1");
    assert!(resend.body.contains("run=test\">test</a>"), "{resend:?}");
}

#[test]
fn a_redrive_needs_the_name_and_says_what_is_missing() {
    let folder = half_done();
    let dashboard = Dashboard::start(&folder);
    let page = dashboard.get(RUN);
    assert!(page.body.contains(">Redrive…</a>"), "{page:?}");
    let form = dashboard.get("/redrive?at=0&run=test");
    assert!(form.body.contains("1 set aside for want of"), "{form:?}");
    let wrong = post(&dashboard, "/redrive", "only=set-aside&typed_run=no");
    assert_eq!(wrong.status, 422, "{wrong:?}");
    // This ledger's control object names no queues: the command says so, and the button too.
    let refused = post(&dashboard, "/redrive", "only=set-aside&typed_run=test");
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(
        refused.body.contains("names no dead-letter queue"),
        "{refused:?}"
    );
    let args = ["redrive", "test", "--only", "set-aside", "--at", "records"];
    let command = folder.fanline(&args);
    assert!(
        command.err.contains("names no dead-letter queue"),
        "{command:?}"
    );
}
