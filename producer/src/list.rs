//! Lists: where they are stored, their bytes, their rows, and the slices that they are cut into.

pub(crate) mod checked_rows;
pub(crate) mod chunks;
pub(crate) mod cutter;
pub(crate) mod form;
pub(crate) mod pieces;
pub(crate) mod row_set;
pub(crate) mod rows;
pub(crate) mod sheet;
pub(crate) mod slice;
pub(crate) mod source;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod unpacker;
pub(crate) mod workbook;
