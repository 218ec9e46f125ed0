//! How facts change what procurement remembers. No rules: what was decided is done.

use std::sync::Arc;

use loopledger_types::Quantity;

use super::{
    Contract, Entity, Event, Household, HouseholdRegistered, Key, LinkageContracted, MemberSince, Membership, Party,
    Payable, PayableSource, Payout, PayoutItem, PayoutMade, Procurement, Product, PurchaseAccepted, ResidenceAt,
    Station,
};
use crate::{Age, CategoryAt, Dated, Origin, State, Terms, station};
use loopledger_types::{PartyId, PayableId};

pub(super) fn evolve(state: &mut State<Procurement>, event: &Event) {
    match event {
        Event::HouseholdRegistered(e) => registered(state, e),
        Event::HouseholdCategoryChanged(e) => change(state, e.household, |household| {
            household.categories = extended(&household.categories, CategoryAt { category: e.category, from: e.from });
        }),
        Event::MemberJoined(e) => change(state, e.household, |household| {
            household.members = extended(&household.members, membership(&e.member));
        }),
        Event::MemberLeft(e) => change(state, e.household, |household| {
            let until = |m: &Membership| if m.member == e.member { Some(e.from) } else { m.until };
            household.members = household.members.iter().map(|m| Membership { until: until(m), ..*m }).collect();
        }),
        Event::HouseholdRelocated(e) => change(state, e.household, |household| {
            household.residences = extended(&household.residences, ResidenceAt { division: e.division, from: e.from });
        }),
        Event::PartyRegistered(e) => {
            let label = e.label.as_str().into();
            let since = e.occasion.business_date;
            let party = Party { kind: e.party.kind, since, division: e.division, label, household: None };
            state.entities.put(Key::Party(e.party.id), Entity::Party(Box::new(party)));
        }
        Event::ProductRegistered(e) => {
            let (code, name) = (e.code.as_str().into(), e.name.as_str().into());
            let product = Product { since: e.occasion.business_date, code, name, class: e.class, base: e.base };
            state.entities.put(Key::Product(e.product), Entity::Product(Box::new(product)));
        }
        Event::LinkageContracted(e) => contracted(state, e),
        Event::PurchaseAccepted(e) => accepted(state, e),
        Event::PurchaseDeclined(_) | Event::UpstreamIgnored(_) | Event::AnswerRepeated(_) | Event::TailLost(_) => {}
        Event::PayableOpened(e) => {
            let payable = Payable {
                payer: e.payer,
                payee: e.payee,
                source: e.source,
                age: Arc::new(Age::new(&e.occasion, &e.number)),
                amount: e.amount,
                open: Dated::since(e.occasion.business_date, e.amount.0),
            };
            put_payable(state, e.payable, payable);
        }
        Event::PayoutMade(e) => {
            for item in &e.items {
                change_open(state, item, |open| open.take(e.occasion.business_date, item.amount.0));
            }
            put_payout(state, e, false);
        }
        Event::PayoutFailed(e) => {
            for item in &e.original.items {
                change_open(state, item, |open| open.add(e.occasion.business_date, item.amount.0));
            }
            put_payout(state, &e.original, true);
        }
    }
}

pub(super) fn note(state: &mut State<Procurement>, event: &crate::Event) {
    match event {
        crate::Event::Station(station::Event::StationOpened(e)) => {
            let station = Station { since: e.occasion.business_date, kind: e.kind, division: e.division };
            state.entities.put_reference(Key::Station(e.station), Entity::Station(station));
        }
        crate::Event::Station(station::Event::GoodsCollected(e)) => consigned(state, &e.origin),
        crate::Event::Station(_)
        | crate::Event::Procurement(_)
        | crate::Event::Distribution(_)
        | crate::Event::Sales(_) => {}
    }
}

/// Station takes no more on consignment than the contract covers; here it is only shown.
fn consigned(state: &mut State<Procurement>, origin: &Origin) {
    let (Terms::AgreedPrice { contract, .. } | Terms::Commission { contract, .. }) = origin.terms else { return };
    if let Some(id) = contract {
        let consigned = state.consigned(id).checked_add(origin.quantity);
        let consigned = consigned.expect("what one contract covers stays far below 2^63");
        state.entities.put_reference(Key::Consigned(id), Entity::Consigned(consigned));
    }
}

fn registered(state: &mut State<Procurement>, event: &HouseholdRegistered) {
    let household = Household {
        categories: Arc::new([CategoryAt { category: event.category, from: event.from }]),
        residences: Arc::new([ResidenceAt { division: event.division, from: event.from }]),
        members: event.members.iter().map(membership).collect(),
    };
    let party = Party {
        kind: crate::PartyKind::Household,
        since: event.from,
        division: event.division,
        label: Box::default(),
        household: Some(household),
    };
    state.entities.put(Key::Party(event.household), Entity::Party(Box::new(party)));
}

const fn membership(since: &MemberSince) -> Membership {
    Membership { member: since.member, relation: since.relation, from: since.from, until: None }
}

fn change(state: &mut State<Procurement>, id: PartyId, change: impl FnOnce(&mut Household)) {
    let Some(mut party) = state.party(id).cloned() else { return };
    if let Some(household) = &mut party.household {
        change(household);
    }
    state.entities.put(Key::Party(id), Entity::Party(Box::new(party)));
}

fn extended<T: Copy>(list: &[T], item: T) -> Arc<[T]> {
    list.iter().copied().chain([item]).collect()
}

fn contracted(state: &mut State<Procurement>, event: &LinkageContracted) {
    let contract = Contract {
        firm: event.firm,
        station: event.station,
        producer: event.producer,
        product: event.product,
        terms: event.terms,
        valid_from: event.valid_from,
        valid_to: event.valid_to,
        quantity_max: event.quantity_max,
        taken: Quantity::ZERO,
    };
    state.entities.put(Key::Contract(event.contract), Entity::Contract(Box::new(contract)));
}

fn accepted(state: &mut State<Procurement>, event: &PurchaseAccepted) {
    if let Some((id, contract)) = event.contract.and_then(|id| Some((id, *state.contract(id)?))) {
        let taken = Quantity(contract.taken.0.saturating_add(event.quantity.0));
        state.entities.put(Key::Contract(id), Entity::Contract(Box::new(Contract { taken, ..contract })));
    }
    let payable = Payable {
        payer: event.buyer,
        payee: event.producer,
        source: PayableSource::Purchase { receipt: event.receipt },
        age: Arc::new(Age::new(&event.occasion, &event.receipt_number)),
        amount: event.amount,
        open: Dated::since(event.occasion.business_date, event.amount.0),
    };
    put_payable(state, event.payable, payable);
}

/// Changes what is open of an item's obligation.
fn change_open(state: &mut State<Procurement>, item: &PayoutItem, change: impl FnOnce(&mut Dated)) {
    if let Some(mut payable) = state.payable(item.payable).cloned() {
        change(&mut payable.open);
        put_payable(state, item.payable, payable);
    }
}

fn put_payable(state: &mut State<Procurement>, id: PayableId, payable: Payable) {
    state.entities.put(Key::Payable(id), Entity::Payable(Box::new(payable)));
}

fn put_payout(state: &mut State<Procurement>, made: &PayoutMade, failed: bool) {
    let payout = Payout { made: made.clone(), failed };
    state.entities.put(Key::Payout(made.payout), Entity::Payout(Box::new(payout)));
}
