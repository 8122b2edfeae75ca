//! Whether a firing begins a run, continues it, or is refused.

use fanline_core::channel::Channel;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::content::Content;
use super::content::ListVersion;
use super::record::{Cut, RunKind, RunRecord, horizon, without_rows};
use crate::json_object::VERSION;

/// One firing of a campaign, as an invocation of the producer sees it.
#[derive(Debug, Clone)]
pub struct Firing<'a> {
    /// The run's name.
    pub run: &'a str,
    /// Names this invocation. Draw it with [`draw_id`](crate::draw_id), once for each invocation.
    pub id: Uuid,
    /// Whether it reaches people.
    pub kind: RunKind,
    /// The channel.
    pub channel: Channel,
    /// The campaign as it was given.
    pub campaign: &'a Value,
    /// The list as it is now.
    pub list: ListVersion,
    /// When the schedule fired.
    pub scheduled_time: Option<Timestamp>,
    /// The number of the grouping rule of this build.
    pub grouping: u32,
    /// How this process would cut a list.
    pub cut: Cut,
    /// The run of which this is a resend.
    pub resend_of: Option<&'a str>,
}

/// What a firing may do. Whoever goes on takes everything from the record in it: `started_at`, the
/// list's version, the cut and the grouping.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is the run's first: this is its record, to be written before anything is published.
    Begin(Box<RunRecord>),
    /// It repeats a run: this is the run's record. Only what is waiting is published, from this
    /// version of the list.
    Continue(Box<RunRecord>),
    /// Nothing is sent.
    Refuse(Refusal),
}

/// Why a firing sends nothing: one sentence, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The record is that of another run.
    #[error("the record of the run `{run}` is that of `{recorded}`: give the campaign another id")]
    OtherRun {
        /// The run.
        run: String,
        /// The name in the record.
        recorded: String,
    },
    /// A rehearsal and a real run share a name and a place.
    #[error(
        "the run `{0}` was a rehearsal and is real now, or the other way round: \
         give the campaign another id"
    )]
    OtherKind(String),
    /// The messages are not those that the run began with.
    #[error("the run `{0}` began with other messages: give the campaign a new id to send these")]
    OtherMessages(String),
    /// The list is not the one that the run began with.
    #[error(
        "the run `{0}` began with another list: put that list back, \
         or give the campaign a new id to send to this one"
    )]
    OtherList(String),
    /// The run has been resent, so that somebody might get it twice.
    #[error(
        "the run `{run}` has been resent {resends} times: resend it again instead of firing it"
    )]
    Resent {
        /// The run.
        run: String,
        /// How often.
        resends: usize,
    },
    /// LINE may have forgotten the run's retry keys.
    #[error(
        "the run `{run}` began at {started_at}, more than 23 hours ago, and LINE no longer \
         remembers what it took: resend it, or give the campaign a new id"
    )]
    TooOld {
        /// The run.
        run: String,
        /// When it began.
        started_at: Timestamp,
    },
    /// The run has no record and was scheduled too long ago to know what LINE remembers.
    #[error(
        "the run `{run}` was scheduled for {scheduled_time}, more than 23 hours ago: \
         give the campaign a new id or a new time"
    )]
    ScheduledTooLongAgo {
        /// The run.
        run: String,
        /// The time in its name.
        scheduled_time: Timestamp,
    },
    /// LINE Notify has no retry key: a second firing would send everybody everything again.
    #[error(
        "the run `{0}` has been fired already, and LINE Notify can't tell a repeated message: \
         give the campaign a new id"
    )]
    NotifyTwice(String),
    /// The run's deliveries were grouped by another rule, so that shared ones would get other retry
    /// keys.
    #[error(
        "the run `{run}` was grouped by rule {recorded}, this build has rule {ours}: \
         fire it with the version that began it, or resend it"
    )]
    OtherGrouping {
        /// The run.
        run: String,
        /// The rule of the run.
        recorded: u32,
        /// The rule of this build.
        ours: u32,
    },
}

/// Decides what a firing may do, given the run's record where there is one.
pub fn decide(existing: Option<&RunRecord>, firing: &Firing<'_>, now: Timestamp) -> Decision {
    match existing {
        // This very invocation wrote it: the answer to its write was lost.
        Some(record) if record.firing == firing.id => Decision::Begin(Box::new(record.clone())),
        Some(record) => match refusal(record, firing, now) {
            Some(refusal) => Decision::Refuse(refusal),
            None => Decision::Continue(Box::new(record.clone())),
        },
        None => match started_at(firing, now) {
            Ok(started_at) => Decision::Begin(Box::new(record(firing, started_at))),
            Err(refusal) => Decision::Refuse(refusal),
        },
    }
}

fn refusal(record: &RunRecord, firing: &Firing<'_>, now: Timestamp) -> Option<Refusal> {
    let run = || firing.run.to_owned();
    let content = Content::new(firing.channel, firing.campaign, &firing.list);
    let refusal = if record.run != firing.run {
        let recorded = record.run.clone();
        Refusal::OtherRun {
            run: run(),
            recorded,
        }
    } else if record.kind != firing.kind {
        Refusal::OtherKind(run())
    } else if record.content.messages != content.messages {
        Refusal::OtherMessages(run())
    } else if record.content.list != content.list {
        Refusal::OtherList(run())
    } else if firing.channel == Channel::LineNotify {
        Refusal::NotifyTwice(run())
    } else if !record.resends.is_empty() {
        let resends = record.resends.len();
        Refusal::Resent {
            run: run(),
            resends,
        }
    } else if now >= record.horizon() {
        let started_at = record.started_at;
        Refusal::TooOld {
            run: run(),
            started_at,
        }
    } else if record.grouping != firing.grouping {
        Refusal::OtherGrouping {
            run: run(),
            recorded: record.grouping,
            ours: firing.grouping,
        }
    } else {
        return None;
    };
    Some(refusal)
}

/// When a run without a record began: at its scheduled time, as an earlier firing may have been
/// before there were records, and else now. In whole seconds, so that every delivery of a run has
/// the same length.
fn started_at(firing: &Firing<'_>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let scheduled = firing.scheduled_time.filter(|scheduled| *scheduled <= now);
    let started_at = match (scheduled, firing.kind) {
        (Some(scheduled_time), kind) if now >= horizon(scheduled_time) => match kind {
            RunKind::Test => now,
            RunKind::Real => {
                return Err(Refusal::ScheduledTooLongAgo {
                    run: firing.run.to_owned(),
                    scheduled_time,
                });
            }
        },
        (Some(scheduled), _) => scheduled,
        (None, _) => now,
    };
    Ok(Timestamp::from_second(started_at.as_second()).unwrap_or(started_at))
}

fn record(firing: &Firing<'_>, started_at: Timestamp) -> RunRecord {
    RunRecord {
        v: VERSION,
        run: firing.run.to_owned(),
        kind: firing.kind,
        started_at,
        list: firing.list.clone(),
        grouping: firing.grouping,
        cut: firing.cut,
        content: Content::new(firing.channel, firing.campaign, &firing.list),
        firing: firing.id,
        resend_of: firing.resend_of.map(str::to_owned),
        resends: Vec::new(),
        campaign: without_rows(firing.campaign),
    }
}
