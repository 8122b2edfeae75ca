//! The campaign as the command line reads it: a file, whose list may be a file too.

use std::path::Path;

use fanline_core::campaign::{Campaign, Recipients, SCHEDULED_TIME_PLACEHOLDER};
use jiff::Timestamp;
use serde_json::Value;

use crate::args::CampaignArgs;
use crate::exit::InputError;

/// A campaign that has been read and checked.
pub(crate) struct CampaignFile {
    pub(crate) campaign: Campaign,
    /// The producer's input event: the same campaign, with its list's path as seen from here.
    pub(crate) event: Value,
}

impl CampaignFile {
    /// Reads and checks the campaign and says where it is wrong.
    pub(crate) fn read(args: &CampaignArgs) -> Result<Self, InputError> {
        let file = args.campaign.display();
        let text = std::fs::read_to_string(&args.campaign)
            .map_err(|error| InputError(format!("{file}: {error}")))?;
        // Scheduler writes the firing's time here; on the command line the firing is now.
        let text = text.replace(SCHEDULED_TIME_PLACEHOLDER, &Timestamp::now().to_string());
        let wrong = |error: &dyn std::fmt::Display| InputError(format!("{file}: {error}"));
        let mut campaign = Campaign::parse(&text).map_err(|error| wrong(&error))?;
        let mut event: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| wrong(&error))?;
        let list = match (&args.list, &campaign.recipients) {
            (Some(list), _) => Some(list.clone()),
            (None, Recipients::Path(path)) => {
                Some(args.campaign.parent().unwrap_or(Path::new("")).join(path))
            }
            (None, Recipients::S3(_) | Recipients::Inline(_)) => None,
        };
        if let Some(list) = list {
            let path = list
                .to_str()
                .ok_or_else(|| InputError(format!("{}: the path is not UTF-8", list.display())))?;
            if let Err(error) = std::fs::metadata(&list) {
                return Err(InputError(format!("{path}: {error}")));
            }
            campaign.recipients = Recipients::Path(path.to_owned());
            if let Some(recipients) = event.get_mut("recipients") {
                *recipients = path.into();
            }
        }
        Ok(Self { campaign, event })
    }
}
