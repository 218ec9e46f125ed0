//! What touched a party's book in a month: a reference per commit, and for households their income, line by line.

use loopledger_types::{BusinessDate, DivisionCode, Month};

use crate::IncomeCategory;
use crate::fact::CommitKey;
use crate::fold::At;
use crate::heads::{self, EventHead};
use crate::loop_measures::Activity;
use crate::lots::{mode_code, mode_of};
use crate::store::{Reader, RecordOffset, Writer};
use crate::tables::{MonthRow, Number, PartyMonth, Tables};
use loopledger_facts::SettlementMode;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BookRecord {
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
    /// In the county's own chain: a place was opened.
    Opened {
        place: Number,
    },
}

/// Income recognised: 5001–5004, and what 5401 takes from it. The document is the settlement, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) category: IncomeCategory,
    pub(crate) basis: Basis,
    pub(crate) product: Number,
    pub(crate) lot: Number,
    pub(crate) payer: Number,
    pub(crate) receipt: Number,
    pub(crate) quantity: i64,
    pub(crate) gross: i64,
    pub(crate) cost: i64,
}

/// Income received: 1121 credited against 1001; negative when a payout failed. The document is the payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) category: IncomeCategory,
    /// The basis of the sale that it pays for; absent if it pays for no goods.
    pub(crate) basis: Option<Basis>,
    pub(crate) payer: Number,
    /// `NO_ROW` if it is for no lot.
    pub(crate) lot: Number,
    /// `NO_ROW` if it is for no receipt's purchase.
    pub(crate) receipt: Number,
    /// Among the documents; `NO_ROW` if it is for no settlement.
    pub(crate) settlement: Number,
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TouchRecord {
    pub(crate) head: EventHead,
    pub(crate) touch: BookRecord,
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
        chain(row, date, &BookRecord::Book, at, tables);
    }
}

/// Chains a line of income to its household and month.
pub(crate) fn append(party: Number, date: BusinessDate, touch: &BookRecord, at: At, tables: &mut Tables) {
    let month = tables.month_of(date);
    let row = tables.months.find_or_insert(PartyMonth { party, month }, MonthRow::default);
    chain(row, date, touch, at, tables);
}

fn chain(row: Number, date: BusinessDate, touch: &BookRecord, at: At, tables: &mut Tables) {
    let head = heads::offset(&at.on(date), tables);
    let Some(previous) = tables.months.value(row).map(|chain| chain.last) else { return };
    let last = tables.log.append(previous, head, |out| write(touch, out));
    let recorded = at.recorded_on.days().unsigned_abs();
    tables.months.update(row, |chain| {
        *chain = MonthRow { last, newest: at.fact.commit_key(), recorded_max: chain.recorded_max.max(recorded) }
    });
}

/// The records of a chain, latest read first.
pub(crate) fn records(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = TouchRecord> + '_ {
    tables.log.chain(last).filter_map(|(mut reader, head)| {
        Some(TouchRecord { head: heads::read(head, tables)?, touch: read(&mut reader)? })
    })
}

/// The first byte: what it is, then for income its category and basis.
const KIND_BITS: u8 = 0b0000_0111;
const CATEGORY_SHIFT: u32 = 3;
const CATEGORY_BITS: u8 = 0b11;
const BASIS_SHIFT: u32 = 5;

/// Stands for no basis, in records.
const NO_BASIS: u8 = 3;

fn write(touch: &BookRecord, out: &mut Writer) {
    match touch {
        BookRecord::Book => out.byte(0),
        BookRecord::Recognised(line) => {
            let (category, basis) = (line.category.index(), line.basis.code());
            out.byte(1 | (category << CATEGORY_SHIFT) | (basis << BASIS_SHIFT));
            out.index(line.product).index(line.lot).index(line.payer).index(line.receipt);
            out.signed(line.quantity).signed(line.gross).signed(line.cost)
        }
        BookRecord::Received(line) => {
            let (category, basis) = (line.category.index(), line.basis.map_or(NO_BASIS, Basis::code));
            out.byte(2 | (category << CATEGORY_SHIFT) | (basis << BASIS_SHIFT));
            out.index(line.payer).row(line.lot).row(line.receipt).row(line.settlement).signed(line.amount)
        }
        BookRecord::PaidOut { division, amount } => out.byte(3).number(division.get()).signed(*amount),
        BookRecord::Completed { place, activity } => out.byte(4).index(*place).index(u32::from(activity.code())),
        BookRecord::Opened { place } => out.byte(5).index(*place),
    };
}

fn read(from: &mut Reader<'_>) -> Option<BookRecord> {
    let first = from.byte()?;
    let category = || IncomeCategory::ALL.get(usize::from((first >> CATEGORY_SHIFT) & CATEGORY_BITS)).copied();
    let basis = first >> BASIS_SHIFT;
    Some(match first & KIND_BITS {
        0 => BookRecord::Book,
        1 => BookRecord::Recognised(Recognised {
            category: category()?,
            basis: Basis::of(basis),
            product: from.index()?,
            lot: from.index()?,
            payer: from.index()?,
            receipt: from.index()?,
            quantity: from.signed()?,
            gross: from.signed()?,
            cost: from.signed()?,
        }),
        2 => BookRecord::Received(Received {
            category: category()?,
            basis: (basis != NO_BASIS).then(|| Basis::of(basis)),
            payer: from.index()?,
            lot: from.row()?,
            receipt: from.row()?,
            settlement: from.row()?,
            amount: from.signed()?,
        }),
        3 => BookRecord::PaidOut { division: DivisionCode::from_number(from.number()?).ok()?, amount: from.signed()? },
        4 => {
            BookRecord::Completed { place: from.index()?, activity: Activity::of(u16::try_from(from.index()?).ok()?)? }
        }
        5 => BookRecord::Opened { place: from.index()? },
        _ => return None,
    })
}
