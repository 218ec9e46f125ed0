//! What distribution keeps.

use loopledger_domain::distribution::{Entity, Key, Shipment, TransitLine, distribution_entities};

use super::{mirror, record_enum, record_struct};

mirror!(distribution, 3);
distribution_entities!(record_enum);

record_struct! {
    Shipment { from, to, direction, carrier, principal, freight, dispatched_on, received_on, lines }
    TransitLine { stock, received, damaged, missing }
}
