//! The rows of a run's list with what became of each: list, rolls and books side by side.

use std::collections::VecDeque;
use std::io::Cursor;
use std::path::Path;

use bytes::Bytes;
use fanline_core::campaign::Campaign;
use fanline_core::channel::Channel;
use fanline_core::list::{Header, Row};
use fanline_ledger::{
    Book, Cell, FinalOutcome, RollReader, RowMark, RunKeys, RunRecord, SliceCounts, SliceId,
    SliceLine, SliceLines,
};
use fanline_producer::ListRows;
use fanline_telemetry::fingerprint::Fingerprint;

use crate::args::RowOutcome;
use crate::aws;
use crate::aws::AwsResource;
use crate::commands::ledger::people::key::{RunKey, channel};
use crate::commands::ledger::place::{Ledger, unusable};
use crate::exit::InputError;

/// A place in the run: slice, delivery, and the person's position in it.
pub(crate) type PersonPlace = (SliceId, u32, u16);

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) outcome: RowOutcome,
    /// Where the row is sent.
    pub(crate) place: Option<PersonPlace>,
    /// What the book says.
    pub(crate) cell: Option<Cell>,
    /// What stands for the recipient, where a roll has the row.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Fate {
    /// Of a row that is sent to nobody.
    pub(crate) fn of_nobody(outcome: RowOutcome) -> Self {
        Self {
            outcome,
            place: None,
            cell: None,
            fingerprint: None,
        }
    }
}

/// A row with what became of it.
pub(crate) struct JoinedRow<'a> {
    /// Its number in the list. The first one is 1.
    pub(crate) row: u64,
    /// Its values; `None` where it can't be read.
    pub(crate) values: Option<Row<'a>>,
    /// The columns of the list. NDJSON has none.
    pub(crate) header: Option<&'a Header>,
    pub(crate) fate: Fate,
}

/// Goes over the rows of a run's list in order. One slice's book and rolls are in memory at a time.
///
/// `list`: a copy of the list, where it is no longer where it was. Its rows must be the same.
pub(crate) async fn for_each_row(
    ledger: &Ledger,
    record: &RunRecord,
    list: Option<&Path>,
    mut with: impl FnMut(&JoinedRow<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut rows = open_list(ledger, record, list).await?;
    let copy = list.map(|_| Copy::of(record));
    let mut fates = Fates::open(ledger, record, copy.as_ref().map(|copy| &copy.key)).await?;
    let list = list.map_or(record.list.uri.clone(), |list| list.display().to_string());
    let other = || {
        InputError(format!(
            "`{list}` is not the list of the run `{}`",
            record.run
        ))
    };
    while rows.fill().await.map_err(unusable)? {
        let header = rows.header().cloned();
        loop {
            fates.load().await?;
            let Some(parsed) = rows.next_row().map_err(unusable)? else {
                break;
            };
            let (row, fate) = fates.next()?.ok_or_else(other)?;
            let values = parsed.row.ok();
            let is_same = copy
                .as_ref()
                .is_none_or(|copy| copy.has(values.as_ref(), &fate));
            if row != parsed.place.row || !is_same {
                return Err(other().into());
            }
            with(&JoinedRow {
                row,
                values,
                header: header.as_ref(),
                fate,
            })?;
        }
    }
    fates.load().await?;
    match fates.next()? {
        None => Ok(()),
        Some(_) => Err(other().into()),
    }
}

/// A copy of a list: nobody but its rows says that it is the right one.
struct Copy {
    channel: Channel,
    key: RunKey,
}

impl Copy {
    fn of(record: &RunRecord) -> Self {
        Self {
            channel: channel(record),
            key: RunKey::of(record),
        }
    }

    /// Whether the row has the recipient that the roll has there.
    fn has(&self, values: Option<&Row<'_>>, fate: &Fate) -> bool {
        let Some(expected) = fate.fingerprint else {
            return true;
        };
        let column = self.channel.recipient_column();
        let text = values.and_then(|values| values.text(column));
        text.is_some_and(|text| self.key.fingerprint(self.channel, text) == Some(expected))
    }
}

/// Opens the list of a run.
async fn open_list(
    ledger: &Ledger,
    record: &RunRecord,
    list: Option<&Path>,
) -> anyhow::Result<ListRows> {
    let mut campaign = record.campaign.clone();
    let place = if let Some(list) = list {
        list.display().to_string()
    } else if record.list.is_inline() {
        let problem = "the rows of this run stood in its campaign, and the ledger does not keep \
                       them: write them into a file, and name it with --list";
        return Err(InputError(problem.into()).into());
    } else {
        record.list.uri.clone()
    };
    if let Some(fields) = campaign.as_object_mut() {
        fields.insert("recipients".into(), place.into());
    }
    let campaign = Campaign::from_value(campaign).map_err(unusable)?;
    let is_in_s3 = list.is_none() && record.list.uri.starts_with("s3://");
    let config = match &ledger.account {
        Some(account) => account.clone(),
        None if is_in_s3 => aws::config(Some(AwsResource::List)).await?,
        None => aws::config(None).await?,
    };
    let version = list.is_none().then_some(&record.list);
    let rows = ListRows::open(&config, campaign, version).await;
    rows.map_err(|error| {
        InputError(format!(
            "{error}. A copy of the list can be named with --list"
        ))
        .into()
    })
}

/// What became of the rows of a run, in their order.
pub(crate) struct Fates<'a> {
    ledger: &'a Ledger,
    keys: RunKeys,
    lines: VecDeque<SliceLine>,
    /// The key with which the rolls must have been written, where it is needed.
    key: Option<&'a RunKey>,
    slice: Option<SliceFates>,
}

/// A roll in memory.
type Roll = RollReader<Cursor<Bytes>>;

/// What became of the rows of one slice.
struct SliceFates {
    next_row: u64,
    left: u64,
    /// Where a slice has not been published to its end: waiting or unread.
    without_roll: RowOutcome,
    /// The roll and the book of the slice, and of its canary's sample where it has one.
    parts: Vec<(SliceId, Roll, Option<Book>)>,
}

impl<'a> Fates<'a> {
    /// Opens the rolls and books of a run. `key`: the key with which the rolls must have been
    /// written, where it is needed.
    pub(crate) async fn open(
        ledger: &'a Ledger,
        record: &RunRecord,
        key: Option<&'a RunKey>,
    ) -> anyhow::Result<Self> {
        let keys = RunKeys::new(&record.run);
        let lines = ledger.store.get(&keys.slices()).await.map_err(unusable)?;
        let lines = lines.ok_or_else(|| {
            InputError(format!(
                "the list of the run `{}` is not cut yet",
                record.run
            ))
        })?;
        let lines = SliceLines::decode(&lines.bytes).map_err(unusable)?;
        Ok(Self {
            ledger,
            keys,
            lines: lines.0.into(),
            key,
            slice: None,
        })
    }

    /// Reads the next slice where the rows of this one have been taken.
    pub(crate) async fn load(&mut self) -> anyhow::Result<()> {
        while self.slice.as_ref().is_none_or(|slice| slice.left == 0) {
            let Some(line) = self.lines.pop_front() else {
                return Ok(());
            };
            self.slice = Some(self.read(&line).await?);
        }
        Ok(())
    }

    async fn read(&self, line: &SliceLine) -> anyhow::Result<SliceFates> {
        let store = &self.ledger.store;
        let mut without_roll = RowOutcome::Unread;
        let mut parts = Vec::new();
        for slice in [line.slice.canary(), line.slice] {
            let Some(roll) = store.get(&self.keys.roll(slice)).await.map_err(unusable)? else {
                let counts = store
                    .get(&self.keys.counts(slice))
                    .await
                    .map_err(unusable)?;
                let counts = counts.map(|counts| SliceCounts::decode(&counts.bytes));
                if counts.transpose().map_err(unusable)?.is_some() {
                    without_roll = RowOutcome::Waiting;
                }
                continue;
            };
            let roll = RollReader::new(Cursor::new(roll.bytes)).map_err(unusable)?;
            if let Some(key) = self.key {
                key.check(&roll)?;
            }
            let book = store.get(&self.keys.book(slice)).await.map_err(unusable)?;
            let book = book.map(|book| Book::decode(&book.bytes));
            parts.push((slice, roll, book.transpose().map_err(unusable)?));
        }
        Ok(SliceFates {
            next_row: line.slice.first_row(),
            left: line.rows,
            without_roll,
            parts,
        })
    }

    /// The next row and what became of it. [`Fates::load`] comes before it.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<(u64, Fate)>> {
        match &mut self.slice {
            Some(slice) if slice.left > 0 => slice.next().map(Some),
            _ => Ok(None),
        }
    }
}

impl SliceFates {
    fn next(&mut self) -> anyhow::Result<(u64, Fate)> {
        let row = self.next_row;
        self.next_row += 1;
        self.left -= 1;
        let mut fate = Fate::of_nobody(self.without_roll);
        for (slice, roll, book) in &mut self.parts {
            let marked = roll.next().transpose().map_err(unusable)?;
            let marked = marked.filter(|marked| marked.row == row);
            let marked = marked.ok_or_else(|| {
                InputError(format!(
                    "the roll of the slice {slice} does not fit its slice"
                ))
            })?;
            fate.fingerprint = fate.fingerprint.or(marked.fingerprint);
            match marked.mark {
                RowMark::Elsewhere => {}
                RowMark::Rejected => fate.outcome = RowOutcome::Rejected,
                RowMark::Duplicate => fate.outcome = RowOutcome::Duplicate,
                RowMark::Sent { delivery, position } => {
                    let book = book.as_ref();
                    fate.cell = book.and_then(|book| book.cell(delivery, position));
                    fate.place = Some((*slice, delivery, position));
                    fate.outcome = fate.cell.map_or(RowOutcome::Waiting, outcome_of);
                }
            }
        }
        Ok((row, fate))
    }
}

/// The word for a cell.
pub(crate) fn outcome_of(cell: Cell) -> RowOutcome {
    match cell.outcome() {
        FinalOutcome::Accepted => RowOutcome::Accepted,
        FinalOutcome::Refused => RowOutcome::Refused,
        FinalOutcome::Unknown => RowOutcome::Unknown,
        FinalOutcome::Expired => RowOutcome::Expired,
        FinalOutcome::SetAside => RowOutcome::SetAside,
        FinalOutcome::Cancelled => RowOutcome::Cancelled,
    }
}
