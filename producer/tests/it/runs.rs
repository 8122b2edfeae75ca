//! A run is recorded, and each later firing of it is held against the record.

use std::sync::Arc;

use fanline_core::surroundings::{Clock, Random, Surroundings};
use fanline_ledger::{At, RollReader, RollRow, RowMark, SliceCounts, SliceId, SliceLines};
use fanline_producer::Producer;
use fanline_telemetry::fingerprint::Fingerprinter;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{Fault, World, campaign, greetings, list, take_resume, user};

const RECORD: &str = "state/ledger/xmas/run.json";

/// A producer whose clock the test sets, with its records in the bucket `state`.
pub(crate) struct Fired {
    pub(crate) world: World,
    now: Arc<Mutex<Timestamp>>,
}

impl Fired {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        world.put("bucket/friends.csv", list(100));
        let now = Arc::new(Mutex::new("2026-12-24T20:00:00.75Z".parse().unwrap()));
        Self { world, now }
    }

    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        let mut all = settings.to_vec();
        all.push(("LEDGER_URI", "s3://state/ledger/"));
        let now = Arc::clone(&self.now);
        let surroundings = Surroundings {
            clock: Clock::from_fn(move || *now.lock()),
            random: Random::default(),
        };
        let settings = self.world.settings(&all);
        Producer::in_surroundings(settings, &self.world.config(), surroundings)
    }

    pub(crate) fn wait(&self, hours: i64) {
        let mut now = self.now.lock();
        *now += SignedDuration::from_hours(hours);
    }

    /// Fires the campaign. Returns the error, if there is one: then nothing was published.
    pub(crate) async fn fire(&self, settings: &[(&str, &str)], more: &Value) -> Option<String> {
        let before = self.world.requests();
        let error = self
            .producer(settings)
            .handle(event(more), None)
            .await
            .err()?;
        assert_eq!(self.world.requests(), before, "{error}");
        Some(error.to_string())
    }
}

/// A campaign without a time of its own, so that its run is its id.
pub(crate) fn event(more: &Value) -> Value {
    let mut event = campaign(&json!("s3://bucket/friends.csv"), more);
    event.as_object_mut().unwrap().remove("scheduled_time");
    event
}

#[tokio::test]
async fn a_run_is_recorded_before_anything_of_it_is_published() {
    let fired = Fired::start().await;
    let contents = fired.world.paths();
    assert_eq!(contents, ["bucket/friends.csv"]);
    let bad = json!({"messages": [{"type": "text", "text": "{{ nickname }}"}]});
    assert!(fired.fire(&[], &bad).await.is_some());
    assert_eq!(fired.world.object(RECORD), None, "nothing began");

    assert_eq!(fired.fire(&[], &json!({})).await, None);
    let record: Value = serde_json::from_str(&fired.world.object(RECORD).unwrap()).unwrap();
    assert_eq!(record["run"], "xmas");
    assert_eq!(record["kind"], "real");
    assert_eq!(record["started_at"], "2026-12-24T20:00:00Z");
    assert_eq!(record["list"]["uri"], "s3://bucket/friends.csv");
    assert_eq!(record["campaign"], event(&json!({})));
    assert_eq!(record["cut"]["slice_bytes"], 64 * 1024 * 1024);
    let slices = fired.world.object("state/ledger/xmas/slices.ndjson");
    let length = list(100).len();
    let line = format!("{{\"slice\":\"1\",\"rows\":100,\"start\":0,\"end\":{length}}}\n");
    assert_eq!(slices.unwrap(), line);
}

#[tokio::test]
async fn each_slice_has_its_counts_and_its_roll() {
    let fired = Fired::start().await;
    let odd = format!("nobody,x\n{},name 0\n", user(0));
    let list = format!("{}{odd}", list(100));
    fired.world.put("bucket/friends.csv", &*list);
    let slices = [("SLICE_QUEUE_URL", "slices"), ("SLICE_BYTES", "1500")];
    let producer = fired.producer(&slices);
    producer.handle(event(&json!({})), None).await.unwrap();
    let events = fired.world.take_slices();
    assert!(events.len() > 2, "{}", events.len());
    // A slice that runs twice writes the same.
    for slice in events.iter().chain(&events[..1]) {
        producer.handle(slice.clone(), None).await.unwrap();
    }
    let object = |name: &str| {
        fired
            .world
            .bytes(&format!("state/ledger/xmas/{name}"))
            .unwrap()
    };
    let lines = SliceLines::decode(&object("slices.ndjson")).unwrap();
    assert_eq!((lines.0.len(), lines.rows()), (events.len(), 102));
    let fingerprinter = Fingerprinter::new("xmas");
    let mut rows = Vec::new();
    for line in lines.0 {
        let counts = object(&format!("slices/{}.json", line.slice));
        let counts = SliceCounts::decode(&counts).unwrap();
        assert_eq!((counts.rows, counts.published), (line.rows, true));
        let roll = object(&format!("rolls/{}", line.slice));
        let roll = RollReader::new(&roll[..]).unwrap();
        assert!(roll.is_keyed_by(&fingerprinter));
        for row in roll {
            rows.push((line.slice, row.unwrap()));
        }
    }
    assert_eq!(rows.len(), 102);
    let delivery_of = |(slice, row): &(SliceId, RollRow)| match row.mark {
        RowMark::Sent { delivery, .. } => Some(At::whole(*slice, delivery).to_string()),
        _ => None,
    };
    for delivery in fired.world.deliveries() {
        let person = fingerprinter.of(&delivery.recipients[0]);
        let row = rows.iter().find(|(_, row)| row.fingerprint == Some(person));
        assert_eq!(delivery_of(row.unwrap()), delivery.at);
    }
    let marks: Vec<RowMark> = rows[100..].iter().map(|(_, row)| row.mark).collect();
    assert_eq!(marks, [RowMark::Rejected, RowMark::Duplicate]);
}

#[tokio::test]
async fn inline_rows_are_in_no_record() {
    let fired = Fired::start().await;
    let rows = json!({"recipients": [{"to": user(7), "name": "Zoe"}]});
    assert_eq!(fired.fire(&[], &rows).await, None);
    let record = fired.world.object(RECORD).unwrap();
    assert!(
        !record.contains(&user(7)) && !record.contains("Zoe"),
        "{record}"
    );
    let other = json!({"recipients": [{"to": user(8), "name": "Zoe"}]});
    let error = fired.fire(&[], &other).await.unwrap();
    assert!(
        error.starts_with("the run `xmas` began with another list"),
        "{error}"
    );
}

#[tokio::test]
async fn a_run_that_cannot_be_recorded_sends_nothing() {
    let fired = Fired::start().await;
    let error = fired
        .fire(&[("LEDGER_URI", "s3://read-only/")], &json!({}))
        .await;
    assert_eq!(
        error.unwrap(),
        "the record of the run can't be read or written, so nothing was sent: \
         `s3://read-only/ledger/xmas/run.json` can't be reached: no permission for `s3:PutObject`"
    );
}

#[tokio::test]
async fn a_run_fired_again_keeps_its_beginning_and_is_refused_after_23_hours() {
    let fired = Fired::start().await;
    assert_eq!(fired.fire(&[], &json!({})).await, None);
    fired.wait(20);
    assert_eq!(fired.fire(&[], &json!({})).await, None);
    let deliveries = fired.world.bodies("deliveries");
    assert_eq!(deliveries.len(), 200);
    for body in deliveries {
        assert!(
            body.contains("\"started_at\":\"2026-12-24T20:00:00Z\""),
            "{body}"
        );
    }
    assert_eq!(fired.world.sent(), greetings(100));
    fired.wait(3);
    assert_eq!(
        fired.fire(&[], &json!({})).await.unwrap(),
        "the run `xmas` began at 2026-12-24T20:00:00Z, more than 23 hours ago, and LINE no longer \
         remembers what it took: resend it, or give the campaign a new id"
    );
}

#[tokio::test]
async fn a_run_scheduled_a_day_ago_is_refused_also_without_records() {
    let fired = Fired::start().await;
    let late = campaign(
        &json!("s3://bucket/friends.csv"),
        &json!({"scheduled_time": "2026-12-23T20:00:00Z"}),
    );
    let now = Arc::clone(&fired.now);
    let surroundings = Surroundings {
        clock: Clock::from_fn(move || *now.lock()),
        random: Random::default(),
    };
    let world = &fired.world;
    let producer = Producer::in_surroundings(world.settings(&[]), &world.config(), surroundings);
    let error = producer.handle(late, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run `xmas@2026-12-23T20:00:00Z` was scheduled for 2026-12-23T20:00:00Z, more than 23 \
         hours ago: give the campaign a new id or a new time"
    );
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn another_text_or_another_list_is_refused() {
    let fired = Fired::start().await;
    assert_eq!(fired.fire(&[], &json!({})).await, None);
    let edited = json!({"messages": [{"type": "text", "text": "Hello {{ name }}"}]});
    assert_eq!(
        fired.fire(&[], &edited).await.unwrap(),
        "the run `xmas` began with other messages: give the campaign a new id to send these"
    );
    fired.world.put("bucket/friends.csv", list(101));
    let error = fired.fire(&[], &json!({})).await.unwrap();
    assert!(
        error.starts_with("the run `xmas` began with another list"),
        "{error}"
    );
    fired.world.put("bucket/friends.csv", list(100));
    let later_end = json!({"expires_at": "2027-01-01T00:00:00Z"});
    assert_eq!(fired.fire(&[], &later_end).await, None);
}

#[tokio::test]
async fn shared_deliveries_do_not_depend_on_a_setting_that_changed_meanwhile() {
    let one_text = json!({"messages": [{"type": "text", "text": "hi"}]});
    let fired = Fired::start().await;
    fired.world.put("bucket/friends.csv", list(4000));
    assert_eq!(
        fired.fire(&[("SLICE_BYTES", "65536")], &one_text).await,
        None
    );
    let first = fired.world.bodies("deliveries");
    // In one window there would be eight.
    assert_eq!(first.len(), 9);
    assert_eq!(
        fired.fire(&[("SLICE_BYTES", "67108864")], &one_text).await,
        None
    );
    assert_eq!(fired.world.bodies("deliveries").len(), 18);
    assert_eq!(fired.world.deliveries().len(), 9, "each has its retry key");
}

#[tokio::test]
async fn the_grouping_of_a_long_list_is_pinned() {
    // Rows of shared and of own texts, in a list of several windows. Whoever changes these numbers
    // changes the retry keys of runs under way: the number of the grouping rule changes too.
    let world = World::start().await;
    let rows: Vec<String> = (0..3000)
        .map(|n| match n % 7 {
            0 => format!("{},name {n}\n", user(n)),
            rest => format!("{},{}\n", user(n), "x".repeat(rest * (n % 3))),
        })
        .collect();
    world.put("bucket/friends.csv", format!("to,name\n{}", rows.concat()));
    let producer = world.producer(&[("SLICE_BYTES", "65536"), ("SENDS_IN_FLIGHT", "1")]);
    producer.handle(event(&json!({})), None).await.unwrap();
    let deliveries = world.deliveries();
    let keys = deliveries
        .iter()
        .map(|delivery| delivery.request().retry_key.as_u128());
    let all_keys = keys.fold(0, |all, key| all ^ key);
    assert_eq!(
        (deliveries.len(), format!("{all_keys:032x}").as_str()),
        (449, "7b840e809ad05080a4c8ad1a03020b25")
    );
}

/// A campaign for LINE Notify.
fn notify() -> Value {
    json!({
        "channel": "line-notify", "recipients": "s3://bucket/tokens.csv",
        "messages": {"message": "hi"},
    })
}

#[tokio::test]
async fn tokens_inside_the_event_of_a_function_are_refused() {
    let fired = Fired::start().await;
    let mut inline = notify();
    inline["recipients"] = json!([{"token": "secret-token"}]);
    let error = fired.fire(&[], &inline).await.unwrap();
    assert!(
        error.starts_with("`recipients` holds LINE Notify tokens"),
        "{error}"
    );
    assert!(!error.contains("secret-token"));
}

#[tokio::test]
async fn a_second_firing_on_line_notify_is_refused_and_a_resumed_one_is_not() {
    let fired = Fired::start().await;
    let tokens: Vec<String> = (0..20).map(|n| format!("token{n:038}\n")).collect();
    fired
        .world
        .put("bucket/tokens.csv", format!("token\n{}", tokens.concat()));
    fired.world.script(|bodies| {
        let is_last = bodies.iter().any(|body| body.contains("0000015\""));
        is_last.then_some(Fault::Throttle)
    });
    let producer = fired.producer(&[("SEND_ATTEMPTS", "1"), ("SLICE_QUEUE_URL", "slices")]);
    let error = producer.handle(event(&notify()), None).await.unwrap_err();
    let (_, resume) = take_resume(&error.to_string());
    assert_eq!(resume["skip_deliveries"]["n"], 10);
    fired.world.script(|_| None);
    assert_eq!(
        fired.fire(&[], &notify()).await.unwrap(),
        "the run `xmas` has been fired already, and LINE Notify can't tell a repeated message: \
         give the campaign a new id"
    );
    let mut rest = event(&notify());
    rest["skip_deliveries"] = resume["skip_deliveries"].clone();
    producer.handle(rest, None).await.unwrap();
    assert_eq!(fired.world.bodies("deliveries").len(), 20);
}

#[tokio::test]
async fn deliveries_of_another_list_are_not_left_out() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&[]);
    let producer_of_one = world.producer(&[("SEND_ATTEMPTS", "1"), ("SENDS_IN_FLIGHT", "1")]);
    world.script(|bodies| {
        let is_late = bodies.iter().any(|body| body.contains("name 55\""));
        is_late.then_some(Fault::Throttle)
    });
    let error = producer_of_one
        .handle(event(&json!({})), None)
        .await
        .unwrap_err();
    let (_, resume) = take_resume(&error.to_string());
    assert_eq!(resume["skip_deliveries"]["n"], 50);
    world.script(|_| None);
    let with_new_friends =
        list(130).replacen("to,name\n", &format!("to,name\n{},new\n", user(999)), 1);
    world.put("bucket/friends.csv", with_new_friends);
    let requests = world.requests();
    let error = producer.handle(event(&resume), None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`skip_deliveries` is of another version of `s3://bucket/friends.csv`"),
        "{error}"
    );
    assert_eq!(world.requests(), requests);
    world.put("bucket/friends.csv", list(100));
    let summary = producer.handle(event(&resume), None).await.unwrap();
    assert_eq!((summary.recipients, summary.skipped_deliveries), (50, 50));
    assert_eq!(world.sent(), greetings(100));
}

#[tokio::test]
async fn a_list_of_one_slice_comes_again_when_the_work_on_it_dies() {
    let world = World::start().await;
    world.put("bucket/friends.csv", list(100));
    let producer = world.producer(&[("SLICE_QUEUE_URL", "slices")]);
    let cut = producer.handle(event(&json!({})), None).await.unwrap();
    assert_eq!((cut.slices, cut.sliced_rows, cut.deliveries), (1, 100, 0));
    let slice = world.take_slices().pop().unwrap();
    // The first invocation dies before it can say anything.
    drop(producer.handle(slice.clone(), None));
    let summary = producer.handle(slice, None).await.unwrap();
    assert_eq!(summary.recipients, 100);
    assert_eq!(world.sent(), greetings(100));
}
