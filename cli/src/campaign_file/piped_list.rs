//! A list out of a pipe, such as `--list -` or `--list <(…)`.

use std::fs::File;
use std::io::{self, IsTerminal, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

/// A list that came out of a pipe and is kept in a file, since it is read twice. The file has no
/// name, and the system frees its space when this process ends.
pub(crate) struct PipedList(File);

/// The path that stands for the standard input.
const STDIN: &str = "/dev/stdin";

impl PipedList {
    /// The list at `path` where that is no file that can be read twice: `-`, a pipe or a device.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let path = if path == Path::new("-") {
            Path::new(STDIN)
        } else {
            path
        };
        let metadata = std::fs::metadata(path)?;
        // A file that is named by a number has no place beside it for the rows that are rejected.
        let is_file = metadata.is_file() && !path.starts_with("/dev") && !path.starts_with("/proc");
        if is_file || metadata.is_dir() {
            return Ok(None);
        }
        let mut list = File::open(path)?;
        if list.is_terminal() {
            return Err(io::Error::other(
                "the list would be read from the terminal: name a file, or write into a pipe",
            ));
        }
        let mut kept = tempfile()?;
        io::copy(&mut list, &mut kept)?;
        kept.flush()?;
        kept.rewind()?;
        Ok(Some(Self(kept)))
    }

    /// The path at which this process can open the list.
    pub(crate) fn path(&self) -> String {
        format!("/dev/fd/{}", self.0.as_raw_fd())
    }
}

/// An empty file that has no name any more.
fn tempfile() -> io::Result<File> {
    let name = format!("fanline-list-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    // The list is nobody else's to read.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
