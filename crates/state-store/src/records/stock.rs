//! What station and distribution both keep. A change here is a change of both their `SCHEMA`s.

use loopledger_domain::stock::{
    Cell, CellKey, Entity, Key, Move, OrderLineKey, Party, Place, Product, Reservation, ReservationStatus, StockRefusal,
};

use super::{record_enum, record_struct};

record_enum! {
    Key {
        0 => Party(id), 1 => Product(id), 2 => Place(id), 3 => OtherPlace(id), 4 => Cell(key), 5 => Reservation(key),
        6 => Lot(id),
    }
    Entity {
        0 => Party(party), 1 => Product(product), 2 => Place(place), 3 => OtherPlace(place), 4 => Cell(cell),
        5 => Reservation(reservation), 6 => Lot(age),
        7 => Refused(earliest),
    }
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
