//! The maker of the requests to LINE.

use std::sync::LazyLock;

/// It takes some milliseconds to make, and there is one world after the other.
static BUILDER: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let client = reqwest::Client::builder().build();
    client.expect("a client that sends nothing")
});

/// A client that makes requests, and must not send them.
pub(crate) fn builder() -> reqwest::Client {
    BUILDER.clone()
}
