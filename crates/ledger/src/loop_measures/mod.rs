//! The loop by division of origin, product and business month: what flows, what it is worth, and who is paid.
//!
//! Sums are kept by month; a window is therefore whole months. Every goods account has its own measure, so the
//! closed-loop identity holds because postings balance, and is checked against them, not assumed.

mod figures;
mod query;
pub(crate) mod rows;
mod targets;

use loopledger_types::{BusinessDate, DivisionCode, Exact as _, Month, Scope};

pub use figures::{LoopFact, LoopFigure, LoopLevel, Payees, Subject, Way};
pub use query::{LoopByDivision, LoopMeasures, LoopMoney, LoopPart, LoopQuery, PaymentDelay, ProductLoop};
pub use targets::{Coverage, StationCoverage, Target, TargetKind, Targets};

use crate::lots::{LotFact, LotRecord};
use crate::tables::{Born, NO_ROW, Number, Tables, high_low};
use crate::{EntryText, GoodsAccount};
use rows::{ActivityKey, LoopKey, LoopSums};

/// What a sum is of. Codes are saved, so they must not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Quantity in a goods account.
    Goods(GoodsAccount),
    /// Quantity and value of what was fulfilled.
    Sales(Scope),
    /// Value of a purchase from a producer.
    Purchases,
    /// Value of a purchase from outside.
    BoughtInValue,
    /// What producers are owed from settlements.
    SettledNet,
    /// To producers: number of payments, and their value.
    Paid,
    /// Days from collection to payment: summed, and weighted by value.
    PaidDays,
    /// Everything paid out, by the division of who got it.
    PaidOut,
}

impl Measure {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Goods(account) => u16::from(account.index()),
            Self::Sales(Scope::County) => 32,
            Self::Sales(Scope::Prefecture) => 33,
            Self::Sales(Scope::Region) => 34,
            Self::Sales(Scope::Outside) => 35,
            Self::Purchases => 40,
            Self::BoughtInValue => 41,
            Self::SettledNet => 42,
            Self::Paid => 43,
            Self::PaidDays => 44,
            Self::PaidOut => 45,
        }
    }

    pub(crate) fn of(code: u16) -> Option<Self> {
        Some(match code {
            32 => Self::Sales(Scope::County),
            33 => Self::Sales(Scope::Prefecture),
            34 => Self::Sales(Scope::Region),
            35 => Self::Sales(Scope::Outside),
            40 => Self::Purchases,
            41 => Self::BoughtInValue,
            42 => Self::SettledNet,
            43 => Self::Paid,
            44 => Self::PaidDays,
            45 => Self::PaidOut,
            _ => Self::Goods(GoodsAccount::from_index(u8::try_from(code).ok()?)?),
        })
    }
}

/// What a place or a party did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    UpCompleted,
    DownCompleted,
    OnlineSale,
}

impl Activity {
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::UpCompleted => 0,
            Self::DownCompleted => 1,
            Self::OnlineSale => 2,
        }
    }

    pub(crate) fn of(code: u16) -> Option<Self> {
        [Self::UpCompleted, Self::DownCompleted, Self::OnlineSale].get(usize::from(code)).copied()
    }
}

/// The day that a lot's fact counts for. A payout that failed is taken out of the day on which it was made: it never
/// reached its producer, so that no period has the days of a payment taken off that it never had.
pub(crate) fn counts_on(fact: &LotFact) -> BusinessDate {
    match fact.record {
        LotRecord::Paid { made_on, .. } => made_on,
        LotRecord::Moved { .. } | LotRecord::Cost { .. } | LotRecord::Sold { .. } | LotRecord::Settled(_) => {
            fact.head.date
        }
    }
}

/// Calls `put` for every measure that a lot's fact adds to, with quantity and value.
pub(crate) fn contributions(born: &Born, fact: &LotFact, mut put: impl FnMut(Measure, i64, i64)) {
    match &fact.record {
        LotRecord::Moved { from, to, quantity, .. } => {
            put(Measure::Goods(from.account), quantity.negated(), 0);
            put(Measure::Goods(to.account), *quantity, 0);
        }
        // Freight is a cost of the lot too, but not a hand-over of ownership.
        LotRecord::Cost { amount, .. } if fact.text == EntryText::PurchaseAccepted => {
            put(Measure::Purchases, 0, *amount);
        }
        LotRecord::Cost { amount, .. } if fact.text == EntryText::SupplierOwed => {
            put(Measure::BoughtInValue, 0, *amount);
        }
        LotRecord::Sold { scope, quantity, amount, .. } => put(Measure::Sales(*scope), *quantity, *amount),
        LotRecord::Settled(settled) => put(Measure::SettledNet, 0, settled.net),
        // One that is dated before the collection says nothing of a delay; no service accepts it.
        LotRecord::Paid { amount, made_on, to_producer: true, .. } if *made_on >= born.on => {
            let sign = amount.signum();
            let days = i64::from(made_on.days()).saturating_sub(i64::from(born.on.days()));
            put(Measure::Paid, sign, *amount);
            put(Measure::PaidDays, days.saturating_mul(sign), days.saturating_mul(*amount));
        }
        LotRecord::Cost { .. } | LotRecord::Paid { .. } => {}
    }
}

/// Counts a fact for the village, product and month of its lot.
pub(crate) fn add(born: &Born, fact: &LotFact, tables: &mut Tables) {
    let month = tables.month_of(counts_on(fact));
    contributions(born, fact, |measure, quantity, value| {
        add_sum(born.division.division(), born.product, month, measure, LoopSums { quantity, value }, tables);
    });
}

pub(crate) fn paid_out(division: DivisionCode, month: Month, amount: i64, tables: &mut Tables) {
    let sums = LoopSums { quantity: amount.signum(), value: amount };
    add_sum(division, NO_ROW, month, Measure::PaidOut, sums, tables);
}

fn add_sum(
    division: DivisionCode,
    product: Number,
    month: Month,
    measure: Measure,
    sums: LoopSums,
    tables: &mut Tables,
) {
    let month_measure = high_low(month.index(), measure.code());
    let key = LoopKey { division: division.get(), product, month_measure };
    let row = tables.loops.find_or_insert(key, LoopSums::default);
    tables.loops.update(row, |sum| {
        sum.quantity = sum.quantity.plus(sums.quantity);
        // Fen-days of late payments are the only sum that could come near 2^63: a mean delay that is too short then.
        sum.value = sum.value.saturating_add(sums.value);
    });
}

pub(crate) fn count(subject: Number, month: Month, activity: Activity, tables: &mut Tables) {
    let key = ActivityKey { subject, month_kind: high_low(month.index(), activity.code()) };
    let row = tables.activity.find_or_insert(key, || 0);
    tables.activity.update(row, |count| *count = count.saturating_add(1));
}
