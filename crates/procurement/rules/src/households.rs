//! Households (pseudonymous, with members) and their histories: category, members, residence, each from a day on.

use std::sync::Arc;

use loopledger_facts::procurement::{
    HouseholdCategoryChanged, HouseholdRegistered, HouseholdRelocated, MemberJoined, MemberLeft, MemberSince,
};
use loopledger_facts::{CategoryAt, HouseholdCategory, Occasion, PartyKind, Relation};
use loopledger_rules::stock::Checks;
use loopledger_rules::{Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{BusinessDate, CountyCode, DivisionCode, MemberId, PartyId};

use crate::parties::{Party, party};
use crate::{Entity, Key, Procurement, ProcurementState as _};

/// Creates the household (`PartyId` index 0) and its members (`MemberId` index 0.., in order).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterHousehold {
    pub occasion: Occasion,
    pub division: DivisionCode,
    pub category: HouseholdCategory,
    /// One to 50, exactly one head.
    pub members: Vec<Relation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeHouseholdCategory {
    pub occasion: Occasion,
    pub household: PartyId,
    pub category: HouseholdCategory,
}

/// Creates a member (`MemberId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddHouseholdMember {
    pub occasion: Occasion,
    pub household: PartyId,
    pub relation: Relation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveHouseholdMember {
    pub occasion: Occasion,
    pub household: PartyId,
    pub member: MemberId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelocateHousehold {
    pub occasion: Occasion,
    pub household: PartyId,
    pub division: DivisionCode,
}

/// What held when, each oldest first; what holds from a day on holds until the next entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    pub categories: Arc<[CategoryAt]>,
    pub residences: Arc<[ResidenceAt]>,
    /// In the order of joining.
    pub members: Arc<[Membership]>,
}

/// A residence from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidenceAt {
    pub division: DivisionCode,
    pub from: BusinessDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub member: MemberId,
    pub relation: Relation,
    pub from: BusinessDate,
    /// The first day on which the member no longer belongs.
    pub until: Option<BusinessDate>,
}

impl Membership {
    pub fn holds_on(&self, day: BusinessDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

impl Decide<Procurement> for RegisterHousehold {
    type Fact = HouseholdRegistered;

    // It creates what it names.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<HouseholdRegistered, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        village(&mut checks, self.division, state.county);
        checks.pass()?;
        let household = PartyId::derive(context.request_id, context.stream, 0);
        if self.members.iter().filter(|relation| **relation == Relation::Head).count() != 1 {
            return Err(Rejection::broken(Rule::HeadMustStay, household));
        }
        let from = self.occasion.business_date;
        let member = |(index, relation): (u32, &Relation)| MemberSince {
            member: MemberId::derive(context.request_id, context.stream, index),
            relation: *relation,
            from,
        };
        Ok(HouseholdRegistered {
            occasion: self.occasion,
            household,
            division: self.division,
            category: self.category,
            from,
            members: (0..).zip(&self.members).map(member).collect(),
        })
    }
}

impl Decide<Procurement> for ChangeHouseholdCategory {
    type Fact = HouseholdCategoryChanged;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<HouseholdCategoryChanged, Rejection> {
        let household = household(Checks::new(&self.occasion, context), state, self.household)?;
        let from = self.occasion.business_date;
        not_before(from, household.categories.last().map(|category| category.from), self.household)?;
        Ok(HouseholdCategoryChanged {
            occasion: self.occasion,
            household: self.household,
            category: self.category,
            from,
        })
    }
}

impl Decide<Procurement> for AddHouseholdMember {
    type Fact = MemberJoined;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<MemberJoined, Rejection> {
        let household = household(Checks::new(&self.occasion, context), state, self.household)?;
        if self.relation == Relation::Head {
            return Err(Rejection::broken(Rule::HeadMustStay, self.household));
        }
        let from = self.occasion.business_date;
        not_before(from, last_change_of_members(household), self.household)?;
        let member = MemberId::derive(context.request_id, context.stream, 0);
        Ok(MemberJoined {
            occasion: self.occasion,
            household: self.household,
            member: MemberSince { member, relation: self.relation, from },
        })
    }
}

impl Decide<Procurement> for RemoveHouseholdMember {
    type Fact = MemberLeft;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<MemberLeft, Rejection> {
        let household = household(Checks::new(&self.occasion, context), state, self.household)?;
        let from = self.occasion.business_date;
        let member = household.members.iter().find(|membership| membership.member == self.member);
        let member = member
            .filter(|membership| membership.until.is_none())
            .ok_or_else(|| Rejection::broken(Rule::MemberNotIn, self.member))?;
        if from < member.from {
            return Err(Rejection::too_early(self.member, member.from));
        }
        if member.relation == Relation::Head {
            return Err(Rejection::broken(Rule::HeadMustStay, self.household));
        }
        not_before(from, last_change_of_members(household), self.household)?;
        Ok(MemberLeft { occasion: self.occasion, household: self.household, member: self.member, from })
    }
}

impl Decide<Procurement> for RelocateHousehold {
    type Fact = HouseholdRelocated;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<HouseholdRelocated, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        village(&mut checks, self.division, state.county);
        let household = household(checks, state, self.household)?;
        let from = self.occasion.business_date;
        not_before(from, household.residences.last().map(|residence| residence.from), self.household)?;
        Ok(HouseholdRelocated { occasion: self.occasion, household: self.household, division: self.division, from })
    }
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
        checks.refuse("division_code", FieldFault::NotAVillageOfTheCounty, description);
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

impl Evolve<Procurement> for HouseholdRegistered {
    // It creates a household.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, state: &mut State<Procurement>) {
        let household = Household {
            categories: Arc::new([CategoryAt { category: self.category, from: self.from }]),
            residences: Arc::new([ResidenceAt { division: self.division, from: self.from }]),
            members: self.members.iter().map(membership).collect(),
        };
        let party = Party {
            kind: PartyKind::Household,
            since: self.from,
            division: self.division,
            label: Box::default(),
            household: Some(household),
        };
        state.entities.put(Key::Party(self.household), Entity::Party(Box::new(party)));
    }
}

const fn membership(since: &MemberSince) -> Membership {
    Membership { member: since.member, relation: since.relation, from: since.from, until: None }
}

impl Evolve<Procurement> for HouseholdCategoryChanged {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        change(state, self.household, |household| {
            let changed = CategoryAt { category: self.category, from: self.from };
            household.categories = extended(&household.categories, changed);
        });
    }
}

impl Evolve<Procurement> for MemberJoined {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        change(state, self.household, |household| {
            household.members = extended(&household.members, membership(&self.member));
        });
    }
}

impl Evolve<Procurement> for MemberLeft {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        change(state, self.household, |household| {
            let until = |m: &Membership| if m.member == self.member { Some(self.from) } else { m.until };
            household.members = household.members.iter().map(|m| Membership { until: until(m), ..*m }).collect();
        });
    }
}

impl Evolve<Procurement> for HouseholdRelocated {
    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.household));
    }

    fn evolve(&self, state: &mut State<Procurement>) {
        change(state, self.household, |household| {
            let residence = ResidenceAt { division: self.division, from: self.from };
            household.residences = extended(&household.residences, residence);
        });
    }
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
