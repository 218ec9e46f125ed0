//! What happened, folded into the state; and what other services said that station needs to know.

use std::sync::Arc;

use loopledger_types::{BusinessDate, NumberId, PartyId, PlaceId, ReceiptId};

use super::{
    Contract, Entity, Event, GoodsCollected, GoodsHandedOver, HandOver, Key, Membership, PendingReceipt, Station,
};
use crate::procurement::MemberSince;
use crate::stock::{self, Bucket, Place};
use crate::{Age, Occasion, State, StockLine, Terms, distribution, numbers, procurement};

pub(super) fn evolve(state: &mut State<Station>, event: &Event) {
    match event {
        Event::StationOpened(e) => {
            let place = Place {
                kind: e.kind,
                since: e.occasion.business_date,
                division: e.division,
                operator: e.operator,
                label: e.label.as_str().into(),
            };
            stock::place_opened(state, e.station, place);
        }
        Event::GoodsCollected(e) => collected(state, e),
        Event::GoodsReleased(e) => {
            stock::shift(state, at(e.place, &e.occasion), &e.line, Some(Bucket::Pending), Some(Bucket::OnHand));
            answered(state, e.receipt);
        }
        Event::GoodsReturned(e) => {
            stock::shift(state, at(e.place, &e.occasion), &e.line, Some(Bucket::Pending), None);
            answered(state, e.receipt);
            free_number(state, e.receipt);
        }
        Event::GoodsHandedOver(e) => handed_over(state, e),
        Event::GoodsTakenBack(e) => {
            for line in &e.lines {
                stock::shift(state, at(e.from, &e.occasion), line, None, Some(Bucket::OnHand));
            }
        }
        Event::StockTakenIn(e) => {
            for line in &e.received {
                stock::shift(state, at(e.place, &e.occasion), line, None, Some(Bucket::OnHand));
            }
            for line in &e.damaged {
                stock::shift(state, at(e.place, &e.occasion), line, None, Some(Bucket::Quarantined));
            }
        }
        Event::GoodsBoughtIn(e) => stock::bought_in(state, e),
        Event::StockReserved(e) => stock::reserved(state, e),
        Event::StockRefused(e) => stock::refused(state, e),
        Event::ReservationReleased(e) => stock::not_reserved_any_more(state, e),
        Event::GoodsIssued(e) => stock::issued(state, e),
        Event::CancelRefused(_) | Event::UpstreamIgnored(_) | Event::AnswerRepeated(_) | Event::TailLost(_) => {}
    }
}

const fn at(place: PlaceId, occasion: &Occasion) -> (PlaceId, BusinessDate) {
    (place, occasion.business_date)
}

fn collected(state: &mut State<Station>, event: &GoodsCollected) {
    let line = StockLine {
        lot: event.lot,
        pool: 0,
        product: event.product,
        title: event.origin.terms.title(),
        collected_on: event.occasion.business_date,
        quantity: event.origin.quantity,
    };
    let age = Age::new(&event.occasion, &event.receipt_number);
    state.entities.put(stock::Key::Lot(event.lot).into(), stock::Entity::Lot(Arc::new(age)).into());
    let number = NumberId::new(event.station.0, event.occasion.business_date, &event.receipt_number);
    if let Some(number) = number {
        let receipts = numbers::with(state.numbered(number), event.origin.receipt, event.occasion.business_date);
        state.entities.put(Key::Number(number), Entity::Number(receipts));
    }
    match event.origin.terms {
        Terms::Outright { .. } => {
            stock::shift(state, at(event.station, &event.occasion), &line, None, Some(Bucket::Pending));
            let receipt =
                PendingReceipt { place: event.station, producer: event.origin.producer, line, number, answered: false };
            state.entities.put(Key::Receipt(event.origin.receipt), Entity::Receipt(Box::new(receipt)));
        }
        Terms::AgreedPrice { contract, .. } | Terms::Commission { contract, .. } => {
            stock::shift(state, at(event.station, &event.occasion), &line, None, Some(Bucket::OnHand));
            if let Some(id) = contract {
                let collected = state.collected(id).checked_add(line.quantity);
                let collected = collected.expect("what one contract covers stays far below 2^63");
                state.entities.put(Key::Collected(id), Entity::Collected(collected));
            }
        }
    }
}

fn answered(state: &mut State<Station>, receipt: ReceiptId) {
    if let Some(pending) = state.receipt(receipt) {
        let pending = PendingReceipt { answered: true, ..*pending };
        state.entities.put(Key::Receipt(receipt), Entity::Receipt(Box::new(pending)));
    }
}

fn free_number(state: &mut State<Station>, receipt: ReceiptId) {
    if let Some(number) = state.receipt(receipt).and_then(|pending| pending.number) {
        let receipts = numbers::without(state.numbered(number), receipt);
        state.entities.put(Key::Number(number), Entity::Number(receipts));
    }
}

fn handed_over(state: &mut State<Station>, event: &GoodsHandedOver) {
    for line in &event.lines {
        stock::shift(state, at(event.from, &event.occasion), line, Some(Bucket::OnHand), None);
    }
    let hand_over = HandOver {
        from: event.from,
        custodian: event.custodian,
        to: event.to,
        carrier: event.carrier,
        lines: Arc::from(event.lines.as_slice()),
    };
    state.entities.put(Key::HandOver(event.shipment), Entity::HandOver(Box::new(hand_over)));
}

/// Folds an event of another stream.
pub(super) fn note(state: &mut State<Station>, event: &crate::Event) {
    match event {
        crate::Event::Procurement(event) => {
            stock::note_parties(state, event);
            note_procurement(state, event);
        }
        crate::Event::Distribution(distribution::Event::SiteOpened(e)) => {
            let place = Place {
                kind: e.kind,
                since: e.occasion.business_date,
                division: e.division,
                operator: e.operator,
                label: e.label.as_str().into(),
            };
            stock::note_other_place(state, e.site, place);
        }
        crate::Event::Distribution(distribution::Event::GoodsBoughtIn(e)) => {
            stock::note_lot(state, e.line.lot, Age::new(&e.occasion, &e.lot_label));
        }
        crate::Event::Distribution(_) | crate::Event::Sales(_) | crate::Event::Station(_) => {}
    }
}

fn note_procurement(state: &mut State<Station>, event: &procurement::Event) {
    use procurement::Event as E;
    match event {
        E::HouseholdRegistered(e) => {
            put_members(state, e.household, e.members.iter().map(belongs).collect());
        }
        E::MemberJoined(e) => {
            let members = members(state, e.household).iter().copied();
            let members = members.chain([belongs(&e.member)]).collect();
            put_members(state, e.household, members);
        }
        E::MemberLeft(e) => {
            let mut members: Box<[Membership]> = members(state, e.household).into();
            for member in members.iter_mut().filter(|known| known.member == e.member) {
                member.until = Some(e.from);
            }
            put_members(state, e.household, members);
        }
        E::LinkageContracted(e) => {
            let contract = Contract {
                firm: e.firm,
                station: e.station,
                producer: e.producer.id,
                product: e.product,
                terms: e.terms,
                valid_from: e.valid_from,
                valid_to: e.valid_to,
                quantity_max: e.quantity_max,
            };
            state.entities.put_reference(Key::Contract(e.contract), Entity::Contract(Box::new(contract)));
        }
        E::HouseholdCategoryChanged(_)
        | E::HouseholdRelocated(_)
        | E::PartyRegistered(_)
        | E::ProductRegistered(_)
        | E::PurchaseAccepted(_)
        | E::PurchaseDeclined(_)
        | E::PayableOpened(_)
        | E::PayoutMade(_)
        | E::PayoutFailed(_)
        | E::UpstreamIgnored(_)
        | E::AnswerRepeated(_)
        | E::TailLost(_) => {}
    }
}

fn belongs(member: &MemberSince) -> Membership {
    Membership { member: member.member, from: member.from, until: None }
}

pub(super) fn members(state: &State<Station>, household: PartyId) -> &[Membership] {
    let Some(Entity::Members(members)) = state.entities.get(&Key::Members(household)) else { return &[] };
    members
}

fn put_members(state: &mut State<Station>, household: PartyId, members: Box<[Membership]>) {
    state.entities.put_reference(Key::Members(household), Entity::Members(members));
}
