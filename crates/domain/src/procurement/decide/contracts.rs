//! Linkage contracts.

use loopledger_types::{BaseUnit, ContractId, EntityKind};

use super::party;
use crate::procurement::{ContractLinkage, ContractTerms, LinkageContracted, Procurement};
use crate::stock::{Checks, found};
use crate::{Context, PartyKind, Rejection, Rule, State};

pub(super) fn contract(
    state: &State<Procurement>,
    command: &ContractLinkage,
    context: &Context,
) -> Result<LinkageContracted, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let (firm, _) = party(&mut checks, state, command.firm)?;
    let station = found(state.station(command.station), EntityKind::Place, command.station)?;
    checks.rests_on(station.since, command.station);
    let (producer, _) = party(&mut checks, state, command.producer)?;
    let product = found(state.product(command.product), EntityKind::Product, command.product)?;
    checks.rests_on(product.since, command.product);
    shape(&mut checks, command, product.base);
    checks.pass()?;
    if !firm.kind.trades() {
        return Err(Rejection::broken(Rule::PartyCannotTrade, firm.id));
    }
    if !produces(producer.kind) {
        return Err(Rejection::broken(Rule::PartyNotProducer, producer.id));
    }
    if firm.id == producer.id {
        return Err(Rejection::broken(Rule::SellerIsBuyer, firm.id));
    }
    Ok(LinkageContracted {
        occasion: command.occasion,
        contract: ContractId::derive(context.request_id, context.stream, 0),
        firm,
        station: command.station,
        producer,
        product: command.product,
        terms: command.terms,
        valid_from: command.valid_from,
        valid_to: command.valid_to,
        quantity_max: command.quantity_max.map(|measure| measure.quantity),
    })
}

/// Whether goods are collected from such a party.
pub(in crate::procurement) const fn produces(kind: PartyKind) -> bool {
    matches!(kind, PartyKind::Household | PartyKind::Cooperative)
}

fn shape(checks: &mut Checks, command: &ContractLinkage, product: BaseUnit) {
    match command.terms {
        ContractTerms::Outright { price } => checks.price_unit("terms.outright.price", price, product),
        ContractTerms::AgreedPrice { price } => checks.price_unit("terms.agreed_price.price", price, product),
        ContractTerms::Commission { price_basis: Some(price), .. } => {
            checks.price_unit("terms.commission.price_basis", price, product);
        }
        ContractTerms::Commission { price_basis: None, .. } => {}
    }
    if command.valid_to < command.valid_from {
        checks.refuse("valid_to", "OUT_OF_RANGE", "The last day is not before the first.");
    }
    if let Some(quantity_max) = command.quantity_max {
        checks.unit("quantity_max", quantity_max, product);
    }
}
