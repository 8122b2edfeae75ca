//! Which rows of a window are sent: not the bad ones, and of each recipient only the first.

/// No row of a LINE recipient is shorter. This bounds how many rows a window holds.
pub(crate) const MIN_ROW_BYTES: u64 = 32;

/// How many rows are made room for in advance: those of 64 MiB. A longer window takes more room as
/// it comes.
const MAX_RESERVED_ROWS: u64 = 64 * 1024 * 1024 / MIN_ROW_BYTES;

/// The rows of one window, and which of them are not sent.
#[derive(Debug)]
pub(crate) struct Window {
    rows: u32,
    /// One bit for each row. Empty where every row is sent.
    unsent: Vec<u64>,
}

impl Window {
    fn new(rows: u32) -> Self {
        Self {
            rows,
            unsent: Vec::new(),
        }
    }

    /// How many rows the window has.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Whether the row with this number is sent. The window's first row has number 0.
    pub(crate) fn sends(&self, row: u32) -> bool {
        self.unsent
            .get(row as usize / 64)
            .is_none_or(|bits| bits >> (row % 64) & 1 == 0)
    }

    fn exclude(&mut self, row: u32) {
        if self.unsent.is_empty() {
            self.unsent.resize(self.rows as usize / 64 + 1, 0);
        }
        #[expect(
            clippy::expect_used,
            reason = "only rows of this window are excluded, and each of them has a bit"
        )]
        let bits = self
            .unsent
            .get_mut(row as usize / 64)
            .expect("there is a bit for each row");
        *bits |= 1 << (row % 64);
    }
}

/// The window that is being read. It holds 21 bytes for each row.
#[derive(Debug)]
pub(crate) struct OpenWindow {
    max_bytes: u64,
    first_byte: u64,
    rows: u32,
    bad: Vec<u32>,
    keys: Vec<RowKey>,
}

/// A recipient's fingerprint, and the number of its row, high byte first. In sorted order, equal
/// recipients lie together and the first row of each comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    fingerprint: [u8; 17],
    row: [u8; 4],
}

impl OpenWindow {
    /// Windows of `max_bytes` in a slice of `slice_bytes`.
    pub(crate) fn new(max_bytes: u64, slice_bytes: u64) -> Self {
        let rows = (max_bytes.min(slice_bytes) / MIN_ROW_BYTES).min(MAX_RESERVED_ROWS);
        Self {
            max_bytes,
            first_byte: 0,
            rows: 0,
            bad: Vec::new(),
            // Memory that is reserved and never touched costs nothing.
            keys: Vec::with_capacity(rows as usize),
        }
    }

    /// Whether no row has been added since the last window was closed.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether a row that begins at this byte belongs to the next window.
    pub(crate) fn is_full(&self, byte: u64) -> bool {
        !self.is_empty()
            && (byte - self.first_byte >= self.max_bytes
                || u64::from(self.rows) * MIN_ROW_BYTES >= self.max_bytes
                || self.rows == u32::MAX)
    }

    /// Adds the row that begins at this byte. Returns its number within the window.
    pub(crate) fn add_row(&mut self, byte: u64) -> u32 {
        if self.is_empty() {
            self.first_byte = byte;
        }
        self.rows += 1;
        self.rows - 1
    }

    /// Says who the recipient of this row is.
    pub(crate) fn name_recipient(&mut self, row: u32, fingerprint: [u8; 17]) {
        let row = row.to_be_bytes();
        self.keys.push(RowKey { fingerprint, row });
    }

    /// Says that this row can't be sent.
    pub(crate) fn reject(&mut self, row: u32) {
        self.bad.push(row);
    }

    /// Ends the window and looks for duplicates in it. Returns how many there are too. The next row
    /// begins another window.
    pub(crate) fn close(&mut self) -> (Window, u64) {
        let mut window = Window::new(std::mem::take(&mut self.rows));
        for row in self.bad.drain(..) {
            window.exclude(row);
        }
        self.keys.sort_unstable();
        let mut duplicates = 0;
        for [one, next] in self.keys.array_windows() {
            if one.fingerprint == next.fingerprint {
                window.exclude(u32::from_be_bytes(next.row));
                duplicates += 1;
            }
        }
        self.keys.clear();
        (window, duplicates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_bad_rows_needs_no_bits() {
        let mut open = OpenWindow::new(1000, 1000);
        for person in 0..100 {
            let row = open.add_row(u64::from(person) * 4);
            open.name_recipient(row, [person; 17]);
        }
        let (window, duplicates) = open.close();
        assert_eq!((window.rows(), duplicates), (100, 0));
        assert!(window.unsent.is_empty());
    }

    #[test]
    fn a_window_is_full_at_its_bytes_or_at_its_rows() {
        let mut open = OpenWindow::new(100, 1000);
        assert!(!open.is_full(500));
        open.add_row(500);
        assert!(!open.is_full(599));
        assert!(open.is_full(600));
        for byte in 501..504 {
            open.add_row(byte);
        }
        assert!(open.is_full(504), "four rows of 32 bytes are over 100");
        open.close();
        assert!(!open.is_full(504));
    }

    #[test]
    fn a_window_of_any_size_can_be_asked_for() {
        let open = OpenWindow::new(u64::MAX, u64::MAX);
        assert_eq!(open.keys.capacity(), 2 * 1024 * 1024);
    }
}
