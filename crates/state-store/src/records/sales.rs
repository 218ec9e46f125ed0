//! What sales keeps. Products are `stock`'s.

use loopledger_domain::sales::{
    Channel, ConsignedPool, Entity, Key, LineState, Lot, Order, OrderLine, Party, Place, PoolKey, Sale, Settled, Tally,
    sales_entities,
};

use super::{mirror, record_enum, record_struct};

mirror!(sales, 5);
sales_entities!(record_enum);

record_enum! {
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
