//! A queue message of any text is a delivery or an error. A delivery keeps what it carries when it
//! is written and read again.

#![no_main]

use fanline_core::delivery::Delivery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let Ok(delivery) = Delivery::decode(body) else {
        return;
    };
    let again = Delivery::decode(&delivery.encode()).expect("what was written can be read");
    assert_eq!(again.recipients, delivery.recipients);
    assert_eq!(again.messages().get(), delivery.messages().get());
    assert_eq!(again.request().retry_key, delivery.request().retry_key);
});
