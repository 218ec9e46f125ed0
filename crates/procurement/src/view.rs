//! Entities as callers see them.

use loopledger_domain::procurement::{Contract, Household, Party, Payable, PayableSource, Product, ResidenceAt};
use loopledger_proto::procurement::v1 as pb;
use loopledger_types::divisions::Edition;
use loopledger_types::{ContractId, PartyId, PayableId, ProductId, Quantity};
use loopledger_wire::Word as _;
use loopledger_wire::query::terms_to_pb;

pub(crate) fn party(id: PartyId, party: &Party) -> pb::Party {
    let residence = party.household.as_ref().and_then(|household| household.residences.last());
    pb::Party {
        party_id: id.to_string(),
        kind: party.kind.number(),
        division_code: residence.map_or(party.division, |residence| residence.division).current().to_string(),
        label: party.label.to_string(),
        household: party.household.as_ref().map(household),
    }
}

fn household(household: &Household) -> pb::HouseholdHistory {
    let categories = household.categories.iter();
    let members = household.members.iter();
    pb::HouseholdHistory {
        categories: categories
            .map(|at| pb::CategoryPeriod { category: at.category.number(), from: at.from.to_string() })
            .collect(),
        residences: residences(&household.residences),
        members: members
            .map(|member| pb::Membership {
                member_id: member.member.to_string(),
                relation: member.relation.number(),
                from: member.from.to_string(),
                until: member.until.map(|day| day.to_string()).unwrap_or_default(),
            })
            .collect(),
    }
}

/// Oldest first. A village that got another code while the household lived there begins a period of its own.
fn residences(residences: &[ResidenceAt]) -> Vec<pb::ResidencePeriod> {
    let mut periods = Vec::new();
    for (index, residence) in residences.iter().enumerate() {
        let until = residences.get(index.saturating_add(1)).map(|next| next.from);
        let lists = Edition::all().map(Edition::day);
        let later = lists.filter(|day| *day > residence.from && until.is_none_or(|until| *day < until));
        let mut code = None;
        for from in core::iter::once(residence.from).chain(later) {
            let then = residence.division.on(from);
            if code.replace(then) != Some(then) {
                periods.push(pb::ResidencePeriod { division_code: then.to_string(), from: from.to_string() });
            }
        }
    }
    periods
}

pub(crate) fn product(id: ProductId, product: &Product) -> pb::Product {
    pb::Product {
        product_id: id.to_string(),
        code: product.code.to_string(),
        name: product.name.to_string(),
        product_class: product.class.number(),
        base_unit: product.base.number(),
    }
}

/// Outright goods are counted when they are bought, `consigned` ones when they are collected.
pub(crate) fn contract(id: ContractId, contract: &Contract, consigned: Quantity) -> pb::Contract {
    pb::Contract {
        contract_id: id.to_string(),
        firm_id: contract.firm.id.to_string(),
        station_id: contract.station.to_string(),
        producer_id: contract.producer.id.to_string(),
        product_id: contract.product.to_string(),
        terms: Some(terms_to_pb(contract.terms)),
        valid_from: contract.valid_from.to_string(),
        valid_to: contract.valid_to.to_string(),
        quantity_max: contract.quantity_max.map(|quantity| quantity.0),
        quantity_accepted: contract.taken.checked_add(consigned).expect("both are of one contract").0,
    }
}

pub(crate) fn payable(id: PayableId, payable: &Payable) -> pb::Payable {
    let (kind, source_id) = match payable.source {
        PayableSource::Purchase { receipt } => (pb::PayableKind::Purchase, receipt.to_string()),
        PayableSource::Settlement { settlement, .. } => (pb::PayableKind::Settlement, settlement.to_string()),
        PayableSource::Freight { shipment } => (pb::PayableKind::Freight, shipment.to_string()),
        PayableSource::BoughtIn { lot } => (pb::PayableKind::BoughtIn, lot.to_string()),
    };
    pb::Payable {
        payable_id: id.to_string(),
        payer_id: payable.payer.id.to_string(),
        payee_id: payable.payee.id.to_string(),
        kind: kind.into(),
        amount_fen: payable.amount.0,
        open_fen: payable.owed().0,
        opened_on: payable.age.day.to_string(),
        source_id,
    }
}

#[cfg(test)]
mod tests {
    use loopledger_types::{BusinessDate, DivisionCode};

    use super::*;

    #[test]
    fn a_village_with_another_code_is_two_residences() {
        let at = |code, from| ResidenceAt {
            division: DivisionCode::parse(code).unwrap(),
            from: BusinessDate::parse(from).unwrap(),
        };
        let shown = |residences_of: &[ResidenceAt]| {
            let periods = residences(residences_of).into_iter();
            periods.map(|period| format!("{} {}", period.from, period.division_code)).collect::<Vec<_>>()
        };
        let (old, new, away) = ("654224201206", "654224103200", "654224202207");
        assert_eq!(
            shown(&[at(old, "2020-01-05"), at(away, "2024-01-01")]),
            ["2020-01-05 654224201206", "2023-06-30 654224103200", "2024-01-01 654224202207"]
        );
        assert_eq!(shown(&[at(old, "2020-01-05"), at(new, "2023-06-30")]).len(), 2);
        assert_eq!(shown(&[at(old, "2020-01-05"), at(away, "2023-06-30")]).len(), 2);
        assert_eq!(shown(&[at(away, "2020-01-05")]), ["2020-01-05 654224202207"]);
    }
}
