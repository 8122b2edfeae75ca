//! The folder with the records of runs.

use std::path::{Path, PathBuf};

use fanline_core::settings::variable;
use fanline_ledger::{Folder, RunKind, Store};

use crate::args::{LedgerPlace, RunArgs};
use crate::exit::InputError;

/// Where the record of a run is kept. A rehearsal's folder is temporary, unless --at names one: the
/// simulated LINE forgets everything too.
pub(crate) struct RunFolder {
    path: PathBuf,
    is_temporary: bool,
    kind: RunKind,
}

impl RunFolder {
    /// The folder that the flags ask for.
    pub(crate) fn new(args: &RunArgs) -> Result<Self, InputError> {
        let kind = if args.live && args.test_to.is_empty() {
            RunKind::Real
        } else {
            RunKind::Test
        };
        let is_temporary = !args.live && args.at.is_none();
        let path = match &args.at {
            Some(path) => path.clone(),
            None if is_temporary => temporary_path(),
            None => state_path(variable).ok_or_else(|| {
                let home = if cfg!(windows) {
                    "LOCALAPPDATA"
                } else {
                    "HOME"
                };
                InputError(format!(
                    "--at: neither `XDG_STATE_HOME` nor `{home}` is an absolute path, so name a \
                     folder for the record of the run"
                ))
            })?,
        };
        Ok(Self {
            path,
            is_temporary,
            kind,
        })
    }

    /// The store in the folder.
    pub(crate) fn store(&self) -> Store {
        Store::Folder(Folder::new(&self.path))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed in the end.
    pub(crate) fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// The folder as the setting `LEDGER_URI` names it.
    pub(crate) fn uri(&self) -> Result<String, InputError> {
        LedgerPlace::Folder(self.path.clone()).uri()
    }

    /// Whether its runs reach people.
    pub(crate) fn kind(&self) -> RunKind {
        self.kind
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.is_temporary {
            // It is not there where nothing was recorded.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

fn temporary_path() -> PathBuf {
    std::env::temp_dir().join(format!("fanline-{}", fanline_ledger::draw_id()))
}

/// The folder of this user's runs: `%LOCALAPPDATA%\fanline` on Windows, and elsewhere
/// `$XDG_STATE_HOME/fanline` or `~/.local/state/fanline`.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub(crate) fn state_path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    state_path_on(cfg!(windows), variable)
}

fn state_path_on(is_windows: bool, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| Path::new(path).is_absolute());
    let state = absolute("XDG_STATE_HOME").map(PathBuf::from);
    let others = || {
        if is_windows {
            return absolute("LOCALAPPDATA").map(PathBuf::from);
        }
        absolute("HOME").map(|home| Path::new(&home).join(".local/state"))
    };
    Some(state.or_else(others)?.join("fanline"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_user_is_where_the_system_keeps_it() {
        let path = |xdg: Option<&str>, home: Option<&str>| {
            state_path_on(false, |name| match name {
                "XDG_STATE_HOME" => xdg.map(str::to_owned),
                _ => home.map(str::to_owned),
            })
        };
        let expected = |path: &str| Some(PathBuf::from(path));
        assert_eq!(path(Some("/s"), Some("/h")), expected("/s/fanline"));
        assert_eq!(path(None, Some("/h")), expected("/h/.local/state/fanline"));
        assert_eq!(path(Some("relative"), Some("/h")), path(None, Some("/h")));
        assert_eq!(path(None, None), None);
    }

    #[test]
    fn on_windows_it_is_in_the_local_application_data() {
        let only = |known: &'static str| {
            state_path_on(true, move |name| (name == known).then(|| "/s".to_owned()))
        };
        assert_eq!(only("LOCALAPPDATA"), Some("/s/fanline".into()));
        assert_eq!(only("XDG_STATE_HOME"), Some("/s/fanline".into()));
        assert_eq!(only("HOME"), None);
    }
}
