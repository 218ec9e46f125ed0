//! Heads: what all facts of one event have in common, written once, before the first of them.
//!
//! Most events give rise to several facts (of lots, orders, books); each points back to the head, a byte or two away.

use loopledger_types::{BusinessDate, OrderId, ReceiptId};

use crate::FactRef;
use crate::fact::{read_date, service_code, service_of, write_date};
use crate::store::RecordOffset;
use crate::tables::Tables;

/// The paper that an event belongs to. Receipts and orders have rows, and are kept by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Receipt(ReceiptId),
    Order(OrderId),
    /// A shipment, payout or settlement.
    Other([u8; 16]),
}

impl Document {
    pub(crate) const fn id(self) -> [u8; 16] {
        match self {
            Self::Receipt(id) => id.0,
            Self::Order(id) => id.0,
            Self::Other(id) => id,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventHead {
    pub(crate) at: FactRef,
    pub(crate) date: BusinessDate,
    pub(crate) recorded_on: BusinessDate,
    pub(crate) document: Option<Document>,
}

impl EventHead {
    pub(crate) fn document_id(&self) -> Option<[u8; 16]> {
        self.document.map(Document::id)
    }
}

/// Where the head stands in the log: the last one again, for all but the first fact of an event.
pub(crate) fn offset(head: &EventHead, tables: &mut Tables) -> RecordOffset {
    // Where it stands and its date are enough: the rest follows from the event.
    if let Some((at, date, offset)) = tables.last_head
        && at == head.at
        && date == head.date
    {
        return offset;
    }
    let (tag, number) = match head.document {
        None => (0, 0),
        Some(Document::Receipt(id)) => (1, tables.receipt(id)),
        Some(Document::Order(id)) => (2, tables.order(id)),
        Some(Document::Other(_)) => (3, 0),
    };
    let offset = tables.log.put(|out| {
        let first = u64::from(service_code(head.at.service)) | (tag << 3) | (u64::from(head.at.event) << 5);
        out.number(first).number(head.at.sequence);
        write_date(head.date, out);
        out.signed(i64::from(head.recorded_on.days()).saturating_sub(i64::from(head.date.days())));
        match head.document {
            None => {}
            Some(Document::Receipt(_) | Document::Order(_)) => {
                out.index(number);
            }
            Some(Document::Other(id)) => {
                out.id(&id);
            }
        }
    });
    tables.last_head = Some((head.at, head.date, offset));
    offset
}

pub(crate) fn read(at: RecordOffset, tables: &Tables) -> Option<EventHead> {
    let from = &mut tables.log.get(at)?;
    let first = from.number()?;
    let service = service_of(u8::try_from(first & 7).ok()?)?;
    let at = FactRef { service, sequence: from.number()?, event: u32::try_from(first >> 5).ok()? };
    let date = read_date(from)?;
    let recorded_on = date.plus_days(i32::try_from(from.signed()?).ok()?);
    let document = match (first >> 3) & 3 {
        0 => None,
        1 => Some(Document::Receipt(tables.receipt_id(from.index()?)?)),
        2 => Some(Document::Order(*tables.orders.key(from.index()?)?)),
        _ => Some(Document::Other(from.id()?)),
    };
    Some(EventHead { at, date, recorded_on, document })
}

#[cfg(test)]
mod tests {
    use loopledger_types::Service;

    use super::*;

    #[test]
    fn heads_of_every_kind_read_back_and_stand_once() {
        let mut tables = Tables::default();
        let documents = [
            None,
            Some(Document::Receipt(ReceiptId([1; 16]))),
            Some(Document::Order(OrderId([2; 16]))),
            Some(Document::Other([3; 16])),
        ];
        for (document, service) in documents.into_iter().zip(Service::ALL) {
            let date = BusinessDate::from_ymd(2199, 12, 1).unwrap();
            let at = FactRef { service, sequence: u64::MAX, event: u32::MAX };
            let head = EventHead { at, date, recorded_on: date.plus_days(-70_000), document };
            let stands = offset(&head, &mut tables);
            assert_eq!(offset(&head, &mut tables), stands);
            assert_eq!(read(stands, &tables), Some(head));
        }
    }
}
