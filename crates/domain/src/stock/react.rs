//! Answers to sales: reserving what an order asks for, and releasing what a cancelled line had.

use std::collections::BTreeMap;

use loopledger_types::{BusinessDate, Quantity, Service};

use super::pick::{Picker, Shortage};
use super::{
    CancelRefused, Holder, OrderLineKey, ReservationReleased, ReservationStatus, Shelf, StockRefusal, StockRefused,
    StockReserved,
};
use crate::sales::{CancellationRequested, OrderLine, OrderPlaced};
use crate::size::{ANSWER_BYTES_MAX, PICK_BYTES_MAX, PICKS_MAX, REFUSED_ANSWER_BYTES_MAX, RESERVED_ANSWER_BYTES_MAX};
use crate::{Occasion, State, sales};

/// What a holder answers to sales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Reserved(StockReserved),
    Refused(StockRefused),
    Released(ReservationReleased),
    CancelRefused(CancelRefused),
}

/// Whether an event of sales asks something of this holder.
pub(crate) fn concerns(event: &sales::Event, holder: Service) -> bool {
    match event {
        sales::Event::OrderPlaced(e) => e.lines.iter().any(|line| line.holder == holder),
        sales::Event::CancellationRequested(e) => e.holder == holder,
        sales::Event::ChannelOpened(_)
        | sales::Event::OrderLineCancelled(_)
        | sales::Event::OrderLineStands(_)
        | sales::Event::OrderFulfilled(_)
        | sales::Event::PaymentReceived(_)
        | sales::Event::PrepaymentReturned(_)
        | sales::Event::ConsignmentSettled(_)
        | sales::Event::UpstreamIgnored(_)
        | sales::Event::AnswerRepeated(_)
        | sales::Event::TailLost(_) => false,
    }
}

/// The occasion of a reaction: its cause's, less what the cause's device said.
pub(crate) const fn consequence(cause: &Occasion) -> Occasion {
    Occasion { occurred_at: None, device_utc_offset_min: None, ..*cause }
}

/// The occasion of a reaction that cannot be refused: its cause's day, or that of what it rests on, if that is later.
pub(crate) fn consequence_from(since: BusinessDate, cause: &Occasion) -> Occasion {
    let occasion = consequence(cause);
    Occasion { business_date: occasion.business_date.max(since), ..occasion }
}

/// Reserves each line of the order that this service holds, whole or not at all, in one answer that fits a commit. If the
/// lines need more lots together than one answer names, those of fewer lots go first.
pub(crate) fn order_placed<H: Holder>(state: &State<H>, order: &OrderPlaced) -> Vec<Answer> {
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
) -> Vec<(u32, Answer)> {
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
) -> Answer {
    let refused = |reason, available, earliest| {
        Answer::Refused(StockRefused {
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
        Ok(picks) => Answer::Reserved(StockReserved {
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
fn bytes_max(answer: &Answer) -> usize {
    match answer {
        Answer::Reserved(reserved) => {
            reserved.picks.len().saturating_mul(PICK_BYTES_MAX).saturating_add(RESERVED_ANSWER_BYTES_MAX)
        }
        Answer::Refused(_) | Answer::Released(_) | Answer::CancelRefused(_) => REFUSED_ANSWER_BYTES_MAX,
    }
}

fn picks(answer: &Answer) -> usize {
    match answer {
        Answer::Reserved(reserved) => reserved.picks.len(),
        Answer::Refused(_) | Answer::Released(_) | Answer::CancelRefused(_) => 0,
    }
}

/// Releases a reservation that is still open; what was issued, or never reserved here, stands.
pub(crate) fn release<H: Holder>(state: &State<H>, request: &CancellationRequested) -> Answer {
    let key = OrderLineKey { order: request.order, line: request.line };
    let open = state.reservation(key).filter(|reservation| reservation.status == ReservationStatus::Open);
    let open = open.and_then(|reservation| Some((reservation, state.place(reservation.place)?)));
    match open {
        Some((reservation, place)) => Answer::Released(ReservationReleased {
            occasion: consequence_from(reservation.reserved_on, &request.occasion),
            order: request.order,
            line: request.line,
            place: reservation.place,
            custodian: place.operator.id,
            picks: reservation.picks.to_vec(),
        }),
        None => Answer::CancelRefused(CancelRefused {
            occasion: consequence(&request.occasion),
            order: request.order,
            line: request.line,
            place: request.place,
        }),
    }
}
