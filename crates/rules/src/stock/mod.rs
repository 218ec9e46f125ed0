//! Stock as both holders keep it: what lies where, whose it is, and in which state.
//!
//! Station and distribution embed these entities ([`Embeds`]) and share these rules ([`Holder`]), so that reserving,
//! issuing, cancelling and buying in are written once. A cell is the stock
//! of one pool of one lot at one place; no state of a cell goes below zero, neither on the day of a taking nor on any later
//! one. Lots are picked oldest first ([`Age`](crate::Age), then lot id), within a lot in proportion to what is free of each pool.
//!
//! Not here: what makes a lot (collecting is station's), what moves one (hand-overs and shipments), and prices of sale.

mod buy_in;
mod cell;
mod checks;
mod issue;
mod moved;
mod movement;
mod pick;
mod reference;
mod reserve;
mod shelves;
mod state;

pub use loopledger_facts::stock::*;

pub use buy_in::BuyIn;
pub use cell::{Bucket, ask_arrival, begin, leave, shift};
pub use checks::{Checks, found};
pub use issue::IssueGoods;
pub use moved::Moved;
pub use movement::{MoveLine, Route, ask_movement, moved, route, trades};
pub use reference::{note_household, note_lot, note_other_place, open_place};
pub use shelves::{Held, Shelf, Shelves, Slot};
pub use state::{
    Cell, CellKey, Embeds, Entity, Holder, Key, Move, OrderLineKey, Party, Place, Product, Reservation,
    ReservationStatus,
};
