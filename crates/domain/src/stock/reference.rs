//! What both holders need to know of the other services: parties, products, the other holder's places.

use std::sync::Arc;

use loopledger_types::{BusinessDate, DivisionCode, LotId, PartyId, PlaceId};

use super::{Entity, Holder, Key, Move, Party, Place, Product};
use crate::procurement::Event;
use crate::{Age, PartyKind, State};

/// Folds what procurement said of parties and products.
pub(crate) fn note_parties<H: Holder>(state: &mut State<H>, event: &Event) {
    match event {
        Event::HouseholdRegistered(e) => put_party(state, e.household, PartyKind::Household, (e.from, e.division)),
        Event::PartyRegistered(e) => {
            put_party(state, e.party.id, e.party.kind, (e.occasion.business_date, e.division));
        }
        Event::HouseholdRelocated(e) => {
            let Some(party) = state.party(e.household) else { return };
            let mut moves = party.moves.to_vec();
            let at = moves.partition_point(|m| m.from <= e.from);
            moves.insert(at, Move { from: e.from, division: e.division });
            let party = Party { moves: moves.into(), ..*party };
            state.entities.put_reference(Key::Party(e.household).into(), Entity::Party(party).into());
        }
        Event::ProductRegistered(e) => {
            let product = Entity::Product(Product { since: e.occasion.business_date, base: e.base });
            state.entities.put_reference(Key::Product(e.product).into(), product.into());
        }
        Event::HouseholdCategoryChanged(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::LinkageContracted(_)
        | Event::PurchaseAccepted(_)
        | Event::PurchaseDeclined(_)
        | Event::PayableOpened(_)
        | Event::PayoutMade(_)
        | Event::PayoutFailed(_)
        | Event::UpstreamIgnored(_)
        | Event::AnswerRepeated(_)
        | Event::TailLost(_) => {}
    }
}

/// Folds that the other holder opened a place.
pub(crate) fn note_other_place<H: Holder>(state: &mut State<H>, id: PlaceId, place: Place) {
    state.entities.put_reference(Key::OtherPlace(id).into(), Entity::OtherPlace(place).into());
}

/// Folds that the other holder took in a lot.
pub(crate) fn note_lot<H: Holder>(state: &mut State<H>, id: LotId, age: Age) {
    state.entities.put_reference(Key::Lot(id).into(), Entity::Lot(Arc::new(age)).into());
}

fn put_party<H: Holder>(
    state: &mut State<H>,
    id: PartyId,
    kind: PartyKind,
    (since, division): (BusinessDate, DivisionCode),
) {
    let party = Party { kind, since, division, moves: Box::default() };
    state.entities.put_reference(Key::Party(id).into(), Entity::Party(party).into());
}
