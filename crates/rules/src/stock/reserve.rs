//! Orders and their lines: what a holder reserves when an order is placed, and releases when a line is cancelled.

use std::collections::BTreeMap;
use std::sync::Arc;

use loopledger_facts::sales::{CancellationRequested, OrderLine, OrderPlaced};
use loopledger_facts::size::{
    ANSWER_BYTES_MAX, PICK_BYTES_MAX, PICKS_MAX, REFUSED_ANSWER_BYTES_MAX, RESERVED_ANSWER_BYTES_MAX,
};
use loopledger_facts::{consequence, consequence_from};
use loopledger_types::{OrderId, Quantity};

use super::cell::{Bucket, shift};
use super::pick::{Picker, Shortage};
use super::{
    CancelRefused, Entity, Holder, Key, OrderLineKey, Reservation, ReservationReleased, ReservationStatus, Shelf,
    StockRefusal, StockRefused, StockReserved,
};
use crate::{Answer, Answers, Evolve, Missing, State};

/// What is answered to one line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LineAnswer {
    Reserved(StockReserved),
    Refused(StockRefused),
}

/// Reserves each line of the order that this service holds, whole or not at all, in one answer that fits a commit. If the
/// lines need more lots together than one answer names, those of fewer lots go first.
impl<H: Holder> Answer<H> for OrderPlaced {
    fn keys(&self, missing: &mut Missing<'_, H>) {
        for line in self.lines.iter().filter(|line| line.holder == H::SERVICE) {
            missing.ask(Key::Place(line.place));
        }
    }

    fn answer(&self, answers: &mut Answers<'_, H>) {
        for answer in answer_lines(answers.state, self) {
            match answer {
                LineAnswer::Reserved(fact) => answers.say(fact),
                LineAnswer::Refused(fact) => answers.say(fact),
            }
        }
    }
}

fn answer_lines<H: Holder>(state: &State<H>, order: &OrderPlaced) -> Vec<LineAnswer> {
    let mut ours: Vec<_> = (0_u32..).zip(&order.lines).filter(|(_, line)| line.holder == H::SERVICE).collect();
    let answers = reserve_all(state, order, &ours, usize::MAX);
    if answers.iter().map(|(_, answer)| bytes_max(answer)).fold(0, usize::saturating_add) <= ANSWER_BYTES_MAX {
        return answers.into_iter().map(|(_, answer)| answer).collect();
    }
    let lots: BTreeMap<u32, usize> = answers.iter().map(|(index, answer)| (*index, picks(answer))).collect();
    ours.sort_by_key(|(index, _)| (lots.get(index).copied(), *index));
    let mut answers = reserve_all(state, order, &ours, ANSWER_BYTES_MAX);
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Reserves or refuses the lines in this order, in at most so many bytes.
fn reserve_all<H: Holder>(
    state: &State<H>,
    order: &OrderPlaced,
    lines: &[(u32, &OrderLine)],
    bytes: usize,
) -> Vec<(u32, LineAnswer)> {
    // However the lines before it went, there is room to refuse each line that is still to come.
    let mut room = bytes.saturating_sub(lines.len().saturating_mul(REFUSED_ANSWER_BYTES_MAX));
    let mut picker = Picker::new(state, order.occasion.business_date);
    let reserve = |line: &(u32, &OrderLine)| {
        let line_room = room.saturating_add(REFUSED_ANSWER_BYTES_MAX);
        let answer = reserve(&mut picker, state, order, *line, line_room);
        room = line_room.saturating_sub(bytes_max(&answer));
        (line.0, answer)
    };
    lines.iter().map(reserve).collect()
}

fn reserve<H: Holder>(
    picker: &mut Picker<'_, H>,
    state: &State<H>,
    order: &OrderPlaced,
    (index, line): (u32, &OrderLine),
    room: usize,
) -> LineAnswer {
    let refused = |reason, available, earliest| {
        LineAnswer::Refused(StockRefused {
            occasion: consequence(&order.occasion),
            order: order.order,
            line: index,
            place: line.place,
            reason,
            requested: line.quantity,
            available,
            earliest,
        })
    };
    let Some(place) = state.place(line.place) else {
        return refused(StockRefusal::PlaceUnknown, Quantity::ZERO, None);
    };
    if order.occasion.business_date < place.since {
        return refused(StockRefusal::DateTooEarly, Quantity::ZERO, Some(place.since));
    }
    let goods = Shelf { place: line.place, product: line.product, principal: order.seller.id };
    let limit = room.saturating_sub(RESERVED_ANSWER_BYTES_MAX).checked_div(PICK_BYTES_MAX).unwrap_or(0).min(PICKS_MAX);
    match picker.oldest(&goods, line.quantity, limit) {
        Ok(picks) => LineAnswer::Reserved(StockReserved {
            occasion: consequence(&order.occasion),
            order: order.order,
            line: index,
            place: line.place,
            custodian: place.operator.id,
            seller: order.seller,
            buyer: order.buyer,
            picks,
            price: line.price,
        }),
        Err(Shortage::Stock { available, earliest }) => {
            let available = i64::try_from(available).expect("less than the line asks for, which is a quantity");
            refused(StockRefusal::InsufficientStock, Quantity(available), earliest)
        }
        Err(Shortage::Lots { fitting, .. }) => refused(StockRefusal::TooManyLots, fitting, None),
    }
}

/// Bytes that an answer to an order line needs at most.
fn bytes_max(answer: &LineAnswer) -> usize {
    match answer {
        LineAnswer::Reserved(reserved) => {
            reserved.picks.len().saturating_mul(PICK_BYTES_MAX).saturating_add(RESERVED_ANSWER_BYTES_MAX)
        }
        LineAnswer::Refused(_) => REFUSED_ANSWER_BYTES_MAX,
    }
}

fn picks(answer: &LineAnswer) -> usize {
    match answer {
        LineAnswer::Reserved(reserved) => reserved.picks.len(),
        LineAnswer::Refused(_) => 0,
    }
}

/// Releases a reservation that is still open; what was issued, or never reserved here, stands.
impl<H: Holder> Answer<H> for CancellationRequested {
    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Reservation(OrderLineKey { order: self.order, line: self.line }));
    }

    fn answer(&self, answers: &mut Answers<'_, H>) {
        let state = answers.state;
        let key = OrderLineKey { order: self.order, line: self.line };
        let open = state.reservation(key).filter(|reservation| reservation.is_open());
        match open.and_then(|reservation| Some((reservation, state.place(reservation.place)?))) {
            Some((reservation, place)) => answers.say(ReservationReleased {
                occasion: consequence_from(reservation.reserved_on, &self.occasion),
                order: self.order,
                line: self.line,
                place: reservation.place,
                custodian: place.operator.id,
                picks: reservation.picks.to_vec(),
            }),
            None => answers.say(CancelRefused {
                occasion: consequence(&self.occasion),
                order: self.order,
                line: self.line,
                place: self.place,
            }),
        }
    }
}

impl<H: Holder> Evolve<H> for StockReserved {
    // It creates a reservation.
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn evolve(&self, state: &mut State<H>) {
        let Some(first) = self.picks.first() else { return };
        let at = (self.place, self.occasion.business_date);
        for line in &self.picks {
            shift(state, at, line, Some(Bucket::OnHand), Some(Bucket::Reserved));
        }
        let reservation = Reservation {
            reserved_on: self.occasion.business_date,
            place: self.place,
            product: first.product,
            seller: self.seller,
            buyer: self.buyer,
            price: self.price,
            picks: Arc::from(self.picks.as_slice()),
            status: ReservationStatus::Open,
        };
        let key = Key::Reservation(OrderLineKey { order: self.order, line: self.line });
        state.entities.put(key.into(), Entity::Reservation(Box::new(reservation)).into());
    }
}

impl<H: Holder> Evolve<H> for StockRefused {
    // What it writes depends on nothing.
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn evolve(&self, state: &mut State<H>) {
        if let Some(earliest) = self.earliest {
            let key = Key::Reservation(OrderLineKey { order: self.order, line: self.line });
            state.entities.put(key.into(), Entity::Refused(earliest).into());
        }
    }
}

impl<H: Holder> Evolve<H> for ReservationReleased {
    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Reservation(OrderLineKey { order: self.order, line: self.line }));
    }

    fn evolve(&self, state: &mut State<H>) {
        let at = (self.place, self.occasion.business_date);
        for line in &self.picks {
            shift(state, at, line, Some(Bucket::Reserved), Some(Bucket::OnHand));
        }
        end(state, self.order, self.line, ReservationStatus::Released);
    }
}

impl<H: Holder> Evolve<H> for CancelRefused {
    // It changes nothing.
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn evolve(&self, _: &mut State<H>) {}
}

pub(super) fn end<H: Holder>(state: &mut State<H>, order: OrderId, line: u32, status: ReservationStatus) {
    let key = OrderLineKey { order, line };
    if let Some(reservation) = state.reservation(key) {
        let ended = Reservation { status, ..reservation.clone() };
        state.entities.put(Key::Reservation(key).into(), Entity::Reservation(Box::new(ended)).into());
    }
}
