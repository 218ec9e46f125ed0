//! What procurement keeps. `ContractTerms` is kept by station too.

use loopledger_domain::procurement::{
    Contract, ContractTerms, Entity, Household, Key, Membership, Party, Payable, PayableSource, Payout, PayoutItem,
    PayoutMade, Product, ResidenceAt, Station, procurement_entities,
};

use super::{mirror, record_enum, record_struct};

mirror!(procurement, 3);
procurement_entities!(record_enum);

record_enum! {
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
