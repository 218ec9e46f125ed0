//! What the four services decide, as pure functions over immutable events.
//!
//! `decide` holds every rule, `evolve` holds none, `react` answers upstream facts; none of them knows a clock,
//! a wire format or a store. See [`Decider`] for the contract between a service's rules and the writer that runs them.

#![allow(clippy::similar_names, reason = "payer and payee are the words of the trade")]

mod age;
mod by_day;
mod commit;
mod core;
mod entities;
mod loss;
mod numbers;
mod rejection;
mod vocabulary;

pub mod distribution;
pub mod procurement;
pub mod sales;
pub mod size;
pub mod station;
pub mod stock;

pub use age::{Age, Numbered};
pub use by_day::{ByDay, Change, Dated};
pub use commit::{Actor, Commit, Event};
pub use core::{Context, Decider, State, Subject};
pub use entities::{Entities, Entity, Index, NoIndex};
pub use loss::{AnswerRepeated, TailLost};
pub use numbers::{Paper, SAME_NUMBER_MAX};
pub use rejection::{Rejection, Rule, Violation};
pub use vocabulary::{
    BuyerRef, CategoryAt, Charge, ChargeKind, Direction, HouseholdCategory, IgnoreReason, Measure, Medium, Occasion,
    Origin, PartyKind, PartyRef, PaymentMethod, PlaceKind, ProductClass, Relation, SettlementMode, StockLine, Terms,
    Title, UpstreamIgnored,
};
