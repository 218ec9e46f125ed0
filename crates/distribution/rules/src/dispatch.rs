//! Dispatch: a shipment begins with an own site's dispatch, or with a station's hand-over, which is answered here.

use loopledger_facts::distribution::{HandOverRefusal, HandOverRefused, ShipmentDispatched, ShipmentLine};
use loopledger_facts::station::GoodsHandedOver;
use loopledger_facts::stock::LineWeight;
use loopledger_facts::{Occasion, StockLine, consequence};
use loopledger_rules::stock::{self, Checks, MoveLine};
use loopledger_rules::{Answer, Answers, Context, Decide, Evolve, Missing, Rejection, State};
use loopledger_types::{Money, PartyId, PlaceId, Quantity, ShipmentId, largest_remainder};

use crate::state::{Shipment, TransitLine};
use crate::{Distribution, Entity, Key};

/// Sends goods from an own site; creates a shipment (`ShipmentId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchShipment {
    pub occasion: Occasion,
    pub from: PlaceId,
    pub to: PlaceId,
    pub principal: PartyId,
    pub carrier: PartyId,
    pub freight: Money,
    pub lines: Vec<MoveLine>,
}

impl Decide<Distribution> for DispatchShipment {
    type Fact = ShipmentDispatched;

    fn keys(&self, missing: &mut Missing<'_, Distribution>) {
        let (ends, parties) = ((self.from, self.to), (self.principal, self.carrier));
        stock::ask_movement(missing, ends, parties, &self.lines);
    }

    fn decide(&self, state: &State<Distribution>, context: &Context) -> Result<ShipmentDispatched, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.freight(self.freight);
        let (ends, parties) = ((self.from, self.to), (self.principal, self.carrier));
        let route = stock::route(state, &mut checks, ends, parties)?;
        let from = (self.from, self.principal);
        let moved = stock::moved(state, checks, from, (&self.lines, self.freight))?;
        Ok(ShipmentDispatched {
            occasion: self.occasion,
            shipment: ShipmentId::derive(context.request_id, context.stream, 0),
            from: self.from,
            custodian: route.from.operator.id,
            to: self.to,
            direction: route.direction,
            carrier: route.carrier,
            carrier_division: route.carrier_party.division_on(self.occasion.business_date),
            principal: route.principal,
            freight: self.freight,
            lines: with_freight(self.freight, &moved.lines, &moved.weights),
            handed_over: false,
        })
    }
}

/// Splits a freight, not negative, over lines by largest remainder: by weight if there are weights, else by quantity.
fn with_freight(freight: Money, lines: &[StockLine], weights: &[LineWeight]) -> Vec<ShipmentLine> {
    let by: Vec<i64> = if weights.is_empty() {
        lines.iter().map(|line| line.quantity.0).collect()
    } else {
        weights.iter().map(|weight| weight.grams).collect()
    };
    let parts = largest_remainder(freight.0, &by).expect("quantities and weights are positive, and there is a line");
    lines.iter().zip(parts).map(|(stock, part)| ShipmentLine { stock: *stock, freight: Money(part) }).collect()
}

impl Answer<Distribution> for GoodsHandedOver {
    fn keys(&self, missing: &mut Missing<'_, Distribution>) {
        missing.ask(stock::Key::Place(self.to));
        missing.ask(stock::Key::OtherPlace(self.to));
        missing.ask(stock::Key::Party(self.carrier.id));
    }

    fn answer(&self, answers: &mut Answers<'_, Distribution>) {
        match under_way(answers.state, self) {
            Ok(dispatched) => answers.say(dispatched),
            Err(reason) => {
                let occasion = consequence(&self.occasion);
                answers.say(HandOverRefused { occasion, shipment: self.shipment, reason });
            }
        }
    }
}

/// The shipment that a hand-over begins.
fn under_way(state: &State<Distribution>, event: &GoodsHandedOver) -> Result<ShipmentDispatched, HandOverRefusal> {
    let destination = state.place(event.to).or_else(|| state.other_place(event.to));
    let destination = destination.ok_or(HandOverRefusal::DestinationUnknown)?;
    let carrier = state.party(event.carrier.id).ok_or(HandOverRefusal::CarrierUnknown)?;
    if event.occasion.business_date < destination.since.max(carrier.since) {
        return Err(HandOverRefusal::DateTooEarly);
    }
    Ok(ShipmentDispatched {
        occasion: consequence(&event.occasion),
        shipment: event.shipment,
        from: event.from,
        custodian: event.custodian,
        to: event.to,
        direction: event.direction,
        carrier: event.carrier,
        carrier_division: carrier.division_on(event.occasion.business_date),
        principal: event.principal,
        freight: event.freight,
        lines: with_freight(event.freight, &event.lines, &event.weights),
        handed_over: true,
    })
}

impl Evolve<Distribution> for HandOverRefused {
    // It changes nothing.
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn evolve(&self, _: &mut State<Distribution>) {}
}

impl Evolve<Distribution> for ShipmentDispatched {
    // It creates a shipment.
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn evolve(&self, state: &mut State<Distribution>) {
        // What a station handed over left station's stock, not ours.
        if !self.handed_over {
            let at = (self.from, self.occasion.business_date);
            stock::leave(state, at, self.lines.iter().map(|line| &line.stock));
        }
        let shipment = Shipment {
            from: self.from,
            to: self.to,
            direction: self.direction,
            carrier: self.carrier,
            principal: self.principal,
            freight: self.freight,
            dispatched_on: self.occasion.business_date,
            received_on: None,
            lines: self.lines.iter().map(in_transit).collect(),
        };
        state.entities.put(Key::Shipment(self.shipment), Entity::Shipment(Box::new(shipment)));
    }
}

fn in_transit(line: &ShipmentLine) -> TransitLine {
    TransitLine { stock: line.stock, received: Quantity::ZERO, damaged: Quantity::ZERO, missing: Quantity::ZERO }
}
