//! Money: who owes whom, in both books where both have one.

use loopledger_domain::distribution::ShipmentDispatched;
use loopledger_domain::procurement::{PayableOpened, PayableSource, PayoutFailed, PayoutMade, PurchaseAccepted};
use loopledger_domain::sales::{ConsignmentSettled, OrderFulfilled, PaymentReceived, PrepaymentReturned, SettledLine};
use loopledger_domain::{ChargeKind, Occasion, PartyRef, SettlementMode, Title};
use loopledger_types::Money;

use crate::Account as A;
use crate::journal::{Counterparty, EntryText, Exception, Journal, is_household};

/// Buyer 1401[lot] / 2202[producer] · producer 1121[buyer] / 5001 (a co-op: 6001).
pub(super) fn purchase_accepted(fact: &PurchaseAccepted, journal: &mut Journal) {
    journal.begin(EntryText::PurchaseAccepted, fact.occasion.business_date);
    journal.line(fact.buyer, A::Goods, Counterparty::None, Some((fact.lot, 0)), fact.amount.0);
    journal.credit(fact.buyer, A::Payable, fact.producer, fact.amount);
    journal.debit(fact.producer, A::Receivable, fact.buyer, fact.amount);
    let income = if is_household(fact.producer) { A::IncomeProduce } else { A::Sales };
    journal.credit(fact.producer, income, fact.buyer, fact.amount);
    journal.end();
}

/// Only what was bought in is posted with its payable; every other obligation was posted by the fact it answers.
pub(super) fn payable_opened(fact: &PayableOpened, journal: &mut Journal) {
    match fact.source {
        PayableSource::BoughtIn { lot } => {
            journal.begin(EntryText::SupplierOwed, fact.occasion.business_date);
            journal.line(fact.payer, A::Goods, Counterparty::None, Some((lot, 0)), fact.amount.0);
            journal.credit(fact.payer, A::Payable, fact.payee, fact.amount);
            journal.debit(fact.payee, A::Receivable, fact.payer, fact.amount);
            journal.credit(fact.payee, A::Sales, fact.payer, fact.amount);
            journal.end();
        }
        PayableSource::Purchase { .. } | PayableSource::Settlement { .. } | PayableSource::Freight { .. } => {}
    }
}

pub(super) fn payout_made(fact: &PayoutMade, journal: &mut Journal) {
    payout(fact, &fact.occasion, EntryText::Paid, journal);
}

pub(super) fn payout_failed(fact: &PayoutFailed, journal: &mut Journal) {
    payout(&fact.original, &fact.occasion, EntryText::PayoutFailed, journal);
}

/// Payer 2202 or 2203 / 1001 · payee 1001 / 1121[payer]; failed: the exact opposite.
fn payout(fact: &PayoutMade, occasion: &Occasion, text: EntryText, journal: &mut Journal) {
    let failed = text == EntryText::PayoutFailed;
    let signed = |amount: Money| if failed { Money(amount.0.saturating_neg()) } else { amount };
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
pub(super) fn freight(fact: &ShipmentDispatched, journal: &mut Journal) {
    journal.begin(EntryText::Freight, fact.occasion.business_date);
    for line in &fact.lines {
        let stock = &line.stock;
        let own = matches!(stock.title, Title::Owned { owner } if owner.id == fact.principal.id);
        let account = if own { A::Goods } else { A::Logistics };
        let lot = own.then_some((stock.lot, stock.pool));
        journal.line(fact.principal, account, Counterparty::None, lot, line.freight.0);
    }
    journal.credit(fact.principal, A::PayableCarriage, fact.carrier, fact.freight);
    journal.debit(fact.carrier, A::Receivable, fact.principal, fact.freight);
    journal.credit(fact.carrier, A::Service, fact.principal, fact.freight);
    journal.end();
}

/// Seller 1121[buyer] / 6001 for own goods, 2314s[pool] for consigned ones; 2131.advance / 1121 for what was prepaid.
pub(super) fn fulfilled(fact: &OrderFulfilled, journal: &mut Journal) {
    note_buyer_in_loop(fact.buyer.party, journal);
    let buyer = Counterparty::from(fact.buyer);
    journal.begin(EntryText::Fulfilled, fact.occasion.business_date);
    journal.debit(fact.seller, A::Receivable, buyer, fact.amount);
    for part in &fact.parts {
        let account = match part.stock.title {
            Title::Owned { .. } => A::Sales,
            Title::Consigned { .. } => A::ConsignmentProceeds,
        };
        let lot = Some((part.stock.lot, part.stock.pool));
        journal.line(fact.seller, account, Counterparty::None, lot, part.amount.0.saturating_neg());
    }
    journal.debit(fact.seller, A::AdvanceReceived, buyer, fact.from_prepayment);
    journal.credit(fact.seller, A::Receivable, buyer, fact.from_prepayment);
    journal.end();
}

/// Seller 1001 / 1121[buyer] for what settles the claim, 2131.advance[buyer] for what is paid ahead.
pub(super) fn payment_received(fact: &PaymentReceived, journal: &mut Journal) {
    note_buyer_in_loop(fact.buyer.party, journal);
    journal.begin(EntryText::PaymentReceived, fact.occasion.business_date);
    journal.debit(fact.seller, A::Cash, Counterparty::None, Money(fact.applied.0.saturating_add(fact.prepaid.0)));
    journal.credit(fact.seller, A::Receivable, fact.buyer, fact.applied);
    journal.credit(fact.seller, A::AdvanceReceived, fact.buyer, fact.prepaid);
    journal.end();
}

pub(super) fn prepayment_returned(fact: &PrepaymentReturned, journal: &mut Journal) {
    note_buyer_in_loop(fact.buyer.party, journal);
    journal.begin(EntryText::PrepaymentReturned, fact.occasion.business_date);
    journal.debit(fact.seller, A::AdvanceReceived, fact.buyer, fact.amount);
    journal.credit(fact.seller, A::Cash, Counterparty::None, fact.amount);
    journal.end();
}

/// One entry per producer's line.
pub(super) fn settled(fact: &ConsignmentSettled, journal: &mut Journal) {
    for (index, line) in fact.lines.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        journal.begin_line(EntryText::Settled, fact.occasion.business_date, index);
        consignee_side(fact.consignee, line, journal);
        producer_side(fact.consignee, line, journal);
        journal.end();
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
        gross = gross.saturating_add(line.commission.0);
    }
    for charge in &line.charges {
        let cost = if household { A::OperatingCost } else { charge_account(charge.kind) };
        journal.debit(producer, cost, consignee, charge.amount);
        gross = gross.saturating_add(charge.amount.0);
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
