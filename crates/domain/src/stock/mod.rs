//! Stock as both holders keep it: what lies where, whose it is, and in which state.
//!
//! Station and distribution embed these entities ([`Embeds`]) and call these rules ([`Holder`]); each wraps what comes
//! out into its own events, so that reserving, issuing, cancelling and buying in are written once. A cell is the stock
//! of one pool of one lot at one place; no state of a cell goes below zero, neither on the day of a taking nor on any later
//! one. Lots are picked oldest first ([`Age`](crate::Age), then lot id), within a lot in proportion to what is free of each pool.
//!
//! Not here: what makes a lot (collecting is station's), what moves one (hand-overs and shipments), and prices of sale.

mod checks;
mod decide;
mod event;
mod evolve;
mod keys;
mod moved;
mod pick;
mod react;
mod reference;
mod shelves;
mod state;

pub use event::*;
pub use react::Answer;
pub use shelves::{Held, Shelf, Shelves, Slot};
pub use state::{
    Cell, CellKey, Embeds, Entity, Holder, Key, Move, OrderLineKey, Party, Place, Product, Reservation,
    ReservationStatus,
};

pub(crate) use checks::{Checks, found};
pub(crate) use decide::{buy_in, issue, moved, route, trades};
pub(crate) use evolve::{Bucket, bought_in, issued, not_reserved_any_more, place_opened, refused, reserved, shift};
pub(crate) use keys::Missing;
pub(crate) use react::{concerns, consequence, order_placed, release};
pub(crate) use reference::{note_lot, note_other_place, note_parties};
