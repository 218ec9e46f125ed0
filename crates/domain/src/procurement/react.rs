//! Answers to station's outright collections, and obligations out of what the other services decide.

use std::collections::BTreeMap;

use loopledger_types::{ContractId, Money, PayableId, Quantity, UnitPrice};

use super::decide::produces;
use super::{
    Contract, ContractTerms, DeclineReason, Event, PayableOpened, PayableSource, Procurement, PurchaseAccepted,
    PurchaseDeclined,
};
use crate::distribution::ShipmentDispatched;
use crate::sales::ConsignmentSettled;
use crate::station::GoodsCollected;
use crate::stock::{GoodsBoughtIn, consequence};
use crate::{Context, IgnoreReason, Occasion, PartyRef, State, Terms, UpstreamIgnored, distribution, sales, station};

pub(super) fn concerns(event: &crate::Event) -> bool {
    match event {
        crate::Event::Station(station::Event::GoodsCollected(e)) => matches!(e.origin.terms, Terms::Outright { .. }),
        crate::Event::Distribution(distribution::Event::ShipmentDispatched(e)) => e.freight.is_positive(),
        crate::Event::Station(event) => matches!(event, station::Event::GoodsBoughtIn(_)),
        crate::Event::Distribution(event) => matches!(event, distribution::Event::GoodsBoughtIn(_)),
        crate::Event::Sales(event) => matches!(event, sales::Event::ConsignmentSettled(_)),
        crate::Event::Procurement(_) => false,
    }
}

pub(super) fn react(state: &State<Procurement>, upstream: &crate::Commit, context: &Context) -> Vec<Event> {
    let mut answers = Answers { state, context, payables: 0, taken: BTreeMap::new(), events: Vec::new() };
    for event in upstream.heard() {
        answers.to(event);
    }
    answers.events
}

/// The answer to one commit, in the making.
struct Answers<'a> {
    state: &'a State<Procurement>,
    context: &'a Context,
    /// Payables opened so far: the index of the next one's id.
    payables: u32,
    /// What this answer takes under each contract, beyond the state.
    taken: BTreeMap<ContractId, Quantity>,
    events: Vec<Event>,
}

impl Answers<'_> {
    fn to(&mut self, event: &crate::Event) {
        match event {
            crate::Event::Station(station::Event::GoodsCollected(e)) => self.collected(e),
            crate::Event::Station(station::Event::GoodsBoughtIn(e))
            | crate::Event::Distribution(distribution::Event::GoodsBoughtIn(e)) => self.bought_in(e),
            crate::Event::Distribution(distribution::Event::ShipmentDispatched(e)) => self.dispatched(e),
            crate::Event::Sales(sales::Event::ConsignmentSettled(e)) => self.settled(e),
            crate::Event::Station(_)
            | crate::Event::Distribution(_)
            | crate::Event::Sales(_)
            | crate::Event::Procurement(_) => {}
        }
    }

    fn payable(&mut self) -> PayableId {
        let id = PayableId::derive(self.context.request_id, self.context.stream, self.payables);
        self.payables = self.payables.saturating_add(1);
        id
    }

    fn collected(&mut self, collected: &GoodsCollected) {
        let Terms::Outright { buyer, price, contract } = collected.origin.terms else { return };
        match self.purchase(collected, buyer, price, contract) {
            Ok(mut accepted) => {
                accepted.payable = self.payable();
                if let Some(contract) = contract {
                    let taken = self.taken.entry(contract).or_default();
                    *taken = Quantity(taken.0.saturating_add(accepted.quantity.0));
                }
                self.events.push(Event::PurchaseAccepted(accepted));
            }
            Err(Declined { reason, quantity_left }) => self.events.push(Event::PurchaseDeclined(PurchaseDeclined {
                occasion: consequence(&collected.occasion),
                receipt: collected.origin.receipt,
                lot: collected.lot,
                station: collected.station,
                reason,
                quantity_left,
            })),
        }
    }

    /// The purchase, if the buyer takes it; its payable is still to be named.
    fn purchase(
        &self,
        collected: &GoodsCollected,
        buyer: PartyRef,
        price: UnitPrice,
        contract: Option<ContractId>,
    ) -> Result<PurchaseAccepted, Declined> {
        let origin = &collected.origin;
        let trader = self.state.party(buyer.id).filter(|party| party.kind.trades());
        let trader = trader.ok_or(DeclineReason::BuyerUnknown)?;
        let producer = self.state.party(origin.producer.id).filter(|party| produces(party.kind));
        let producer = producer.ok_or(DeclineReason::ProducerUnknown)?;
        if collected.occasion.business_date < trader.since.max(producer.since) {
            return Err(DeclineReason::DateTooEarly.into());
        }
        if let Some(id) = contract {
            let contract = self.state.contract(id).ok_or(DeclineReason::ContractUnknown)?;
            let taken = self.taken.get(&id).copied().unwrap_or_default();
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

    fn bought_in(&mut self, bought: &GoodsBoughtIn) {
        let payable = self.payable();
        self.events.push(Event::PayableOpened(PayableOpened {
            occasion: debt(&bought.occasion),
            payable,
            payer: bought.owner,
            payee: bought.supplier,
            payee_division: bought.supplier_division,
            amount: bought.amount,
            source: PayableSource::BoughtIn { lot: bought.line.lot },
            number: bought.lot_label.clone(),
        }));
    }

    fn dispatched(&mut self, shipment: &ShipmentDispatched) {
        if !shipment.freight.is_positive() {
            return;
        }
        let payable = self.payable();
        self.events.push(Event::PayableOpened(PayableOpened {
            occasion: debt(&shipment.occasion),
            payable,
            payer: shipment.principal,
            payee: shipment.carrier,
            payee_division: shipment.carrier_division,
            amount: shipment.freight,
            source: PayableSource::Freight { shipment: shipment.shipment },
            number: String::new(),
        }));
    }

    /// One payable per line that leaves the producer something; if none does, one of nothing, so that there is an answer.
    fn settled(&mut self, settled: &ConsignmentSettled) {
        if settled.lines.is_empty() {
            let ignored = UpstreamIgnored::of(&settled.occasion, IgnoreReason::NothingOwed);
            self.events.push(Event::UpstreamIgnored(ignored));
        }
        let nothing = !settled.lines.iter().any(|line| line.net.is_positive());
        let lines = settled.lines.iter().filter(|line| nothing || line.net.is_positive());
        for line in lines.take(if nothing { 1 } else { usize::MAX }) {
            let payable = self.payable();
            self.events.push(Event::PayableOpened(PayableOpened {
                occasion: debt(&settled.occasion),
                payable,
                payer: settled.consignee,
                payee: line.producer,
                payee_division: line.producer_division,
                amount: line.net,
                source: PayableSource::Settlement { settlement: settled.settlement, lot: line.lot, mode: line.mode },
                number: String::new(),
            }));
        }
    }
}

/// The occasion of an obligation: its cause's, with the instant, so that the oldest can be paid first.
const fn debt(cause: &Occasion) -> Occasion {
    Occasion { device_utc_offset_min: None, ..*cause }
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
    let left =
        contract.quantity_max.map(|max| Quantity(max.0.saturating_sub(contract.taken.0).saturating_sub(taken.0)));
    match left.filter(|left| collected.origin.quantity > *left) {
        Some(left) => Err(Declined { reason: DeclineReason::QuantityExceeded, quantity_left: Some(left) }),
        None => Ok(()),
    }
}
