//! What procurement can be asked to do. Shapes are checked already (ranges, lengths, UUIDs); existence and rules are not.

use loopledger_types::{
    BaseUnit, BusinessDate, DivisionCode, MemberId, Money, PartyId, PayableId, PayoutId, PlaceId, ProductId,
};

use super::ContractTerms;
use crate::{HouseholdCategory, Measure, Occasion, PartyKind, PaymentMethod, ProductClass, Relation};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    RegisterHousehold(RegisterHousehold),
    ChangeHouseholdCategory(ChangeHouseholdCategory),
    AddHouseholdMember(AddHouseholdMember),
    RemoveHouseholdMember(RemoveHouseholdMember),
    RelocateHousehold(RelocateHousehold),
    RegisterParty(RegisterParty),
    RegisterProduct(RegisterProduct),
    ContractLinkage(ContractLinkage),
    MakePayout(MakePayout),
    FailPayout(FailPayout),
}

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

/// Creates a party (`PartyId` index 0) other than a household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterParty {
    pub occasion: Occasion,
    pub kind: PartyKind,
    pub division: DivisionCode,
    pub label: String,
}

/// Creates a product (`ProductId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterProduct {
    pub occasion: Occasion,
    pub code: String,
    pub name: String,
    pub class: ProductClass,
    pub base: BaseUnit,
}

/// Creates a contract (`ContractId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractLinkage {
    pub occasion: Occasion,
    pub firm: PartyId,
    pub station: PlaceId,
    pub producer: PartyId,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    pub valid_to: BusinessDate,
    pub quantity_max: Option<Measure>,
}

/// Creates a payout (`PayoutId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakePayout {
    pub occasion: Occasion,
    pub payer: PartyId,
    pub payee: PartyId,
    /// Absent: everything outstanding of the named payables (or, if none is named, of the whole account).
    pub amount: Option<Money>,
    /// Which obligations it pays, in this order; empty: the oldest first.
    pub payables: Vec<PayableId>,
    pub method: PaymentMethod,
    pub proof_hash: Option<[u8; 32]>,
    pub received_by: Option<MemberId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailPayout {
    pub occasion: Occasion,
    pub payout: PayoutId,
    pub reason: String,
}
