//! What happened to an order: the facts that name it, and the lots that they name.

use loopledger_facts::StockLine;
use loopledger_types::OrderId;

use crate::FactRef;
use crate::heads::{self, EventHead};
use crate::store::{Reader, RecordOffset};
use crate::tables::{Number, Tables};

/// A step in an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderStep {
    Placed,
    Reserved,
    Refused,
    CancelRequested,
    Released,
    LineCancelled,
    LineStands,
    Issued,
    Fulfilled,
    Paid,
    PrepaymentReturned,
}

impl OrderStep {
    /// How early in an order's life it can be.
    pub(crate) fn causal_rank(self) -> u8 {
        let rank = STEPS.iter().position(|step| *step == self);
        rank.and_then(|rank| u8::try_from(rank).ok()).unwrap_or(u8::MAX)
    }

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Reserved => "reserved",
            Self::Refused => "refused",
            Self::CancelRequested => "cancel_requested",
            Self::Released => "released",
            Self::LineCancelled => "line_cancelled",
            Self::LineStands => "line_stands",
            Self::Issued => "issued",
            Self::Fulfilled => "fulfilled",
            Self::Paid => "paid",
            Self::PrepaymentReturned => "prepayment_returned",
        }
    }
}

/// In the order in which they follow from each other.
const STEPS: [OrderStep; 11] = [
    OrderStep::Placed,
    OrderStep::Reserved,
    OrderStep::Refused,
    OrderStep::CancelRequested,
    OrderStep::Released,
    OrderStep::LineCancelled,
    OrderStep::LineStands,
    OrderStep::Issued,
    OrderStep::Fulfilled,
    OrderStep::Paid,
    OrderStep::PrepaymentReturned,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRecord {
    pub(crate) at: FactRef,
    pub(crate) step: OrderStep,
    pub(crate) lots: Vec<Number>,
}

/// Chains a step to its order, with the lots that it names.
pub(crate) fn note<'a>(
    order: OrderId,
    step: OrderStep,
    head: &EventHead,
    lines: impl IntoIterator<Item = &'a StockLine>,
    tables: &mut Tables,
) {
    let number = tables.order(order);
    let head = heads::offset(head, tables);
    let Some(previous) = tables.orders.value(number).copied() else { return };
    // Lots are numbered first: a record cannot be written while a table grows.
    let mut lots = [0; 8];
    let mut count = 0_usize;
    let mut more = Vec::new();
    for line in lines {
        let lot = tables.lot(line.lot);
        match lots.get_mut(count) {
            Some(slot) => *slot = lot,
            None => more.push(lot),
        }
        count = count.saturating_add(1);
    }
    let code = STEPS.iter().position(|each| *each == step).and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
    let last = tables.log.append(previous, head, |out| {
        out.byte(code).number(u64::try_from(count).unwrap_or(0));
        for lot in lots.iter().take(count).chain(&more) {
            out.index(*lot);
        }
    });
    tables.orders.update(number, |row| *row = last);
}

/// The steps of an order, latest read first.
pub(crate) fn records(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = OrderRecord> + '_ {
    tables.log.chain(last).filter_map(|(mut reader, head)| read(&mut reader, heads::read(head, tables)?.at))
}

fn read(from: &mut Reader<'_>, at: FactRef) -> Option<OrderRecord> {
    let step = STEPS.get(usize::from(from.byte()?)).copied()?;
    let count = from.number()?;
    let lots = (0..count).map(|_| from.index()).collect::<Option<_>>()?;
    Some(OrderRecord { at, step, lots })
}
