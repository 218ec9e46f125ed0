//! What distribution keeps.

use loopledger_domain::distribution::{Entity, Key, Shipment, TransitLine};

use super::{mirror, record_enum, record_struct};

mirror!(distribution, 3);

record_enum! {
    Key { 0 => Stock(key), 1 => Shipment(id) }
    Entity { 0 => Stock(entity), 1 => Shipment(shipment) }
}

record_struct! {
    Shipment { from, to, direction, carrier, principal, freight, dispatched_on, received_on, lines }
    TransitLine { stock, received, damaged, missing }
}
