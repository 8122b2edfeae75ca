//! The roll of a slice, written while the slice is published.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use fanline_core::recipient::Recipient;
use fanline_ledger::{RollError, RollTotals, RollWriter, SliceId, draw_id};
use fanline_telemetry::fingerprint::{Fingerprint, Fingerprinter};

use crate::publish::group::Group;

/// Writes down who is in which delivery, into a temporary file: it need not fit into memory.
///
/// An error is kept until the end. The slice is published all the same, and then fails.
pub(crate) struct SliceRoll {
    file: TemporaryFile,
    fingerprinter: Fingerprinter,
    writer: Result<RollWriter<BufWriter<File>>, RollError>,
    /// The recipient as the list names it.
    name: String,
}

/// A file that is deleted when it is no longer needed.
#[derive(Debug)]
pub(crate) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

impl SliceRoll {
    /// Begins the roll of a slice.
    pub(crate) fn begin(slice: SliceId, fingerprinter: Fingerprinter) -> Self {
        let path = std::env::temp_dir().join(format!("fanline-{}.roll", draw_id()));
        let file = TemporaryFile(path);
        let writer = File::create_new(file.path())
            .map_err(RollError::Io)
            .and_then(|out| RollWriter::new(BufWriter::new(out), slice, &fingerprinter));
        Self {
            file,
            fingerprinter,
            writer,
            name: String::new(),
        }
    }

    /// The next row is sent to this recipient.
    pub(crate) fn sent(&mut self, recipient: &Recipient) {
        let fingerprint = self.fingerprint(recipient);
        self.write(|writer| {
            writer.sent(fingerprint);
            Ok(())
        });
    }

    /// The next row names a recipient whom an earlier row names.
    pub(crate) fn duplicate(&mut self, recipient: &Recipient) {
        let fingerprint = self.fingerprint(recipient);
        self.write(|writer| writer.duplicate(fingerprint));
    }

    /// The next row can't be sent.
    pub(crate) fn rejected(&mut self) {
        self.write(RollWriter::rejected);
    }

    /// The next row is in the other slice of a canary.
    pub(crate) fn elsewhere(&mut self) {
        self.write(RollWriter::elsewhere);
    }

    /// The next delivery has this number and these recipients.
    pub(crate) fn delivery(&mut self, number: u32, group: &Group) {
        let rows = group.rows.iter().map(|number| number.row);
        self.write(|writer| writer.delivery(number, rows));
    }

    /// The complete roll and its counts.
    pub(crate) fn finish(self) -> Result<(TemporaryFile, RollTotals), RollError> {
        let (_, totals) = self.writer?.finish()?;
        Ok((self.file, totals))
    }

    fn fingerprint(&mut self, recipient: &Recipient) -> Fingerprint {
        self.name.clear();
        recipient.push_to(&mut self.name);
        self.fingerprinter.of(&self.name)
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut RollWriter<BufWriter<File>>) -> Result<(), RollError>,
    ) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.writer = Err(error);
        }
    }
}
