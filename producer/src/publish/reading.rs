//! The reading of a slice that publishes it: rows become deliveries, and deliveries become
//! requests.

use fanline_ledger::ByEndpoint;
use fanline_telemetry::fingerprint::Fingerprinter;

use crate::check::row_rules::RowRules;
use crate::list::checked_rows::CheckedRows;
use crate::list::rows::{ReadError, Rows};
use crate::list::slice::OpenSlice;
use crate::list::source::SourceError;
use crate::publish::canary::PartRule;
use crate::publish::deliveries::Deliveries;
use crate::publish::encoder::DeliveryEncoder;
use crate::publish::left_out::LeftOut;
use crate::publish::pack::{Entry, Packer};
use crate::publish::roll::SliceRoll;
use crate::summary::LeftOutPeople;

/// Where publishing stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsent {
    /// The first delivery that has not been sent.
    pub(crate) delivery: u64,
    /// The first row that has not been sent.
    pub(crate) row: u64,
}

/// Reads a slice that has been checked, and makes the requests that publish it.
pub(crate) struct PublishReading<'a> {
    open: &'a OpenSlice,
    rows: Rows,
    deliveries: Deliveries<'a>,
    packer: Packer,
    is_at_end: bool,
}

impl<'a> PublishReading<'a> {
    /// The slice's rows have been `checked`. `encoder` writes its deliveries. `fingerprinter`: for
    /// the roll, if one is written.
    pub(crate) fn new(
        open: &'a OpenSlice,
        checked: CheckedRows,
        left_out: LeftOut,
        encoder: DeliveryEncoder,
        fingerprinter: Option<Fingerprinter>,
    ) -> Self {
        let rules = RowRules::of(open);
        let roll = fingerprinter.map(|fingerprinter| SliceRoll::begin(open.id, fingerprinter));
        let deliveries = Deliveries::new(rules, encoder, checked, left_out);
        Self {
            open,
            rows: Rows::new(open),
            deliveries: deliveries
                .with_part(PartRule::of(&open.slice))
                .with_roll(roll),
            packer: Packer::default(),
            is_at_end: false,
        }
    }

    /// The entries of the next request.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, ReadError> {
        let changed = || SourceError::Changed(self.open.source.name.clone());
        loop {
            while let Some(entry) = self.deliveries.pop() {
                if let Some(request) = self.packer.push(entry) {
                    return Ok(Some(request));
                }
            }
            if self.is_at_end {
                return Ok(self.packer.finish());
            }
            if let Some(parsed) = self.rows.next()? {
                self.deliveries.row(parsed).map_err(|_| changed())?;
                continue;
            }
            let rules = self.deliveries.rules();
            if !self.rows.fill(|header| rules.check_header(header)).await? {
                self.deliveries.finish().map_err(|_| changed())?;
                self.is_at_end = true;
            }
        }
    }

    /// What has not been sent, where `request` is not sent either.
    pub(crate) fn unsent(&self, request: &[Entry]) -> Unsent {
        let entries = request.iter().chain(self.packer.waiting());
        let numbers = entries.clone().filter_map(Entry::number);
        let packed = entries.filter_map(|entry| entry.rows().first()).copied();
        Unsent {
            delivery: numbers
                .fold(self.deliveries.first_number(), u32::min)
                .into(),
            row: packed
                .chain(self.deliveries.first_row())
                .map(|number| number.row)
                .fold(self.rows.next_place().row, u64::min),
        }
    }

    /// All deliveries by endpoint, and the roll, once everything has been read.
    pub(crate) fn take_roll(&mut self) -> (ByEndpoint<u64>, Option<SliceRoll>) {
        self.deliveries.take_roll()
    }

    /// Who is left out because they have an outcome.
    pub(crate) fn left_out(&self) -> LeftOutPeople {
        self.deliveries.left_out()
    }

    /// How many recipients the deliveries have that an earlier invocation has published, and how
    /// many more deliveries it has published than there are.
    pub(crate) fn skipped(&self) -> (u64, u64) {
        self.deliveries.skipped()
    }
}
