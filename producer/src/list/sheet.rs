//! The bytes of a workbook become the CSV of its sheet.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::list::pieces::Pieces;
use crate::list::source::{Source, SourceError};
use crate::list::workbook::{MAX_WORKBOOK_BYTES, WorkbookError, sheet_as_csv};

/// Reads the list's sheet as CSV.
pub(crate) async fn read(source: &Arc<Source>) -> Result<Bytes, SourceError> {
    let failed = |problem| SourceError::Workbook {
        list: source.name.clone(),
        problem,
    };
    if source.length > MAX_WORKBOOK_BYTES {
        return Err(failed(WorkbookError::TooLarge(source.length)));
    }
    let mut stored = BytesMut::new();
    let mut pieces = Pieces::new(source, 0, source.length);
    while let Some(piece) = pieces.next().await? {
        stored.extend_from_slice(&piece);
    }
    let sheet = source.form.sheet.clone();
    // The message of a panic may hold a row, so it is dropped.
    tokio::task::spawn_blocking(move || sheet_as_csv(&stored, sheet.as_deref()))
        .await
        .map_err(|_panic| SourceError::Panicked(source.name.clone()))?
        .map(Bytes::from)
        .map_err(failed)
}
