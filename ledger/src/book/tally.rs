//! The counts of a book.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::others::OthersOverTime;
use super::over_time::PeopleOverTime;
use super::words::CellWords;
use crate::by_endpoint::ByEndpoint;
use crate::outcomes::{Cell, FinalOutcome, WireCell};

/// So many kinds of cells are counted one by one in a book's head. The rest is in the sums of their
/// outcomes.
pub(super) const MAX_CELL_COUNTS: usize = 48;

/// How many people each outcome has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// LINE took it, now or earlier.
    pub accepted: u64,
    /// LINE will never take it.
    pub refused: u64,
    /// Perhaps taken.
    pub unknown: u64,
    /// Its time had passed.
    pub expired: u64,
    /// Waits among the dead letters for a quota or a token.
    pub set_aside: u64,
    /// The run was cancelled.
    pub cancelled: u64,
}

impl People {
    /// The people with this outcome.
    pub fn of(&self, outcome: FinalOutcome) -> u64 {
        match outcome {
            FinalOutcome::Accepted => self.accepted,
            FinalOutcome::Refused => self.refused,
            FinalOutcome::Unknown => self.unknown,
            FinalOutcome::Expired => self.expired,
            FinalOutcome::SetAside => self.set_aside,
            FinalOutcome::Cancelled => self.cancelled,
        }
    }

    /// Everybody with an outcome.
    pub fn all(&self) -> u64 {
        let outcomes = FinalOutcome::ALL.into_iter();
        outcomes.map(|outcome| self.of(outcome)).sum()
    }

    pub(super) fn add(&mut self, outcome: FinalOutcome, people: u64) {
        let sum = match outcome {
            FinalOutcome::Accepted => &mut self.accepted,
            FinalOutcome::Refused => &mut self.refused,
            FinalOutcome::Unknown => &mut self.unknown,
            FinalOutcome::Expired => &mut self.expired,
            FinalOutcome::SetAside => &mut self.set_aside,
            FinalOutcome::Cancelled => &mut self.cancelled,
        };
        *sum += people;
    }
}

/// How many people have one kind of cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "WireCount", try_from = "WireCount")]
pub struct CellCount {
    /// The outcome with its reason and status.
    pub cell: Cell,
    /// The people with it.
    pub people: u64,
}

/// The counts of a slice, or of a run's slices together.
///
/// It is made from the cells each time, so no outcome that comes twice is counted twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The people that the producer has made deliveries for.
    pub recipients: u64,
    /// The people with each outcome.
    pub people: People,
    /// Those of the accepted whom LINE had taken on an earlier attempt (409).
    pub already_accepted: u64,
    /// The deliveries in which everybody has an outcome, by the endpoint that the whole delivery
    /// went to.
    pub settled: ByEndpoint<u64>,
    /// When the first outcome came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// When the last outcome came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The people by outcome, reason and status, most people first; at most 48 kinds in a book's
    /// head.
    pub cells: Vec<CellCount>,
    /// How many LINE took when. Only what it took at the time is in it: a 409 says that it was
    /// taken earlier, and not when. So it depends on the set of outcomes alone, as long as no
    /// delivery is taken twice, and that happens without a retry key only.
    pub accepted_over_time: PeopleOverTime,
    /// How many got each other outcome when.
    #[serde(default, skip_serializing_if = "OthersOverTime::is_empty")]
    pub others_over_time: OthersOverTime,
    /// What LINE said to those who got nothing.
    #[serde(default, skip_serializing_if = "CellWords::is_empty")]
    pub words: CellWords,
}

impl Tally {
    /// The people without an outcome. Negative where more people have an outcome than there are: a
    /// fault to be shown.
    pub fn waiting(&self) -> i64 {
        difference(self.recipients, self.people.all())
    }

    /// Adds the counts of another slice.
    pub fn add(&mut self, other: &Self) {
        self.recipients += other.recipients;
        for outcome in FinalOutcome::ALL {
            self.people.add(outcome, other.people.of(outcome));
        }
        self.already_accepted += other.already_accepted;
        self.settled += other.settled;
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        for count in &other.cells {
            match self.cells.iter_mut().find(|sum| sum.cell == count.cell) {
                Some(sum) => sum.people += count.people,
                None => self.cells.push(*count),
            }
        }
        sort(&mut self.cells);
        self.accepted_over_time.add_all(&other.accepted_over_time);
        self.others_over_time.add_all(&other.others_over_time);
        self.words.add_all(&other.words);
    }

    /// Counts people with a cell.
    pub(super) fn count(&mut self, cell: Cell, people: u64) {
        self.people.add(cell.outcome(), people);
        if cell.outcome() == FinalOutcome::Accepted && cell.status() == Some(409) {
            self.already_accepted += people;
        }
        self.cells.push(CellCount { cell, people });
        sort(&mut self.cells);
    }
}

/// The earlier of two times, where there is one.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// `one - other`, as far as a signed number goes.
pub(crate) fn difference(one: u64, other: u64) -> i64 {
    i64::try_from(i128::from(one) - i128::from(other)).unwrap_or(if one > other {
        i64::MAX
    } else {
        i64::MIN
    })
}

fn sort(cells: &mut [CellCount]) {
    cells.sort_by_key(|count| std::cmp::Reverse((count.people, count.cell)));
}

#[derive(Serialize, Deserialize)]
struct WireCount {
    #[serde(flatten)]
    cell: WireCell,
    people: u64,
}

impl From<CellCount> for WireCount {
    fn from(count: CellCount) -> Self {
        Self {
            cell: count.cell.into(),
            people: count.people,
        }
    }
}

impl TryFrom<WireCount> for CellCount {
    type Error = &'static str;

    fn try_from(wire: WireCount) -> Result<Self, Self::Error> {
        Ok(Self {
            cell: wire.cell.try_into()?,
            people: wire.people,
        })
    }
}
