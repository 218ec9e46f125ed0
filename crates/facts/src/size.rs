//! How long encoded events get: upper bounds, and the limits that follow from them.
//!
//! A record has at most 60 KiB. What a command decides is kept to 24 KiB of events, so that every answer to it fits one
//! record: also when the answer is repeated after a loss ([`AnswerRepeated`](crate::AnswerRepeated)), and when a later
//! reversal embeds it. Rules use these bounds to refuse what cannot be answered when it is asked.
//!
//! The domain knows no encoding; `wire` tests these numbers against its own, at the largest values that may stand in
//! each field. An event or field that is not counted here fails that test.

use crate::{Event, distribution, procurement, sales, station};

/// Events of a command, encoded.
pub const COMMAND_BYTES_MAX: usize = 24 * 1_024;
/// A record of the log.
pub const RECORD_BYTES_MAX: usize = 60 * 1_024;
/// What stands in a record beside its events: stream, sequence, hashes, cause, an actor, upstream heads of four streams.
pub const ENVELOPE_BYTES_MAX: usize = 440;
/// What repeating an answer adds to its events.
pub const REPEATED_BYTES_MAX: usize = 100;
/// What a command that reverses an event adds to it: its occasion, a reason of 100 characters, and which event.
pub const REVERSAL_BYTES_MAX: usize = OCCASION + text(REASON_BYTES_MAX) + REVERSED + 4;
/// What an answer that reverses an event adds to it.
const ANSWERED_REVERSAL_BYTES_MAX: usize = CONSEQUENCE + REVERSED + 4;
/// Room for the events of an answer, each with its type.
pub const ANSWER_BYTES_MAX: usize = RECORD_BYTES_MAX - ENVELOPE_BYTES_MAX - REPEATED_BYTES_MAX;
/// Room for the event of a command that can be reversed.
pub const REVERSIBLE_BYTES_MAX: usize = COMMAND_BYTES_MAX - REVERSAL_BYTES_MAX;

/// Reasons have 100 characters of at most four bytes.
const REASON_BYTES_MAX: usize = 400;

// Fields: a key of one byte, a length if there is one, and the value at its largest.
const ID: usize = 1 + 1 + 16;
const HASH: usize = 1 + 1 + 32;
const WORD: usize = 1 + 1;
const FLAG: usize = 1 + 1;
const DATE: usize = 1 + 3;
const DIVISION: usize = 1 + 6;
/// Below 2¹⁴: a line of an order, basis points.
const SMALL: usize = 1 + 2;
const POOL: usize = 1 + 3;
/// Up to 10¹².
const QUANTITY: usize = 1 + 6;
/// A sum of quantities.
const TOTAL: usize = 1 + 9;
/// Up to 3·10¹⁶ fen either way: sums of many amounts of 10¹³.
const MONEY: usize = 1 + 8;
const COUNT: usize = 1 + 10;
const STREAM: usize = 1 + 1 + 19;
const INSTANT: usize = message((1 + 10) + (1 + 5));

const PARTY: usize = message(ID + WORD);
const PRICE: usize = message((1 + 6) + WORD);
const OCCASION: usize = message(DATE + INSTANT + SMALL + DIVISION);
/// The occasion of an answer, which leaves out what the device said.
const CONSEQUENCE: usize = message(DATE + DIVISION);
/// The occasion of an obligation, which keeps the instant.
const DEBT: usize = message(DATE + INSTANT + DIVISION);
const TERMS: usize = message(message(PARTY + SMALL + PRICE + ID));
const CONTRACT_TERMS: usize = message(message(SMALL + PRICE));
const ORIGIN: usize = message(ID + PARTY + DIVISION + TERMS + QUANTITY + QUANTITY);
const BUYER: usize = message(PARTY + DIVISION + WORD);
const CHARGE: usize = message(WORD + MONEY);
const SOURCE: usize = message(message(ID + ID + WORD));
/// Which event a reversal is about: stream, sequence, index, hash.
const REVERSED: usize = message(STREAM + COUNT + SMALL + HASH);
const STOCK_LINE: usize = message(ID + POOL + ID + message(PARTY + WORD) + DATE + QUANTITY);
const SHIPMENT_LINE: usize = message(STOCK_LINE + MONEY);
const RECEIVED_LINE: usize = message(STOCK_LINE + 3 * QUANTITY);
const FULFILLED_PART: usize = message(STOCK_LINE + MONEY + FLAG);
/// Of a line that takes from several: up to 200 times 10¹² g.
const LINE_WEIGHT: usize = message(1 + 7);
const ORDER_LINE: usize = message(ID + QUANTITY + PRICE + MONEY + ID + WORD);
const PAYOUT_ITEM: usize = message(ID + SOURCE + MONEY);
const MEMBER: usize = message(ID + WORD + DATE);
const SETTLED_LINE: usize =
    message(ID + POOL + ID + PARTY + DIVISION + ID + WORD + QUANTITY + QUANTITY + MONEY + MONEY + MONEY) + 1;

// Events without what their lists and texts hold.
const HANDED_OVER: usize = OCCASION + ID + ID + ID + ID + WORD + PARTY + PARTY + MONEY;
const DISPATCHED: usize = OCCASION + ID + ID + ID + ID + WORD + PARTY + DIVISION + PARTY + MONEY + FLAG;
const RECEIVED: usize = OCCASION + ID + ID + ID + FLAG + WORD + PARTY + ID;
const TAKEN_BACK: usize = CONSEQUENCE + ID + ID + ID + ID + PARTY;
const TAKEN_IN: usize = CONSEQUENCE + ID + ID;
const RESERVED: usize = CONSEQUENCE + ID + SMALL + ID + ID + PARTY + BUYER + PRICE;
const REFUSED: usize = CONSEQUENCE + ID + SMALL + ID + WORD + QUANTITY + TOTAL + DATE;
const RELEASED: usize = CONSEQUENCE + ID + SMALL + ID + ID;
const ISSUED: usize = OCCASION + ID + ID + SMALL + ID + ID + PARTY + BUYER;
const FULFILLED: usize =
    CONSEQUENCE + ID + SMALL + ID + ID + WORD + ID + PARTY + BUYER + ID + QUANTITY + PRICE + MONEY + MONEY;
const ORDERED: usize = OCCASION + ID + ID + WORD + PARTY + BUYER + ID;
const SETTLED: usize = OCCASION + ID + PARTY;
/// Without its number, which only what was bought in has.
const PAYABLE: usize = DEBT + ID + PARTY + PARTY + DIVISION + MONEY + SOURCE;
const PAID: usize = OCCASION + ID + PARTY + PARTY + DIVISION + MONEY + WORD + HASH + ID;

/// (lot, pool) lines of one order line, hand-over or dispatch: 200, unless an event that carries them would not fit.
pub const PICKS_MAX: usize = least(&[
    200,
    fitting(REVERSIBLE_BYTES_MAX, HANDED_OVER, STOCK_LINE + LINE_WEIGHT),
    fitting(REVERSIBLE_BYTES_MAX, DISPATCHED, SHIPMENT_LINE),
    fitting(REVERSIBLE_BYTES_MAX, RECEIVED, RECEIVED_LINE),
    fitting(ANSWER_BYTES_MAX, typed_bytes_max("GoodsTakenBack") + ANSWERED_REVERSAL_BYTES_MAX + TAKEN_BACK, STOCK_LINE),
    // A line that arrived partly damaged is taken in twice.
    fitting(ANSWER_BYTES_MAX, typed_bytes_max("StockTakenIn") + ANSWERED_REVERSAL_BYTES_MAX + TAKEN_IN, 2 * STOCK_LINE),
    fitting(ANSWER_BYTES_MAX, typed_bytes_max("ReservationReleased") + RELEASED, STOCK_LINE),
]);

/// Lines of an issue in its three lists together: what was issued, what of it was not reserved, what is free again.
pub const ISSUE_LINES_MAX: usize = least(&[
    300,
    fitting(REVERSIBLE_BYTES_MAX, ISSUED, STOCK_LINE),
    fitting(
        ANSWER_BYTES_MAX,
        typed_bytes_max("OrderFulfilled") + ANSWERED_REVERSAL_BYTES_MAX + FULFILLED,
        FULFILLED_PART,
    ),
]);

/// Lines of one order, each of which must find room for one lot in its holder's answer.
pub const ORDER_LINES_MAX: usize =
    least(&[200, fitting(ANSWER_BYTES_MAX, 0, RESERVED_ANSWER_BYTES_MAX + PICK_BYTES_MAX)]);

/// Obligations that one payout pays.
pub const PAYOUT_ITEMS_MAX: usize = least(&[300, fitting(REVERSIBLE_BYTES_MAX, PAID, PAYOUT_ITEM)]);

/// Lines of one settlement, each of which opens a payable that may be reversed.
pub const SETTLED_LINES_MAX: usize =
    fitting(ANSWER_BYTES_MAX, 0, typed_bytes_max("PayableOpened") + PAYABLE + ANSWERED_REVERSAL_BYTES_MAX);

/// A `StockReserved` in its holder's answer, without its picks.
pub const RESERVED_ANSWER_BYTES_MAX: usize = typed_bytes_max("StockReserved") + RESERVED;
/// One of its picks.
pub const PICK_BYTES_MAX: usize = STOCK_LINE;
/// A `StockRefused` in its holder's answer.
pub const REFUSED_ANSWER_BYTES_MAX: usize = typed_bytes_max("StockRefused") + REFUSED;

// The largest of what is asked has an answer.
const _: () = assert!(PICKS_MAX < ISSUE_LINES_MAX, "what is reserved can be issued, one lot in parts");
const _: () = assert!(ISSUED + ISSUE_LINES_MAX * STOCK_LINE <= REVERSIBLE_BYTES_MAX, "an issue can be reversed");
const _: () = assert!(ORDER_LINES_MAX * REFUSED_ANSWER_BYTES_MAX <= ANSWER_BYTES_MAX, "every line can be refused");

/// Bytes of a text with at most `len` bytes, or of a message with that many, as a field.
const fn message(len: usize) -> usize {
    let prefix = match len {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    len.saturating_add(prefix).saturating_add(1)
}

const fn text(len: usize) -> usize {
    message(len)
}

/// What an event needs in a record, or in a repeated answer, beside its own bytes: its type, of the service with the
/// longest name, and lengths.
pub const fn typed_bytes_max(name: &str) -> usize {
    let url = message("type.googleapis.com/loopledger.distribution.event.v1.".len().saturating_add(name.len()));
    url.saturating_add(4 + 4)
}

/// How many items of `each` fit beside `fixed`.
const fn fitting(room: usize, fixed: usize, each: usize) -> usize {
    match room.saturating_sub(fixed).checked_div(each) {
        Some(count) => count,
        None => 0,
    }
}

const fn least(of: &[usize]) -> usize {
    match of {
        [] => usize::MAX,
        [first, rest @ ..] => {
            let rest = least(rest);
            if *first < rest { *first } else { rest }
        }
    }
}

/// The most bytes that the event has when it is encoded, with as many list items and as much text as it holds.
pub fn bytes_max(event: &Event) -> usize {
    match event {
        Event::Procurement(event) => procurement(event),
        Event::Station(event) => station(event),
        Event::Distribution(event) => distribution(event),
        Event::Sales(event) => sales(event),
    }
}

/// Whether a settlement, its payables and the reversal of each fit.
pub fn settlement_fits(settled: &sales::ConsignmentSettled) -> bool {
    settled.lines.len() <= SETTLED_LINES_MAX && settlement(settled) <= REVERSIBLE_BYTES_MAX
}

fn settlement(settled: &sales::ConsignmentSettled) -> usize {
    let lines = settled.lines.iter().map(|line| items(SETTLED_LINE, &line.charges, CHARGE));
    lines.fold(SETTLED, usize::saturating_add)
}

fn items<T>(fixed: usize, items: &[T], each: usize) -> usize {
    fixed.saturating_add(items.len().saturating_mul(each))
}

fn texts<const N: usize>(fixed: usize, texts: [&str; N]) -> usize {
    texts.iter().fold(fixed, |sum, each| sum.saturating_add(text(each.len())))
}

fn repeated(repeated: &crate::AnswerRepeated) -> usize {
    let answers = repeated.answers.iter().map(|answer| bytes_max(answer).saturating_add(typed_bytes_max(LONGEST_NAME)));
    answers.fold(COUNT, usize::saturating_add)
}

const LONGEST_NAME: &str = "HouseholdCategoryChanged";
const IGNORED: usize = CONSEQUENCE + WORD;
const TAIL_LOST: usize = COUNT + COUNT + HASH;

fn procurement(event: &procurement::Event) -> usize {
    use procurement::Event as E;
    match event {
        E::HouseholdRegistered(e) => items(OCCASION + ID + DIVISION + WORD + DATE, &e.members, MEMBER),
        E::HouseholdCategoryChanged(_) => OCCASION + ID + WORD + DATE,
        E::MemberJoined(_) => OCCASION + ID + MEMBER,
        E::MemberLeft(_) => OCCASION + ID + ID + DATE,
        E::HouseholdRelocated(_) => OCCASION + ID + DIVISION + DATE,
        E::PartyRegistered(e) => texts(OCCASION + PARTY + DIVISION, [&e.label]),
        E::ProductRegistered(e) => texts(OCCASION + ID + WORD + WORD, [&e.code, &e.name]),
        E::LinkageContracted(_) => OCCASION + ID + PARTY + ID + PARTY + ID + CONTRACT_TERMS + DATE + DATE + QUANTITY,
        E::PurchaseAccepted(e) => {
            texts(DEBT + ID + ID + ID + PARTY + PARTY + ID + ID + QUANTITY + PRICE + MONEY + ID, [&e.receipt_number])
        }
        E::PurchaseDeclined(_) => CONSEQUENCE + ID + ID + ID + WORD + QUANTITY,
        E::PayableOpened(e) => texts(PAYABLE, [&e.number]),
        E::PayoutMade(e) => items(PAID, &e.items, PAYOUT_ITEM),
        E::PayoutFailed(e) => {
            texts(OCCASION, [&e.reason]).saturating_add(message(items(PAID, &e.original.items, PAYOUT_ITEM)))
        }
        E::UpstreamIgnored(_) => IGNORED,
        E::AnswerRepeated(e) => repeated(e),
        E::TailLost(_) => TAIL_LOST,
    }
}

fn station(event: &station::Event) -> usize {
    use station::Event as E;
    match event {
        E::StationOpened(e) => texts(OCCASION + ID + WORD + DIVISION + PARTY, [&e.label]),
        E::GoodsCollected(e) => texts(
            OCCASION + ID + ORIGIN + ID + ID + ID + ID + 5 * QUANTITY + (MONEY + 1) + (ID + 1),
            [&e.receipt_number, &e.lot_label, &e.grade],
        ),
        E::GoodsReleased(_) => CONSEQUENCE + ID + PARTY + ID + ID + STOCK_LINE,
        E::GoodsReturned(_) => CONSEQUENCE + ID + PARTY + ID + ID + STOCK_LINE + WORD,
        E::GoodsHandedOver(e) => items(items(HANDED_OVER, &e.lines, STOCK_LINE), &e.weights, LINE_WEIGHT),
        E::GoodsTakenBack(e) => items(TAKEN_BACK, &e.lines, STOCK_LINE),
        E::StockTakenIn(e) => items(items(TAKEN_IN, &e.received, STOCK_LINE), &e.damaged, STOCK_LINE),
        E::GoodsBoughtIn(e) => bought_in(e),
        E::StockReserved(e) => items(RESERVED, &e.picks, STOCK_LINE),
        E::StockRefused(_) => REFUSED,
        E::ReservationReleased(e) => items(RELEASED, &e.picks, STOCK_LINE),
        E::CancelRefused(_) => CONSEQUENCE + ID + SMALL + ID,
        E::GoodsIssued(e) => issued(e),
        E::UpstreamIgnored(_) => IGNORED,
        E::AnswerRepeated(e) => repeated(e),
        E::TailLost(_) => TAIL_LOST,
    }
}

fn distribution(event: &distribution::Event) -> usize {
    use distribution::Event as E;
    match event {
        E::SiteOpened(e) => texts(OCCASION + ID + WORD + DIVISION + PARTY, [&e.label]),
        E::ShipmentDispatched(e) => items(DISPATCHED, &e.lines, SHIPMENT_LINE),
        E::HandOverRefused(_) => CONSEQUENCE + ID + WORD,
        E::ShipmentReceived(e) => items(RECEIVED, &e.lines, RECEIVED_LINE),
        E::GoodsBoughtIn(e) => bought_in(e),
        E::StockReserved(e) => items(RESERVED, &e.picks, STOCK_LINE),
        E::StockRefused(_) => REFUSED,
        E::ReservationReleased(e) => items(RELEASED, &e.picks, STOCK_LINE),
        E::CancelRefused(_) => CONSEQUENCE + ID + SMALL + ID,
        E::GoodsIssued(e) => issued(e),
        E::UpstreamIgnored(_) => IGNORED,
        E::AnswerRepeated(e) => repeated(e),
        E::TailLost(_) => TAIL_LOST,
    }
}

fn bought_in(event: &crate::stock::GoodsBoughtIn) -> usize {
    let fixed = OCCASION + ID + ID + STOCK_LINE + PARTY + PARTY + DIVISION + PRICE + MONEY;
    texts(fixed, [&event.lot_label])
}

fn issued(event: &crate::stock::GoodsIssued) -> usize {
    [&event.issued, &event.beyond, &event.released].iter().fold(ISSUED, |sum, lines| items(sum, lines, STOCK_LINE))
}

fn sales(event: &sales::Event) -> usize {
    use sales::Event as E;
    match event {
        E::ChannelOpened(e) => texts(OCCASION + ID + WORD + PARTY, [&e.label]),
        E::OrderPlaced(e) => texts(items(ORDERED, &e.lines, ORDER_LINE), [&e.number]),
        E::OrderLineCancelled(_) => CONSEQUENCE + ID + SMALL + WORD + TOTAL,
        E::CancellationRequested(_) => OCCASION + ID + SMALL + ID + WORD,
        E::OrderLineStands(_) => CONSEQUENCE + ID + SMALL,
        E::OrderFulfilled(e) => items(FULFILLED, &e.parts, FULFILLED_PART),
        E::PaymentReceived(_) => OCCASION + ID + ID + PARTY + BUYER + MONEY + MONEY + WORD,
        E::PrepaymentReturned(_) => OCCASION + ID + ID + PARTY + BUYER + MONEY + WORD,
        E::ConsignmentSettled(e) => settlement(e),
        E::UpstreamIgnored(_) => IGNORED,
        E::AnswerRepeated(e) => repeated(e),
        E::TailLost(_) => TAIL_LOST,
    }
}
