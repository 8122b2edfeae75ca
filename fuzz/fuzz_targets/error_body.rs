//! The words of an error body are short, in one line, and name nobody.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    let user = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa".to_owned();
    let words = fanline_consumer::quote_of(body, std::slice::from_ref(&user));
    assert!(words.chars().count() <= 256);
    assert!(!words.contains(&user));
    assert!(!words.contains(char::is_control));
});
