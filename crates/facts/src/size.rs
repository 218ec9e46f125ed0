//! How long encoded events get: upper bounds, and the limits that follow from them.
//!
//! A record has at most 60 KiB. What a command decides is kept to 24 KiB of events, so that every answer to it fits one
//! record: also when the answer is repeated after a loss ([`AnswerRepeated`]), and when a later
//! reversal embeds it. Rules use these bounds to refuse what cannot be answered when it is asked.
//!
//! The domain knows no encoding; `wire` tests these numbers against its own, at the largest values that may stand in
//! each field. An event or field that is not counted here fails that test.

use crate::{AnswerRepeated, Event, TailLost, UpstreamIgnored, distribution, facts, procurement, sales, station};

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
pub(crate) const ANSWERED_REVERSAL_BYTES_MAX: usize = CONSEQUENCE + REVERSED + 4;
/// Room for the events of an answer, each with its type.
pub const ANSWER_BYTES_MAX: usize = RECORD_BYTES_MAX - ENVELOPE_BYTES_MAX - REPEATED_BYTES_MAX;
/// Room for the event of a command that can be reversed.
pub const REVERSIBLE_BYTES_MAX: usize = COMMAND_BYTES_MAX - REVERSAL_BYTES_MAX;

/// Reasons have 100 characters of at most four bytes.
pub(crate) const REASON_BYTES_MAX: usize = 400;

// Fields: a key of one byte, a length if there is one, and the value at its largest.
pub(crate) const ID: usize = 1 + 1 + 16;
pub(crate) const HASH: usize = 1 + 1 + 32;
pub(crate) const WORD: usize = 1 + 1;
pub(crate) const FLAG: usize = 1 + 1;
pub(crate) const DATE: usize = 1 + 3;
pub(crate) const DIVISION: usize = 1 + 6;
/// Below 2¹⁴: a line of an order, basis points.
pub(crate) const SMALL: usize = 1 + 2;
pub(crate) const POOL: usize = 1 + 3;
/// Up to 10¹².
pub(crate) const QUANTITY: usize = 1 + 6;
/// A sum of quantities.
pub(crate) const TOTAL: usize = 1 + 9;
/// Up to 3·10¹⁶ fen either way: sums of many amounts of 10¹³.
pub(crate) const MONEY: usize = 1 + 8;
pub(crate) const COUNT: usize = 1 + 10;
pub(crate) const STREAM: usize = 1 + 1 + 19;
pub(crate) const INSTANT: usize = message((1 + 10) + (1 + 5));

pub(crate) const PARTY: usize = message(ID + WORD);
pub(crate) const PRICE: usize = message((1 + 6) + WORD);
pub(crate) const OCCASION: usize = message(DATE + INSTANT + SMALL + DIVISION);
/// The occasion of an answer, which leaves out what the device said.
pub(crate) const CONSEQUENCE: usize = message(DATE + DIVISION);
/// The occasion of an obligation, which keeps the instant.
pub(crate) const DEBT: usize = message(DATE + INSTANT + DIVISION);
pub(crate) const TERMS: usize = message(message(PARTY + SMALL + PRICE + ID));
pub(crate) const CONTRACT_TERMS: usize = message(message(SMALL + PRICE));
pub(crate) const ORIGIN: usize = message(ID + PARTY + DIVISION + TERMS + QUANTITY + QUANTITY);
pub(crate) const BUYER: usize = message(PARTY + DIVISION + WORD);
pub(crate) const CHARGE: usize = message(WORD + MONEY);
pub(crate) const SOURCE: usize = message(message(ID + ID + WORD));
/// Which event a reversal is about: stream, sequence, index, hash.
pub(crate) const REVERSED: usize = message(STREAM + COUNT + SMALL + HASH);
pub(crate) const STOCK_LINE: usize = message(ID + POOL + ID + message(PARTY + WORD) + DATE + QUANTITY);
pub(crate) const SHIPMENT_LINE: usize = message(STOCK_LINE + MONEY);
pub(crate) const RECEIVED_LINE: usize = message(STOCK_LINE + 3 * QUANTITY);
pub(crate) const FULFILLED_PART: usize = message(STOCK_LINE + MONEY + FLAG);
/// Of a line that takes from several: up to 200 times 10¹² g.
pub(crate) const LINE_WEIGHT: usize = message(1 + 7);
pub(crate) const ORDER_LINE: usize = message(ID + QUANTITY + PRICE + MONEY + ID + WORD);
pub(crate) const PAYOUT_ITEM: usize = message(ID + SOURCE + MONEY);
pub(crate) const MEMBER: usize = message(ID + WORD + DATE);
pub(crate) const SETTLED_LINE: usize =
    message(ID + POOL + ID + PARTY + DIVISION + ID + WORD + QUANTITY + QUANTITY + MONEY + MONEY + MONEY) + 1;

// Events without what their lists and texts hold.
pub(crate) const HANDED_OVER: usize = OCCASION + ID + ID + ID + ID + WORD + PARTY + PARTY + MONEY;
pub(crate) const DISPATCHED: usize = OCCASION + ID + ID + ID + ID + WORD + PARTY + DIVISION + PARTY + MONEY + FLAG;
pub(crate) const RECEIVED: usize = OCCASION + ID + ID + ID + FLAG + WORD + PARTY + ID;
pub(crate) const TAKEN_BACK: usize = CONSEQUENCE + ID + ID + ID + ID + PARTY;
pub(crate) const TAKEN_IN: usize = CONSEQUENCE + ID + ID;
pub(crate) const RESERVED: usize = CONSEQUENCE + ID + SMALL + ID + ID + PARTY + BUYER + PRICE;
pub(crate) const REFUSED: usize = CONSEQUENCE + ID + SMALL + ID + WORD + QUANTITY + TOTAL + DATE;
pub(crate) const RELEASED: usize = CONSEQUENCE + ID + SMALL + ID + ID;
pub(crate) const ISSUED: usize = OCCASION + ID + ID + SMALL + ID + ID + PARTY + BUYER;
pub(crate) const FULFILLED: usize =
    CONSEQUENCE + ID + SMALL + ID + ID + WORD + ID + PARTY + BUYER + ID + QUANTITY + PRICE + MONEY + MONEY;
pub(crate) const ORDERED: usize = OCCASION + ID + ID + WORD + PARTY + BUYER + ID;
pub(crate) const SETTLED: usize = OCCASION + ID + PARTY;
/// Without its number, which only what was bought in has.
pub(crate) const PAYABLE: usize = DEBT + ID + PARTY + PARTY + DIVISION + MONEY + SOURCE;
pub(crate) const PAID: usize = OCCASION + ID + PARTY + PARTY + DIVISION + MONEY + WORD + HASH + ID;

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
pub(crate) const fn message(len: usize) -> usize {
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

/// A fact whose encoding is bounded.
pub(crate) trait Bounded {
    /// The most bytes that it has when it is encoded, with as many list items and as much text as it holds.
    fn bytes_max(&self) -> usize;
}

impl Bounded for UpstreamIgnored {
    fn bytes_max(&self) -> usize {
        CONSEQUENCE + WORD
    }
}

impl Bounded for AnswerRepeated {
    fn bytes_max(&self) -> usize {
        let answers = self.answers.iter().map(|answer| bytes_max(answer).saturating_add(typed_bytes_max(LONGEST_NAME)));
        answers.fold(COUNT, usize::saturating_add)
    }
}

impl Bounded for TailLost {
    fn bytes_max(&self) -> usize {
        COUNT + COUNT + HASH
    }
}

macro_rules! bounds {
    ($(
        $service:ident $variant:ident $package:literal {
            $($fact:ident $does:tt $readers:tt;)*
        }
    )*) => {
        /// The most bytes that the event has when it is encoded, with as many list items and as much text as it holds.
        pub fn bytes_max(event: &Event) -> usize {
            match event {
                $(Event::$variant(event) => match event {
                    $($service::Event::$fact(fact) => fact.bytes_max(),)*
                    $service::Event::UpstreamIgnored(fact) => fact.bytes_max(),
                    $service::Event::AnswerRepeated(fact) => fact.bytes_max(),
                    $service::Event::TailLost(fact) => fact.bytes_max(),
                },)*
            }
        }
    };
}

facts!(bounds);

/// Whether a settlement, its payables and the reversal of each fit.
pub fn settlement_fits(settled: &sales::ConsignmentSettled) -> bool {
    settled.lines.len() <= SETTLED_LINES_MAX && settlement(settled) <= REVERSIBLE_BYTES_MAX
}

pub(crate) fn settlement(settled: &sales::ConsignmentSettled) -> usize {
    let lines = settled.lines.iter().map(|line| items(SETTLED_LINE, &line.charges, CHARGE));
    lines.fold(SETTLED, usize::saturating_add)
}

pub(crate) fn items<T>(fixed: usize, items: &[T], each: usize) -> usize {
    fixed.saturating_add(items.len().saturating_mul(each))
}

pub(crate) fn texts<const N: usize>(fixed: usize, texts: [&str; N]) -> usize {
    texts.iter().fold(fixed, |sum, each| sum.saturating_add(text(each.len())))
}

const LONGEST_NAME: &str = "HouseholdCategoryChanged";
