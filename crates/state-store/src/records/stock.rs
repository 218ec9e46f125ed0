//! What station and distribution both keep. A change here is a change of both their `SCHEMA`s.

use loopledger_domain::stock::{
    Cell, CellKey, Entity, Key, Move, OrderLineKey, Party, Place, Product, Reservation, ReservationStatus, StockRefusal,
};
use loopledger_domain::stock_entities;

use super::{record_enum, record_struct};

stock_entities!(record_enum);

record_enum! {
    ReservationStatus { 0 => Open, 1 => Issued, 2 => Released }
    StockRefusal { 0 => PlaceUnknown, 1 => InsufficientStock, 2 => TooManyLots, 3 => DateTooEarly }
}

record_struct! {
    CellKey { place, lot, pool }
    OrderLineKey { order, line }
    Party { kind, since, division, moves }
    Move { from, division }
    Product { since, base }
    Place { kind, since, division, operator, label }
    Cell { product, title, age, on_hand, reserved, pending, quarantined }
    Reservation { reserved_on, place, product, seller, buyer, price, picks, status }
}
