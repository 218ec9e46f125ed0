//! What sales needs to know of parties, products and places.

use loopledger_facts::distribution::SiteOpened;
use loopledger_facts::procurement::{HouseholdRegistered, PartyRegistered, ProductRegistered};
use loopledger_facts::station::StationOpened;
use loopledger_facts::{PartyKind, PartyRef};
use loopledger_rules::stock::{Checks, Product, found};
use loopledger_rules::{ApplyUpstream, Missing, Rejection, State};
use loopledger_types::{BusinessDate, DivisionCode, EntityKind, PartyId, PlaceId, Service};

use crate::{Entity, Key, Sales, SalesState as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    pub kind: PartyKind,
    /// The day from which on there is such a party.
    pub since: BusinessDate,
    /// Where it was registered, by the code of that day; a buyer does not move.
    pub division: DivisionCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The day on which it opened.
    pub since: BusinessDate,
    /// Who holds stock there: station or distribution.
    pub holder: Service,
    pub division: DivisionCode,
}

impl ApplyUpstream<Sales> for HouseholdRegistered {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        put_party(state, self.household, PartyKind::Household, (self.from, self.division));
    }
}

impl ApplyUpstream<Sales> for PartyRegistered {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        put_party(state, self.party.id, self.party.kind, (self.occasion.business_date, self.division));
    }
}

impl ApplyUpstream<Sales> for ProductRegistered {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        let product = Product { since: self.occasion.business_date, base: self.base };
        state.entities.put_reference(Key::Product(self.product), Entity::Product(product));
    }
}

impl ApplyUpstream<Sales> for StationOpened {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        put_place(state, self.station, self.kind.holder(), (self.occasion.business_date, self.division));
    }
}

impl ApplyUpstream<Sales> for SiteOpened {
    fn keys(&self, _: &mut Missing<'_, Sales>) {}

    fn apply_upstream(&self, state: &mut State<Sales>) {
        put_place(state, self.site, self.kind.holder(), (self.occasion.business_date, self.division));
    }
}

fn put_party(state: &mut State<Sales>, id: PartyId, kind: PartyKind, (since, division): (BusinessDate, DivisionCode)) {
    state.entities.put_reference(Key::Party(id), Entity::Party(Party { kind, since, division }));
}

fn put_place(state: &mut State<Sales>, id: PlaceId, holder: Service, (since, division): (BusinessDate, DivisionCode)) {
    state.entities.put_reference(Key::Place(id), Entity::Place(Place { since, holder, division }));
}

/// A party that the command rests on.
pub(crate) fn party(checks: &mut Checks, state: &State<Sales>, id: PartyId) -> Result<PartyRef, Rejection> {
    let party = found(state.party(id), EntityKind::Party, id)?;
    checks.rests_on(party.since, id);
    Ok(PartyRef { id, kind: party.kind })
}
