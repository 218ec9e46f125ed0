//! Everything that can have happened: the facts that the four services decide, in one list, and the words that they share.
//!
//! A fact is what an event of the log says. Pure data: no rules, no encoding, no clock. Rules, ledger and wire format are
//! made for the list of facts ([`facts!`]), so none of them can leave one out.

mod age;
mod catalogue;
mod commit;
mod loss;
mod vocabulary;

pub mod distribution;
pub mod procurement;
pub mod sales;
pub mod size;
pub mod station;
pub mod stock;

pub use age::{Age, Numbered, Ranked};
pub use catalogue::{Asks, Event};
pub use commit::{Actor, Commit};
pub use loss::{AnswerRepeated, TailLost};
pub use vocabulary::{
    BuyerRef, CategoryAt, Charge, ChargeKind, Direction, HouseholdCategory, IgnoreReason, Measure, Medium, Occasion,
    Origin, PartyKind, PartyRef, PaymentMethod, PlaceKind, ProductClass, Relation, SettlementMode, StockLine, Terms,
    Title, UpstreamIgnored, consequence, consequence_from,
};
