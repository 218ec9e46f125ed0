//! Receiving: a shipment ends when its destination takes it in. What is missing then stays in transit on the shipment.

use loopledger_facts::distribution::{ReceivedLine, ShipmentReceived};
use loopledger_facts::{Measure, Occasion, StockLine};
use loopledger_rules::stock::{self, Bucket, Checks, found};
use loopledger_rules::{Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{EntityKind, LotId, PlaceId, Quantity, ShipmentId};

use crate::state::{Shipment, TransitLine};
use crate::{Distribution, DistributionState as _, Entity, Key};

/// Takes a shipment in. Lines that are not named arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveShipment {
    pub occasion: Occasion,
    pub shipment: ShipmentId,
    pub place: PlaceId,
    /// What did not arrive whole.
    pub differences: Vec<ReceiptDifference>,
}

/// What of a line was damaged or is missing; the rest was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptDifference {
    pub lot: LotId,
    pub pool: u16,
    pub damaged: Measure,
    pub missing: Measure,
}

impl Decide<Distribution> for ReceiveShipment {
    type Fact = ShipmentReceived;

    fn keys(&self, missing: &mut Missing<'_, Distribution>) {
        missing.ask(stock::Key::Place(self.place));
        missing.ask(stock::Key::OtherPlace(self.place));
        missing.ask(Key::Shipment(self.shipment));
        // The products are known once the shipment is: they are asked for in the second round.
        let state = missing.state();
        if let Some(shipment) = state.shipment(self.shipment) {
            for line in shipment.lines.iter() {
                missing.ask(stock::Key::Product(line.stock.product));
            }
            if state.place(self.place).is_some() {
                stock::ask_arrival(missing, self.place, shipment.lines.iter().map(|line| &line.stock));
            }
        }
    }

    fn decide(&self, state: &State<Distribution>, context: &Context) -> Result<ShipmentReceived, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let shipment = found(state.shipment(self.shipment), EntityKind::Shipment, self.shipment)?;
        let place = checks.any_place(state, self.place)?;
        checks.rests_on(shipment.dispatched_on, self.shipment);
        check_differences(state, &mut checks, shipment, self)?;
        checks.pass()?;
        if shipment.received_on.is_some() {
            return Err(Rejection::broken(Rule::ShipmentNotOpen, self.shipment));
        }
        if shipment.to != self.place {
            return Err(Rejection::broken(Rule::WrongDestination, self.place).with("destination", shipment.to));
        }
        for difference in &self.differences {
            let known = shipment.lines.iter().any(|line| is(&line.stock, difference.lot, difference.pool));
            if !known {
                return Err(unknown_line(difference.lot, difference.pool));
            }
        }
        let lines = shipment.lines.iter().map(|line| arrival(self, line.stock)).collect::<Result<_, _>>()?;
        Ok(ShipmentReceived {
            occasion: self.occasion,
            shipment: self.shipment,
            from: shipment.from,
            place: self.place,
            at_station: state.place(self.place).is_none(),
            direction: shipment.direction,
            carrier: shipment.carrier,
            custodian: place.operator.id,
            lines,
        })
    }
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
            checks.refuse(format!("differences[{index}]"), FieldFault::Duplicate, "A line is named at most once.");
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

impl Evolve<Distribution> for ShipmentReceived {
    fn keys(&self, missing: &mut Missing<'_, Distribution>) {
        missing.ask(Key::Shipment(self.shipment));
        if !self.at_station {
            stock::ask_arrival(missing, self.place, self.lines.iter().map(|line| &line.stock));
        }
    }

    fn evolve(&self, state: &mut State<Distribution>) {
        if !self.at_station {
            for line in &self.lines {
                put_away(state, self, line, line.received, Bucket::OnHand);
                put_away(state, self, line, line.damaged, Bucket::Quarantined);
            }
        }
        if let Some(shipment) = state.shipment(self.shipment) {
            let shipment = Shipment {
                received_on: Some(self.occasion.business_date),
                lines: self.lines.iter().map(arrived).collect(),
                ..shipment.clone()
            };
            state.entities.put(Key::Shipment(self.shipment), Entity::Shipment(Box::new(shipment)));
        }
    }
}

fn put_away(
    state: &mut State<Distribution>,
    event: &ShipmentReceived,
    line: &ReceivedLine,
    quantity: Quantity,
    bucket: Bucket,
) {
    if quantity.is_positive() {
        let at = (event.place, event.occasion.business_date);
        stock::shift(state, at, &StockLine { quantity, ..line.stock }, None, Some(bucket));
    }
}

const fn arrived(line: &ReceivedLine) -> TransitLine {
    TransitLine { stock: line.stock, received: line.received, damaged: line.damaged, missing: line.missing }
}
