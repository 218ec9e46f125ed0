//! Lots: how they come to be, and how their goods move.

use loopledger_domain::Direction;
use loopledger_domain::distribution::ShipmentReceived;
use loopledger_domain::station::GoodsCollected;
use loopledger_domain::stock::GoodsBoughtIn;

use super::At;
use crate::GoodsLine;
use crate::journal::Entry;
use crate::loop_measures::{self, Activity};
use crate::lots::{self, CellRow, Deed, LotFact, TitleRow};
use crate::origins::OriginRecord;
use crate::store::RecordOffset;
use crate::tables::{Born, NO_ROW, Number, Tables};
use crate::touch::{self, Touch};

pub(super) fn collected(fact: &GoodsCollected, at: At, tables: &mut Tables) {
    let lot = tables.lot(fact.lot);
    let receipt = tables.receipt(fact.origin.receipt);
    tables.receipts.update(receipt, |row| *row = lot);
    super::party(fact.origin.producer, tables);
    let principal = super::party(fact.origin.terms.principal(), tables);
    let record = OriginRecord::collected(fact, at.fact, tables);
    let origins = record.put(principal, &at.on(fact.occasion.business_date), tables);
    let born = Born {
        origins,
        division: fact.origin.division,
        product: tables.product(fact.product),
        place: tables.place(fact.station),
        on: fact.occasion.business_date,
    };
    begin(lot, born, tables);
}

pub(super) fn bought_in(fact: &GoodsBoughtIn, at: At, tables: &mut Tables) {
    let lot = tables.lot(fact.line.lot);
    super::party(fact.supplier, tables);
    let owner = super::party(fact.owner, tables);
    let record = OriginRecord::bought_in(fact, at.fact, tables);
    let origins = record.put(owner, &at.on(fact.occasion.business_date), tables);
    let born = Born {
        origins,
        division: fact.supplier_division,
        product: tables.product(fact.line.product),
        place: tables.place(fact.place),
        on: fact.occasion.business_date,
    };
    begin(lot, born, tables);
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
    let deed = Deed::Moved { from: leaving, to: coming, quantity: to.quantity };
    note(lot, &LotFact { head: at.on(entry.date), text: entry.text, pool: from.pool, deed }, tables);
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
pub(super) fn received(fact: &ShipmentReceived, at: At, tables: &mut Tables) {
    let (place, activity) = match fact.direction {
        Direction::Up => (fact.from, Activity::UpCompleted),
        Direction::Down => (fact.place, Activity::DownCompleted),
        Direction::Local => return,
    };
    let (place, date) = (tables.place(place), fact.occasion.business_date);
    loop_measures::count(place, tables.month_of(date), activity, tables);
    touch::append(NO_ROW, date, &Touch::Completed { place, activity }, at, tables);
}
