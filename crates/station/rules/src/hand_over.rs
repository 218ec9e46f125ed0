//! Handing over: goods leave a station in the hands of a carrier. They leave the books at once, and come back if
//! distribution refuses them; what arrives at a station is taken in.

use std::sync::Arc;

use loopledger_facts::distribution::{HandOverRefused, ReceivedLine, ShipmentReceived};
use loopledger_facts::station::{GoodsHandedOver, GoodsTakenBack, StockTakenIn};
use loopledger_facts::{IgnoreReason, Occasion, PartyRef, StockLine, UpstreamIgnored, consequence};
use loopledger_rules::stock::{self, Bucket, Checks, MoveLine, shift};
use loopledger_rules::{Answer, Answers, Context, Decide, Evolve, Missing, Rejection, State};
use loopledger_types::{Money, PartyId, PlaceId, Quantity, ShipmentId};

use crate::{Entity, Key, Station, StationState as _};

/// Creates a shipment (`ShipmentId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverGoods {
    pub occasion: Occasion,
    pub from: PlaceId,
    pub to: PlaceId,
    pub principal: PartyId,
    pub carrier: PartyId,
    pub freight: Money,
    pub lines: Vec<MoveLine>,
}

/// Goods given to a carrier, so that they can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    pub from: PlaceId,
    /// Custodian at `from`.
    pub custodian: PartyId,
    pub to: PlaceId,
    pub carrier: PartyRef,
    pub lines: Arc<[StockLine]>,
}

impl Decide<Station> for HandOverGoods {
    type Fact = GoodsHandedOver;

    fn keys(&self, missing: &mut Missing<'_, Station>) {
        let (ends, parties) = ((self.from, self.to), (self.principal, self.carrier));
        stock::ask_movement(missing, ends, parties, &self.lines);
    }

    fn decide(&self, state: &State<Station>, context: &Context) -> Result<GoodsHandedOver, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.freight(self.freight);
        let (ends, parties) = ((self.from, self.to), (self.principal, self.carrier));
        let route = stock::route(state, &mut checks, ends, parties)?;
        let from = (self.from, self.principal);
        let moved = stock::moved(state, checks, from, (&self.lines, self.freight))?;
        Ok(GoodsHandedOver {
            occasion: self.occasion,
            shipment: ShipmentId::derive(context.request_id, context.stream, 0),
            from: self.from,
            custodian: route.from.operator.id,
            to: self.to,
            direction: route.direction,
            carrier: route.carrier,
            principal: route.principal,
            freight: self.freight,
            lines: moved.lines,
            weights: moved.weights,
        })
    }
}

impl Evolve<Station> for GoodsHandedOver {
    // It creates a hand-over.
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn evolve(&self, state: &mut State<Station>) {
        stock::leave(state, (self.from, self.occasion.business_date), &self.lines);
        let hand_over = HandOver {
            from: self.from,
            custodian: self.custodian,
            to: self.to,
            carrier: self.carrier,
            lines: Arc::from(self.lines.as_slice()),
        };
        state.entities.put(Key::HandOver(self.shipment), Entity::HandOver(Box::new(hand_over)));
    }
}

impl Answer<Station> for HandOverRefused {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(Key::HandOver(self.shipment));
        if let Some(hand_over) = missing.state().hand_over(self.shipment) {
            stock::ask_arrival(missing, hand_over.from, hand_over.lines.iter());
        }
    }

    fn answer(&self, answers: &mut Answers<'_, Station>) {
        match answers.state.hand_over(self.shipment) {
            Some(hand_over) => answers.say(GoodsTakenBack {
                occasion: consequence(&self.occasion),
                shipment: self.shipment,
                from: hand_over.from,
                custodian: hand_over.custodian,
                to: hand_over.to,
                carrier: hand_over.carrier,
                lines: hand_over.lines.to_vec(),
            }),
            None => answers.say(UpstreamIgnored::of(&self.occasion, IgnoreReason::NotAsked)),
        }
    }
}

impl Evolve<Station> for GoodsTakenBack {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        stock::ask_arrival(missing, self.from, &self.lines);
    }

    fn evolve(&self, state: &mut State<Station>) {
        for line in &self.lines {
            shift(state, (self.from, self.occasion.business_date), line, None, Some(Bucket::OnHand));
        }
    }
}

impl Answer<Station> for ShipmentReceived {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        stock::ask_arrival(missing, self.place, self.lines.iter().map(|line| &line.stock));
    }

    fn answer(&self, answers: &mut Answers<'_, Station>) {
        let lines = |part: fn(&ReceivedLine) -> Quantity| {
            let lines = self.lines.iter().map(|line| StockLine { quantity: part(line), ..line.stock });
            lines.filter(|line| line.quantity.is_positive()).collect()
        };
        answers.say(StockTakenIn {
            occasion: consequence(&self.occasion),
            shipment: self.shipment,
            place: self.place,
            received: lines(|line| line.received),
            damaged: lines(|line| line.damaged),
        });
    }
}

impl Evolve<Station> for StockTakenIn {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        stock::ask_arrival(missing, self.place, self.received.iter().chain(&self.damaged));
    }

    fn evolve(&self, state: &mut State<Station>) {
        let at = (self.place, self.occasion.business_date);
        for line in &self.received {
            shift(state, at, line, None, Some(Bucket::OnHand));
        }
        for line in &self.damaged {
            shift(state, at, line, None, Some(Bucket::Quarantined));
        }
    }
}
