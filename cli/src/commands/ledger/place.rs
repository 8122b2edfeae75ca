//! The ledger that a command works on.

use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use fanline_core::settings::variable;
use fanline_ledger::{
    CONTROL_KEY, EditControlError, Folder, LEDGER_PREFIX, RunKeys, Store, UpdateError,
};

use crate::args::{LedgerArgs, LedgerPlace};
use crate::aws::{self, AwsResource};
use crate::exit::InputError;
use crate::rehearsal::run_folder::state_path;

/// A store that does not answer in this time is asked again, and given up after the second one.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(12);

/// A ledger, open for a command.
pub(in crate::commands) struct Ledger {
    /// The objects.
    pub(in crate::commands) store: Store,
    /// The ledger as people name it.
    pub(in crate::commands) name: String,
    /// The configuration of the stack's account; `None` for a folder of this machine.
    pub(super) account: Option<SdkConfig>,
}

impl Ledger {
    /// Opens the ledger that the flags name. Nothing is read yet.
    pub(in crate::commands) async fn open(args: &LedgerArgs) -> anyhow::Result<Self> {
        match &args.at {
            Some(LedgerPlace::Bucket(uri)) => {
                let timeouts = TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build();
                let config = aws::config(Some(AwsResource::Ledger)).await?;
                let config = config.into_builder().timeout_config(timeouts).build();
                Ok(Self {
                    store: Store::of_ledger_uri(&config, uri),
                    name: uri.to_string().trim_end_matches('/').to_owned(),
                    account: Some(config),
                })
            }
            Some(LedgerPlace::Folder(path)) => Ok(Self::in_folder(path)),
            None => {
                let path = state_path(variable).ok_or_else(|| {
                    let problem = "--at: no folder of this user is known (`XDG_STATE_HOME`, `HOME` \
                                   or on Windows `LOCALAPPDATA`), so name the ledger";
                    InputError(problem.into())
                })?;
                Ok(Self::in_folder(&path))
            }
        }
    }

    /// The ledger in a folder of this machine.
    pub(super) fn in_folder(path: &Path) -> Self {
        Self {
            store: Store::Folder(Folder::new(path)),
            name: path.display().to_string(),
            account: None,
        }
    }

    /// The error of a control object that was not edited.
    pub(super) fn not_edited(&self, error: UpdateError<EditControlError>) -> anyhow::Error {
        match error {
            UpdateError::Edit(error) => self.not_controlled(error),
            error => unusable(error),
        }
    }

    /// The error of a control object that was not read. One with nonsense in it names its place.
    pub(super) fn not_controlled(&self, error: EditControlError) -> anyhow::Error {
        match error {
            EditControlError::Object(_) => InputError(format!("`{}`: {error}", self.name)).into(),
            error => unusable(error),
        }
    }

    /// The names of all runs, in order: none where there is no run yet.
    pub(super) async fn list_names(&self) -> anyhow::Result<Vec<String>> {
        let folders = self.store.folders(LEDGER_PREFIX).await;
        let folders = folders.map_err(unusable)?.into_iter();
        let names = folders.filter_map(|folder| RunKeys::run_of(&folder));
        Ok(names.collect())
    }

    /// The names of all runs, in order. It is an error if there is none: then it is another bucket
    /// or folder, as a rule.
    pub(super) async fn run_names(&self) -> anyhow::Result<Vec<String>> {
        let names = self.list_names().await?;
        if !names.is_empty() {
            return Ok(names);
        }
        let control = self.store.get_head(CONTROL_KEY, 1).await;
        let problem = if control.map_err(unusable)?.is_some() {
            "there are no runs in"
        } else {
            "there is neither `ledger/` nor `control/` in"
        };
        let name = &self.name;
        Err(InputError(format!(
            "{problem} `{name}`: name the ledger of your runs with --at"
        ))
        .into())
    }
}

/// The ledger, or something that a command needs, can't be used. Nothing was changed.
pub(in crate::commands) fn unusable(
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    InputError(format!("{:#}", anyhow::Error::from(error))).into()
}
