//! A request id in a header, for both servers.

use hyper::header::HeaderValue;
use uuid::Uuid;

/// The id as a header has it.
#[expect(clippy::expect_used, reason = "its proof stands beside it")]
pub(crate) fn id_header(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        .expect("a UUID is hexadecimal digits and hyphens")
}
