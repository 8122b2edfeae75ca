//! A workbook of Excel: one of its sheets is read as CSV.

mod cell;

use std::io::Cursor;

use calamine::{Reader, SheetType, Xlsx, XlsxError, open_workbook_from_rs};

/// A larger workbook is not read, since all of it is held in memory. One of a million rows with an
/// ID and a name is smaller.
pub(crate) const MAX_WORKBOOK_BYTES: u64 = 64 * MIB;
/// The sheet as CSV may be this long. A workbook is packed, and can become very long.
const MAX_SHEET_BYTES: u64 = 256 * MIB;
const MIB: u64 = 1024 * 1024;

/// Why a workbook can't be read: the end of a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkbookError {
    /// It is too large to be held in memory.
    #[error(
        "is a workbook of {} MiB, and {} MiB is the most that is read: save the sheet as CSV",
        .0.div_ceil(MIB),
        MAX_WORKBOOK_BYTES / MIB
    )]
    TooLarge(u64),
    /// Its sheet is too large to be held in memory.
    #[error(
        "has a sheet of more than {} MiB of text: save the sheet as CSV",
        MAX_SHEET_BYTES / MIB
    )]
    SheetTooLarge,
    /// It needs a password.
    #[error("needs a password: save it without one")]
    Password,
    /// It has no sheet of the name that the campaign gives.
    #[error("has no sheet `{sheet}`; its sheets are {present}")]
    NoSuchSheet {
        /// The name that the campaign gives.
        sheet: String,
        /// The names of its sheets.
        present: String,
    },
    /// It has no sheet with cells.
    #[error("has no sheet")]
    NoSheet,
    /// It is a ZIP archive, and no workbook, or it is damaged.
    #[error("can't be read as a workbook: is it one, and is it whole?")]
    Damaged,
}

/// The sheet of this name, or the first one, as CSV. Each row of the sheet is a row of the CSV, and
/// an empty row is a blank line.
pub(crate) fn sheet_as_csv(stored: &[u8], sheet: Option<&str>) -> Result<Vec<u8>, WorkbookError> {
    let mut workbook: Xlsx<_> =
        open_workbook_from_rs(Cursor::new(stored)).map_err(|error| problem(&error))?;
    let name = sheet_name(&workbook, sheet)?;
    let mut cells = workbook
        .worksheet_cells_reader(&name)
        .map_err(|error| problem(&error))?;
    let mut csv = Vec::new();
    let (mut row, mut column) = (0, 0);
    while let Some((cell, style)) = cells
        .next_cell_with_style_id()
        .map_err(|error| problem(&error))?
    {
        let (cell_row, cell_column) = cell.get_position();
        while row < cell_row {
            csv.push(b'\n');
            (row, column) = (row + 1, 0);
        }
        while column < cell_column {
            csv.push(b',');
            column += 1;
        }
        let format = cells.styles().get(style);
        let format = format.and_then(|style| style.number_format.as_ref());
        cell::push(
            &mut csv,
            cell.get_value(),
            format.map(|f| f.format_code.as_str()),
        );
        if csv.len() as u64 > MAX_SHEET_BYTES {
            return Err(WorkbookError::SheetTooLarge);
        }
    }
    Ok(csv)
}

fn sheet_name(
    workbook: &Xlsx<Cursor<&[u8]>>,
    sheet: Option<&str>,
) -> Result<String, WorkbookError> {
    let sheets = workbook.sheets_metadata().iter();
    let names: Vec<_> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.as_str())
        .collect();
    match sheet {
        None => names.first().copied().ok_or(WorkbookError::NoSheet),
        Some(sheet) => {
            let found = names.iter().copied().find(|name| *name == sheet);
            found.ok_or_else(|| WorkbookError::NoSuchSheet {
                sheet: sheet.into(),
                present: format!("`{}`", names.join("`, `")),
            })
        }
    }
    .map(str::to_owned)
}

/// The words of the library can quote a cell, so they are not repeated.
fn problem(error: &XlsxError) -> WorkbookError {
    match error {
        XlsxError::Password => WorkbookError::Password,
        _ => WorkbookError::Damaged,
    }
}
