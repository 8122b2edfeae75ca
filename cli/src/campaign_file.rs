//! The campaign as the command line reads it: a file, with a list that may be a file too.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use fanline_core::campaign::{Campaign, Recipients, SCHEDULED_TIME_PLACEHOLDER};
use jiff::Timestamp;
use serde_json::Value;

use crate::args::CampaignArgs;
use crate::exit::InputError;
use piped_list::PipedList;

mod piped_list;

/// A campaign that has been read and checked.
pub(crate) struct CampaignFile {
    pub(crate) campaign: Campaign,
    /// The input event of the producer: the same campaign, with the path of its list as seen from
    /// the working directory.
    pub(crate) event: Value,
    /// The list where it came out of a pipe. It is there as long as this is.
    _piped: Option<PipedList>,
}

impl CampaignFile {
    /// The files that are read: the campaign's own, and its list.
    pub(crate) fn inputs<'a>(&'a self, args: &'a CampaignArgs) -> Vec<&'a Path> {
        let list = match &self.campaign.recipients {
            Recipients::Path(list) => Some(Path::new(list)),
            Recipients::S3(_) | Recipients::Inline(_) => None,
        };
        list.into_iter().chain([args.campaign.as_path()]).collect()
    }

    /// A campaign that was made out of another one.
    pub(crate) fn of_event(event: Value) -> Result<Self, InputError> {
        let campaign = Campaign::from_value(event.clone());
        Ok(Self {
            campaign: campaign.map_err(|error| InputError(error.to_string()))?,
            event,
            _piped: None,
        })
    }

    /// Reads and checks a campaign. An error names the place in the file.
    pub(crate) fn read(args: &CampaignArgs) -> Result<Self, InputError> {
        let path = args.campaign.display();
        let wrong = |error: &dyn Display| InputError(format!("{path}: {error}"));
        let text = std::fs::read_to_string(&args.campaign).map_err(|error| wrong(&error))?;
        // EventBridge Scheduler writes the time of the firing here. On the command line it is now.
        let text = text.replace(SCHEDULED_TIME_PLACEHOLDER, &Timestamp::now().to_string());
        let mut campaign = Campaign::parse(&text).map_err(|error| wrong(&error))?;
        let mut event: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| wrong(&error))?;
        let mut piped = None;
        if let Some(list) = list_path(args, &campaign) {
            piped = PipedList::read(&list)
                .map_err(|error| InputError(format!("{}: {error}", list.display())))?;
            let list = checked_path(&list)?;
            let fields = event.as_object_mut();
            let fields = fields.ok_or_else(|| wrong(&"the campaign is not a JSON object"))?;
            let path = piped.as_ref().map_or_else(|| list.clone(), PipedList::path);
            fields.insert("recipients".into(), path.into());
            campaign.recipients = Recipients::Path(list);
        }
        Ok(Self {
            campaign,
            event,
            _piped: piped,
        })
    }
}

/// The path of the list, where the list is a file.
fn list_path(args: &CampaignArgs, campaign: &Campaign) -> Option<PathBuf> {
    match (&args.list, &campaign.recipients) {
        (Some(list), _) => Some(list.clone()),
        (None, Recipients::Path(path)) if path == "-" => Some(path.into()),
        (None, Recipients::Path(path)) => {
            // A campaign always has a parent: it was read, so it is no root.
            let folder = args.campaign.parent().unwrap_or(Path::new(""));
            Some(folder.join(path))
        }
        (None, Recipients::S3(_) | Recipients::Inline(_)) => None,
    }
}

/// The path as text. The event is JSON, so a path that is not UTF-8 can't be in it.
fn checked_path(path: &Path) -> Result<String, InputError> {
    let text = path
        .to_str()
        .ok_or_else(|| InputError(format!("{}: the path is not UTF-8", path.display())))?;
    Ok(text.to_owned())
}
