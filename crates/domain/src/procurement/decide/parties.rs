//! Households and their histories, and every other party.

use loopledger_types::{BusinessDate, CountyCode, DivisionCode, MemberId, PartyId};

use super::party;
use crate::procurement::{
    AddHouseholdMember, ChangeHouseholdCategory, Household, HouseholdCategoryChanged, HouseholdRegistered,
    HouseholdRelocated, MemberJoined, MemberLeft, MemberSince, PartyRegistered, Procurement, RegisterHousehold,
    RegisterParty, RelocateHousehold, RemoveHouseholdMember,
};
use crate::stock::Checks;
use crate::{Context, PartyKind, PartyRef, Rejection, Relation, Rule, State};

pub(super) fn register_household(
    state: &State<Procurement>,
    command: &RegisterHousehold,
    context: &Context,
) -> Result<HouseholdRegistered, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    village(&mut checks, command.division, state.county);
    checks.pass()?;
    let household = PartyId::derive(context.request_id, context.stream, 0);
    if command.members.iter().filter(|relation| **relation == Relation::Head).count() != 1 {
        return Err(Rejection::broken(Rule::HeadMustStay, household));
    }
    let from = command.occasion.business_date;
    let member = |(index, relation): (u32, &Relation)| MemberSince {
        member: MemberId::derive(context.request_id, context.stream, index),
        relation: *relation,
        from,
    };
    Ok(HouseholdRegistered {
        occasion: command.occasion,
        household,
        division: command.division,
        category: command.category,
        from,
        members: (0..).zip(&command.members).map(member).collect(),
    })
}

pub(super) fn change_category(
    state: &State<Procurement>,
    command: &ChangeHouseholdCategory,
    context: &Context,
) -> Result<HouseholdCategoryChanged, Rejection> {
    let household = household(Checks::new(&command.occasion, context), state, command.household)?;
    let from = command.occasion.business_date;
    not_before(from, household.categories.last().map(|category| category.from), command.household)?;
    Ok(HouseholdCategoryChanged {
        occasion: command.occasion,
        household: command.household,
        category: command.category,
        from,
    })
}

pub(super) fn add_member(
    state: &State<Procurement>,
    command: &AddHouseholdMember,
    context: &Context,
) -> Result<MemberJoined, Rejection> {
    let household = household(Checks::new(&command.occasion, context), state, command.household)?;
    if command.relation == Relation::Head {
        return Err(Rejection::broken(Rule::HeadMustStay, command.household));
    }
    let from = command.occasion.business_date;
    not_before(from, last_change_of_members(household), command.household)?;
    let member = MemberId::derive(context.request_id, context.stream, 0);
    Ok(MemberJoined {
        occasion: command.occasion,
        household: command.household,
        member: MemberSince { member, relation: command.relation, from },
    })
}

pub(super) fn remove_member(
    state: &State<Procurement>,
    command: &RemoveHouseholdMember,
    context: &Context,
) -> Result<MemberLeft, Rejection> {
    let household = household(Checks::new(&command.occasion, context), state, command.household)?;
    let from = command.occasion.business_date;
    let member = household.members.iter().find(|membership| membership.member == command.member);
    let member = member
        .filter(|membership| membership.until.is_none())
        .ok_or_else(|| Rejection::broken(Rule::MemberNotIn, command.member))?;
    if from < member.from {
        return Err(Rejection::too_early(command.member, member.from));
    }
    if member.relation == Relation::Head {
        return Err(Rejection::broken(Rule::HeadMustStay, command.household));
    }
    not_before(from, last_change_of_members(household), command.household)?;
    Ok(MemberLeft { occasion: command.occasion, household: command.household, member: command.member, from })
}

pub(super) fn relocate(
    state: &State<Procurement>,
    command: &RelocateHousehold,
    context: &Context,
) -> Result<HouseholdRelocated, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    village(&mut checks, command.division, state.county);
    let household = household(checks, state, command.household)?;
    let from = command.occasion.business_date;
    not_before(from, household.residences.last().map(|residence| residence.from), command.household)?;
    Ok(HouseholdRelocated {
        occasion: command.occasion,
        household: command.household,
        division: command.division,
        from,
    })
}

pub(super) fn register_party(command: &RegisterParty, context: &Context) -> Result<PartyRegistered, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    if command.kind == PartyKind::Household {
        checks.refuse("kind", "UNKNOWN_VALUE", "A household is registered by RegisterHousehold.");
    }
    checks.pass()?;
    let id = PartyId::derive(context.request_id, context.stream, 0);
    Ok(PartyRegistered {
        occasion: command.occasion,
        party: PartyRef { id, kind: command.kind },
        division: command.division,
        label: command.label.clone(),
    })
}

/// The household that a command changes; the command is well formed, and not dated before the household.
fn household(mut checks: Checks, state: &State<Procurement>, id: PartyId) -> Result<&Household, Rejection> {
    let (_, party) = party(&mut checks, state, id)?;
    let household = party.household.as_ref().ok_or_else(|| Rejection::broken(Rule::NotAHousehold, id));
    checks.pass()?;
    household
}

/// A household lives in a village-level unit of the county.
fn village(checks: &mut Checks, division: DivisionCode, county: CountyCode) {
    if !division.is_village() || division.county() != county {
        let description = format!("A household lives in a village-level unit of {county}.");
        checks.refuse("division_code", "NOT_A_VILLAGE_OF_THE_COUNTY", description);
    }
}

/// A change may fall on the day of the last one, and then holds instead of it; earlier it may not.
fn not_before(from: BusinessDate, last: Option<BusinessDate>, household: PartyId) -> Result<(), Rejection> {
    match last.filter(|last| from < *last) {
        Some(last) => Err(Rejection::broken(Rule::BackDated, household).with("earliest", last)),
        None => Ok(()),
    }
}

fn last_change_of_members(household: &Household) -> Option<BusinessDate> {
    household.members.iter().map(|membership| membership.until.unwrap_or(membership.from)).max()
}
