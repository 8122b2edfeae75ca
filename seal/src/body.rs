//! The form of a sealed queue message. Pure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fanline_core::delivery::{SEALED_VERSION, is_sealed};
use fanline_core::text::push_json;
use serde::Deserialize;

/// The version of the sealed form.
const FORM: u64 = 1;
/// The length of a nonce of AES-256-GCM in bytes, and in base64.
pub(crate) const NONCE_LEN: usize = 12;
const NONCE_CHARS: usize = 16;
/// How many bytes longer a delivery is when it is encrypted.
pub(crate) const TAG_LEN: usize = 16;
/// The longest data key, encrypted by KMS, that a message may have. KMS makes them of some 200 bytes.
pub(crate) const MAX_KEY_LEN: usize = 1_024;
/// The longest name of a slice, and the longest place of a delivery that no split made.
const MAX_SLICE_LEN: usize = 21;
const MAX_AT_LEN: usize = MAX_SLICE_LEN + 1 + 10;
/// What the associated data begins with, so that it is no other protocol's.
const DOMAIN: &[u8] = b"fanline sealed delivery 1";
const NONCE: &str = "\",\"nonce\":\"";
const BODY: &str = "\",\"body\":\"";
const END: &str = "\"}";

/// A sealed queue message, taken apart. Only what is in `sealed` is secret. The rest is bound to
/// it: where one byte of it is changed, the message does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBody {
    /// The run's name.
    pub run: String,
    /// The slice whose data key sealed it, such as `1`.
    pub slice: String,
    /// Where the delivery stands in its run, such as `1:4711`.
    pub at: Option<String>,
    /// The data key, encrypted by KMS.
    pub key: Vec<u8>,
    /// The nonce.
    pub nonce: [u8; NONCE_LEN],
    /// The encrypted delivery, with its tag.
    pub sealed: Vec<u8>,
}

/// Why a queue message has not the sealed form. It never repeats the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is something else, such as a delivery in plain text.
    #[error("the body is not sealed")]
    NotSealed,
    /// It begins like a sealed message and is none.
    #[error("the sealed body is damaged")]
    Damaged,
    /// It has a form that this build does not know.
    #[error("the body is sealed in form {0}; this build opens form 1")]
    Form(u64),
}

#[derive(Deserialize)]
struct Versioned {
    sealed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "sealed")]
    _form: u64,
    v: u64,
    run: String,
    slice: String,
    #[serde(default)]
    at: Option<String>,
    key: String,
    nonce: String,
    body: String,
}

impl SealedBody {
    /// Takes a queue message apart.
    pub fn parse(body: &str) -> Result<Self, BodyError> {
        if !is_sealed(body) {
            return Err(BodyError::NotSealed);
        }
        let damaged = |_| BodyError::Damaged;
        let Versioned { sealed } = serde_json::from_str(body).map_err(damaged)?;
        if sealed != FORM {
            return Err(BodyError::Form(sealed));
        }
        let fields: Fields = serde_json::from_str(body).map_err(damaged)?;
        if fields.v != SEALED_VERSION {
            return Err(BodyError::Damaged);
        }
        let bytes = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| BodyError::Damaged);
        let nonce = bytes(&fields.nonce)?;
        Ok(Self {
            key: bytes(&fields.key)?,
            nonce: nonce.try_into().map_err(|_| BodyError::Damaged)?,
            sealed: bytes(&fields.body)?,
            run: fields.run,
            slice: fields.slice,
            at: fields.at,
        })
    }
}

/// Writes the sealed queue messages of one slice: what they have in common is written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyWriter {
    head: String,
}

impl BodyWriter {
    /// For messages of this run and slice, whose data key is `key`, encrypted by KMS.
    pub(crate) fn new(run: &str, slice: &str, key: &[u8]) -> Self {
        let mut head = format!("{{\"sealed\":{FORM},\"v\":{SEALED_VERSION},\"run\":");
        push_json(&mut head, run);
        head.push_str(",\"slice\":");
        push_json(&mut head, slice);
        head.push_str(",\"key\":\"");
        BASE64_STANDARD.encode_string(key, &mut head);
        Self { head }
    }

    /// The queue message.
    pub(crate) fn write(&self, at: Option<&str>, nonce: &[u8; NONCE_LEN], sealed: &[u8]) -> String {
        let place = place(at);
        let mut body = String::with_capacity(self.len(place.len(), sealed.len()));
        body.push_str(&self.head);
        body.push_str(&place);
        body.push_str(NONCE);
        BASE64_STANDARD.encode_string(nonce, &mut body);
        body.push_str(BODY);
        BASE64_STANDARD.encode_string(sealed, &mut body);
        body.push_str(END);
        body
    }

    /// The exact length of a message with a place that is `place` bytes long, as written.
    fn len(&self, place: usize, sealed: usize) -> usize {
        let base64 = sealed.div_ceil(3) * 4;
        self.head.len() + place + NONCE.len() + NONCE_CHARS + BODY.len() + base64 + END.len()
    }

    /// The exact length of [`BodyWriter::write`] for a place and a sealed delivery of these
    /// lengths. The place has no character that JSON escapes.
    pub(crate) fn written_len(&self, at: usize, sealed: usize) -> usize {
        self.len(place(Some("")).len() + at, sealed)
    }
}

/// How long the sealed queue message of a whole delivery with `plain` bytes is at most, whatever its
/// slice, its place and its data key are.
pub fn max_sealed_len(run: &str, plain: usize) -> usize {
    let slice = "9".repeat(MAX_SLICE_LEN);
    BodyWriter::new(run, &slice, &[0; MAX_KEY_LEN]).written_len(MAX_AT_LEN, plain + TAG_LEN)
}

/// The field with the place in the run, from the quote behind the field before it. The quote that
/// ends it comes with the next field.
fn place(at: Option<&str>) -> String {
    let Some(at) = at else { return String::new() };
    let mut field = "\",\"at\":".to_owned();
    push_json(&mut field, at);
    field.pop();
    field
}

/// What a sealed delivery is bound to: its run, its slice, its place and the data key. Each has its
/// length in front, so that no two messages have the same bytes.
pub(crate) fn associated_data(run: &str, slice: &str, at: Option<&str>, key: &[u8]) -> Vec<u8> {
    let parts = [run.as_bytes(), slice.as_bytes(), key];
    let mut data = Vec::with_capacity(64 + run.len() + key.len());
    data.extend_from_slice(DOMAIN);
    for part in parts.into_iter().chain(at.map(str::as_bytes)) {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}
