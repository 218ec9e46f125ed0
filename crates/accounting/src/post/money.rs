//! Money: who owes whom, in both books where both have one.

use loopledger_facts::distribution::ShipmentDispatched;
use loopledger_facts::procurement::{PayableOpened, PayableSource, PayoutFailed, PayoutMade, PurchaseAccepted};
use loopledger_facts::sales::{ConsignmentSettled, OrderFulfilled, PaymentReceived, PrepaymentReturned, SettledLine};
use loopledger_facts::{ChargeKind, Occasion, PartyRef, SettlementMode, Title};
use loopledger_types::{Exact as _, Money};

use super::{Post, goods};
use crate::Account as A;
use crate::journal::{Counterparty, EntryText, Exception, Journal, is_household};

/// Buyer 1401[lot] / 2202[producer] · producer 1121[buyer] / 5001 (a co-op: 6001).
impl Post for PurchaseAccepted {
    fn post(&self, journal: &mut Journal) {
        journal.begin(EntryText::PurchaseAccepted, self.occasion.business_date);
        journal.line(self.buyer, A::Goods, Counterparty::None, Some((self.lot, 0)), self.amount.0);
        journal.credit(self.buyer, A::Payable, self.producer, self.amount);
        journal.debit(self.producer, A::Receivable, self.buyer, self.amount);
        let income = if is_household(self.producer) { A::IncomeProduce } else { A::Sales };
        journal.credit(self.producer, income, self.buyer, self.amount);
        journal.end();
    }
}

/// Only what was bought in is posted with its payable; every other obligation was posted by the fact it answers.
impl Post for PayableOpened {
    fn post(&self, journal: &mut Journal) {
        match self.source {
            PayableSource::BoughtIn { lot } => {
                journal.begin(EntryText::SupplierOwed, self.occasion.business_date);
                journal.line(self.payer, A::Goods, Counterparty::None, Some((lot, 0)), self.amount.0);
                journal.credit(self.payer, A::Payable, self.payee, self.amount);
                journal.debit(self.payee, A::Receivable, self.payer, self.amount);
                journal.credit(self.payee, A::Sales, self.payer, self.amount);
                journal.end();
            }
            PayableSource::Purchase { .. } | PayableSource::Settlement { .. } | PayableSource::Freight { .. } => {}
        }
    }
}

impl Post for PayoutMade {
    fn post(&self, journal: &mut Journal) {
        payout(self, &self.occasion, EntryText::Paid, journal);
    }
}

impl Post for PayoutFailed {
    fn post(&self, journal: &mut Journal) {
        payout(&self.original, &self.occasion, EntryText::PayoutFailed, journal);
    }
}

/// Payer 2202 or 2203 / 1001 · payee 1001 / 1121[payer]; failed: the exact opposite.
fn payout(fact: &PayoutMade, occasion: &Occasion, text: EntryText, journal: &mut Journal) {
    let failed = text == EntryText::PayoutFailed;
    let signed = |amount: Money| if failed { Money(amount.0.negated()) } else { amount };
    journal.begin(text, occasion.business_date);
    for item in &fact.items {
        let account = match item.source {
            PayableSource::Freight { .. } => A::PayableCarriage,
            PayableSource::Purchase { .. } | PayableSource::Settlement { .. } | PayableSource::BoughtIn { .. } => {
                A::Payable
            }
        };
        journal.debit(fact.payer, account, fact.payee, signed(item.amount));
    }
    journal.credit(fact.payer, A::Cash, Counterparty::None, signed(fact.amount));
    journal.debit(fact.payee, A::Cash, Counterparty::None, signed(fact.amount));
    journal.credit(fact.payee, A::Receivable, fact.payer, signed(fact.amount));
    journal.end();
}

/// Payer: its own goods' part is a direct cost of the lot, the consignors' part 6601 / 2203[carrier] ·
/// carrier 1121[payer] / 6051.
impl Post for ShipmentDispatched {
    fn post(&self, journal: &mut Journal) {
        // What a station hands over leaves by its own fact.
        if !self.handed_over {
            goods::dispatched(self, journal);
        }
        journal.begin(EntryText::Freight, self.occasion.business_date);
        for line in &self.lines {
            let stock = &line.stock;
            let own = matches!(stock.title, Title::Owned { owner } if owner.id == self.principal.id);
            let account = if own { A::Goods } else { A::Logistics };
            let lot = own.then_some((stock.lot, stock.pool));
            journal.line(self.principal, account, Counterparty::None, lot, line.freight.0);
        }
        journal.credit(self.principal, A::PayableCarriage, self.carrier, self.freight);
        journal.debit(self.carrier, A::Receivable, self.principal, self.freight);
        journal.credit(self.carrier, A::Service, self.principal, self.freight);
        journal.end();
    }
}

/// Seller 1121[buyer] / 6001 for own goods, 2314s[pool] for consigned ones; 2131.advance / 1121 for what was prepaid.
impl Post for OrderFulfilled {
    fn post(&self, journal: &mut Journal) {
        note_buyer_in_loop(self.buyer.party, journal);
        let buyer = Counterparty::from(self.buyer);
        journal.begin(EntryText::Fulfilled, self.occasion.business_date);
        journal.debit(self.seller, A::Receivable, buyer, self.amount);
        for part in &self.parts {
            let account = match part.stock.title {
                Title::Owned { .. } => A::Sales,
                Title::Consigned { .. } => A::ConsignmentProceeds,
            };
            let lot = Some((part.stock.lot, part.stock.pool));
            journal.line(self.seller, account, Counterparty::None, lot, part.amount.0.negated());
        }
        journal.debit(self.seller, A::AdvanceReceived, buyer, self.from_prepayment);
        journal.credit(self.seller, A::Receivable, buyer, self.from_prepayment);
        journal.end();
    }
}

/// Seller 1001 / 1121[buyer] for what settles the claim, 2131.advance[buyer] for what is paid ahead.
impl Post for PaymentReceived {
    fn post(&self, journal: &mut Journal) {
        note_buyer_in_loop(self.buyer.party, journal);
        journal.begin(EntryText::PaymentReceived, self.occasion.business_date);
        journal.debit(self.seller, A::Cash, Counterparty::None, Money(self.applied.0.plus(self.prepaid.0)));
        journal.credit(self.seller, A::Receivable, self.buyer, self.applied);
        journal.credit(self.seller, A::AdvanceReceived, self.buyer, self.prepaid);
        journal.end();
    }
}

impl Post for PrepaymentReturned {
    fn post(&self, journal: &mut Journal) {
        note_buyer_in_loop(self.buyer.party, journal);
        journal.begin(EntryText::PrepaymentReturned, self.occasion.business_date);
        journal.debit(self.seller, A::AdvanceReceived, self.buyer, self.amount);
        journal.credit(self.seller, A::Cash, Counterparty::None, self.amount);
        journal.end();
    }
}

/// One entry per producer's line.
impl Post for ConsignmentSettled {
    fn post(&self, journal: &mut Journal) {
        for (index, line) in self.lines.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            journal.begin_line(EntryText::Settled, self.occasion.business_date, index);
            consignee_side(self.consignee, line, journal);
            producer_side(self.consignee, line, journal);
            journal.end();
        }
    }
}

/// 2314s gross / 2202[producer] net, 6051 commission (agreed price: 6052 margin), charges back to where they were booked.
fn consignee_side(consignee: PartyRef, line: &SettledLine, journal: &mut Journal) {
    journal.line(consignee, A::ConsignmentProceeds, Counterparty::None, Some((line.lot, line.pool)), line.gross.0);
    journal.credit(consignee, A::Payable, line.producer, line.net);
    let kept = match line.mode {
        SettlementMode::Commission => A::Service,
        SettlementMode::AgreedPrice => A::Margin,
    };
    journal.credit(consignee, kept, line.producer, line.commission);
    for charge in &line.charges {
        journal.credit(consignee, charge_account(charge.kind), line.producer, charge.amount);
    }
}

/// 1121[consignee] net, 5401 commission and charges / 5001 gross; agreed price: 1121 / 5001, whatever it was sold for.
fn producer_side(consignee: PartyRef, line: &SettledLine, journal: &mut Journal) {
    let producer = line.producer;
    let household = is_household(producer);
    let mut gross = line.net.0;
    journal.debit(producer, A::Receivable, consignee, line.net);
    if line.mode == SettlementMode::Commission {
        let cost = if household { A::OperatingCost } else { A::Platform };
        journal.debit(producer, cost, consignee, line.commission);
        gross = gross.plus(line.commission.0);
    }
    for charge in &line.charges {
        let cost = if household { A::OperatingCost } else { charge_account(charge.kind) };
        journal.debit(producer, cost, consignee, charge.amount);
        gross = gross.plus(charge.amount.0);
    }
    let income = if household { A::IncomeProduce } else { A::Sales };
    journal.credit(producer, income, consignee, Money(gross));
}

const fn charge_account(kind: ChargeKind) -> A {
    match kind {
        ChargeKind::Freight => A::Logistics,
        ChargeKind::Platform => A::Platform,
        ChargeKind::Processing => A::Processing,
    }
}

/// The rules refuse such orders; if one is read all the same, its other half is missing, and that must be seen.
fn note_buyer_in_loop(buyer: Option<PartyRef>, journal: &mut Journal) {
    if let Some(buyer) = buyer.filter(|b| b.kind.has_book()) {
        journal.exception(Exception::BuyerInLoop { event: journal.event(), buyer: buyer.id });
    }
}
