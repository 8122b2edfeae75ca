//! The request of the actions on queues themselves and on their attributes and tags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// A request of any of these actions. Each action reads its own fields.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) queue_name: Cow<'a, str>,
    #[serde(default)]
    pub(crate) queue_name_prefix: String,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) attribute_names: Vec<String>,
    #[serde(default, alias = "tags")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) tag_keys: Vec<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
}
