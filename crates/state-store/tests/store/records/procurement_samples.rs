//! What procurement keeps, one sample of every kind.

use super::*;

fn parties() -> Vec<procurement::Party> {
    let categories = [
        HouseholdCategory::General,
        HouseholdCategory::RegisteredPoor,
        HouseholdCategory::Exited,
        HouseholdCategory::ExitedUnstable,
        HouseholdCategory::AtRisk,
        HouseholdCategory::SuddenHardship,
    ];
    let relations = [Relation::Head, Relation::Spouse, Relation::Child, Relation::Parent, Relation::Other];
    let membership = |relation| procurement::Membership { member: MEMBER, relation, from: day(1), until: Some(day(2)) };
    let household = procurement::Household {
        categories: categories.into_iter().map(|category| CategoryAt { category, from: day(1) }).collect(),
        residences: vec![procurement::ResidenceAt { division: village(), from: day(1) }].into(),
        members: relations.into_iter().map(membership).collect(),
    };
    let party = |kind, household| procurement::Party {
        kind,
        since: day(6),
        division: village(),
        label: "合作社".into(),
        household,
    };
    let kinds = [PartyKind::Cooperative, PartyKind::Firm, PartyKind::Carrier, PartyKind::Buyer, PartyKind::Supplier];
    core::iter::once(party(PartyKind::Household, Some(household)))
        .chain(kinds.into_iter().map(|kind| party(kind, None)))
        .collect()
}

fn payouts(items: &[procurement::PayoutItem]) -> Vec<(procurement::Key, procurement::Entity)> {
    use procurement::{Entity, Key, Payout, PayoutMade};
    let mut entities = Vec::new();
    for (method, full) in
        [(PaymentMethod::Cash, false), (PaymentMethod::BankTransfer, true), (PaymentMethod::Mobile, true)]
    {
        let occasion = Occasion {
            business_date: day(6),
            occurred_at: full.then_some(Timestamp { seconds: 1_778_000_000, nanos: 5 }),
            device_utc_offset_min: full.then_some(360),
            division: village(),
        };
        let made = PayoutMade {
            occasion,
            payout: PayoutId([17; 16]),
            payer: FIRM,
            payee: HOUSEHOLD,
            payee_division: village(),
            amount: Money(28),
            items: items.to_vec(),
            method,
            proof_hash: full.then_some([18; 32]),
            received_by: full.then_some(MEMBER),
        };
        entities.push((Key::Payout(PayoutId([17; 16])), Entity::Payout(Box::new(Payout { made, failed: full }))));
    }
    entities
}

pub(super) fn procurement_entities() -> Vec<(procurement::Key, procurement::Entity)> {
    use procurement::{Contract, Entity, Key, Payable, PayableSource, PayoutItem, Product, Station};
    let mut entities: Vec<(Key, Entity)> =
        parties().into_iter().map(|party| (Key::Party(HOUSEHOLD.id), Entity::Party(Box::new(party)))).collect();
    for (class, base) in [
        (ProductClass::Speciality, BaseUnit::Gram),
        (ProductClass::Handicraft, BaseUnit::Piece),
        (ProductClass::Industrial, BaseUnit::Millilitre),
        (ProductClass::Speciality, BaseUnit::Head),
    ] {
        let product = Product { since: day(7), code: "walnut".into(), name: "核桃".into(), class, base };
        entities.push((Key::Product(PRODUCT), Entity::Product(Box::new(product))));
    }
    for (terms, quantity_max) in contract_terms().into_iter().zip([None, Some(Quantity(9_000)), None]) {
        let contract = Contract {
            firm: FIRM,
            station: STATION,
            producer: HOUSEHOLD,
            product: PRODUCT,
            terms,
            valid_from: day(1),
            valid_to: day(31),
            quantity_max,
            taken: Quantity(17),
        };
        entities.push((Key::Contract(CONTRACT), Entity::Contract(Box::new(contract))));
    }
    let sources = [
        PayableSource::Purchase { receipt: RECEIPT },
        PayableSource::Settlement { settlement: SettlementId([15; 16]), lot: LOT, mode: SettlementMode::Commission },
        PayableSource::Freight { shipment: SHIPMENT },
        PayableSource::BoughtIn { lot: LOT },
    ];
    let payable_id = PayableId([16; 16]);
    for source in sources {
        let payable = Payable {
            payer: FIRM,
            payee: HOUSEHOLD,
            source,
            age: age("GB000001").into(),
            amount: Money(90_160),
            open: Dated { changes: vec![Change { day: day(5), amount: 1 }].into() },
        };
        entities.push((Key::Payable(payable_id), Entity::Payable(Box::new(payable))));
    }
    entities.extend(payouts(&sources.map(|source| PayoutItem { payable: payable_id, source, amount: Money(7) })));
    for kind in [PlaceKind::Station, PlaceKind::Workshop] {
        entities.push((Key::Station(STATION), Entity::Station(Station { since: day(8), kind, division: village() })));
    }
    entities.push((Key::Consigned(CONTRACT), Entity::Consigned(Quantity(17))));
    entities
}
