//! What lies where, as the script must know it to send orders that can be filled: the same "oldest first" as the
//! services', nothing else of their rules.

use std::collections::BTreeMap;

use loopledger_types::{BusinessDate, LotId, PartyId, PlaceId, ProductId};

/// Whose goods of which product at which place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Heap {
    pub(crate) place: PlaceId,
    pub(crate) principal: PartyId,
    pub(crate) product: ProductId,
}

/// A quantity of one lot, by the order in which it is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) collected_on: BusinessDate,
    /// The receipt's number; nothing for goods bought in, as there is one such lot a day.
    pub(crate) serial: u64,
    pub(crate) lot: LotId,
    pub(crate) quantity: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Shelves(BTreeMap<Heap, BTreeMap<(BusinessDate, u64, LotId), i64>>);

impl Shelves {
    pub(crate) fn put(&mut self, heap: Heap, batch: Batch) {
        if batch.quantity > 0 {
            let slot =
                self.0.entry(heap).or_default().entry((batch.collected_on, batch.serial, batch.lot)).or_default();
            *slot = slot.saturating_add(batch.quantity);
        }
    }

    pub(crate) fn total(&self, heap: &Heap) -> i64 {
        self.0.get(heap).map_or(0, |lots| lots.values().fold(0, |sum: i64, quantity| sum.saturating_add(*quantity)))
    }

    /// Takes up to `wanted` of at most `lots_max` lots, oldest first.
    pub(crate) fn take(&mut self, heap: &Heap, wanted: i64, lots_max: usize) -> Vec<Batch> {
        let Some(lots) = self.0.get_mut(heap) else { return Vec::new() };
        let mut left = wanted;
        let mut taken = Vec::new();
        while left > 0 && taken.len() < lots_max {
            let Some(mut entry) = lots.first_entry() else { break };
            let (collected_on, serial, lot) = *entry.key();
            let quantity = left.min(*entry.get());
            left = left.saturating_sub(quantity);
            taken.push(Batch { collected_on, serial, lot, quantity });
            if *entry.get() == quantity {
                entry.remove();
            } else {
                let remaining = entry.get().saturating_sub(quantity);
                entry.insert(remaining);
            }
        }
        taken
    }

    /// Every heap that is not empty, in order.
    pub(crate) fn heaps(&self) -> Vec<Heap> {
        self.0.iter().filter(|(_, lots)| !lots.is_empty()).map(|(heap, _)| *heap).collect()
    }
}
