//! The tables of the state: one row per party, product, place, lot, receipt, order, and per sum that is kept.

use loopledger_facts::{PartyKind, PlaceKind, ProductClass};
use loopledger_types::{
    BaseUnit, BusinessDate, DivisionCode, LotId, Month, OrderId, PartyId, PlaceId, ProductId, ReceiptId,
};

use crate::FactRef;
use crate::fact::{CommitKey, read_date, write_date};
use crate::kinds::{BASES, CLASSES, PARTY_KINDS, PLACE_KINDS, code, decode, party_kind_code};
use crate::loop_measures::rows::{ActivityKey, LoopKey, LoopSums};
use crate::lots::CellRow;
use crate::store::{PageLog, Reader, RecordOffset, Row, Rows, Table, Writer};

/// The number of a row; means nothing outside this process.
pub(crate) type Number = u32;

/// Stands for "none" where a row number is optional, and for "every product" in sums that belong to none.
pub(crate) const NO_ROW: Number = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) log: PageLog,
    /// The newest head in the log. Not saved: after a start the next fact writes one.
    pub(crate) last_head: Option<(FactRef, BusinessDate, RecordOffset)>,
    /// The month of the date that was asked for last: a commit asks for its own again and again.
    last_month: Option<(BusinessDate, Month)>,
    pub(crate) parties: Rows<PartyId, PartyRow>,
    pub(crate) products: Rows<ProductId, ProductRow>,
    pub(crate) places: Rows<PlaceId, PlaceRow>,
    pub(crate) lots: Rows<LotId, LotRow>,
    /// The lot that a receipt was collected into.
    pub(crate) receipts: Rows<ReceiptId, Number>,
    /// The last record of an order.
    pub(crate) orders: Rows<OrderId, RecordOffset>,
    /// What touched a party's book in a month.
    pub(crate) months: Rows<PartyMonth, MonthRow>,
    pub(crate) balances: Rows<BalanceKey, Sum>,
    pub(crate) loops: Rows<LoopKey, LoopSums>,
    pub(crate) activity: Rows<ActivityKey, i64>,
    /// Where goods are: few combinations, named by most movements.
    pub(crate) cells: Rows<CellRow, ()>,
    /// Settlements and contracts, which many facts name.
    pub(crate) documents: Rows<[u8; 16], ()>,
}

impl Tables {
    /// Everything that is saved by pages, with the number that stands for it in a checkpoint: never given to another. (0
    /// and 1 are the heads, and what is pending.)
    pub(crate) fn saved(&mut self) -> [(u8, &mut dyn Table); 13] {
        [
            (2, &mut self.log),
            (3, &mut self.parties),
            (4, &mut self.products),
            (5, &mut self.places),
            (6, &mut self.lots),
            (7, &mut self.receipts),
            (8, &mut self.orders),
            (9, &mut self.months),
            (10, &mut self.balances),
            (11, &mut self.loops),
            (12, &mut self.activity),
            (13, &mut self.cells),
            (14, &mut self.documents),
        ]
    }

    pub(crate) fn month_of(&mut self, date: BusinessDate) -> Month {
        if let Some((_, month)) = self.last_month.filter(|(day, _)| *day == date) {
            return month;
        }
        let month = date.month();
        self.last_month = Some((date, month));
        month
    }

    pub(crate) fn party(&mut self, id: PartyId) -> Number {
        self.parties.find_or_insert(id, PartyRow::default)
    }

    pub(crate) fn product(&mut self, id: ProductId) -> Number {
        self.products.find_or_insert(id, ProductRow::default)
    }

    pub(crate) fn place(&mut self, id: PlaceId) -> Number {
        self.places.find_or_insert(id, PlaceRow::default)
    }

    pub(crate) fn lot(&mut self, id: LotId) -> Number {
        self.lots.find_or_insert(id, LotRow::default)
    }

    pub(crate) fn receipt(&mut self, id: ReceiptId) -> Number {
        self.receipts.find_or_insert(id, || NO_ROW)
    }

    pub(crate) fn order(&mut self, id: OrderId) -> Number {
        self.orders.find_or_insert(id, RecordOffset::default)
    }

    pub(crate) fn cell(&mut self, cell: CellRow) -> Number {
        self.cells.find_or_insert(cell, || ())
    }

    pub(crate) fn document(&mut self, id: [u8; 16]) -> Number {
        self.documents.find_or_insert(id, || ())
    }

    pub(crate) fn document_id(&self, number: Number) -> Option<[u8; 16]> {
        self.documents.key(number).copied()
    }

    /// The lot of a receipt, if anything has named both.
    pub(crate) fn lot_of_receipt(&self, receipt: Number) -> Option<Number> {
        self.receipts.value(receipt).copied().filter(|lot| *lot != NO_ROW)
    }

    pub(crate) fn party_id(&self, number: Number) -> Option<PartyId> {
        self.parties.key(number).copied()
    }

    pub(crate) fn lot_id(&self, number: Number) -> Option<LotId> {
        self.lots.key(number).copied()
    }

    pub(crate) fn product_id(&self, number: Number) -> Option<ProductId> {
        self.products.key(number).copied()
    }

    pub(crate) fn place_id(&self, number: Number) -> Option<PlaceId> {
        self.places.key(number).copied()
    }

    pub(crate) fn receipt_id(&self, number: Number) -> Option<ReceiptId> {
        self.receipts.key(number).copied()
    }
}

/// A party: who it is stands in its profile, a chain of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PartyRow {
    pub(crate) kind: Option<PartyKind>,
    pub(crate) profile: RecordOffset,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ProductRow {
    pub(crate) class: Option<ProductClass>,
    pub(crate) base: Option<BaseUnit>,
    /// When its registration was recorded, once that is read.
    pub(crate) recorded_on: Option<BusinessDate>,
    /// Code and name.
    pub(crate) words: RecordOffset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PlaceRow {
    pub(crate) opened: Option<Opened>,
    pub(crate) label: RecordOffset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) kind: PlaceKind,
    pub(crate) division: DivisionCode,
    pub(crate) on: BusinessDate,
    /// When the opening was recorded.
    pub(crate) recorded_on: BusinessDate,
    pub(crate) operator: Number,
}

/// A lot; facts may name it before the fact that creates it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LotRow {
    /// The last of the lot's facts.
    pub(crate) last: RecordOffset,
    pub(crate) born: Option<Born>,
}

/// A sum of money in fen. In bytes, as the next: in rows of numbers of four bytes, an aligned one would leave a gap,
/// and there are millions of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum([u8; 8]);

impl Sum {
    pub(crate) const fn fen(self) -> i64 {
        i64::from_ne_bytes(self.0)
    }
}

impl From<i64> for Sum {
    fn from(fen: i64) -> Self {
        Self(fen.to_ne_bytes())
    }
}

/// A division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code([u8; 8]);

impl Code {
    pub(crate) fn division(self) -> DivisionCode {
        DivisionCode::from_number(u64::from_ne_bytes(self.0)).expect("it was made of one")
    }
}

impl From<DivisionCode> for Code {
    fn from(code: DivisionCode) -> Self {
        Self(code.get().to_ne_bytes())
    }
}

/// What is known of a lot once it has been created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Born {
    /// The record of its origins.
    pub(crate) origins: RecordOffset,
    /// The village of its (only) origin, by the code of the day of collection; of bought goods where the supplier stands.
    pub(crate) division: Code,
    pub(crate) product: Number,
    pub(crate) place: Number,
    pub(crate) on: BusinessDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartyMonth {
    pub(crate) party: Number,
    pub(crate) month: Month,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MonthRow {
    pub(crate) last: RecordOffset,
    /// The newest commit in the chain: a commit is noted once.
    pub(crate) newest: CommitKey,
    /// The latest day on which any of it was recorded.
    pub(crate) recorded_max: u32,
}

impl Default for MonthRow {
    fn default() -> Self {
        Self { last: RecordOffset::NONE, newest: CommitKey(u64::MAX), recorded_max: 0 }
    }
}

/// A sum of money: one book, account, counterparty and business month. By lot it is derived from the lots' facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BalanceKey {
    pub(crate) book: Number,
    /// See [`counterparty_code`](crate::balances).
    pub(crate) counterparty: u32,
    /// Account index in the high half, month in the low.
    pub(crate) account_month: u32,
}

pub(crate) fn high_low(high: u16, low: u16) -> u32 {
    (u32::from(high) << 16) | u32::from(low)
}

pub(crate) fn split(packed: u32) -> (u16, u16) {
    (u16::try_from(packed >> 16).unwrap_or(0), u16::try_from(packed & 0xffff).unwrap_or(0))
}

impl Row for RecordOffset {
    fn write(&self, out: &mut Writer) {
        out.index(self.0);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.index().map(Self)
    }
}

impl Row for PartyRow {
    fn write(&self, out: &mut Writer) {
        out.byte(self.kind.map_or(0, party_kind_code));
        self.profile.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { kind: decode(&PARTY_KINDS, from.byte()?), profile: Row::read(from)? })
    }
}

impl Row for ProductRow {
    fn write(&self, out: &mut Writer) {
        out.byte(code(&CLASSES, self.class)).byte(code(&BASES, self.base));
        out.byte(u8::from(self.recorded_on.is_some()));
        if let Some(day) = self.recorded_on {
            write_date(day, out);
        }
        self.words.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            class: decode(&CLASSES, from.byte()?),
            base: decode(&BASES, from.byte()?),
            recorded_on: if from.byte()? == 0 { None } else { Some(read_date(from)?) },
            words: Row::read(from)?,
        })
    }
}

impl Row for PlaceRow {
    fn write(&self, out: &mut Writer) {
        out.byte(code(&PLACE_KINDS, self.opened.map(|o| o.kind)));
        if let Some(opened) = self.opened {
            out.number(opened.division.get());
            write_date(opened.on, out);
            write_date(opened.recorded_on, out);
            out.index(opened.operator);
        }
        self.label.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let opened = match decode(&PLACE_KINDS, from.byte()?) {
            Some(kind) => {
                let division = DivisionCode::from_number(from.number()?).ok()?;
                let (on, recorded_on) = (read_date(from)?, read_date(from)?);
                Some(Opened { kind, division, on, recorded_on, operator: from.index()? })
            }
            None => None,
        };
        Some(Self { opened, label: Row::read(from)? })
    }
}

impl Row for LotRow {
    fn write(&self, out: &mut Writer) {
        self.last.write(out);
        out.byte(u8::from(self.born.is_some()));
        if let Some(born) = self.born {
            born.origins.write(out);
            out.number(born.division.division().get()).index(born.product).index(born.place);
            write_date(born.on, out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let last = Row::read(from)?;
        let born = if from.byte()? == 0 {
            None
        } else {
            Some(Born {
                origins: Row::read(from)?,
                division: DivisionCode::from_number(from.number()?).ok()?.into(),
                product: from.index()?,
                place: from.index()?,
                on: read_date(from)?,
            })
        };
        Some(Self { last, born })
    }
}

impl Row for PartyMonth {
    fn write(&self, out: &mut Writer) {
        out.index(self.party).index(u32::from(self.month.index()));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let party = from.index()?;
        Some(Self { party, month: Month::from_index(u16::try_from(from.index()?).ok()?).ok()? })
    }
}

impl Row for MonthRow {
    fn write(&self, out: &mut Writer) {
        self.last.write(out);
        out.number(self.newest.0).index(self.recorded_max);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { last: Row::read(from)?, newest: CommitKey(from.number()?), recorded_max: from.index()? })
    }
}

impl Row for Sum {
    fn write(&self, out: &mut Writer) {
        out.signed(self.fen());
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.signed().map(Self::from)
    }
}

impl Row for BalanceKey {
    fn write(&self, out: &mut Writer) {
        out.index(self.book).index(self.counterparty).index(self.account_month);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { book: from.index()?, counterparty: from.index()?, account_month: from.index()? })
    }
}
