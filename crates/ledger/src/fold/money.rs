//! Money that belongs to lots and to households: purchases, sales, settlements, payouts.

use loopledger_facts::distribution::ShipmentDispatched;
use loopledger_facts::procurement::{
    PayableOpened, PayableSource, PayoutFailed, PayoutItem, PayoutMade, PurchaseAccepted,
};
use loopledger_facts::sales::{ConsignmentSettled, OrderFulfilled, SettledLine};
use loopledger_facts::{Medium, SettlementMode, Title};
use loopledger_types::{BusinessDate, Exact as _};

use super::goods::note;
use super::{At, Fold, income, party};
use crate::book_records::{self, Basis, BookRecord, Received, Recognised};
use crate::loop_measures::{self, Activity};
use crate::lots::{LotFact, LotRecord, Settled};
use crate::orders::{self, OrderStep};
use crate::tables::{NO_ROW, Number, Tables};
use crate::{EntryText, IncomeCategory};

impl Fold for PurchaseAccepted {
    fn fold(&self, at: At, tables: &mut Tables) {
        let date = self.occasion.business_date;
        let lot = tables.lot(self.lot);
        let receipt = tables.receipt(self.receipt);
        tables.receipts.update(receipt, |row| *row = lot);
        let payer = party(self.buyer, tables);
        let receiver = party(self.producer, tables);
        let record = LotRecord::Cost { payer, payee: receiver, amount: self.amount.0 };
        note(lot, &LotFact { head: at.on(date), text: EntryText::PurchaseAccepted, pool: 0, record }, tables);
        let recognised = Recognised {
            category: IncomeCategory::Operating,
            basis: Basis::Outright,
            product: tables.product(self.product),
            lot,
            payer,
            receipt,
            quantity: self.quantity.0,
            gross: self.amount.0,
            cost: 0,
        };
        income(self.producer, date, &BookRecord::Recognised(recognised), at, tables);
    }
}

impl Fold for PayableOpened {
    fn fold(&self, at: At, tables: &mut Tables) {
        if let PayableSource::BoughtIn { lot } = self.source {
            let lot = tables.lot(lot);
            let record = LotRecord::Cost {
                payer: party(self.payer, tables),
                payee: party(self.payee, tables),
                amount: self.amount.0,
            };
            let date = self.occasion.business_date;
            note(lot, &LotFact { head: at.on(date), text: EntryText::SupplierOwed, pool: 0, record }, tables);
        }
    }
}

/// Freight on the payer's own goods is a direct cost of their lots.
impl Fold for ShipmentDispatched {
    fn fold(&self, at: At, tables: &mut Tables) {
        for line in &self.lines {
            let own = matches!(line.stock.title, Title::Owned { owner } if owner.id == self.principal.id);
            if own && line.freight.0 != 0 {
                let lot = tables.lot(line.stock.lot);
                let payer = party(self.principal, tables);
                let receiver = party(self.carrier, tables);
                let record = LotRecord::Cost { payer, payee: receiver, amount: line.freight.0 };
                let (text, date) = (EntryText::Freight, self.occasion.business_date);
                note(lot, &LotFact { head: at.on(date), text, pool: line.stock.pool, record }, tables);
            }
        }
    }
}

impl Fold for OrderFulfilled {
    fn fold(&self, at: At, tables: &mut Tables) {
        let date = self.occasion.business_date;
        let seller = party(self.seller, tables);
        let order = tables.order(self.order);
        for part in &self.parts {
            let lot = tables.lot(part.stock.lot);
            let record = LotRecord::Sold {
                seller,
                order,
                scope: self.buyer.scope,
                medium: self.medium,
                own: matches!(part.stock.title, Title::Owned { .. }),
                quantity: part.stock.quantity.0,
                amount: part.amount.0,
            };
            note(
                lot,
                &LotFact { head: at.on(date), text: EntryText::Fulfilled, pool: part.stock.pool, record },
                tables,
            );
        }
        if self.medium == Medium::Online {
            loop_measures::count(seller, tables.month_of(date), Activity::OnlineSale, tables);
        }
        orders::note(self.order, OrderStep::Fulfilled, &at.on(date), self.parts.iter().map(|part| &part.stock), tables);
    }
}

impl Fold for ConsignmentSettled {
    fn fold(&self, at: At, tables: &mut Tables) {
        let date = self.occasion.business_date;
        let consignee = party(self.consignee, tables);
        for line in &self.lines {
            let charges = line.charges.iter().fold(0_i64, |sum, charge| sum.plus(charge.amount.0));
            let lot = tables.lot(line.lot);
            let receipt = tables.receipt(line.receipt);
            let producer = party(line.producer, tables);
            let record = LotRecord::Settled(Settled {
                consignee,
                producer,
                receipt,
                mode: line.mode,
                quantity: line.quantity.0,
                source_quantity: line.source_quantity.0,
                gross: line.gross.0,
                kept: line.commission.0.plus(charges),
                net: line.net.0,
            });
            note(lot, &LotFact { head: at.on(date), text: EntryText::Settled, pool: line.pool, record }, tables);
            let touch = recognised(line, charges, (lot, receipt, consignee), tables);
            income(line.producer, date, &touch, at, tables);
        }
    }
}

/// Commission: gross is what it sold for. Agreed price: gross is what is owed plus charges, whatever it sold for.
fn recognised(
    line: &SettledLine,
    charges: i64,
    (lot, receipt, payer): (Number, Number, Number),
    tables: &mut Tables,
) -> BookRecord {
    let cost = match line.mode {
        SettlementMode::Commission => line.commission.0.plus(charges),
        SettlementMode::AgreedPrice => charges,
    };
    BookRecord::Recognised(Recognised {
        category: IncomeCategory::Operating,
        basis: Basis::from(line.mode),
        product: tables.product(line.product),
        lot,
        payer,
        receipt,
        quantity: line.source_quantity.0,
        gross: line.net.0.plus(cost),
        cost,
    })
}

impl Fold for PayoutMade {
    fn fold(&self, at: At, tables: &mut Tables) {
        payout(self, self.occasion.business_date, false, at, tables);
    }
}

impl Fold for PayoutFailed {
    fn fold(&self, at: At, tables: &mut Tables) {
        payout(&self.original, self.occasion.business_date, true, at, tables);
    }
}

/// A payout, or the exact opposite of one that failed.
fn payout(fact: &PayoutMade, date: BusinessDate, failed: bool, at: At, tables: &mut Tables) {
    let signed = |amount: i64| if failed { amount.negated() } else { amount };
    let payer = party(fact.payer, tables);
    let receiver = party(fact.payee, tables);
    let (division, amount) = (fact.payee_division, signed(fact.amount.0));
    loop_measures::paid_out(division, tables.month_of(date), amount, tables);
    book_records::append(NO_ROW, date, &BookRecord::PaidOut { division, amount }, at, tables);
    for item in &fact.items {
        let (lot, receipt, settlement) = source_rows(item, tables);
        let basis = match item.source {
            PayableSource::Purchase { .. } => Some(Basis::Outright),
            PayableSource::Settlement { mode, .. } => Some(Basis::from(mode)),
            PayableSource::Freight { .. } | PayableSource::BoughtIn { .. } => None,
        };
        let amount = signed(item.amount.0);
        if lot != NO_ROW {
            let to_producer = !matches!(item.source, PayableSource::BoughtIn { .. });
            let made_on = fact.occasion.business_date;
            let record = LotRecord::Paid { payer, payee: receiver, amount, made_on, to_producer };
            let text = if failed { EntryText::PayoutFailed } else { EntryText::Paid };
            note(lot, &LotFact { head: at.on(date), text, pool: 0, record }, tables);
        }
        let touch = BookRecord::Received(Received {
            category: IncomeCategory::Operating,
            basis,
            payer,
            lot,
            receipt,
            settlement,
            amount,
        });
        income(fact.payee, date, &touch, at, tables);
    }
}

/// What an item pays for: lot, receipt, settlement. A purchase's receipt was named with its lot when it was accepted,
/// earlier in the same stream.
fn source_rows(item: &PayoutItem, tables: &mut Tables) -> (Number, Number, Number) {
    match item.source {
        PayableSource::Purchase { receipt } => {
            let receipt = tables.receipt(receipt);
            (tables.lot_of_receipt(receipt).unwrap_or(NO_ROW), receipt, NO_ROW)
        }
        PayableSource::Settlement { settlement, lot, .. } => (tables.lot(lot), NO_ROW, tables.document(settlement.0)),
        PayableSource::BoughtIn { lot } => (tables.lot(lot), NO_ROW, NO_ROW),
        PayableSource::Freight { .. } => (NO_ROW, NO_ROW, NO_ROW),
    }
}
