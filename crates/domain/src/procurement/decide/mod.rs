//! What procurement can decide, and when it must not.

mod contracts;
mod parties;
mod payouts;
mod products;

use loopledger_types::{EntityKind, PartyId};

pub(super) use contracts::produces;

use super::{Command, Event, Party, Procurement};
use crate::stock::{Checks, found};
use crate::{Context, PartyRef, Rejection, State};

pub(super) fn decide(state: &State<Procurement>, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::RegisterHousehold(c) => parties::register_household(state, c, context).map(Event::HouseholdRegistered),
        Command::ChangeHouseholdCategory(c) => {
            parties::change_category(state, c, context).map(Event::HouseholdCategoryChanged)
        }
        Command::AddHouseholdMember(c) => parties::add_member(state, c, context).map(Event::MemberJoined),
        Command::RemoveHouseholdMember(c) => parties::remove_member(state, c, context).map(Event::MemberLeft),
        Command::RelocateHousehold(c) => parties::relocate(state, c, context).map(Event::HouseholdRelocated),
        Command::RegisterParty(c) => parties::register_party(c, context).map(Event::PartyRegistered),
        Command::RegisterProduct(c) => products::register(state, c, context).map(Event::ProductRegistered),
        Command::ContractLinkage(c) => contracts::contract(state, c, context).map(Event::LinkageContracted),
        Command::MakePayout(c) => payouts::make(state, c, context).map(Event::PayoutMade),
        Command::FailPayout(c) => payouts::fail(state, c, context).map(Event::PayoutFailed),
    }
}

/// A party that the command rests on.
fn party<'s>(
    checks: &mut Checks,
    state: &'s State<Procurement>,
    id: PartyId,
) -> Result<(PartyRef, &'s Party), Rejection> {
    let party = found(state.party(id), EntityKind::Party, id)?;
    checks.rests_on(party.since, id);
    Ok((PartyRef { id, kind: party.kind }, party))
}
