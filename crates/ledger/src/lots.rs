//! The facts of a lot, packed: every movement of its goods and every sum of money that belongs to it.
//!
//! They are what trace, stock, loop measures, valuation and digests are read from. Facts of a lot may be read before
//! the fact that creates it.

use loopledger_domain::{Medium, SettlementMode, Title};
use loopledger_types::{BusinessDate, Scope};

use crate::balances::{scope_code, scope_of};
use crate::fact::{read_date, write_date};
use crate::store::{Reader, RecordOffset, Writer};
use crate::tables::{Number, Tables};
use crate::{EntryText, FactRef, GoodsAccount};

/// A title with its party as a row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TitleRow {
    Owned(Number),
    Consigned(Number, SettlementMode),
}

/// Where goods are, in row numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellRow {
    pub(crate) account: GoodsAccount,
    pub(crate) title: TitleRow,
    pub(crate) custodian: Number,
    pub(crate) place: Number,
    pub(crate) destination: Option<Number>,
}

/// What a fact says of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Goods went from one cell to another.
    Moved { from: CellRow, to: CellRow, quantity: i64, document: Option<[u8; 16]> },
    /// A direct cost, 1401[lot] in the payer's book.
    Cost { payer: Number, payee: Number, amount: i64 },
    /// Part of a sale: 6001 of own goods, 2314s of consigned ones, in the seller's book.
    Sold { seller: Number, order: Number, scope: Scope, medium: Medium, own: bool, quantity: i64, amount: i64 },
    /// One producer's part of a settlement.
    Settled(Settled),
    /// Money to a producer (or an outside supplier) for these goods; negative when a payout failed.
    Paid { payer: Number, payee: Number, amount: i64, made_on: BusinessDate, to_producer: bool, payout: [u8; 16] },
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
    pub(crate) settlement: [u8; 16],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LotFact {
    pub(crate) at: FactRef,
    pub(crate) text: EntryText,
    pub(crate) date: BusinessDate,
    pub(crate) pool: u16,
    pub(crate) deed: Deed,
}

/// Chains a fact to its lot.
pub(crate) fn append(lot: Number, fact: &LotFact, tables: &mut Tables) {
    let Some(previous) = tables.lots.value(lot).map(|row| row.last) else { return };
    let last = tables.log.append(previous, |out| write(fact, out));
    tables.lots.update(lot, |row| row.last = last);
}

/// The facts of a lot, latest read first.
pub(crate) fn facts(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = LotFact> + '_ {
    tables.log.chain(last).filter_map(|mut reader| read(&mut reader))
}

fn write(fact: &LotFact, out: &mut Writer) {
    fact.at.write(out);
    out.byte(fact.text.index());
    write_date(fact.date, out);
    out.index(u32::from(fact.pool));
    match &fact.deed {
        Deed::Moved { from, to, quantity, document } => {
            let same_place = CellRow { account: from.account, ..*to } == *from;
            out.byte(u8::from(same_place) | (u8::from(document.is_some()) << 1));
            write_cell(from, out);
            if same_place {
                out.byte(to.account.index());
            } else {
                write_cell(to, out);
            }
            out.signed(*quantity);
            if let Some(id) = &document {
                out.id(id);
            }
        }
        Deed::Cost { payer, payee, amount } => {
            out.byte(4).index(*payer).index(*payee).signed(*amount);
        }
        Deed::Sold { seller, order, scope, medium, own, quantity, amount } => {
            out.byte(5).index(*seller).index(*order).index(scope_code(*scope));
            out.byte(u8::from(*medium == Medium::Online)).byte(u8::from(*own)).signed(*quantity).signed(*amount);
        }
        Deed::Settled(settled) => write_settled(settled, out.byte(6)),
        Deed::Paid { payer, payee, amount, made_on, to_producer, payout } => {
            out.byte(7).index(*payer).index(*payee).signed(*amount);
            write_date(*made_on, out);
            out.byte(u8::from(*to_producer)).id(payout);
        }
    }
}

fn read(from: &mut Reader<'_>) -> Option<LotFact> {
    let at = FactRef::read(from)?;
    let text = EntryText::from_index(from.byte()?)?;
    let date = read_date(from)?;
    let pool = u16::try_from(from.index()?).ok()?;
    let deed = match from.byte()? {
        flags @ 0..=3 => {
            let leaving = read_cell(from)?;
            let coming = if flags & 1 == 1 {
                CellRow { account: GoodsAccount::from_index(from.byte()?)?, ..leaving }
            } else {
                read_cell(from)?
            };
            let quantity = from.signed()?;
            let document = if flags & 2 == 2 { Some(from.id()?) } else { None };
            Deed::Moved { from: leaving, to: coming, quantity, document }
        }
        4 => Deed::Cost { payer: from.index()?, payee: from.index()?, amount: from.signed()? },
        5 => Deed::Sold {
            seller: from.index()?,
            order: from.index()?,
            scope: scope_of(from.index()?)?,
            medium: if from.byte()? == 1 { Medium::Online } else { Medium::Offline },
            own: from.byte()? == 1,
            quantity: from.signed()?,
            amount: from.signed()?,
        },
        6 => Deed::Settled(read_settled(from)?),
        7 => Deed::Paid {
            payer: from.index()?,
            payee: from.index()?,
            amount: from.signed()?,
            made_on: read_date(from)?,
            to_producer: from.byte()? == 1,
            payout: from.id()?,
        },
        _ => return None,
    };
    Some(LotFact { at, text, date, pool, deed })
}

fn write_settled(settled: &Settled, out: &mut Writer) {
    out.index(settled.consignee).index(settled.producer).index(settled.receipt).byte(mode_code(settled.mode));
    out.signed(settled.quantity).signed(settled.source_quantity);
    out.signed(settled.gross).signed(settled.kept).signed(settled.net).id(&settled.settlement);
}

fn read_settled(from: &mut Reader<'_>) -> Option<Settled> {
    Some(Settled {
        consignee: from.index()?,
        producer: from.index()?,
        receipt: from.index()?,
        mode: mode_of(from.byte()?),
        quantity: from.signed()?,
        source_quantity: from.signed()?,
        gross: from.signed()?,
        kept: from.signed()?,
        net: from.signed()?,
        settlement: from.id()?,
    })
}

fn write_cell(cell: &CellRow, out: &mut Writer) {
    out.byte(cell.account.index());
    match cell.title {
        TitleRow::Owned(party) => {
            out.byte(0).index(party);
        }
        TitleRow::Consigned(party, mode) => {
            out.byte(mode_code(mode)).index(party);
        }
    }
    out.index(cell.custodian).index(cell.place);
    out.number(cell.destination.map_or(0, |place| u64::from(place).saturating_add(1)));
}

fn read_cell(from: &mut Reader<'_>) -> Option<CellRow> {
    let account = GoodsAccount::from_index(from.byte()?)?;
    let title = match (from.byte()?, from.index()?) {
        (0, party) => TitleRow::Owned(party),
        (mode, party) => TitleRow::Consigned(party, mode_of(mode)),
    };
    let (custodian, place) = (from.index()?, from.index()?);
    let destination = from.number()?.checked_sub(1).and_then(|place| u32::try_from(place).ok());
    Some(CellRow { account, title, custodian, place, destination })
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
