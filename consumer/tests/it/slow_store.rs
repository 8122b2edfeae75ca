//! A control object in a bucket that answers slowly, or not at all.

use std::time::{Duration, Instant};

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use fanline_ledger::CONTROL_KEY;
use fanline_local::{LineOptions, S3Fault, S3Options, S3Server};

use crate::controlled::{Controlled, RUN, of};
use crate::support::{failures, user};

/// The services' addresses by their IDs.
#[derive(Debug)]
struct Endpoints([(&'static str, String); 2]);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let mut services = self.0.iter();
        let service = services.find(|(id, _)| *id == key.service_id())?;
        (key.env() == "AWS_ENDPOINT_URL").then(|| service.1.clone())
    }
}

/// A world whose control object lies in S3.
async fn world() -> (Controlled, S3Server) {
    let mut controlled = Controlled::start(LineOptions::default()).await;
    let s3 = S3Server::start(S3Options::default()).await.unwrap();
    assert!(s3.put("bucket", CONTROL_KEY, controlled.object()));
    let world = &mut controlled.world;
    let endpoints = Endpoints([
        ("SQS", world.server.url().to_owned()),
        ("S3", s3.url().to_owned()),
    ]);
    let mut config = world.config.to_builder().service_config(endpoints);
    config.set_endpoint_url(None);
    world.config = config.build();
    (controlled, s3)
}

#[tokio::test]
async fn nothing_is_sent_before_control_is_read_and_the_last_one_known_holds_after_that() {
    let (controlled, s3) = world().await;
    s3.script(|_| Some(S3Fault::Silent));
    let control = ("CONTROL_URI", "s3://bucket/control/control.json");
    let consumer = controlled.consumer_with(&[control]).await;
    let began = Instant::now();
    let first = [of(RUN, "1:0", &[user(1)])];
    let handled = controlled.handle_for(3, &consumer, &first).await;
    assert_eq!(failures(&handled).len(), 1, "handed back");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "in a bounded time"
    );
    assert_eq!(controlled.requests(), 0);

    s3.script(|_| None);
    let handled = controlled.handle_for(20, &consumer, &first).await;
    assert!(failures(&handled).is_empty());
    s3.script(|_| Some(S3Fault::Silent));
    let began = Instant::now();
    for number in 1..4 {
        let body = of(RUN, &format!("1:{number}"), &[user(number)]);
        let handled = controlled.handle_for(20, &consumer, &[body]).await;
        assert!(failures(&handled).is_empty());
    }
    assert_eq!(controlled.requests(), 4);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "nobody waits for it"
    );
}
