//! Who belongs to a household: a member may hand goods over for it.

use loopledger_facts::procurement::{HouseholdRegistered, MemberJoined, MemberLeft, MemberSince};
use loopledger_rules::stock::note_household;
use loopledger_rules::{ApplyUpstream, Missing, State};
use loopledger_types::{BusinessDate, MemberId, PartyId};

use crate::{Entity, Key, Station, StationState as _};

/// When a member belongs to a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub member: MemberId,
    pub from: BusinessDate,
    /// The first day on which the member no longer belongs.
    pub until: Option<BusinessDate>,
}

impl ApplyUpstream<Station> for HouseholdRegistered {
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn apply_upstream(&self, state: &mut State<Station>) {
        note_household(state, self);
        put_members(state, self.household, self.members.iter().map(belongs).collect());
    }
}

impl ApplyUpstream<Station> for MemberJoined {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(Key::Members(self.household));
    }

    fn apply_upstream(&self, state: &mut State<Station>) {
        let members = state.members(self.household).iter().copied();
        let members = members.chain([belongs(&self.member)]).collect();
        put_members(state, self.household, members);
    }
}

impl ApplyUpstream<Station> for MemberLeft {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(Key::Members(self.household));
    }

    fn apply_upstream(&self, state: &mut State<Station>) {
        let mut members: Box<[Membership]> = state.members(self.household).into();
        for member in members.iter_mut().filter(|known| known.member == self.member) {
            member.until = Some(self.from);
        }
        put_members(state, self.household, members);
    }
}

fn belongs(member: &MemberSince) -> Membership {
    Membership { member: member.member, from: member.from, until: None }
}

fn put_members(state: &mut State<Station>, household: PartyId, members: Box<[Membership]>) {
    state.entities.put_reference(Key::Members(household), Entity::Members(members));
}
