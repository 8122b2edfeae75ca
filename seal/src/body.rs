//! The form of a sealed queue message. Pure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fanline_core::delivery::{SEALED_VERSION, is_sealed};
use fanline_core::limits::line::MAX_RECIPIENTS;
use fanline_core::text::push_json;
use serde::Deserialize;

/// The version of the sealed form.
const FORM: u64 = 1;
/// The length of a nonce of AES-256-GCM in bytes, and in base64.
pub(crate) const NONCE_LEN: usize = 12;
const NONCE_CHARS: usize = 16;
/// How many bytes longer a delivery is when it is encrypted.
pub(crate) const TAG_LEN: usize = 16;
/// The longest data key, encrypted by KMS, that a message may have. KMS's have some 200 bytes.
pub(crate) const MAX_KEY_LEN: usize = 1_024;
/// The longest name of a slice, and the longest place of a delivery that no split made.
const MAX_SLICE_LEN: usize = 21;
const MAX_AT_LEN: usize = MAX_SLICE_LEN + 1 + 10;
/// What the associated data begins with, so that it is no other protocol's.
const DOMAIN: &[u8] = b"fanline sealed delivery 1";
const PEOPLE: &str = "\",\"people\":";
const NONCE: &str = ",\"nonce\":\"";
const BODY: &str = "\",\"body\":\"";
const END: &str = "\"}";

/// What stays readable of a delivery beside its run and its slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// Where the delivery stands in its run, such as `1:4711`.
    pub at: Option<&'a str>,
    /// How many recipients it has.
    pub people: usize,
}

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
    /// How many recipients it has.
    pub people: usize,
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
struct Fields<'a> {
    sealed: u64,
    v: u64,
    run: String,
    slice: String,
    #[serde(default)]
    at: Option<String>,
    people: usize,
    // Base64 has no character that JSON escapes.
    key: &'a str,
    nonce: &'a str,
    body: &'a str,
}

impl SealedBody {
    /// Takes a queue message apart.
    pub fn parse(body: &str) -> Result<Self, BodyError> {
        if !is_sealed(body) {
            return Err(BodyError::NotSealed);
        }
        let fields: Fields<'_> = serde_json::from_str(body).map_err(|_| damage(body))?;
        if fields.sealed != FORM {
            return Err(BodyError::Form(fields.sealed));
        }
        let bytes = |text| BASE64_STANDARD.decode(text).ok();
        let read = || {
            Some(Self {
                key: bytes(fields.key)?,
                nonce: bytes(fields.nonce)?.try_into().ok()?,
                sealed: bytes(fields.body)?,
                run: fields.run,
                slice: fields.slice,
                at: fields.at,
                people: fields.people,
            })
        };
        // KMS is not asked about what can't be: another error than its own would look as if the
        // key could not be used.
        let can_be = |body: &Self| {
            let is_filled = !(body.run.is_empty() || body.slice.is_empty() || body.key.is_empty());
            is_filled && body.key.len() <= MAX_KEY_LEN
        };
        let body = read().filter(can_be).ok_or(BodyError::Damaged)?;
        if fields.v == SEALED_VERSION {
            Ok(body)
        } else {
            Err(BodyError::Damaged)
        }
    }

    /// What stays readable of the delivery.
    pub fn label(&self) -> Label<'_> {
        Label {
            at: self.at.as_deref(),
            people: self.people,
        }
    }
}

/// What is wrong with a body that has not the fields of this form.
fn damage(body: &str) -> BodyError {
    match serde_json::from_str(body) {
        Ok(Versioned { sealed }) if sealed != FORM => BodyError::Form(sealed),
        _ => BodyError::Damaged,
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
    pub(crate) fn write(&self, label: Label<'_>, nonce: &[u8; NONCE_LEN], sealed: &[u8]) -> String {
        let label = readable(label);
        let mut body = String::with_capacity(self.len(label.len(), sealed.len()));
        body.push_str(&self.head);
        body.push_str(&label);
        body.push_str(NONCE);
        BASE64_STANDARD.encode_string(nonce, &mut body);
        body.push_str(BODY);
        BASE64_STANDARD.encode_string(sealed, &mut body);
        body.push_str(END);
        body
    }

    /// The exact length of [`BodyWriter::write`] with this label, for a sealed delivery of this
    /// length.
    pub(crate) fn written_len(&self, label: Label<'_>, sealed: usize) -> usize {
        self.len(readable(label).len(), sealed)
    }

    fn len(&self, label: usize, sealed: usize) -> usize {
        let base64 = sealed.div_ceil(3) * 4;
        self.head.len() + label + NONCE.len() + NONCE_CHARS + BODY.len() + base64 + END.len()
    }
}

/// How long the sealed queue message of a whole delivery with `plain` bytes is at most, whatever
/// its slice, its place, its people and its data key are.
pub fn max_sealed_len(run: &str, plain: usize) -> usize {
    let (slice, at) = ("9".repeat(MAX_SLICE_LEN), "9".repeat(MAX_AT_LEN));
    let label = Label {
        at: Some(&at),
        people: MAX_RECIPIENTS,
    };
    BodyWriter::new(run, &slice, &[0; MAX_KEY_LEN]).written_len(label, plain + TAG_LEN)
}

/// The label as a message has it, from the quote that ends the field before it.
fn readable(Label { at, people }: Label<'_>) -> String {
    let mut fields = String::with_capacity(64);
    if let Some(at) = at {
        fields.push_str("\",\"at\":");
        push_json(&mut fields, at);
        // The quote comes with the next field.
        fields.pop();
    }
    fields.push_str(PEOPLE);
    fields.push_str(&people.to_string());
    fields
}

/// What a sealed delivery is bound to: its run, its slice, its label and the data key. Each text
/// has its length in front, so that no two messages have the same bytes.
pub(crate) fn associated_data(run: &str, slice: &str, label: Label<'_>, key: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(128 + run.len() + key.len());
    data.extend_from_slice(DOMAIN);
    data.extend_from_slice(&(label.people as u64).to_be_bytes());
    let parts = [run.as_bytes(), slice.as_bytes(), key];
    for part in parts.into_iter().chain(label.at.map(str::as_bytes)) {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}
