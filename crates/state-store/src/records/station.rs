//! What station keeps.

use loopledger_domain::station::{Contract, Entity, HandOver, Key, Membership, PendingReceipt, station_entities};

use super::{mirror, record_enum, record_struct};

mirror!(station, 4);
station_entities!(record_enum);

record_struct! {
    Membership { member, from, until }
    Contract { firm, station, producer, product, terms, valid_from, valid_to, quantity_max }
    PendingReceipt { place, producer, line, number, answered }
    HandOver { from, custodian, to, carrier, lines }
}
