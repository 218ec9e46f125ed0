//! What station and distribution both keep. A change here is a change of both their `SCHEMA`s.

use loopledger_domain::stock::{
    Cell, CellKey, Entity, Key, Move, OrderLineKey, Party, Place, Product, Reservation, ReservationStatus,
};

use super::{record_enum, record_struct};

record_enum! {
    Key {
        0 => Party(id), 1 => Product(id), 2 => Place(id), 3 => OtherPlace(id), 4 => Cell(key), 5 => Reservation(key),
    }
    Entity {
        0 => Party(party), 1 => Product(product), 2 => Place(place), 3 => OtherPlace(place), 4 => Cell(cell),
        5 => Reservation(reservation),
    }
    ReservationStatus { 0 => Open, 1 => Issued, 2 => Released }
}

record_struct! {
    CellKey { place, lot, pool }
    OrderLineKey { order, line }
    Party { kind, division, moves }
    Move { from, division }
    Product { base }
    Place { kind, division, operator, label }
    Cell { product, title, collected_on, on_hand, reserved, pending, quarantined }
    Reservation { place, product, seller, buyer, price, picks, status }
}
