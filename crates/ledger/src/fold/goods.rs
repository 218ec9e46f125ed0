//! Lots: how they come to be, and how their goods move.

use loopledger_facts::Direction;
use loopledger_facts::distribution::ShipmentReceived;
use loopledger_facts::station::{GoodsCollected, GoodsInspected};
use loopledger_facts::stock::GoodsBoughtIn;

use super::{At, Fold};
use crate::book_records::{self, BookRecord};
use crate::inspections;
use crate::loop_measures::{self, Activity};
use crate::lots::{self, CellRow, LotFact, LotRecord, TitleRow};
use crate::origins::OriginRecord;
use crate::store::RecordOffset;
use crate::tables::{Born, NO_ROW, Number, Tables};
use crate::{Entry, GoodsLine};

impl Fold for GoodsCollected {
    fn fold(&self, at: At, tables: &mut Tables) {
        let lot = tables.lot(self.lot);
        let receipt = tables.receipt(self.origin.receipt);
        tables.receipts.update(receipt, |row| *row = lot);
        super::party(self.origin.producer, tables);
        let principal = super::party(self.origin.terms.principal(), tables);
        let record = OriginRecord::collected(self, at.fact, tables);
        let origins = record.put(principal, &at.on(self.occasion.business_date), tables);
        let born = Born {
            origins,
            division: self.origin.division.into(),
            product: tables.product(self.product),
            place: tables.place(self.station),
            on: self.occasion.business_date,
        };
        begin(lot, born, tables);
    }
}

impl Fold for GoodsBoughtIn {
    fn fold(&self, at: At, tables: &mut Tables) {
        let lot = tables.lot(self.line.lot);
        super::party(self.supplier, tables);
        let owner = super::party(self.owner, tables);
        let record = OriginRecord::bought_in(self, at.fact, tables);
        let origins = record.put(owner, &at.on(self.occasion.business_date), tables);
        let born = Born {
            origins,
            division: self.supplier_division.into(),
            product: tables.product(self.line.product),
            place: tables.place(self.place),
            on: self.occasion.business_date,
        };
        begin(lot, born, tables);
    }
}

impl Fold for GoodsInspected {
    fn fold(&self, at: At, tables: &mut Tables) {
        inspections::append(self, at, tables);
    }
}

/// From now on the lot's facts count for its village; those read before it do so at once.
fn begin(lot: Number, born: Born, tables: &mut Tables) {
    let Some(row) = tables.lots.value(lot).copied() else { return };
    tables.lots.update(lot, |row| row.born = Some(born));
    if row.last != RecordOffset::NONE {
        let earlier: Vec<LotFact> = lots::facts(tables, row.last).collect();
        for fact in &earlier {
            loop_measures::add(&born, fact, tables);
        }
    }
}

/// A movement: the two lines of the journal that belong together.
pub(super) fn moved(at: At, entry: &Entry, (from, to): (&GoodsLine, &GoodsLine), tables: &mut Tables) {
    let lot = tables.lot(from.lot);
    let leaving = cell(from, tables);
    let coming = if same_but_account(from, to) { CellRow { account: to.account, ..leaving } } else { cell(to, tables) };
    let record = LotRecord::Moved { from: leaving, to: coming, quantity: to.quantity };
    note(lot, &LotFact { head: at.on(entry.date), text: entry.text, pool: from.pool, record }, tables);
}

/// Chains a fact to its lot, and counts it for the lot's village if that is known.
pub(super) fn note(lot: Number, fact: &LotFact, tables: &mut Tables) {
    lots::append(lot, fact, tables);
    if let Some(born) = tables.lots.value(lot).and_then(|row| row.born) {
        loop_measures::add(&born, fact, tables);
    }
}

fn same_but_account(a: &GoodsLine, b: &GoodsLine) -> bool {
    a.title == b.title && a.custodian == b.custodian && a.place == b.place && a.destination == b.destination
}

fn cell(line: &GoodsLine, tables: &mut Tables) -> CellRow {
    CellRow {
        account: line.account,
        title: TitleRow::of(line.title, tables),
        custodian: tables.party(line.custodian),
        place: tables.place(line.place),
        destination: line.destination.map_or(NO_ROW, |place| tables.place(place)),
    }
}

/// A movement is complete when it arrives: up for the station that it came from, down for the one that it reached.
impl Fold for ShipmentReceived {
    fn fold(&self, at: At, tables: &mut Tables) {
        let (place, activity) = match self.direction {
            Direction::Up => (self.from, Activity::UpCompleted),
            Direction::Down => (self.place, Activity::DownCompleted),
            Direction::Local => return,
        };
        let (place, date) = (tables.place(place), self.occasion.business_date);
        loop_measures::count(place, tables.month_of(date), activity, tables);
        book_records::append(NO_ROW, date, &BookRecord::Completed { place, activity }, at, tables);
    }
}
