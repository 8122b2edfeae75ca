//! A book as an object: the head, then the cells packed with zstd.
//!
//! The packed part, numbers low byte first:
//! - the table: its length (4 bytes) and a JSON list of the cells that occur, in words. A cell is
//!   its index in the table from 1, and 0 where there is none: one byte, or two where there are
//!   over 255 kinds
//! - the deliveries: their number (4 bytes); a bit for each, low bits first, whether it has a cell
//!   as a whole; an index for each that has one; then the people of each that has one (varint)
//! - the split deliveries: how many (4 bytes), and for each its number, its people and how many
//!   indexes follow (varints), then the indexes of its people
//! - the times, if there are any: the earliest one (4 bytes), in intervals of five seconds since
//!   1970; then, for each index above that has a time, how many intervals later it is, plus 1, or 0
//!   where it is not known (varint). Books of older builds end before them
//!
//! The bits stand by themselves because half of them may be set at random, and a byte for each
//! would take half as much again when packed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use fanline_core::limits::line::MAX_RECIPIENTS;

use super::head::{BookError, Head};
use super::timed::{HasTime, Timed};
use super::{Book, at};
use crate::outcomes::{Cell, WireCell};
use crate::varint;

/// Higher levels take ten times as long for a tenth less.
const LEVEL: i32 = 3;

/// The book as an object.
pub(super) fn encode(book: &Book) -> Vec<u8> {
    let table = Table::of(cells(book).map(|cell| cell.code));
    let mut plain = Vec::with_capacity(book.wholes.len() * 2 + 1024);
    table.push_to(&mut plain);
    push_len(&mut plain, book.wholes.len());
    for eight in book.wholes.chunks(8) {
        let bits = (0..)
            .zip(eight)
            .map(|(bit, whole)| u8::from(whole.code > 0) << bit);
        plain.push(bits.sum());
    }
    for whole in book.wholes.iter().filter(|whole| whole.code > 0) {
        table.push_index(&mut plain, whole.code);
    }
    for (whole, size) in book.wholes.iter().zip(&book.sizes) {
        if whole.code > 0 {
            varint::push(&mut plain, u64::from(*size));
        }
    }
    push_len(&mut plain, book.people.len());
    for (number, people) in &book.people {
        varint::push(&mut plain, u64::from(*number));
        varint::push(&mut plain, u64::from(at(&book.sizes, *number)));
        varint::push(&mut plain, people.len() as u64);
        for person in people {
            table.push_index(&mut plain, person.code);
        }
    }
    push_times(&mut plain, book);
    Head::object(book.slice.to_string(), book.tally(), &pack(&plain))
}

/// Reads a book's object.
pub(super) fn decode(object: &[u8]) -> Result<Book, BookError> {
    let (head, packed) = Head::read(object)?;
    let slice = head.slice.parse();
    let slice = slice.map_err(|_| BookError::Head("it names no slice".into()))?;
    let mut book = Book::new(slice, head.tally.recipients);
    let plain = unpack(&head, packed)?;
    let mut plain = Cursor(&plain);
    let table = Table::read(&mut plain)?;
    let deliveries = plain.len()?;
    if deliveries as u64 > book.recipients {
        return Err(BookError::Damaged("it has more deliveries than recipients"));
    }
    let bits = plain.take(deliveries.div_ceil(8))?;
    for number in 0..deliveries {
        let byte = bits.get(number / 8).copied().unwrap_or(0);
        let has_cell = byte >> (number % 8) & 1 == 1;
        let code = if has_cell { table.code(&mut plain)? } else { 0 };
        book.wholes.push(Timed { code, interval: 0 });
    }
    for whole in &book.wholes {
        let size = if whole.code > 0 { plain.size()? } else { 0 };
        book.sizes.push(size);
    }
    for _ in 0..plain.len()? {
        let number = u32::try_from(plain.varint()?).ok();
        let number = number.filter(|number| (*number as usize) < deliveries);
        let number = number.ok_or(BookError::Damaged("a split delivery is not in it"))?;
        let (size, cells) = (plain.size()?, plain.size()?);
        let mut person = || {
            let code = table.code(&mut plain)?;
            Ok(Timed { code, interval: 0 })
        };
        let people: Result<Vec<Timed>, _> = (0..cells).map(|_| person()).collect();
        if let Some(known) = book.sizes.get_mut(number as usize) {
            *known = size;
        }
        book.people.insert(number, people?);
    }
    read_times(&mut plain, &mut book)?;
    book.over_time = head.tally.accepted_over_time;
    book.words = head.tally.words;
    (book.first, book.last) = (head.tally.first, head.tally.last);
    Ok(book)
}

/// All cells in their order: those of the wholes, then those of single people.
fn cells(book: &Book) -> impl Iterator<Item = Timed> {
    let people = book.people.values().flatten();
    book.wholes.iter().chain(people).copied()
}

/// Writes when the cells came about. A book whose cells have no times ends without them.
fn push_times(plain: &mut Vec<u8>, book: &Book) {
    let known = cells(book).map(|cell| cell.interval);
    let Some(earliest) = known.filter(|interval| *interval > 0).min() else {
        return;
    };
    plain.extend_from_slice(&earliest.to_le_bytes());
    let mut has_time = HasTime::new();
    for cell in cells(book).filter(|cell| has_time.of(cell.code)) {
        let later = u64::from(cell.interval) + 1;
        varint::push(plain, later.saturating_sub(u64::from(earliest)));
    }
}

fn read_times(plain: &mut Cursor<'_>, book: &mut Book) -> Result<(), BookError> {
    if plain.0.is_empty() {
        return Ok(());
    }
    let earliest = plain.len()? as u64;
    let mut has_time = HasTime::new();
    let people = book.people.values_mut().flatten();
    let cells = book.wholes.iter_mut().chain(people);
    for cell in cells.filter(|cell| has_time.of(cell.code)) {
        let interval = match plain.varint()? {
            0 => Some(0),
            later => earliest.checked_add(later - 1),
        };
        let interval = interval.and_then(|interval| u32::try_from(interval).ok());
        cell.interval = interval.ok_or(BookError::Damaged("a time can't be"))?;
    }
    Ok(())
}

/// Packs a book's plain part.
pub(super) fn pack(plain: &[u8]) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "memory takes any bytes at a level that zstd has"
    )]
    zstd::encode_all(plain, LEVEL).expect("zstd packs any bytes in memory")
}

/// Unpacks what stands behind a head.
pub(super) fn unpack(head: &Head, packed: &[u8]) -> Result<Vec<u8>, BookError> {
    if packed.len() as u64 != head.packed_bytes {
        return Err(BookError::Damaged("it is cut short"));
    }
    let mut plain = Vec::new();
    zstd::Decoder::new(packed)
        .and_then(|mut unpacked| unpacked.read_to_end(&mut plain))
        .map_err(BookError::Packed)?;
    Ok(plain)
}

/// The kinds of cells that a book holds.
#[derive(Debug)]
pub(super) struct Table {
    codes: Vec<u16>,
    /// The index of each code, from 1.
    indexes: BTreeMap<u16, u16>,
}

impl Table {
    /// The table of these codes; 0 is in every table.
    pub(super) fn of(codes: impl Iterator<Item = u16>) -> Self {
        let mut kinds = BTreeSet::new();
        let mut before = 0;
        for code in codes.filter(|code| *code > 0) {
            // Most are like the one before.
            if code != before {
                kinds.insert(code);
                before = code;
            }
        }
        Self::new(kinds.into_iter().collect())
    }

    fn new(codes: Vec<u16>) -> Self {
        let indexes = codes.iter().copied().zip(1..).collect();
        Self { codes, indexes }
    }

    pub(super) fn push_to(&self, plain: &mut Vec<u8>) {
        let cells = self.codes.iter().filter_map(|code| Cell::of_code(*code));
        let cells: Vec<WireCell> = cells.map(WireCell::from).collect();
        #[expect(clippy::expect_used, reason = "words and numbers are JSON")]
        let json = serde_json::to_vec(&cells).expect("words and numbers are JSON");
        push_len(plain, json.len());
        plain.extend_from_slice(&json);
    }

    pub(super) fn read(plain: &mut Cursor<'_>) -> Result<Self, BookError> {
        let length = plain.len()?;
        let damaged = || BookError::Damaged("its table of cells can't be read");
        let cells: Vec<WireCell> =
            serde_json::from_slice(plain.take(length)?).map_err(|_| damaged())?;
        let codes: Result<Vec<u16>, _> = cells
            .into_iter()
            .map(|cell| Cell::try_from(cell).map(Cell::code))
            .collect();
        Ok(Self::new(codes.map_err(|_| damaged())?))
    }

    /// Whether an index takes two bytes.
    fn is_wide(&self) -> bool {
        self.codes.len() > usize::from(u8::MAX)
    }

    pub(super) fn push_index(&self, plain: &mut Vec<u8>, code: u16) {
        let index = self.indexes.get(&code).copied().unwrap_or(0);
        let [low, high] = index.to_le_bytes();
        plain.push(low);
        if self.is_wide() {
            plain.push(high);
        }
    }

    /// Reads an index and gives its code.
    pub(super) fn code(&self, plain: &mut Cursor<'_>) -> Result<u16, BookError> {
        let low = plain.byte()?;
        let high = if self.is_wide() { plain.byte()? } else { 0 };
        match usize::from(u16::from_le_bytes([low, high])).checked_sub(1) {
            None => Ok(0),
            Some(index) => self
                .codes
                .get(index)
                .copied()
                .ok_or(BookError::Damaged("a cell is not in its table")),
        }
    }
}

/// Writes a length in four bytes.
pub(super) fn push_len(plain: &mut Vec<u8>, length: usize) {
    // A slice has under 2^32 deliveries: their numbers are of that kind.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    plain.extend_from_slice(&length.to_le_bytes());
}

/// What is left of a book's plain part.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], BookError> {
        let (taken, rest) = self
            .0
            .split_at_checked(bytes)
            .ok_or(BookError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, BookError> {
        let (byte, rest) = self
            .0
            .split_first()
            .ok_or(BookError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn len(&mut self) -> Result<usize, BookError> {
        let bytes = self.take(4)?.try_into();
        let bytes = bytes.map_err(|_| BookError::Damaged("it ends too early"))?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    pub(super) fn varint(&mut self) -> Result<u64, BookError> {
        varint::read(&mut self.0).ok_or(BookError::Damaged("a number can't be read"))
    }

    /// A number of people of one delivery.
    pub(super) fn size(&mut self) -> Result<u16, BookError> {
        let size = u16::try_from(self.varint()?).ok();
        size.filter(|size| usize::from(*size) <= MAX_RECIPIENTS)
            .ok_or(BookError::Damaged("a delivery has over 500 people"))
    }
}
