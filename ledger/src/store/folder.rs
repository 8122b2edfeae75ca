//! Objects as files in a folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Expect, Fetched, Listed, Object, Put, StoreError, Tag};
use crate::run::{hex, sha_256};

/// Held while an object is compared and replaced, by one process at a time.
const LOCK: &str = ".lock";

/// A file is read in pieces of this size.
const PIECE_BYTES: usize = 256 * 1024;

/// A folder whose files are the objects. Several processes may use it at once, on one machine.
///
/// A file is written beside its place, brought to the disk, and renamed: whoever reads sees the old
/// content or the new one. Comparing and renaming happens under a lock that the system gives back
/// when a process dies.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The objects below this folder. It is made when the first object is put.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        self.blocking(key, |path| {
            let bytes = absent_is_none(fs::read(path))?;
            Ok(bytes.map(|bytes| Object {
                tag: tag_of(&bytes),
                bytes: bytes.into(),
            }))
        })
        .await
    }

    pub(super) async fn get_unless(&self, key: &str, known: &Tag) -> Result<Fetched, StoreError> {
        Ok(match self.get(key).await? {
            None => Fetched::Absent,
            Some(object) if object.tag == *known => Fetched::Same,
            Some(object) => Fetched::Object(object),
        })
    }

    pub(super) async fn get_head(
        &self,
        key: &str,
        bytes: usize,
    ) -> Result<Option<Bytes>, StoreError> {
        self.blocking(key, move |path| {
            let Some(file) = absent_is_none(File::open(path))? else {
                return Ok(None);
            };
            let mut head = Vec::new();
            file.take(bytes as u64).read_to_end(&mut head)?;
            Ok(Some(head.into()))
        })
        .await
    }

    pub(super) async fn put(
        &self,
        key: &str,
        content: Put,
        expect: &Expect,
    ) -> Result<Tag, StoreError> {
        let (lock, expect) = (self.root.join(LOCK), expect.clone());
        let put = self.blocking(key, move |path| {
            let parent = path.parent().unwrap_or(path);
            fs::create_dir_all(parent)?;
            let beside = Beside::write(parent, content)?;
            let locked = File::create(lock)?;
            locked.lock()?;
            let is_as_expected = match &expect {
                Expect::Any => true,
                Expect::Absent => !path.try_exists()?,
                Expect::Tag(tag) => {
                    let now = absent_is_none(File::open(path).and_then(tag_of_file))?;
                    now.as_ref() == Some(tag)
                }
            };
            if !is_as_expected {
                return Ok(None);
            }
            beside.rename(path, parent).map(Some)
        });
        let conflict = || StoreError::Conflict(self.place(key));
        put.await?.ok_or_else(conflict)
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        // The last part of a prefix may be the beginning of a name.
        let (folder, _) = prefix.rsplit_once('/').unwrap_or_default();
        let key_prefix = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let prefix = prefix.to_owned();
        let walk = move |path: &Path| {
            let mut listed = Vec::new();
            walk(path, &key_prefix, &mut listed)?;
            Ok(listed)
        };
        let mut listed = match folder {
            "" => self.blocking_at(String::new(), self.root.clone(), walk),
            folder => self.blocking_at(folder.to_owned(), self.path(folder)?, walk),
        }
        .await?;
        listed.retain(|object: &Listed| object.key.starts_with(&prefix));
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(listed)
    }

    pub(super) async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = prefix.trim_end_matches('/').to_owned();
        let path = match folder.as_str() {
            "" => self.root.clone(),
            folder => self.path(folder)?,
        };
        let prefix = prefix.to_owned();
        self.blocking_at(folder, path, move |path| {
            let mut folders = Vec::new();
            for (name, metadata) in entries(path)? {
                if metadata.is_dir() {
                    folders.push(format!("{prefix}{name}/"));
                }
            }
            folders.sort();
            Ok(folders)
        })
        .await
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.blocking(key, |path| {
            absent_is_none(fs::remove_file(path)).map(|_| ())
        })
        .await
    }

    fn place(&self, key: &str) -> String {
        self.root.join(key).display().to_string()
    }

    /// The file of a key: below the root on every system, and none of our own files.
    fn path(&self, key: &str) -> Result<PathBuf, StoreError> {
        let is_part = |part: &str| {
            !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
        };
        if !key.split('/').all(is_part) {
            return Err(StoreError::Key(key.to_owned()));
        }
        let parts = key.split('/');
        Ok(parts.fold(self.root.clone(), |path, part| path.join(part)))
    }

    /// Works on the file of a key.
    async fn blocking<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path(key)?;
        self.blocking_at(key.to_owned(), path, work).await
    }

    /// Works on a file or folder, on a thread that may wait for the disk.
    async fn blocking_at<T: Send + 'static>(
        &self,
        key: String,
        path: PathBuf,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        let failed = |problem: String| StoreError::Failed {
            place: self.place(&key),
            problem,
        };
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                let place = self.place(&key);
                let rights = "this user of the machine".to_owned();
                Err(StoreError::Denied { place, rights })
            }
            Ok(Err(error)) => Err(failed(error.to_string())),
            // The words of a panic may hold what was being put.
            Err(_) => Err(failed("the work on the file did not end".into())),
        }
    }
}

/// A file that is complete and not yet in its place. It is deleted unless it is renamed.
struct Beside {
    path: PathBuf,
    tag: Tag,
}

impl Beside {
    /// Writes the content beside its place and brings it to the disk.
    fn write(parent: &Path, content: Put) -> io::Result<Self> {
        let name = format!(".{:032x}.new", rand::random::<u128>());
        let mut beside = Self {
            path: parent.join(name),
            tag: Tag::new(""),
        };
        let mut file = File::create_new(&beside.path)?;
        let mut hash = Sha256::new();
        match content {
            Put::Bytes(bytes) => {
                hash.update(&bytes);
                file.write_all(&bytes)?;
            }
            Put::File(source) => {
                let mut source = File::open(source)?;
                let mut piece = vec![0; PIECE_BYTES];
                loop {
                    let read = source.read(&mut piece)?;
                    let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
                        break;
                    };
                    hash.update(bytes);
                    file.write_all(bytes)?;
                }
            }
        }
        file.sync_all()?;
        beside.tag = Tag::new(hex(&hash.finalize()));
        Ok(beside)
    }

    fn rename(self, path: &Path, parent: &Path) -> io::Result<Tag> {
        fs::rename(&self.path, path)?;
        // Where a folder can be opened, its new entry is brought to the disk as well. Windows opens
        // none.
        if let Ok(parent) = File::open(parent) {
            parent.sync_all()?;
        }
        Ok(self.tag.clone())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Renamed, it is not there any more. What can't be deleted begins with a dot and is in no
        // listing.
        drop(fs::remove_file(&self.path));
    }
}

fn tag_of(bytes: &[u8]) -> Tag {
    Tag::new(sha_256(bytes))
}

fn tag_of_file(mut file: File) -> io::Result<Tag> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = file.read(&mut piece)?;
        match piece.get(..read).filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => hash.update(bytes),
            None => return Ok(Tag::new(hex(&hash.finalize()))),
        }
    }
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds the files below a folder.
fn walk(folder: &Path, prefix: &str, listed: &mut Vec<Listed>) -> io::Result<()> {
    for (name, metadata) in entries(folder)? {
        if metadata.is_dir() {
            walk(&folder.join(&name), &format!("{prefix}{name}/"), listed)?;
        } else {
            listed.push(Listed {
                key: format!("{prefix}{name}"),
                bytes: metadata.len(),
            });
        }
    }
    Ok(())
}

/// What is in a folder, without our own files. What disappears meanwhile is left out.
fn entries(folder: &Path) -> io::Result<Vec<(String, fs::Metadata)>> {
    let Some(entries) = absent_is_none(fs::read_dir(folder))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        if let Some(metadata) = absent_is_none(entry.metadata())? {
            found.push((name, metadata));
        }
    }
    Ok(found)
}
