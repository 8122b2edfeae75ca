//! The file that is exported into: written beside its place, and renamed when it is whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::exit::InputError;

/// Above this zstd takes more time and saves little.
const ZSTD_LEVEL: i32 = 3;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

/// The file, and what packs it.
pub(crate) struct ExportFile {
    path: PathBuf,
    beside: PathBuf,
    format: Format,
    out: Packed,
}

enum Packed {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
    Zstd(Box<zstd::Encoder<'static, BufWriter<File>>>),
    /// It is whole, or was given up.
    Ended,
}

impl ExportFile {
    /// Begins a file whose name says how it is written and packed.
    ///
    /// `flag` names it.
    pub(crate) fn create(flag: &str, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let name = path.to_string_lossy().to_ascii_lowercase();
        let (plain, packing) = match name.rsplit_once('.') {
            Some((plain, packing @ ("zst" | "gz"))) => (plain, Some(packing)),
            _ => (name.as_str(), None),
        };
        let format = match plain.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => Format::Csv,
            Some("ndjson" | "jsonl") => Format::Ndjson,
            _ => {
                let problem = format!("{flag}: `{shown}` ends in neither `.csv` nor `.ndjson`");
                return Err(InputError(problem).into());
            }
        };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let wrong = |error: io::Error| InputError(format!("{flag}: {}: {error}", beside.display()));
        let file = BufWriter::new(File::create(&beside).map_err(wrong)?);
        let out = match packing {
            Some("gz") => Packed::Gzip(Box::new(GzEncoder::new(file, Compression::default()))),
            Some(_) => {
                let encoder = zstd::Encoder::new(file, ZSTD_LEVEL).map_err(wrong)?;
                Packed::Zstd(Box::new(encoder))
            }
            None => Packed::Plain(file),
        };
        Ok(Self {
            path: path.to_owned(),
            beside,
            format,
            out,
        })
    }

    /// How rows are written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Writes one line.
    pub(crate) fn write(&mut self, line: &str) -> anyhow::Result<()> {
        let written = match &mut self.out {
            Packed::Plain(file) => file.write_all(line.as_bytes()),
            Packed::Gzip(file) => file.write_all(line.as_bytes()),
            Packed::Zstd(file) => file.write_all(line.as_bytes()),
            Packed::Ended => Ok(()),
        };
        written.with_context(|| format!("writing {}", self.beside.display()))
    }

    /// The file is whole: it gets its name.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let ended = match std::mem::replace(&mut self.out, Packed::Ended) {
            Packed::Plain(file) => Ok(file),
            Packed::Gzip(file) => file.finish(),
            Packed::Zstd(file) => file.finish(),
            Packed::Ended => return Ok(()),
        };
        let written = ended.and_then(|mut file| file.flush());
        let renamed = written.and_then(|()| std::fs::rename(&self.beside, &self.path));
        renamed.with_context(|| format!("writing {}", self.path.display()))
    }
}

impl Drop for ExportFile {
    fn drop(&mut self) {
        // It is not there where it has got its name.
        drop(std::fs::remove_file(&self.beside));
    }
}
