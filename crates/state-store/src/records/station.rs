//! What station keeps.

use loopledger_domain::station::{Contract, Entity, HandOver, Key, Membership, PendingReceipt};

use super::{mirror, record_enum, record_struct};

mirror!(station, 4);

record_enum! {
    Key {
        0 => Stock(key), 1 => Members(id), 2 => Contract(id), 3 => Receipt(id), 4 => HandOver(id), 5 => Collected(id),
        6 => Number(id),
    }
    Entity {
        0 => Stock(entity), 1 => Members(members), 2 => Contract(contract), 3 => Receipt(receipt),
        4 => HandOver(hand_over), 5 => Collected(quantity), 6 => Number(receipts),
    }
}

record_struct! {
    Membership { member, from, until }
    Contract { firm, station, producer, product, terms, valid_from, valid_to, quantity_max }
    PendingReceipt { place, producer, line, number, answered }
    HandOver { from, custodian, to, carrier, lines }
}
