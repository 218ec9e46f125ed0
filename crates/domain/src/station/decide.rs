//! What a station can decide, and when it must not.

use loopledger_types::{
    BaseUnit, ContractId, EntityKind, LotId, Money, NumberId, PlaceId, Quantity, ReceiptId, Service, ShipmentId,
};

use super::evolve::members;
use super::{
    CollectGoods, CollectTerms, Contract, GoodsCollected, GoodsHandedOver, HandOverGoods, OpenStation, Station,
    StationOpened,
};
use crate::numbers::same_number;
use crate::procurement::ContractTerms;
use crate::stock::{self, Checks, found};
use crate::{Context, Origin, PartyKind, PartyRef, Rejection, Rule, State, Terms};

pub(super) fn open(
    state: &State<Station>,
    command: &OpenStation,
    context: &Context,
) -> Result<StationOpened, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    if command.kind.holder() != Service::Station {
        return Err(Rejection::broken(Rule::PlaceKindWrong, format!("{:?}", command.kind)));
    }
    if !command.division.is_village() || command.division.county() != state.county {
        return Err(Rejection::broken(Rule::StationNotInVillage, command.division));
    }
    let operator = checks.party_ref(state, command.operator)?;
    checks.pass()?;
    let operator = stock::trades(operator)?;
    Ok(StationOpened {
        occasion: command.occasion,
        station: PlaceId::derive(context.request_id, context.stream, 0),
        kind: command.kind,
        division: command.division,
        operator,
        label: command.label.clone(),
    })
}

pub(super) fn collect(
    state: &State<Station>,
    command: &CollectGoods,
    context: &Context,
) -> Result<GoodsCollected, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let day = command.occasion.business_date;
    let station = checks.place(state, command.station)?;
    let producer = checks.party(state, command.producer)?;
    let product = checks.product(state, command.product)?;
    let basis = basis(&mut checks, state, command)?;
    units(&mut checks, command, product);
    checks.pass()?;

    if !matches!(producer.kind, PartyKind::Household | PartyKind::Cooperative) {
        return Err(Rejection::broken(Rule::PartyNotProducer, command.producer));
    }
    let producer_ref = PartyRef { id: command.producer, kind: producer.kind };
    check_member(state, command, producer.kind)?;
    let terms = terms(command, &basis)?;
    if terms.principal().id == command.producer {
        return Err(Rejection::broken(Rule::SellerIsBuyer, command.producer));
    }
    let net = net(command)?;
    let amount = amount(&mut checks, command, &terms, net);
    checks.pass()?;
    if let Basis::Contract(id, contract) = basis {
        within_contract(state, id, contract, net)?;
    }
    let number = NumberId::new(command.station.0, day, &command.receipt_number);
    let receipts = number.map_or(&[][..], |number| state.numbered(number));
    let same_number_as = same_number(receipts, command.same_number_as, &command.receipt_number)?;
    let origin = Origin {
        receipt: ReceiptId::derive(context.request_id, context.stream, 0),
        producer: producer_ref,
        division: producer.division_on(day),
        terms,
        quantity: net,
        source_quantity: net,
    };
    Ok(GoodsCollected {
        occasion: command.occasion,
        lot: LotId::derive(context.request_id, context.stream, 0),
        origin,
        station: command.station,
        custodian: station.operator.id,
        product: command.product,
        member: command.member,
        receipt_number: command.receipt_number.clone(),
        lot_label: command.lot_label.clone(),
        grade: command.grade.clone(),
        gross: command.gross.quantity,
        tare: command.tare.quantity,
        moisture: command.moisture.quantity,
        impurity: command.impurity.quantity,
        live_weight_grams: command.live_weight_grams,
        amount,
        same_number_as,
    })
}

/// What the terms rest on: a contract that exists, or a party that exists.
enum Basis<'s> {
    Contract(ContractId, &'s Contract),
    Stated(PartyRef, ContractTerms),
}

fn basis<'s>(checks: &mut Checks, state: &'s State<Station>, command: &CollectGoods) -> Result<Basis<'s>, Rejection> {
    match command.terms {
        CollectTerms::Contract(id) => {
            let contract = found(state.contract(id), EntityKind::Contract, id)?;
            checks.party(state, contract.firm.id)?;
            Ok(Basis::Contract(id, contract))
        }
        CollectTerms::Stated { principal, terms } => Ok(Basis::Stated(checks.party_ref(state, principal)?, terms)),
    }
}

fn units(checks: &mut Checks, command: &CollectGoods, product: BaseUnit) {
    checks.unit("gross", command.gross, product);
    checks.unit("tare", command.tare, product);
    checks.unit("moisture", command.moisture, product);
    checks.unit("impurity", command.impurity, product);
    if let CollectTerms::Stated { terms, .. } = command.terms {
        match terms {
            ContractTerms::Outright { price }
            | ContractTerms::AgreedPrice { price }
            | ContractTerms::Commission { price_basis: Some(price), .. } => {
                checks.price_unit(price_field(&terms), price, product);
            }
            ContractTerms::Commission { price_basis: None, .. } => {}
        }
    }
}

/// Where the request states the price of such terms.
const fn price_field(terms: &ContractTerms) -> &'static str {
    match terms {
        ContractTerms::Outright { .. } => "stated.terms.outright.price",
        ContractTerms::AgreedPrice { .. } => "stated.terms.agreed_price.price",
        ContractTerms::Commission { .. } => "stated.terms.commission.price_basis",
    }
}

fn check_member(state: &State<Station>, command: &CollectGoods, kind: PartyKind) -> Result<(), Rejection> {
    let Some(member) = command.member else { return Ok(()) };
    if kind != PartyKind::Household {
        return Err(Rejection::broken(Rule::NotAHousehold, command.producer));
    }
    let day = command.occasion.business_date;
    let members = members(state, command.producer);
    if let Some(later) = members.iter().find(|known| known.member == member && day < known.from) {
        return Err(Rejection::too_early(member, later.from));
    }
    let belongs = members
        .iter()
        .any(|known| known.member == member && known.from <= day && known.until.is_none_or(|until| day < until));
    if belongs { Ok(()) } else { Err(Rejection::broken(Rule::MemberNotIn, member)) }
}

/// The terms of the collection, if they may apply.
fn terms(command: &CollectGoods, basis: &Basis<'_>) -> Result<Terms, Rejection> {
    match *basis {
        Basis::Contract(id, contract) => {
            let same = contract.producer == command.producer
                && contract.station == command.station
                && contract.product == command.product;
            if !same {
                return Err(Rejection::broken(Rule::ContractMismatch, id));
            }
            if !(contract.valid_from..=contract.valid_to).contains(&command.occasion.business_date) {
                return Err(Rejection::broken(Rule::ContractNotInForce, id)
                    .with("valid_from", contract.valid_from)
                    .with("valid_to", contract.valid_to));
            }
            Ok(terms_of(contract.firm, contract.terms, Some(id)))
        }
        Basis::Stated(principal, _) if !principal.kind.trades() => {
            Err(Rejection::broken(Rule::PartyCannotTrade, principal.id))
        }
        Basis::Stated(principal, terms) => Ok(terms_of(principal, terms, None)),
    }
}

const fn terms_of(principal: PartyRef, terms: ContractTerms, contract: Option<ContractId>) -> Terms {
    match terms {
        ContractTerms::Outright { price } => Terms::Outright { buyer: principal, price, contract },
        ContractTerms::AgreedPrice { price } => Terms::AgreedPrice { consignee: principal, price, contract },
        ContractTerms::Commission { commission_bp, price_basis } => {
            Terms::Commission { consignee: principal, commission_bp, price_basis, contract }
        }
    }
}

/// Gross less tare and deductions.
fn net(command: &CollectGoods) -> Result<Quantity, Rejection> {
    let deductions = [command.tare, command.moisture, command.impurity];
    let net = deductions.iter().try_fold(command.gross.quantity, |left, part| left.checked_sub(part.quantity));
    net.filter(|net| net.is_positive()).ok_or_else(|| {
        let deducted = deductions.iter().fold(0_i64, |sum, part| sum.saturating_add(part.quantity.0));
        Rejection::broken(Rule::DeductionsExceedGross, &command.receipt_number)
            .with("gross", command.gross.quantity)
            .with("deducted", deducted)
    })
}

/// Consigned goods are taken whole while the contract's quantity lasts. Of an outright purchase the buyer decides, in
/// procurement.
fn within_contract(
    state: &State<Station>,
    id: ContractId,
    contract: &Contract,
    net: Quantity,
) -> Result<(), Rejection> {
    let consigned = !matches!(contract.terms, ContractTerms::Outright { .. });
    let Some(max) = contract.quantity_max.filter(|_| consigned) else { return Ok(()) };
    let left = Quantity(max.0.saturating_sub(state.collected(id).0));
    if net > left {
        let rejection = Rejection::broken(Rule::ContractUsedUp, id);
        return Err(rejection.with("quantity_max", max).with("left", left).with("quantity", net));
    }
    Ok(())
}

/// What the goods come to, of an outright purchase; a price agreed for later must come to an amount as well.
fn amount(checks: &mut Checks, command: &CollectGoods, terms: &Terms, net: Quantity) -> Option<Money> {
    let field = match &command.terms {
        CollectTerms::Contract(_) => "gross",
        CollectTerms::Stated { terms, .. } => price_field(terms),
    };
    match *terms {
        Terms::Outright { price, .. } => Some(checks.amount(field, price, net)),
        Terms::AgreedPrice { price, .. } | Terms::Commission { price_basis: Some(price), .. } => {
            checks.amount(field, price, net);
            None
        }
        Terms::Commission { price_basis: None, .. } => None,
    }
}

pub(super) fn hand_over(
    state: &State<Station>,
    command: &HandOverGoods,
    context: &Context,
) -> Result<GoodsHandedOver, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.freight(command.freight);
    let (ends, parties) = ((command.from, command.to), (command.principal, command.carrier));
    let route = stock::route(state, &mut checks, ends, parties)?;
    let from = (command.from, command.principal);
    let moved = stock::moved(state, checks, from, (&command.lines, command.freight))?;
    Ok(GoodsHandedOver {
        occasion: command.occasion,
        shipment: ShipmentId::derive(context.request_id, context.stream, 0),
        from: command.from,
        custodian: route.from.operator.id,
        to: command.to,
        direction: route.direction,
        carrier: route.carrier,
        principal: route.principal,
        freight: command.freight,
        lines: moved.lines,
        weights: moved.weights,
    })
}
