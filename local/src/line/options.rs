//! How a simulated LINE is set up.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::line::faults::LineFaults;

/// How a simulated LINE is set up. The default is LINE's own behaviour, any token valid, no quota, nothing going wrong.
///
/// All but the port and the clock can be changed while it runs: `PUT /_options` with the fields to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineOptions {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[serde(skip)]
    pub port: u16,
    /// The time that keys, tokens, limits and months go by.
    #[serde(skip)]
    pub clock: Clock,
    /// Whether LINE's limits are in force: requests a second, and LINE Notify's calls an hour.
    pub rate_limits: bool,
    /// What a full token bucket holds, in seconds of its limit. LINE doesn't publish its own.
    pub burst_seconds: f64,
    /// The valid channel access tokens, each with the name of its channel; empty: any token is valid and its own channel.
    /// Tokens that the simulated LINE has issued are valid besides.
    pub tokens: BTreeMap<String, String>,
    /// Tokens, of either kind, that are valid no more.
    pub revoked: BTreeSet<String>,
    /// How many people each channel may reach in a month; without it there is no limit.
    pub monthly_quota: Option<u64>,
    /// Users who blocked the account: a request for them is accepted and they get nothing.
    pub blocked: BTreeSet<String>,
    /// Users, groups and rooms that this channel does not know.
    pub unknown: BTreeSet<String>,
    /// What a multicast with an unknown user is answered: LINE documents both.
    pub unknown_in_multicast: UnknownInMulticast,
    /// How many people of the quota a message to a group or room costs.
    pub group_members: u64,
    /// What goes wrong, and how often.
    pub faults: LineFaults,
}

/// What becomes of a multicast that names a user whom the channel does not know.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownInMulticast {
    /// `400`, and nobody gets it: what LINE's table of errors says.
    Refuse,
    /// `200`, and the others get it: what LINE's conditions say.
    Skip,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::default(),
            rate_limits: true,
            burst_seconds: 1.0,
            tokens: BTreeMap::new(),
            revoked: BTreeSet::new(),
            monthly_quota: None,
            blocked: BTreeSet::new(),
            unknown: BTreeSet::new(),
            unknown_in_multicast: UnknownInMulticast::Refuse,
            group_members: 1,
            faults: LineFaults::default(),
        }
    }
}
