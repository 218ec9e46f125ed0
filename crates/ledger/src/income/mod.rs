//! Household income: recognised and received, two views that are never added, each line with the fact it rests on.

mod query;

use loopledger_types::{
    BusinessDate, Exact as _, LotId, Month, PartyId, PayoutId, PlaceId, ProductId, ReceiptId, SettlementId,
};

pub use query::{DivisionIncome, DivisionSums, HouseholdIncome, IncomeFilter, IncomeQuery, IncomeSums};

use crate::book_records::{self, Basis, BookRecord, Received, Recognised, TouchRecord};
use crate::tables::{NO_ROW, Tables};
use crate::{FactRef, IncomeCategory, Ledger};

/// Which of the two views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncomeView {
    /// 应得: at the accepted purchase or the settlement.
    Recognised,
    /// 实收: at the payout.
    Received,
}

/// One line of income: one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncomeLine {
    pub date: BusinessDate,
    pub at: FactRef,
    pub view: IncomeView,
    /// The day (official time) on which the fact was recorded.
    pub recorded_on: BusinessDate,
    pub category: IncomeCategory,
    /// Absent for what is no sale of goods.
    pub basis: Option<Basis>,
    pub product: Option<ProductId>,
    /// Where the lot was collected.
    pub station: Option<PlaceId>,
    pub lot: Option<LotId>,
    pub receipt: Option<ReceiptId>,
    pub settlement: Option<SettlementId>,
    pub payout: Option<PayoutId>,
    /// Buyer, consignee or payer.
    pub payer: Option<PartyId>,
    /// In the receipt's unit, of recognised income.
    pub quantity: i64,
    /// Fen; of received income the amount, negative when a payout failed.
    pub gross: i64,
    /// Fen: commission and charges.
    pub cost: i64,
}

impl IncomeLine {
    pub fn net(&self) -> i64 {
        self.gross.minus(self.cost)
    }
}

impl Ledger {
    /// The lines of a household in a window of business dates, as they were recorded by `as_of`, in no order.
    pub(crate) fn income_records(&self, party: u32, query: &IncomeQuery) -> impl Iterator<Item = IncomeLine> + '_ {
        let IncomeQuery { from, to, as_of, .. } = *query;
        let months = (from.month().index()..=to.month().index()).filter_map(|index| Month::from_index(index).ok());
        let chains = months.filter_map(move |month| {
            let row = self.tables.months.find(&crate::tables::PartyMonth { party, month })?;
            self.tables.months.value(row)
        });
        chains
            .flat_map(|chain| book_records::records(&self.tables, chain.last))
            .filter(move |record| {
                (from..=to).contains(&record.head.date) && as_of.is_none_or(|day| record.head.recorded_on <= day)
            })
            .filter_map(|record| line(&record, &self.tables))
    }
}

fn line(record: &TouchRecord, tables: &Tables) -> Option<IncomeLine> {
    match &record.touch {
        BookRecord::Recognised(income) => Some(recognised(record, income, tables)),
        BookRecord::Received(income) => Some(received(record, income, tables)),
        BookRecord::Book | BookRecord::PaidOut { .. } | BookRecord::Completed { .. } | BookRecord::Opened { .. } => {
            None
        }
    }
}

fn recognised(record: &TouchRecord, income: &Recognised, tables: &Tables) -> IncomeLine {
    IncomeLine {
        date: record.head.date,
        at: record.head.at,
        view: IncomeView::Recognised,
        recorded_on: record.head.recorded_on,
        category: income.category,
        basis: Some(income.basis),
        product: tables.product_id(income.product),
        station: tables.lots.value(income.lot).and_then(|row| tables.place_id(row.born?.place)),
        lot: tables.lot_id(income.lot),
        receipt: tables.receipt_id(income.receipt),
        settlement: record.head.document_id().map(SettlementId),
        payout: None,
        payer: tables.party_id(income.payer),
        quantity: income.quantity,
        gross: income.gross,
        cost: income.cost,
    }
}

/// The product of a payment is that of the lot that it pays for.
fn received(record: &TouchRecord, income: &Received, tables: &Tables) -> IncomeLine {
    let lot = if income.lot == NO_ROW { tables.lot_of_receipt(income.receipt) } else { Some(income.lot) };
    let born = lot.and_then(|lot| tables.lots.value(lot)).and_then(|row| row.born);
    IncomeLine {
        date: record.head.date,
        at: record.head.at,
        view: IncomeView::Received,
        recorded_on: record.head.recorded_on,
        category: income.category,
        basis: income.basis,
        product: born.and_then(|born| tables.product_id(born.product)),
        station: born.and_then(|born| tables.place_id(born.place)),
        lot: lot.and_then(|lot| tables.lot_id(lot)),
        receipt: if income.receipt == NO_ROW { None } else { tables.receipt_id(income.receipt) },
        settlement: tables.document_id(income.settlement).map(SettlementId),
        payout: record.head.document_id().map(PayoutId),
        payer: tables.party_id(income.payer),
        quantity: 0,
        gross: income.amount,
        cost: 0,
    }
}
