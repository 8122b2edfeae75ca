//! What LINE counts by day and by aggregation unit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::line::endpoint::LineEndpoint;

/// A channel has at most 1,000 names of aggregation units in a month. LINE sends the messages of
/// the next name without it, and says nothing.
/// <https://developers.line.biz/en/reference/messaging-api/#send-multicast-message>
const MAX_UNITS: usize = 1000;

/// The people reached, by day and endpoint and by day and aggregation unit, for each channel.
#[derive(Debug, Default)]
pub(crate) struct Insight {
    delivered: HashMap<(u32, LineEndpoint, Date), u64>,
    /// The names of each channel and month.
    names: HashMap<(u32, i16, i8), BTreeSet<String>>,
    units: BTreeMap<(u32, String, Date), u64>,
}

impl Insight {
    /// Counts the people that a request reached.
    pub(crate) fn add(
        &mut self,
        channel: u32,
        endpoint: LineEndpoint,
        unit: Option<&str>,
        people: u64,
        now: Timestamp,
    ) {
        let date = day(now);
        *self.delivered.entry((channel, endpoint, date)).or_default() += people;
        let Some(unit) = unit else {
            return;
        };
        let month = (channel, date.year(), date.month());
        let names = self.names.entry(month).or_default();
        if names.len() < MAX_UNITS {
            names.insert(unit.to_owned());
        }
        if names.contains(unit) {
            let key = (channel, unit.to_owned(), date);
            *self.units.entry(key).or_default() += people;
        }
    }

    /// How many people were reached on this day.
    pub(crate) fn delivered(&self, channel: u32, endpoint: LineEndpoint, date: Date) -> u64 {
        let count = self.delivered.get(&(channel, endpoint, date));
        count.copied().unwrap_or_default()
    }

    /// The month's names, sorted.
    pub(crate) fn names(&self, channel: u32, now: Timestamp) -> impl Iterator<Item = &str> {
        let date = day(now);
        let names = self.names.get(&(channel, date.year(), date.month()));
        names.into_iter().flatten().map(String::as_str)
    }

    /// How many people the messages of this unit reached, from one day to another.
    pub(crate) fn reached(&self, channel: u32, unit: &str, from: Date, to: Date) -> u64 {
        let days = (channel, unit.to_owned(), from)..=(channel, unit.to_owned(), to);
        self.units.range(days).map(|(_, people)| people).sum()
    }
}

/// The day in the time zone of LINE's counts, which is UTC+9.
pub(crate) fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::fixed(Offset::constant(9))).date()
}
