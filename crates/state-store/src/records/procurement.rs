//! What procurement keeps. `ContractTerms` is kept by station too.

use loopledger_domain::procurement::{
    Contract, ContractTerms, Entity, Household, Key, Membership, Party, Payable, PayableSource, Payout, PayoutItem,
    PayoutMade, Product, ResidenceAt, Station,
};

use super::{mirror, record_enum, record_struct};

mirror!(procurement, 3);

record_enum! {
    Key {
        0 => Party(id), 1 => Product(id), 2 => Contract(id), 3 => Payable(id), 4 => Payout(id), 5 => Station(id),
        6 => Consigned(id),
    }
    Entity {
        0 => Party(party), 1 => Product(product), 2 => Contract(contract), 3 => Payable(payable), 4 => Payout(payout),
        5 => Station(station), 6 => Consigned(quantity),
    }
    ContractTerms {
        0 => Outright { price }, 1 => AgreedPrice { price }, 2 => Commission { commission_bp, price_basis },
    }
    PayableSource {
        0 => Purchase { receipt }, 1 => Settlement { settlement, lot, mode }, 2 => Freight { shipment },
        3 => BoughtIn { lot },
    }
}

record_struct! {
    Party { kind, since, division, label, household }
    Household { categories, residences, members }
    ResidenceAt { division, from }
    Membership { member, relation, from, until }
    Product { since, code, name, class, base }
    Contract { firm, station, producer, product, terms, valid_from, valid_to, quantity_max, taken }
    Payable { payer, payee, source, age, amount, open }
    Payout { made, failed }
    PayoutMade { occasion, payout, payer, payee, payee_division, amount, items, method, proof_hash, received_by }
    PayoutItem { payable, source, amount }
    Station { since, kind, division }
}
