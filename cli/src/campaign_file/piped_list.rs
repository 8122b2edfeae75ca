//! A list out of a pipe, such as `--list -` or `--list <(…)`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek};
use std::path::Path;

/// A list that came out of a pipe and is kept in a file, since it is read twice. The system deletes
/// the file when this process ends.
pub(crate) struct PipedList(KeptFile);

/// Where a process can open its own open files again, the file needs no name.
#[cfg(unix)]
type KeptFile = File;
#[cfg(windows)]
type KeptFile = tempfile::NamedTempFile;

impl PipedList {
    /// The list at `path` where that is no file that can be read twice: `-`, a pipe or a device.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        if path == Path::new("-") {
            return Self::keep(io::stdin()).map(Some);
        }
        let metadata = std::fs::metadata(path)?;
        // A file that is named by a number has no place beside it for the rows that are rejected.
        let is_file = metadata.is_file() && !path.starts_with("/dev") && !path.starts_with("/proc");
        if is_file || metadata.is_dir() {
            return Ok(None);
        }
        Self::keep(File::open(path)?).map(Some)
    }

    fn keep(mut list: impl Read + IsTerminal) -> io::Result<Self> {
        if list.is_terminal() {
            return Err(io::Error::other(
                "the list would be read from the terminal: name a file, or write into a pipe",
            ));
        }
        // On each system, nobody else may read it.
        #[cfg(unix)]
        let mut kept = tempfile::tempfile()?;
        #[cfg(windows)]
        let mut kept = tempfile::NamedTempFile::new()?;
        io::copy(&mut list, &mut kept)?;
        kept.rewind()?;
        Ok(Self(kept))
    }

    /// The path at which this process can open the list.
    #[cfg(unix)]
    pub(crate) fn path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/dev/fd/{}", self.0.as_raw_fd())
    }

    /// The path at which this process can open the list.
    #[cfg(windows)]
    pub(crate) fn path(&self) -> String {
        self.0.path().display().to_string()
    }
}
