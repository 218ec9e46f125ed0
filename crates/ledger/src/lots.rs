//! The facts of a lot, packed: every movement of its goods and every sum of money that belongs to it.
//!
//! They are what trace, stock, loop measures, valuation and digests are read from. Facts of a lot may be read before
//! the fact that creates it.

use loopledger_facts::{Medium, SettlementMode, Title};
use loopledger_types::{BusinessDate, Scope};

use crate::balances::{scope_code, scope_of};
use crate::heads::{self, EventHead};
use crate::store::{Reader, RecordOffset, Row, Writer};
use crate::tables::{NO_ROW, Number, Tables};
use crate::{EntryText, GoodsAccount};

/// A title with its party as a row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TitleRow {
    Owned(Number),
    Consigned(Number, SettlementMode),
}

/// Where goods are, in row numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CellRow {
    pub(crate) account: GoodsAccount,
    pub(crate) title: TitleRow,
    pub(crate) custodian: Number,
    pub(crate) place: Number,
    /// `NO_ROW` if they are not on their way.
    pub(crate) destination: Number,
}

/// What a fact says of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LotRecord {
    /// Goods went from one cell to another.
    Moved { from: CellRow, to: CellRow, quantity: i64 },
    /// A direct cost, 1401[lot] in the payer's book.
    Cost { payer: Number, payee: Number, amount: i64 },
    /// Part of a sale: 6001 of own goods, 2314s of consigned ones, in the seller's book.
    Sold { seller: Number, order: Number, scope: Scope, medium: Medium, own: bool, quantity: i64, amount: i64 },
    /// One producer's part of the settlement that is the document.
    Settled(Settled),
    /// Money to a producer (or an outside supplier) for these goods, by the payout that is the document; negative when it
    /// failed.
    Paid { payer: Number, payee: Number, amount: i64, made_on: BusinessDate, to_producer: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) consignee: Number,
    pub(crate) producer: Number,
    pub(crate) receipt: Number,
    pub(crate) mode: SettlementMode,
    pub(crate) quantity: i64,
    pub(crate) source_quantity: i64,
    pub(crate) gross: i64,
    /// Commission and charges; of agreed-price goods the margin.
    pub(crate) kept: i64,
    pub(crate) net: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LotFact {
    pub(crate) head: EventHead,
    pub(crate) text: EntryText,
    pub(crate) pool: u16,
    pub(crate) record: LotRecord,
}

/// Chains a fact to its lot.
pub(crate) fn append(lot: Number, fact: &LotFact, tables: &mut Tables) {
    let head = heads::offset(&fact.head, tables);
    let cells = match fact.record {
        LotRecord::Moved { from, to, .. } => (tables.cell(from), tables.cell(to)),
        LotRecord::Cost { .. } | LotRecord::Sold { .. } | LotRecord::Settled(_) | LotRecord::Paid { .. } => {
            (NO_ROW, NO_ROW)
        }
    };
    let Some(previous) = tables.lots.value(lot).map(|row| row.last) else { return };
    let last = tables.log.append(previous, head, |out| write(fact, cells, out));
    tables.lots.update(lot, |row| row.last = last);
}

/// The facts of a lot, latest read first.
pub(crate) fn facts(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = LotFact> + '_ {
    tables.log.chain(last).filter_map(|(reader, head)| read(reader, head, tables))
}

/// A fact's first byte: what it is, whether it is of a pool, and four bits of its own.
const KIND_BITS: u8 = 0b0000_0111;
/// No fact of goods or money: [`inspections`](crate::inspections) reads it.
pub(crate) const INSPECTED: u8 = 5;
const IN_POOL: u8 = 0b0000_1000;
const OWN_BITS: u32 = 4;

fn write(fact: &LotFact, cells: (Number, Number), out: &mut Writer) {
    let (kind, own_bits) = match &fact.record {
        LotRecord::Moved { .. } => (0, 0),
        LotRecord::Cost { .. } => (1, 0),
        LotRecord::Sold { scope, medium, own, .. } => {
            (2, u8::from(*own) | (u8::from(*medium == Medium::Online) << 1) | (scope_code(*scope) << 2))
        }
        LotRecord::Settled(settled) => (3, mode_code(settled.mode)),
        LotRecord::Paid { to_producer, .. } => (4, u8::from(*to_producer)),
    };
    let in_pool = if fact.pool == 0 { 0 } else { IN_POOL };
    out.byte(kind | in_pool | (own_bits << OWN_BITS)).byte(fact.text.index());
    if fact.pool != 0 {
        out.index(u32::from(fact.pool));
    }
    match &fact.record {
        LotRecord::Moved { quantity, .. } => out.index(cells.0).index(cells.1).signed(*quantity),
        LotRecord::Cost { payer, payee, amount } => out.index(*payer).index(*payee).signed(*amount),
        LotRecord::Sold { seller, order, quantity, amount, .. } => {
            out.index(*seller).index(*order).signed(*quantity).signed(*amount)
        }
        LotRecord::Settled(settled) => {
            out.index(settled.consignee).index(settled.producer).index(settled.receipt);
            out.signed(settled.quantity).signed(settled.source_quantity);
            out.signed(settled.gross).signed(settled.kept).signed(settled.net)
        }
        LotRecord::Paid { payer, payee, amount, made_on, .. } => {
            let days = i64::from(made_on.days()).saturating_sub(i64::from(fact.head.date.days()));
            out.index(*payer).index(*payee).signed(*amount).signed(days)
        }
    };
}

fn read(mut reader: Reader<'_>, head: RecordOffset, tables: &Tables) -> Option<LotFact> {
    let from = &mut reader;
    let head = heads::read(head, tables)?;
    let first = from.byte()?;
    if first == INSPECTED {
        return None;
    }
    let own_bits = first >> OWN_BITS;
    let text = EntryText::from_index(from.byte()?)?;
    let pool = if first & IN_POOL == 0 { 0 } else { u16::try_from(from.index()?).ok()? };
    let record = match first & KIND_BITS {
        0 => LotRecord::Moved {
            from: *tables.cells.key(from.index()?)?,
            to: *tables.cells.key(from.index()?)?,
            quantity: from.signed()?,
        },
        1 => LotRecord::Cost { payer: from.index()?, payee: from.index()?, amount: from.signed()? },
        2 => LotRecord::Sold {
            seller: from.index()?,
            order: from.index()?,
            scope: scope_of(own_bits >> 2)?,
            medium: if own_bits & 2 == 0 { Medium::Offline } else { Medium::Online },
            own: own_bits & 1 == 1,
            quantity: from.signed()?,
            amount: from.signed()?,
        },
        3 => LotRecord::Settled(read_settled(mode_of(own_bits), from)?),
        4 => LotRecord::Paid {
            payer: from.index()?,
            payee: from.index()?,
            amount: from.signed()?,
            made_on: head.date.plus_days(i32::try_from(from.signed()?).ok()?),
            to_producer: own_bits == 1,
        },
        _ => return None,
    };
    Some(LotFact { head, text, pool, record })
}

fn read_settled(mode: SettlementMode, from: &mut Reader<'_>) -> Option<Settled> {
    Some(Settled {
        consignee: from.index()?,
        producer: from.index()?,
        receipt: from.index()?,
        mode,
        quantity: from.signed()?,
        source_quantity: from.signed()?,
        gross: from.signed()?,
        kept: from.signed()?,
        net: from.signed()?,
    })
}

impl Row for CellRow {
    fn write(&self, out: &mut Writer) {
        let (mode, party) = match self.title {
            TitleRow::Owned(party) => (0, party),
            TitleRow::Consigned(party, mode) => (mode_code(mode), party),
        };
        out.byte(self.account.index()).byte(mode).index(party);
        out.index(self.custodian).index(self.place).row(self.destination);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let account = GoodsAccount::from_index(from.byte()?)?;
        let title = match (from.byte()?, from.index()?) {
            (0, party) => TitleRow::Owned(party),
            (mode, party) => TitleRow::Consigned(party, mode_of(mode)),
        };
        Some(Self { account, title, custodian: from.index()?, place: from.index()?, destination: from.row()? })
    }
}

/// Stable code of a settlement mode, from 1; also in digests.
pub(crate) const fn mode_code(mode: SettlementMode) -> u8 {
    match mode {
        SettlementMode::AgreedPrice => 1,
        SettlementMode::Commission => 2,
    }
}

pub(crate) const fn mode_of(code: u8) -> SettlementMode {
    if code == 1 { SettlementMode::AgreedPrice } else { SettlementMode::Commission }
}

impl TitleRow {
    pub(crate) fn of(title: Title, tables: &mut Tables) -> Self {
        match title {
            Title::Owned { owner } => Self::Owned(tables.party(owner.id)),
            Title::Consigned { consignee, mode } => Self::Consigned(tables.party(consignee.id), mode),
        }
    }
}
