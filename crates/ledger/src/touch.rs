//! What touched a party's book in a month: a reference per commit, and for households their income, line by line.

use loopledger_types::{BusinessDate, DivisionCode, Month};

use crate::fact::{CommitKey, read_date, write_date};
use crate::fold::At;
use crate::loop_measures::Activity;
use crate::lots::{mode_code, mode_of};
use crate::store::{Reader, RecordOffset, Writer};
use crate::tables::{MonthRow, Number, PartyMonth, Tables};
use crate::{FactRef, IncomeCategory};
use loopledger_domain::SettlementMode;

/// On what an income line rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// 买断: recognised when the buyer accepted.
    Outright,
    /// 视同买断代销: recognised at settlement, at the agreed price.
    AgreedPrice,
    /// 手续费代销: recognised at settlement, at the sale price.
    Commission,
}

impl From<SettlementMode> for Basis {
    fn from(mode: SettlementMode) -> Self {
        match mode {
            SettlementMode::AgreedPrice => Self::AgreedPrice,
            SettlementMode::Commission => Self::Commission,
        }
    }
}

impl Basis {
    pub const ALL: [Self; 3] = [Self::Outright, Self::AgreedPrice, Self::Commission];

    /// Stable code, from 0; also in digests.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Outright => 0,
            Self::AgreedPrice => mode_code(SettlementMode::AgreedPrice),
            Self::Commission => mode_code(SettlementMode::Commission),
        }
    }

    fn of(code: u8) -> Self {
        match code {
            0 => Self::Outright,
            _ => Self::from(mode_of(code)),
        }
    }
}

/// Stands for no basis, in records.
const NO_BASIS: u8 = u8::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// The book was touched; nothing more is kept.
    Book,
    Recognised(Recognised),
    Received(Received),
    /// In the county's own chain (party `NO_ROW`): money paid out, to whomever.
    PaidOut {
        division: DivisionCode,
        amount: i64,
    },
    /// In the county's own chain: a movement up or down was completed for a place.
    Completed {
        place: Number,
        activity: Activity,
    },
}

/// Income recognised: 5001–5004, and what 5401 takes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) category: IncomeCategory,
    pub(crate) basis: Basis,
    pub(crate) product: Number,
    pub(crate) lot: Number,
    pub(crate) payer: Number,
    pub(crate) receipt: Number,
    pub(crate) settlement: Option<[u8; 16]>,
    pub(crate) quantity: i64,
    pub(crate) gross: i64,
    pub(crate) cost: i64,
}

/// Income received: 1121 credited against 1001; negative when a payout failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) category: IncomeCategory,
    /// Of what it pays for; absent for what is no sale of goods.
    pub(crate) basis: Option<Basis>,
    pub(crate) payer: Number,
    /// `NO_ROW` if it is for no lot.
    pub(crate) lot: Number,
    /// `NO_ROW` if it is for no receipt's purchase.
    pub(crate) receipt: Number,
    pub(crate) settlement: Option<[u8; 16]>,
    pub(crate) payout: [u8; 16],
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TouchRecord {
    pub(crate) at: FactRef,
    pub(crate) date: BusinessDate,
    pub(crate) recorded_on: BusinessDate,
    pub(crate) touch: Touch,
}

/// Notes that a commit touched a book, once per commit and month.
pub(crate) fn note_book(
    party: Number,
    month: Month,
    newest: CommitKey,
    at: At,
    date: BusinessDate,
    tables: &mut Tables,
) {
    let row = tables.months.find_or_insert(PartyMonth { party, month }, MonthRow::default);
    if tables.months.value(row).is_some_and(|chain| chain.newest != newest) {
        chain(row, date, &Touch::Book, at, tables);
    }
}

/// Chains a line of income to its household and month.
pub(crate) fn append(party: Number, date: BusinessDate, touch: &Touch, at: At, tables: &mut Tables) {
    let row = tables.months.find_or_insert(PartyMonth { party, month: date.month() }, MonthRow::default);
    chain(row, date, touch, at, tables);
}

fn chain(row: Number, date: BusinessDate, touch: &Touch, at: At, tables: &mut Tables) {
    let Some(previous) = tables.months.value(row).map(|chain| chain.last) else { return };
    let record = TouchRecord { at: at.fact, date, recorded_on: at.recorded_on, touch: *touch };
    let last = tables.log.append(previous, |out| write(&record, out));
    let recorded = at.recorded_on.days().unsigned_abs();
    tables.months.update(row, |chain| {
        *chain = MonthRow { last, newest: at.fact.commit_key(), recorded_max: chain.recorded_max.max(recorded) }
    });
}

/// The records of a chain, latest read first.
pub(crate) fn records(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = TouchRecord> + '_ {
    tables.log.chain(last).filter_map(|mut reader| read(&mut reader))
}

fn write(record: &TouchRecord, out: &mut Writer) {
    record.at.write(out);
    write_date(record.date, out);
    out.signed(i64::from(record.recorded_on.days()).saturating_sub(i64::from(record.date.days())));
    match &record.touch {
        Touch::Book => {
            out.byte(0);
        }
        Touch::Recognised(line) => {
            out.byte(1).byte(line.category.index()).byte(line.basis.code());
            out.index(line.product).index(line.lot).index(line.payer).index(line.receipt);
            write_option(line.settlement, out);
            out.signed(line.quantity).signed(line.gross).signed(line.cost);
        }
        Touch::Received(line) => {
            out.byte(2).byte(line.category.index()).byte(line.basis.map_or(NO_BASIS, Basis::code));
            out.index(line.payer).index(line.lot).index(line.receipt);
            write_option(line.settlement, out);
            out.id(&line.payout).signed(line.amount);
        }
        Touch::PaidOut { division, amount } => {
            out.byte(3).number(division.get()).signed(*amount);
        }
        Touch::Completed { place, activity } => {
            out.byte(4).index(*place).index(u32::from(activity.code()));
        }
    }
}

fn read(from: &mut Reader<'_>) -> Option<TouchRecord> {
    let at = FactRef::read(from)?;
    let date = read_date(from)?;
    let days = i32::try_from(from.signed()?).ok()?;
    let recorded_on = date.plus_days(days);
    let touch = match from.byte()? {
        0 => Touch::Book,
        1 => Touch::Recognised(Recognised {
            category: category(from)?,
            basis: Basis::of(from.byte()?),
            product: from.index()?,
            lot: from.index()?,
            payer: from.index()?,
            receipt: from.index()?,
            settlement: read_option(from)?,
            quantity: from.signed()?,
            gross: from.signed()?,
            cost: from.signed()?,
        }),
        2 => Touch::Received(Received {
            category: category(from)?,
            basis: Some(from.byte()?).filter(|code| *code != NO_BASIS).map(Basis::of),
            payer: from.index()?,
            lot: from.index()?,
            receipt: from.index()?,
            settlement: read_option(from)?,
            payout: from.id()?,
            amount: from.signed()?,
        }),
        3 => Touch::PaidOut { division: DivisionCode::from_number(from.number()?).ok()?, amount: from.signed()? },
        4 => Touch::Completed { place: from.index()?, activity: Activity::of(u16::try_from(from.index()?).ok()?)? },
        _ => return None,
    };
    Some(TouchRecord { at, date, recorded_on, touch })
}

fn category(from: &mut Reader<'_>) -> Option<IncomeCategory> {
    IncomeCategory::ALL.get(usize::from(from.byte()?)).copied()
}

fn write_option(id: Option<[u8; 16]>, out: &mut Writer) {
    out.byte(u8::from(id.is_some()));
    if let Some(id) = &id {
        out.id(id);
    }
}

#[expect(clippy::option_option, reason = "outer: damage; inner: nothing was written")]
fn read_option(from: &mut Reader<'_>) -> Option<Option<[u8; 16]>> {
    if from.byte()? == 0 { Some(None) } else { from.id().map(Some) }
}
