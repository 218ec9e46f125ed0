//! Receipts that look like one delivery written down twice. Two that share a number are refused when they are recorded; these
//! share everything else, and only people can tell.

use loopledger_types::{BusinessDate, LotId, PartyId, PlaceId, ProductId, ReceiptId};

use crate::lots::{self, LotRecord};
use crate::origins::OriginRecord;
use crate::tables::{NO_ROW, Number};
use crate::{FactRef, GoodsAccount, Ledger};

/// Which receipts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateQuery {
    /// First and last business date.
    pub from: BusinessDate,
    pub to: BusinessDate,
    /// Absent: every station.
    pub station: Option<PlaceId>,
}

/// Two or more receipts of the same goods: the same station, day, producer, product and quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikelyDuplicate {
    pub on: BusinessDate,
    pub station: PlaceId,
    pub producer: PartyId,
    pub product: ProductId,
    pub quantity: i64,
    /// In the order in which they were recorded.
    pub receipts: Vec<SuspectReceipt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspectReceipt {
    pub at: FactRef,
    pub receipt: ReceiptId,
    pub lot: LotId,
    pub number: String,
    pub label: String,
}

/// What receipts of the same goods have in common: day, station, producer, product, quantity.
type Goods = (BusinessDate, Number, Number, Number, i64);

impl Ledger {
    /// By day, station, producer, product and quantity. Receipts whose goods went back are left out. Reads every lot.
    pub fn likely_duplicates(&self, query: &DuplicateQuery) -> Vec<LikelyDuplicate> {
        let station = query.station.map(|id| self.tables.places.find(&id));
        let mut collected: Vec<(Goods, Number)> = Vec::new();
        for (number, _, row) in self.tables.lots.iter() {
            let Some(born) = row.born.filter(|born| (query.from..=query.to).contains(&born.on)) else { continue };
            if station.is_some_and(|station| station != Some(born.place)) {
                continue;
            }
            let Some(origin) = OriginRecord::of(&born, &self.tables).filter(|origin| origin.receipt != NO_ROW) else {
                continue;
            };
            collected.push(((born.on, born.place, origin.producer.0, born.product, origin.quantity), number));
        }
        collected.sort_unstable();
        let alike = collected.chunk_by(|(one, _), (other, _)| one == other).filter(|lots| lots.len() > 1);
        let mut duplicates: Vec<LikelyDuplicate> = alike.filter_map(|lots| self.duplicate(lots)).collect();
        duplicates.sort_unstable_by_key(LikelyDuplicate::key);
        duplicates
    }

    /// `None` if fewer than two of them stand.
    fn duplicate(&self, lots: &[(Goods, Number)]) -> Option<LikelyDuplicate> {
        let ((on, station, producer, product, quantity), _) = *lots.first()?;
        let mut receipts: Vec<SuspectReceipt> = lots.iter().filter_map(|(_, lot)| self.suspect(*lot)).collect();
        receipts.sort_unstable_by_key(|receipt| receipt.at);
        (receipts.len() > 1).then_some(LikelyDuplicate {
            on,
            station: self.tables.place_id(station)?,
            producer: self.tables.party_id(producer)?,
            product: self.tables.product_id(product)?,
            quantity,
            receipts,
        })
    }

    fn suspect(&self, lot: Number) -> Option<SuspectReceipt> {
        let row = self.tables.lots.value(lot)?;
        let went_back = lots::facts(&self.tables, row.last)
            .any(|fact| matches!(fact.record, LotRecord::Moved { to, .. } if to.account == GoodsAccount::Returned));
        let origin = OriginRecord::of(&row.born?, &self.tables)?;
        (!went_back).then_some(SuspectReceipt {
            at: origin.at,
            receipt: self.tables.receipt_id(origin.receipt)?,
            lot: self.tables.lot_id(lot)?,
            number: origin.receipt_number,
            label: origin.label,
        })
    }
}

impl LikelyDuplicate {
    /// What the list is ordered by, unique within it.
    pub fn key(&self) -> (BusinessDate, PlaceId, PartyId, ProductId, i64) {
        (self.on, self.station, self.producer, self.product, self.quantity)
    }
}
