//! Answers to sales: reserving what an order asks for, and releasing what a cancelled line had.

use loopledger_types::{Quantity, Service};

use super::pick::{MAX_PICKS, Picker, Shortage};
use super::{
    CancelRefused, Holder, OrderLineKey, ReservationReleased, ReservationStatus, Shelf, StockRefusal, StockRefused,
    StockReserved,
};
use crate::sales::{CancellationRequested, OrderLine, OrderPlaced};
use crate::{Occasion, State, sales};

/// What a holder answers to sales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Reserved(StockReserved),
    Refused(StockRefused),
    Released(ReservationReleased),
    CancelRefused(CancelRefused),
}

/// Bounds that keep the answer to an order of 200 lines, one lot each, within a commit of 60 KiB: bytes of the encoded
/// events at their longest (an id takes 18, an event's type name 68). What the envelope needs is left out.
const ANSWER_MAX_BYTES: usize = 60_000;
const RESERVED_BYTES: usize = 200;
const PICK_BYTES: usize = 80;
const REFUSED_BYTES: usize = 150;

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

/// Reserves each line of the order that this service holds, whole or not at all.
pub(crate) fn order_placed<H: Holder>(state: &State<H>, order: &OrderPlaced) -> Vec<Answer> {
    let ours = || (0_u32..).zip(&order.lines).filter(|(_, line)| line.holder == H::SERVICE);
    // However the lines before it went, there is room to refuse each line that is still to come.
    let refusals = ours().count().saturating_mul(REFUSED_BYTES);
    let mut room = ANSWER_MAX_BYTES.saturating_sub(refusals);
    let mut picker = Picker::new(state);
    ours().map(|(index, line)| reserve(&mut picker, state, order, (index, line), &mut room)).collect()
}

fn reserve<H: Holder>(
    picker: &mut Picker<'_, H>,
    state: &State<H>,
    order: &OrderPlaced,
    (index, line): (u32, &OrderLine),
    room: &mut usize,
) -> Answer {
    let refused = |reason, available| {
        Answer::Refused(StockRefused {
            occasion: consequence(&order.occasion),
            order: order.order,
            line: index,
            place: line.place,
            reason,
            requested: line.quantity,
            available,
        })
    };
    let Some(place) = state.place(line.place) else {
        return refused(StockRefusal::PlaceUnknown, Quantity::ZERO);
    };
    let goods = Shelf { place: line.place, product: line.product, principal: order.seller.id };
    let line_room = room.saturating_add(REFUSED_BYTES);
    let limit = line_room.saturating_sub(RESERVED_BYTES).checked_div(PICK_BYTES).unwrap_or(0).min(MAX_PICKS);
    match picker.oldest(&goods, line.quantity, limit) {
        Ok(picks) => {
            let size = picks.len().saturating_mul(PICK_BYTES).saturating_add(RESERVED_BYTES);
            *room = line_room.saturating_sub(size);
            Answer::Reserved(StockReserved {
                occasion: consequence(&order.occasion),
                order: order.order,
                line: index,
                place: line.place,
                custodian: place.operator.id,
                seller: order.seller,
                buyer: order.buyer,
                picks,
            })
        }
        Err(Shortage { available, .. }) => refused(StockRefusal::InsufficientStock, available),
    }
}

/// Releases a reservation that is still open; what was issued, or never reserved here, stands.
pub(crate) fn release<H: Holder>(state: &State<H>, request: &CancellationRequested) -> Answer {
    let key = OrderLineKey { order: request.order, line: request.line };
    let open = state.reservation(key).filter(|reservation| reservation.status == ReservationStatus::Open);
    let open = open.and_then(|reservation| Some((reservation, state.place(reservation.place)?)));
    let occasion = consequence(&request.occasion);
    match open {
        Some((reservation, place)) => Answer::Released(ReservationReleased {
            occasion,
            order: request.order,
            line: request.line,
            place: reservation.place,
            custodian: place.operator.id,
            picks: reservation.picks.to_vec(),
        }),
        None => Answer::CancelRefused(CancelRefused {
            occasion,
            order: request.order,
            line: request.line,
            place: request.place,
        }),
    }
}
