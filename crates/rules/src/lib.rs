//! What the rules of every service are made of: state and its entities, what a writer asks of rules ([`Decider`]), how a
//! service's commands and facts are handled in one place each ([`Rules`]), and stock, which two services hold alike.
//!
//! `decide` holds every rule, `evolve` holds none, an answer follows a fact of another service; none of them knows a
//! clock, a wire format or a store. Not here: the rules of any one service, and what a fact is (`facts`).

mod act;
mod by_day;
mod core;
mod entities;
mod entity_list;
mod numbers;
mod rejection;

pub mod stock;

pub use act::{Answer, Answers, ApplyUpstream, Decide, Evolve, Missing, Rules};
pub use by_day::{ByDay, Change, Dated};
pub use core::{Context, Decider, State, Subject};
pub use entities::{Entities, Entity, Index, NoIndex};
pub use numbers::{Paper, SAME_NUMBER_MAX, same_number, with, without};
pub use rejection::{FieldFault, Rejection, Rule, Violation};

/// For the macros of this crate.
#[doc(hidden)]
pub use {entity_list::Tagged, loopledger_facts as facts, loopledger_types as types};

use loopledger_facts::{
    Actor, Age, BuyerRef, Commit, Direction, Event, Measure, Numbered, Occasion, PartyKind, PartyRef, PlaceKind,
    Ranked, StockLine, Title,
};
