//! What sales keeps. Products are `stock`'s.

use loopledger_domain::sales::{
    Channel, ConsignedPool, Entity, Key, LineState, Lot, Order, OrderLine, Party, Place, PoolKey, Sale, Settled, Tally,
};

use super::{mirror, record_enum, record_struct};

mirror!(sales, 5);

record_enum! {
    Key {
        0 => Party(id), 1 => Product(id), 2 => Place(id), 3 => Lot(id), 4 => Channel(id), 5 => Order(id),
        6 => Tally(key), 7 => Settled(receipt), 8 => Number(id),
    }
    Entity {
        0 => Party(party), 1 => Product(product), 2 => Place(place), 3 => Lot(lot), 4 => Channel(channel),
        5 => Order(order), 6 => Tally(tally), 7 => Settled(settled), 8 => Number(orders),
    }
    LineState {
        0 => Open, 1 => CancellationPending, 2 => Cancelled { on, refusal, available },
        3 => Fulfilled { on, quantity, amount },
    }
}

record_struct! {
    PoolKey { lot, pool }
    Party { kind, since, division }
    Place { since, holder, division }
    Lot { product, pools }
    ConsignedPool { pool, consignee, mode, origins }
    Channel { since, medium, operator, label }
    Order { number, channel, medium, seller, buyer, ordered_on, lines, states, owed, prepaid }
    OrderLine { product, quantity, price, amount, place, holder }
    Tally { sold, shared, unsettled }
    Sale { quantity, amount, until }
    Settled { source_quantity, gross }
}
