//! Co-ops, firms, carriers, buyers and suppliers; and what every party has, households too.

use loopledger_facts::procurement::PartyRegistered;
use loopledger_facts::{Occasion, PartyKind, PartyRef};
use loopledger_rules::stock::{Checks, found};
use loopledger_rules::{Context, Decide, Evolve, FieldFault, Missing, Rejection, State};
use loopledger_types::{BusinessDate, DivisionCode, EntityKind, PartyId};

use crate::households::Household;
use crate::{Entity, Key, Procurement, ProcurementState as _};

/// Creates a party (`PartyId` index 0) other than a household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterParty {
    pub occasion: Occasion,
    pub kind: PartyKind,
    pub division: DivisionCode,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub kind: PartyKind,
    /// The day from which on there is such a party.
    pub since: BusinessDate,
    /// Where it stands; of a household, where it was registered.
    pub division: DivisionCode,
    /// Empty for households.
    pub label: Box<str>,
    /// Of households only.
    pub household: Option<Household>,
}

impl Party {
    /// Where it stood on that day, by the code of that day; before it was registered, where it was registered.
    pub fn division_on(&self, day: BusinessDate) -> DivisionCode {
        let residences = self.household.as_ref().map_or(&[][..], |household| &household.residences);
        residences.iter().rev().find(|residence| residence.from <= day).map_or(self.division, |r| r.division).on(day)
    }
}

impl Decide<Procurement> for RegisterParty {
    type Fact = PartyRegistered;

    // It creates what it names.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn decide(&self, _: &State<Procurement>, context: &Context) -> Result<PartyRegistered, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        if self.kind == PartyKind::Household {
            checks.refuse("kind", FieldFault::UnknownValue, "A household is registered by RegisterHousehold.");
        }
        checks.pass()?;
        let id = PartyId::derive(context.request_id, context.stream, 0);
        Ok(PartyRegistered {
            occasion: self.occasion,
            party: PartyRef { id, kind: self.kind },
            division: self.division,
            label: self.label.clone(),
        })
    }
}

impl Evolve<Procurement> for PartyRegistered {
    // It creates a party.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, state: &mut State<Procurement>) {
        let party = Party {
            kind: self.party.kind,
            since: self.occasion.business_date,
            division: self.division,
            label: self.label.as_str().into(),
            household: None,
        };
        state.entities.put(Key::Party(self.party.id), Entity::Party(Box::new(party)));
    }
}

/// A party that the command rests on.
pub(crate) fn party<'s>(
    checks: &mut Checks,
    state: &'s State<Procurement>,
    id: PartyId,
) -> Result<(PartyRef, &'s Party), Rejection> {
    let party = found(state.party(id), EntityKind::Party, id)?;
    checks.rests_on(party.since, id);
    Ok((PartyRef { id, kind: party.kind }, party))
}
