//! The names of a run's objects.

use jiff::Timestamp;
use uuid::Uuid;

use crate::at::SliceId;

/// What the keys of all runs begin with.
pub const LEDGER_PREFIX: &str = "ledger/";

/// The key of the control object.
pub const CONTROL_KEY: &str = "control/control.json";

/// The key of what the bookkeeper notes of the event source mappings.
pub const MAPPINGS_KEY: &str = "control/mappings.json";

/// The key of the leases of workers.
pub const WORKERS_KEY: &str = "control/workers.json";

/// The namespace of names that come from contents.
const PAGES: Uuid = Uuid::from_u128(0x83be_4b0a_52f1_5d5b_a9d0_6c1e_0f94_2d17);

/// A file's name may have 255 bytes; an encoded run is one name.
const MAX_ENCODED_BYTES: usize = 240;

/// The keys of one run's objects.
///
/// All but letters, digits, `-`, `_` and `.` are percent-encoded, also a dot at the beginning or
/// the end, and the first letter of what Windows takes for a device. So every run is one folder, on
/// every system, and none lies outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKeys {
    prefix: String,
}

impl RunKeys {
    /// The keys of the run with this name.
    pub fn new(run: &str) -> Self {
        Self {
            prefix: format!("{LEDGER_PREFIX}{}/", encode(run)),
        }
    }

    /// The run that a key belongs to; `None` where it is not below a run.
    pub fn run_of(key: &str) -> Option<String> {
        let (run, _) = key.strip_prefix(LEDGER_PREFIX)?.split_once('/')?;
        decode(run)
    }

    /// What all keys of the run begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The run's record.
    pub fn record(&self) -> String {
        self.key("run.json")
    }

    /// Where the run comes from, or where all runs of a campaign of this name come from. It lies
    /// beside the run's folder: a campaign is no run.
    pub fn origin(&self) -> String {
        format!("{}.origin.json", self.prefix.trim_end_matches('/'))
    }

    /// What the bookkeeper remembers of the run.
    pub fn watch(&self) -> String {
        self.key("watch.json")
    }

    /// The list of the run's slices.
    pub fn slices(&self) -> String {
        self.key("slices.ndjson")
    }

    /// What the keys of all slices' counts begin with.
    pub fn all_counts(&self) -> String {
        self.key("slices/")
    }

    /// The counts of a slice.
    pub fn counts(&self, slice: SliceId) -> String {
        self.key(&format!("slices/{slice}.json"))
    }

    /// That the rest of a slice began, behind its first `skip` deliveries.
    pub fn rest(&self, slice: SliceId, skip: u64) -> String {
        self.key(&format!("rests/{slice}-{skip}.json"))
    }

    /// The roll of a slice.
    pub fn roll(&self, slice: SliceId) -> String {
        self.key(&format!("rolls/{slice}"))
    }

    /// What the keys of all books begin with.
    pub fn books(&self) -> String {
        self.key("books/")
    }

    /// The book of a slice.
    pub fn book(&self, slice: SliceId) -> String {
        self.key(&format!("books/{slice}"))
    }

    /// The book of loose deliveries.
    pub fn loose_book(&self) -> String {
        self.key("books/loose")
    }

    /// Who is in the resend with this number, from 1.
    pub fn resend(&self, number: usize) -> String {
        self.key(&format!("resends/{number}"))
    }

    /// Each time that deliveries with an outcome were sent again.
    pub fn redrives(&self) -> String {
        self.key("redrives.json")
    }

    /// What the keys of all that control said before begin with; they sort by time.
    pub fn history(&self) -> String {
        self.key("history/")
    }

    /// What control said from this time on. The rest of its name comes from its bytes.
    pub(crate) fn past(&self, since: Timestamp, content: &[u8]) -> String {
        self.key(&format!("history/{}.json", dated(since, content)))
    }

    /// What the keys of all pages begin with; they sort by time.
    pub fn pages(&self) -> String {
        self.key("pages/")
    }

    /// A page that is written at this time. The rest of its name comes from its bytes.
    pub fn page(&self, time: Timestamp, page: &[u8]) -> String {
        self.key(&format!("pages/{}.ndjson.zst", dated(time, page)))
    }

    /// The slice whose counts or book have this key; `None` for other keys.
    pub fn slice_of(&self, key: &str) -> Option<SliceId> {
        let rest = key.strip_prefix(&self.prefix)?;
        let slice = match rest.strip_prefix("slices/") {
            Some(counts) => counts.strip_suffix(".json")?,
            None => rest
                .strip_prefix("books/")
                .or_else(|| rest.strip_prefix("rolls/"))?,
        };
        slice.parse().ok()
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// The key of a pace that was set at this time, and replaced.
pub(crate) fn past_pace_key(since: Timestamp, content: &[u8]) -> String {
    format!("control/pace/{}.json", dated(since, content))
}

/// A name that sorts by time, and that only the same content has.
fn dated(time: Timestamp, content: &[u8]) -> String {
    let time = time.strftime("%Y%m%dT%H%M%S%.3fZ");
    let id = Uuid::new_v5(&PAGES, content);
    format!("{time}-{id}")
}

/// Whether a text can be the name of a run: visible ASCII, and short enough for the name of a
/// folder.
pub(crate) fn is_run_name(text: &str) -> bool {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    !text.is_empty() && visible && encode(text).len() <= MAX_ENCODED_BYTES
}

/// Names that Windows does not give to a file, whatever follows a dot.
/// <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

fn encode(run: &str) -> String {
    let stem = run.split('.').next().unwrap_or(run).to_ascii_lowercase();
    let device = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_device = DEVICES.contains(&device) && stem.len() <= 4;
    let last = run.len().saturating_sub(1);
    let mut encoded = String::with_capacity(run.len() + 8);
    for (i, byte) in run.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_')
            || (byte == b'.' && i > 0 && i < last);
        if plain && !(is_device && i == 0) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4));
            encoded.push(hex_digit(byte & 15));
        }
    }
    encoded
}

/// A hexadecimal digit of four bits.
fn hex_digit(bits: u8) -> char {
    char::from(if bits < 10 {
        b'0' + bits
    } else {
        b'A' + bits - 10
    })
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_keys_of_a_run_are_pinned() {
        let keys = RunKeys::new("xmas@2026-12-25T00:00:00Z");
        let slice: SliceId = "90001c".parse().unwrap();
        let at = |name: &str| format!("ledger/xmas%402026-12-25T00%3A00%3A00Z/{name}");
        assert_eq!(keys.record(), at("run.json"));
        let origin = "ledger/xmas%402026-12-25T00%3A00%3A00Z.origin.json";
        assert_eq!(keys.origin(), origin);
        assert_eq!(RunKeys::run_of(origin), None);
        assert_eq!(keys.watch(), at("watch.json"));
        assert_eq!(keys.slices(), at("slices.ndjson"));
        assert_eq!(keys.redrives(), at("redrives.json"));
        assert_eq!(keys.counts(slice), at("slices/90001c.json"));
        assert_eq!(keys.rest(slice, 4711), at("rests/90001c-4711.json"));
        assert_eq!(keys.roll(slice), at("rolls/90001c"));
        assert_eq!(keys.book(slice), at("books/90001c"));
        assert_eq!(keys.loose_book(), at("books/loose"));
        let time = "2026-12-25T00:00:03.25Z".parse().unwrap();
        assert_eq!(
            keys.page(time, b"page"),
            at("pages/20261225T000003.250Z-86f0152f-066e-56c6-8b69-ae7a5baa63fb.ndjson.zst")
        );
        for key in [keys.counts(slice), keys.roll(slice), keys.book(slice)] {
            assert_eq!(keys.slice_of(&key), Some(slice));
        }
        assert_eq!(keys.slice_of(&keys.loose_book()), None);
        assert_eq!(keys.slice_of("ledger/other/books/1"), None);
    }

    #[test]
    fn every_run_is_one_folder_on_every_system() {
        for (run, encoded) in [
            ("xmas-coupon_2026.v2", "xmas-coupon_2026.v2"),
            ("a/b", "a%2Fb"),
            ("a\\b", "a%5Cb"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("...", "%2E.%2E"),
            ("v1.", "v1%2E"),
            ("nul", "%6Eul"),
            ("COM1.daily", "%43OM1.daily"),
            ("console", "console"),
            ("50%", "50%25"),
        ] {
            assert_eq!(encode(run), encoded);
            assert_eq!(
                RunKeys::run_of(&RunKeys::new(run).record()),
                Some(run.into())
            );
        }
        for key in [
            "control/control.json",
            "ledger/",
            "ledger/x",
            "ledger/%4/x",
            "ledger/%FF/x",
        ] {
            assert_eq!(RunKeys::run_of(key), None, "{key}");
        }
    }

    #[test]
    fn what_can_be_no_folder_is_no_run() {
        for run in ["", "a b", "a\nb", "ä", &"x".repeat(241), &"/".repeat(81)] {
            assert!(!is_run_name(run), "{run}");
        }
        assert!(is_run_name("xmas@2026-12-25T00:00:00.123456789Z"));
    }

    proptest! {
        #[test]
        fn no_two_runs_share_a_key(one in "[!-~]{1,12}", other in "[!-~]{1,12}") {
            prop_assert_eq!(decode(&encode(&one)), Some(one.clone()));
            prop_assert_eq!(one == other, encode(&one) == encode(&other));
            prop_assert!(!encode(&one).contains(['/', '\\', ':', '@']));
        }
    }
}
