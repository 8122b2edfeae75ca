//! What a file is on each system: its version, and bytes of it from the middle.

use std::fs::{File, Metadata};
use std::io;

/// The version of a file: another file under its name, or an edit, gives another one.
#[cfg(unix)]
pub(crate) fn version(metadata: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!(
        "{}-{}-{}.{:09}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

/// The version of a file: another file under its name, or an edit, gives another one.
#[cfg(windows)]
pub(crate) fn version(metadata: &Metadata) -> String {
    use std::os::windows::fs::MetadataExt;
    format!(
        "{}-{}-{}",
        metadata.creation_time(),
        metadata.file_size(),
        metadata.last_write_time()
    )
}

/// Fills `bytes` with what stands from `start` on. Several threads may read one file.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

/// Fills `bytes` with what stands from `start` on. Several threads may read one file: each read
/// names its place, and nobody reads from where the last one ended.
#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                bytes = bytes.get_mut(n..).unwrap_or_default();
                start += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
