//! What both holders need to know of the other services: parties, products, the other holder's places and lots.

use std::sync::Arc;

use loopledger_facts::procurement::{HouseholdRegistered, HouseholdRelocated, PartyRegistered, ProductRegistered};
use loopledger_types::{BusinessDate, DivisionCode, LotId, PartyId, PlaceId};

use super::{Entity, Holder, Key, Move, Party, Place, Product};
use crate::{Age, ApplyUpstream, Missing, PartyKind, State};

impl<H: Holder> ApplyUpstream<H> for PartyRegistered {
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn apply_upstream(&self, state: &mut State<H>) {
        note_party(state, self.party.id, self.party.kind, (self.occasion.business_date, self.division));
    }
}

impl<H: Holder> ApplyUpstream<H> for HouseholdRelocated {
    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Party(self.household));
    }

    fn apply_upstream(&self, state: &mut State<H>) {
        let Some(party) = state.party(self.household) else { return };
        let mut moves = party.moves.to_vec();
        let at = moves.partition_point(|m| m.from <= self.from);
        moves.insert(at, Move { from: self.from, division: self.division });
        let party = Party { moves: moves.into(), ..*party };
        state.entities.put_reference(Key::Party(self.household).into(), Entity::Party(party).into());
    }
}

impl<H: Holder> ApplyUpstream<H> for ProductRegistered {
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn apply_upstream(&self, state: &mut State<H>) {
        let product = Entity::Product(Product { since: self.occasion.business_date, base: self.base });
        state.entities.put_reference(Key::Product(self.product).into(), product.into());
    }
}

/// A household as a party; what else a holder keeps of it is its own.
pub fn note_household<H: Holder>(state: &mut State<H>, fact: &HouseholdRegistered) {
    note_party(state, fact.household, PartyKind::Household, (fact.from, fact.division));
}

fn note_party<H: Holder>(
    state: &mut State<H>,
    id: PartyId,
    kind: PartyKind,
    (since, division): (BusinessDate, DivisionCode),
) {
    let party = Party { kind, since, division, moves: Box::default() };
    state.entities.put_reference(Key::Party(id).into(), Entity::Party(party).into());
}

/// The other holder opened a place.
pub fn note_other_place<H: Holder>(state: &mut State<H>, id: PlaceId, place: Place) {
    state.entities.put_reference(Key::OtherPlace(id).into(), Entity::OtherPlace(place).into());
}

/// The other holder took in a lot.
pub fn note_lot<H: Holder>(state: &mut State<H>, id: LotId, age: Age) {
    state.entities.put_reference(Key::Lot(id).into(), Entity::Lot(Arc::new(age)).into());
}

/// A place is opened.
pub fn open_place<H: Holder>(state: &mut State<H>, id: PlaceId, place: Place) {
    state.entities.put(Key::Place(id).into(), Entity::Place(place).into());
}
