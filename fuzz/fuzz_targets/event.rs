//! An event of any form is a campaign, slices or an error, without a panic.

#![no_main]

use fanline_core::campaign::Campaign;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    if let Some(campaign) = fanline_producer::campaign_of(event) {
        // Most campaigns are wrong, and the error must name the place without a panic.
        if let Err(error) = Campaign::from_value(campaign) {
            assert!(!error.to_string().is_empty());
        }
    }
});
