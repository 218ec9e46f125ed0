//! Procurement: who there is (households as pseudonymous ids, co-ops, firms, carriers, buyers, suppliers), what is traded,
//! linkage contracts 企业+站点+户, and everything that is owed to producers, carriers and suppliers, with every payment out.
//!
//! It answers station's outright collections for the buyer (contracts are in force here, whatever station knew), and notes
//! an obligation for each settlement, freight and purchase from outside that another service decides. Not here: stock,
//! sales, customers' money (sales), and names or any other personal data.

#![allow(clippy::similar_names, reason = "payer and payee are the words of the trade")]

mod contracts;
mod households;
mod parties;
mod payables;
mod payout;
mod products;
mod purchase;
mod state;

pub use loopledger_facts::procurement::*;
use loopledger_rules::{commands, rules};

pub use contracts::{Contract, ContractLinkage, Station};
pub use households::{
    AddHouseholdMember, ChangeHouseholdCategory, Household, Membership, RegisterHousehold, RelocateHousehold,
    RemoveHouseholdMember, ResidenceAt,
};
pub use parties::{Party, RegisterParty};
pub use payables::{Draft, Payable};
pub use payout::{FailPayout, MakePayout, Payout};
pub use products::{Product, RegisterProduct};
pub use state::{Account, Directory, Entity, Key, ProcurementState};

/// The rules of the procurement service.
#[derive(Debug)]
pub struct Procurement;

commands! {
    Procurement {
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
}

rules!(procurement Procurement hears [Station, Distribution, Sales], Entity, Directory, Draft);
