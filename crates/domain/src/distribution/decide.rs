//! What distribution can decide, and when it must not.

use loopledger_types::{EntityKind, LotId, Money, PlaceId, Quantity, Service, ShipmentId, largest_remainder};

use super::{
    DispatchShipment, Distribution, OpenSite, ReceiveShipment, ReceivedLine, Shipment, ShipmentDispatched,
    ShipmentLine, ShipmentReceived, SiteOpened,
};
use crate::stock::{self, Checks, LineWeight, found};
use crate::{Context, PartyKind, PlaceKind, Rejection, Rule, State, StockLine};

pub(super) fn open(
    state: &State<Distribution>,
    command: &OpenSite,
    context: &Context,
) -> Result<SiteOpened, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    if command.kind.holder() != Service::Distribution {
        return Err(Rejection::broken(Rule::PlaceKindWrong, format!("{:?}", command.kind)));
    }
    let anywhere = matches!(command.kind, PlaceKind::FrontWarehouse | PlaceKind::Outlet);
    if !anywhere && command.division.county() != state.county {
        let description = "Only front warehouses and outlets may lie outside the county.";
        checks.refuse("division_code", "OUTSIDE_COUNTY", description);
    }
    checks.pass()?;
    let operator = checks.party_ref(state, command.operator)?;
    checks.pass()?;
    // 寄递企业 run logistics sites; like co-ops and firms they have a book that custody stands in.
    if !operator.kind.trades() && operator.kind != PartyKind::Carrier {
        return Err(Rejection::broken(Rule::PartyCannotTrade, command.operator));
    }
    Ok(SiteOpened {
        occasion: command.occasion,
        site: PlaceId::derive(context.request_id, context.stream, 0),
        kind: command.kind,
        division: command.division,
        operator,
        label: command.label.clone(),
    })
}

pub(super) fn dispatch(
    state: &State<Distribution>,
    command: &DispatchShipment,
    context: &Context,
) -> Result<ShipmentDispatched, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.freight(command.freight);
    let (ends, parties) = ((command.from, command.to), (command.principal, command.carrier));
    let route = stock::route(state, &mut checks, ends, parties)?;
    let from = (command.from, command.principal);
    let moved = stock::moved(state, checks, from, (&command.lines, command.freight))?;
    Ok(ShipmentDispatched {
        occasion: command.occasion,
        shipment: ShipmentId::derive(context.request_id, context.stream, 0),
        from: command.from,
        custodian: route.from.operator.id,
        to: command.to,
        direction: route.direction,
        carrier: route.carrier,
        carrier_division: route.carrier_party.division_on(command.occasion.business_date),
        principal: route.principal,
        freight: command.freight,
        lines: with_freight(command.freight, &moved.lines, &moved.weights),
        handed_over: false,
    })
}

/// Splits a freight, not negative, over lines by largest remainder: by weight if there are weights, else by quantity.
pub(super) fn with_freight(freight: Money, lines: &[StockLine], weights: &[LineWeight]) -> Vec<ShipmentLine> {
    let by: Vec<i64> = if weights.is_empty() {
        lines.iter().map(|line| line.quantity.0).collect()
    } else {
        weights.iter().map(|weight| weight.grams).collect()
    };
    let parts = largest_remainder(freight.0, &by).expect("quantities and weights are positive, and there is a line");
    lines.iter().zip(parts).map(|(stock, part)| ShipmentLine { stock: *stock, freight: Money(part) }).collect()
}

pub(super) fn receive(
    state: &State<Distribution>,
    command: &ReceiveShipment,
    context: &Context,
) -> Result<ShipmentReceived, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    let shipment = found(state.shipment(command.shipment), EntityKind::Shipment, command.shipment)?;
    let place = checks.any_place(state, command.place)?;
    checks.rests_on(shipment.dispatched_on, command.shipment);
    check_differences(state, &mut checks, shipment, command)?;
    checks.pass()?;
    if shipment.received_on.is_some() {
        return Err(Rejection::broken(Rule::ShipmentNotOpen, command.shipment));
    }
    if shipment.to != command.place {
        return Err(Rejection::broken(Rule::WrongDestination, command.place).with("destination", shipment.to));
    }
    for difference in &command.differences {
        let known = shipment.lines.iter().any(|line| is(&line.stock, difference.lot, difference.pool));
        if !known {
            return Err(unknown_line(difference.lot, difference.pool));
        }
    }
    let lines = shipment.lines.iter().map(|line| arrival(command, line.stock)).collect::<Result<_, _>>()?;
    Ok(ShipmentReceived {
        occasion: command.occasion,
        shipment: command.shipment,
        from: shipment.from,
        place: command.place,
        at_station: state.place(command.place).is_none(),
        direction: shipment.direction,
        carrier: shipment.carrier,
        custodian: place.operator.id,
        lines,
    })
}

fn check_differences(
    state: &State<Distribution>,
    checks: &mut Checks,
    shipment: &Shipment,
    command: &ReceiveShipment,
) -> Result<(), Rejection> {
    for (index, difference) in command.differences.iter().enumerate() {
        let earlier = command.differences.iter().take(index);
        if earlier.into_iter().any(|other| (other.lot, other.pool) == (difference.lot, difference.pool)) {
            checks.refuse(format!("differences[{index}]"), "DUPLICATE", "A line is named at most once.");
        }
        let line = shipment.lines.iter().find(|line| is(&line.stock, difference.lot, difference.pool));
        if let Some(line) = line {
            let product = checks.product(state, line.stock.product)?;
            checks.unit(format!("differences[{index}].damaged"), difference.damaged, product);
            checks.unit(format!("differences[{index}].missing"), difference.missing, product);
        }
    }
    Ok(())
}

/// What became of a line: what is neither damaged nor missing was received.
fn arrival(command: &ReceiveShipment, stock: StockLine) -> Result<ReceivedLine, Rejection> {
    let difference = command.differences.iter().find(|difference| is(&stock, difference.lot, difference.pool));
    let (damaged, missing) = difference.map_or((Quantity::ZERO, Quantity::ZERO), |difference| {
        (difference.damaged.quantity, difference.missing.quantity)
    });
    let received = stock.quantity.checked_sub(damaged).and_then(|rest| rest.checked_sub(missing));
    let Some(received) = received.filter(|received| *received >= Quantity::ZERO) else {
        return Err(Rejection::broken(Rule::ShipmentDoesNotAddUp, format!("{}/{}", stock.lot, stock.pool))
            .with("dispatched", stock.quantity)
            .with("damaged", damaged)
            .with("missing", missing));
    };
    Ok(ReceivedLine { stock, received, damaged, missing })
}

fn is(line: &StockLine, lot: LotId, pool: u16) -> bool {
    (line.lot, line.pool) == (lot, pool)
}

fn unknown_line(lot: LotId, pool: u16) -> Rejection {
    Rejection::broken(Rule::ShipmentLineUnknown, format!("{lot}/{pool}"))
}
