//! Outright purchases: station's collection is answered for the buyer. Contracts are in force here, whatever station knew.

use std::sync::Arc;

use loopledger_facts::procurement::{ContractTerms, DeclineReason, PayableSource, PurchaseAccepted, PurchaseDeclined};
use loopledger_facts::station::GoodsCollected;
use loopledger_facts::{Age, PartyRef, Terms, consequence};
use loopledger_rules::{Answer, Answers, ApplyUpstream, Dated, Evolve, Missing, State};
use loopledger_types::{ContractId, Money, PayableId, Quantity, UnitPrice};

use crate::contracts::{Contract, produces};
use crate::payables::{OpenPayable as _, Payable, debt, put_payable};
use crate::{Entity, Key, Procurement, ProcurementState as _};

impl Answer<Procurement> for GoodsCollected {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        let Terms::Outright { buyer, contract, .. } = self.origin.terms else { return };
        missing.ask(Key::Party(buyer.id));
        missing.ask(Key::Party(self.origin.producer.id));
        missing.ask_all(contract.map(Key::Contract));
    }

    fn answer(&self, answers: &mut Answers<'_, Procurement>) {
        let Terms::Outright { buyer, price, contract } = self.origin.terms else { return };
        match purchase(answers, self, buyer, price, contract) {
            Ok(accepted) => {
                let accepted = PurchaseAccepted { payable: answers.payable(), ..accepted };
                if let Some(contract) = contract {
                    let taken = answers.draft.taken.entry(contract).or_default();
                    *taken = sum(*taken, accepted.quantity);
                }
                answers.say(accepted);
            }
            Err(Declined { reason, quantity_left }) => answers.say(PurchaseDeclined {
                occasion: consequence(&self.occasion),
                receipt: self.origin.receipt,
                lot: self.lot,
                station: self.station,
                reason,
                quantity_left,
            }),
        }
    }
}

/// The purchase, if the buyer takes it; its payable is still to be named.
fn purchase(
    answers: &Answers<'_, Procurement>,
    collected: &GoodsCollected,
    buyer: PartyRef,
    price: UnitPrice,
    contract: Option<ContractId>,
) -> Result<PurchaseAccepted, Declined> {
    let origin = &collected.origin;
    let trader = answers.state.party(buyer.id).filter(|party| party.kind.trades());
    let trader = trader.ok_or(DeclineReason::BuyerUnknown)?;
    let producer = answers.state.party(origin.producer.id).filter(|party| produces(party.kind));
    let producer = producer.ok_or(DeclineReason::ProducerUnknown)?;
    if collected.occasion.business_date < trader.since.max(producer.since) {
        return Err(DeclineReason::DateTooEarly.into());
    }
    if let Some(id) = contract {
        let contract = answers.state.contract(id).ok_or(DeclineReason::ContractUnknown)?;
        let taken = answers.draft.taken.get(&id).copied().unwrap_or_default();
        covers(contract, collected, buyer, price, taken)?;
    }
    // Station has checked the amount; a price that comes to more than an amount can be is no price.
    let amount = price.amount(origin.quantity).filter(|amount| *amount <= Money::MAX);
    Ok(PurchaseAccepted {
        occasion: debt(&collected.occasion),
        receipt: origin.receipt,
        lot: collected.lot,
        station: collected.station,
        buyer,
        producer: PartyRef { id: origin.producer.id, kind: producer.kind },
        product: collected.product,
        contract,
        quantity: origin.quantity,
        price,
        amount: amount.ok_or(DeclineReason::PriceMismatch)?,
        payable: PayableId([0; 16]),
        receipt_number: collected.receipt_number.clone(),
    })
}

/// Why a purchase is declined.
struct Declined {
    reason: DeclineReason,
    quantity_left: Option<Quantity>,
}

impl From<DeclineReason> for Declined {
    fn from(reason: DeclineReason) -> Self {
        Self { reason, quantity_left: None }
    }
}

fn sum(a: Quantity, b: Quantity) -> Quantity {
    a.checked_add(b).expect("what one contract covers stays far below 2^63")
}

/// Whether the contract covers the collection, with `taken` of it spoken for already beyond what it knows.
fn covers(
    contract: &Contract,
    collected: &GoodsCollected,
    buyer: PartyRef,
    price: UnitPrice,
    taken: Quantity,
) -> Result<(), Declined> {
    let day = collected.occasion.business_date;
    if day < contract.valid_from || contract.valid_to < day {
        return Err(DeclineReason::ContractNotInForce.into());
    }
    let parties = contract.firm.id == buyer.id && contract.producer.id == collected.origin.producer.id;
    let ContractTerms::Outright { price: agreed } = contract.terms else {
        return Err(DeclineReason::ContractMismatch.into());
    };
    if !parties || contract.station != collected.station || contract.product != collected.product {
        return Err(DeclineReason::ContractMismatch.into());
    }
    if agreed != price {
        return Err(DeclineReason::PriceMismatch.into());
    }
    let spoken_for = sum(contract.taken, taken);
    let left = contract.quantity_max.map(|max| max.checked_sub(spoken_for).expect("both are far below 2^63"));
    match left.filter(|left| collected.origin.quantity > *left) {
        Some(left) => Err(Declined { reason: DeclineReason::QuantityExceeded, quantity_left: Some(left) }),
        None => Ok(()),
    }
}

/// Station takes no more on consignment than the contract covers; here it is only shown.
impl ApplyUpstream<Procurement> for GoodsCollected {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask_all(consigned_under(&self.origin.terms).map(Key::Consigned));
    }

    fn apply_upstream(&self, state: &mut State<Procurement>) {
        if let Some(id) = consigned_under(&self.origin.terms) {
            let consigned = state.consigned(id).checked_add(self.origin.quantity);
            let consigned = consigned.expect("what one contract covers stays far below 2^63");
            state.entities.put_reference(Key::Consigned(id), Entity::Consigned(consigned));
        }
    }
}

/// The contract of consigned goods.
const fn consigned_under(terms: &Terms) -> Option<ContractId> {
    match terms {
        Terms::Outright { .. } => None,
        Terms::AgreedPrice { contract, .. } | Terms::Commission { contract, .. } => *contract,
    }
}

impl Evolve<Procurement> for PurchaseAccepted {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask_all(self.contract.map(Key::Contract));
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        if let Some((id, contract)) = self.contract.and_then(|id| Some((id, *state.contract(id)?))) {
            let taken = sum(contract.taken, self.quantity);
            state.entities.put(Key::Contract(id), Entity::Contract(Box::new(Contract { taken, ..contract })));
        }
        let payable = Payable {
            payer: self.buyer,
            payee: self.producer,
            source: PayableSource::Purchase { receipt: self.receipt },
            age: Arc::new(Age::new(&self.occasion, &self.receipt_number)),
            amount: self.amount,
            open: Dated::since(self.occasion.business_date, self.amount.0),
        };
        put_payable(state, self.payable, payable);
    }
}

impl Evolve<Procurement> for PurchaseDeclined {
    // It changes nothing.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, _: &mut State<Procurement>) {}
}
