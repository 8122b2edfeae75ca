//! Credentials that may only read: the buttons are off and say why.

use fanline_local::{S3Call, S3Fault};

use super::{Dashboard, RUN};
use crate::ledger::bucket::Bucket;
use crate::ledger::world::half_done;

fn dashboard(folder: &crate::support::Folder, bucket: &Bucket) -> Dashboard {
    let variables = [
        ("AWS_REGION", "ap-northeast-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_S3", bucket.s3.url()),
    ];
    Dashboard::start_with(folder, "s3://ours", &variables)
}

#[test]
fn without_the_right_to_put_the_buttons_are_off_and_say_why() {
    let folder = half_done();
    let bucket = Bucket::of(&folder);
    bucket
        .s3
        .script(|call: &S3Call| (call.method == "PUT").then_some(S3Fault::Denied));
    let dashboard = dashboard(&folder, &bucket);
    let page = dashboard.get(RUN);
    assert_eq!(page.status, 200, "{page:?}");
    for text in [
        "Nothing can be changed with these credentials: `s3:&#x2f;&#x2f;ours",
        "no permission for `s3:PutObject`",
        "<button disabled aria-describedby=\"lock\">Pause</button>",
        "<button disabled aria-describedby=\"lock\">Cancel the run…</button>",
    ] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    for enabled in ["<form", "name=\"do\"", "/change?"] {
        assert!(!page.body.contains(enabled), "{enabled}: {page:?}");
    }
}

#[test]
fn with_the_right_to_put_the_question_for_it_changes_nothing() {
    let folder = half_done();
    let bucket = Bucket::of(&folder);
    let control = || bucket.s3.object("ours", "control/control.json").unwrap();
    let before = control();
    let dashboard = dashboard(&folder, &bucket);
    let page = dashboard.get(RUN);
    assert!(page.body.contains(">Pause</button>"), "{page:?}");
    assert!(!page.body.contains("disabled"), "{page:?}");
    assert_eq!(control(), before);
    let puts = bucket.s3.counts().puts;
    assert!(dashboard.get(RUN).body.contains(">Pause</button>"));
    assert_eq!(bucket.s3.counts().puts, puts, "it is asked for once");
}

#[test]
fn a_right_that_is_taken_away_is_noticed_at_the_first_button() {
    let folder = half_done();
    let bucket = Bucket::of(&folder);
    let dashboard = dashboard(&folder, &bucket);
    let page = dashboard.get(RUN);
    assert!(page.body.contains(">Pause</button>"), "{page:?}");
    let form = page.body.split("name=\"form\" value=\"").nth(1).unwrap();
    let form = form.split('"').next().unwrap();
    bucket
        .s3
        .script(|call: &S3Call| (call.method == "PUT").then_some(S3Fault::Denied));
    let origin = format!("http://{}", dashboard.host());
    let headers = [
        ("Cookie", dashboard.cookie.as_str()),
        ("Origin", &origin),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let body = format!("form={form}&do=pause");
    let refused = dashboard.send("POST", "/change?at=0&run=test", &headers, &body);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.contains("s3:PutObject"), "{refused:?}");
    let page = dashboard.get(RUN);
    assert!(page.body.contains("<button disabled"), "{page:?}");
}
