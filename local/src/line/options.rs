//! How a simulated LINE is set up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::line::faults::LineFaults;

/// How a simulated LINE is set up. The default is LINE's own behaviour, with any token valid, no
/// quota and no faults.
///
/// All options but host, port and clock can be changed while it runs, with `PUT /_options`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineOptions {
    /// The address to listen on. Whoever reaches it can use the server.
    #[serde(skip)]
    pub host: IpAddr,
    /// The port. 0 takes a free one.
    #[serde(skip)]
    pub port: u16,
    /// The clock for retry keys, tokens, limits and months.
    #[serde(skip)]
    pub clock: Clock,
    /// Whether LINE's limits apply: requests a second, and LINE Notify's calls an hour.
    pub rate_limits: bool,
    /// How many requests a full token bucket holds, in seconds of the limit. LINE does not document
    /// a number.
    pub burst_seconds: f64,
    /// The valid channel access tokens, each with the name of its channel. If empty, any token is
    /// valid and is a channel of its own. Tokens that the simulated LINE has issued are valid too.
    pub tokens: BTreeMap<String, String>,
    /// Tokens of either kind that are not valid any more.
    pub revoked: BTreeSet<String>,
    /// How many people each channel may reach in a month. `None`: no limit.
    pub monthly_quota: Option<u64>,
    /// How many people of the month's quota another delivery of the channel holds. They are not
    /// used yet, and nobody else can use them.
    pub reserved_quota: u64,
    /// The name of the account.
    pub display_name: String,
    /// Whether the account is verified: only then LINE gives the IDs of its friends.
    pub verified: bool,
    /// The account's friends, as `followers/ids` gives them.
    pub friends: BTreeSet<String>,
    /// The share of the people reached who open a message, for the statistics.
    pub opened_share: f64,
    /// Users who blocked the account. A request for them is accepted, and they get nothing.
    pub blocked: BTreeSet<String>,
    /// Users, groups and rooms that the channel does not know.
    pub unknown: BTreeSet<String>,
    /// The answer to a multicast with an unknown user. LINE documents two.
    pub unknown_in_multicast: UnknownInMulticast,
    /// How many people of the quota a message to a group or room counts.
    pub group_members: u64,
    /// What goes wrong, and how often.
    pub faults: LineFaults,
}

/// The answer to a multicast with a user whom the channel does not know.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownInMulticast {
    /// `400`, and nobody gets the message: LINE's table of errors says this.
    Refuse,
    /// `200`, and the other users get the message: LINE's conditions say this.
    Skip,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            clock: Clock::default(),
            rate_limits: true,
            burst_seconds: 1.0,
            tokens: BTreeMap::new(),
            revoked: BTreeSet::new(),
            monthly_quota: None,
            reserved_quota: 0,
            display_name: "Simulated".into(),
            verified: true,
            friends: BTreeSet::new(),
            opened_share: 0.5,
            blocked: BTreeSet::new(),
            unknown: BTreeSet::new(),
            unknown_in_multicast: UnknownInMulticast::Refuse,
            group_members: 1,
            faults: LineFaults::default(),
        }
    }
}
