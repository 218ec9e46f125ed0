//! Issuing: goods leave to the buyer against an order line that was reserved, at their actual quantity.

use loopledger_facts::size::ISSUE_LINES_MAX;
use loopledger_types::{BusinessDate, IssueId, LotId, OrderId, Quantity};

use super::cell::{Bucket, shift};
use super::checks::Checks;
use super::moved::{plus, same_cell};
use super::movement::enough_on;
use super::pick::{Picker, Shortage, take_oldest, total};
use super::reserve::end;
use super::{GoodsIssued, Holder, Key, OrderLineKey, Reservation, ReservationStatus, Shelf};
use crate::{Context, Decide, Evolve, Measure, Missing, Occasion, Rejection, Rule, State, StockLine};

/// Issues goods against a reserved order line; creates an issue (`IssueId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueGoods {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
    /// The actual quantity.
    pub quantity: Measure,
}

impl<H: Holder> Decide<H> for IssueGoods {
    type Fact = GoodsIssued;

    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Reservation(OrderLineKey { order: self.order, line: self.line }));
    }

    fn decide(&self, state: &State<H>, context: &Context) -> Result<GoodsIssued, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let key = OrderLineKey { order: self.order, line: self.line };
        let open = state.reservation(key).filter(|reservation| reservation.is_open());
        let Some(reservation) = open else {
            checks.pass()?;
            return Err(enough_on(Rejection::broken(Rule::ReservationNotOpen, key), state.refused(key).copied()));
        };
        let product = checks.product(state, reservation.product)?;
        checks.unit("quantity", self.quantity, product);
        let place = checks.place(state, reservation.place)?;
        checks.rests_on(reservation.reserved_on, key);
        checks.pass()?;
        checks.amount("quantity", reservation.price, self.quantity.quantity);
        checks.pass()?;
        let day = self.occasion.business_date;
        let Actual { issued, beyond, released } = actual(state, (reservation, key), self.quantity.quantity, day)?;
        Ok(GoodsIssued {
            occasion: self.occasion,
            issue: IssueId::derive(context.request_id, context.stream, 0),
            order: self.order,
            line: self.line,
            place: reservation.place,
            custodian: place.operator.id,
            seller: reservation.seller,
            buyer: reservation.buyer,
            issued,
            beyond,
            released,
        })
    }
}

#[derive(Debug)]
struct Actual {
    issued: Vec<StockLine>,
    /// What of it was not reserved.
    beyond: Vec<StockLine>,
    /// What was reserved in vain.
    released: Vec<StockLine>,
}

/// Which stock the actual quantity is taken from. Beyond the reservation its own lots come first, then the oldest. A lot
/// of the reservation needs one more line then, another lot two: it is issued, and it was not reserved.
fn actual<H: Holder>(
    state: &State<H>,
    (reservation, key): (&Reservation, OrderLineKey),
    quantity: Quantity,
    day: BusinessDate,
) -> Result<Actual, Rejection> {
    let mut took = take_oldest(reservation.picks.iter().copied(), quantity, |_| 1, usize::MAX);
    if took.missing == Quantity::ZERO {
        let released = reservation.picks.iter().filter_map(|pick| rest_of(pick, &took.lines)).collect();
        return Ok(Actual { issued: took.lines, beyond: Vec::new(), released });
    }
    let goods = Shelf { place: reservation.place, product: reservation.product, principal: reservation.seller.id };
    let mut lots: Vec<LotId> = reservation.picks.iter().map(|pick| pick.lot).collect();
    lots.dedup();
    let mut picker = Picker::new(state, day);
    let (free, earliest) = (picker.free(&goods), picker.enough_on(&goods, took.missing));
    let room = ISSUE_LINES_MAX.saturating_sub(took.lines.len());
    let (mut beyond, missing) = picker.up_to(&goods, lots.into_iter(), took.missing, room);
    let others_max = room.saturating_sub(beyond.len()) / 2;
    let older = picker.oldest(&goods, missing, others_max).map_err(|short| {
        let reserved = total(reservation.picks.iter());
        let broken = |rule| {
            let rejection = Rejection::broken(rule, key).with("requested", quantity).with("reserved", reserved);
            rejection.with("available", free)
        };
        match short {
            Shortage::Stock { .. } => enough_on(broken(Rule::InsufficientStock), earliest),
            Shortage::Lots { fitting, .. } => {
                let lots_max = took.lines.len().saturating_add(others_max);
                let quantity_max = total(took.lines.iter().chain(&beyond)).0.saturating_add(fitting.0);
                broken(Rule::TooManyLots).with("lots_max", lots_max).with("quantity_max", quantity_max)
            }
        }
    })?;
    merge(&mut beyond, older);
    merge(&mut took.lines, beyond.iter().copied());
    Ok(Actual { issued: took.lines, beyond, released: Vec::new() })
}

/// What of a pick was not taken.
fn rest_of(pick: &StockLine, taken: &[StockLine]) -> Option<StockLine> {
    let taken = taken.iter().find(|line| same_cell(line, pick)).map_or(0, |line| line.quantity.0);
    let rest = Quantity(pick.quantity.0.saturating_sub(taken));
    rest.is_positive().then_some(StockLine { quantity: rest, ..*pick })
}

/// Adds lines to others, each (lot, pool) once.
fn merge(into: &mut Vec<StockLine>, lines: impl IntoIterator<Item = StockLine>) {
    for line in lines {
        match into.iter_mut().find(|known| same_cell(known, &line)) {
            Some(known) => *known = plus(known, &line),
            None => into.push(line),
        }
    }
}

impl<H: Holder> Evolve<H> for GoodsIssued {
    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Reservation(OrderLineKey { order: self.order, line: self.line }));
    }

    fn evolve(&self, state: &mut State<H>) {
        let at = (self.place, self.occasion.business_date);
        for line in &self.beyond {
            shift(state, at, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
        }
        for line in &self.issued {
            shift(state, at, line, Some(Bucket::Reserved), None);
        }
        for line in &self.released {
            shift(state, at, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
        }
        end(state, self.order, self.line, ReservationStatus::Issued);
    }
}
