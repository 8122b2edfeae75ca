//! The file of the report. It takes the place of an older report, and of nothing else.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::exit::InputError;

/// What the beginning of a report has, and of hardly any other file.
const MARK: &str = "· fanline</title>";

/// The mark is in the first lines.
const HEAD_BYTES: u64 = 4096;

/// A report that is not in its place yet. What is there stays until the report is complete.
pub(crate) struct ReportFile {
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

impl ReportFile {
    /// A file for the page of a command that reads `inputs`; `flag` names it. Nothing is written to
    /// `path` yet, but it is certain that it can be.
    pub(crate) fn new(flag: &str, path: &Path, inputs: &[&Path]) -> Result<Self, InputError> {
        let wrong = |problem: String| InputError(format!("{flag}: {}: {problem}", path.display()));
        let real = fs::canonicalize(path).ok();
        let is_input = inputs
            .iter()
            .any(|input| real.is_some() && fs::canonicalize(input).ok() == real);
        if is_input {
            return Err(wrong("it is read by this command".into()));
        }
        let path = real.unwrap_or_else(|| path.to_owned());
        match is_report(&path) {
            Ok(true) => {}
            Ok(false) => return Err(wrong("this file is no page of fanline's".into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(error.to_string())),
        }
        let name = path.file_name().ok_or_else(|| wrong("is no file".into()))?;
        let name = format!(".{}.{}", name.display(), fanline_ledger::draw_id());
        let beside = path.with_file_name(name);
        let file = File::create_new(&beside).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { path, beside, file })
    }

    /// Writes the report and puts it in its place.
    pub(crate) fn write(mut self, page: &str) -> io::Result<()> {
        self.file.write_all(page.as_bytes())?;
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.path)
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        // After the report was written there is no such file.
        drop(fs::remove_file(&self.beside));
    }
}

/// Whether a file is a report, or empty.
fn is_report(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head.is_empty() || String::from_utf8_lossy(&head).contains(MARK))
}
