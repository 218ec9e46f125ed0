//! Who and what there is before the first delivery: parties, places, products, households, contracts.
//!
//! Villages are real (the 2019 list). The plan says "40 villages" without naming them; the rule here: the 66
//! administrative villages of the 7 townships, townships in code order taking turns, villages in code order, until 40.

use loopledger_types::divisions::{Edition, Village};
use loopledger_types::{ContractId, DivisionCode, MemberId, PartyId, PlaceId, ProductId};

use super::season::Principal;

/// Villages that the network covers.
pub(crate) const VILLAGES: usize = 40;

/// The covered villages, in the order of the rule.
pub(crate) fn covered_villages() -> Vec<&'static Village> {
    let mut townships: Vec<(DivisionCode, Vec<&'static Village>)> = Vec::new();
    for village in Edition::FIRST.villages().iter().filter(|village| village.kind == "village") {
        match townships.iter_mut().find(|(code, _)| *code == village.township) {
            Some((_, villages)) => villages.push(village),
            None => townships.push((village.township, vec![village])),
        }
    }
    townships.sort_by_key(|(code, _)| *code);
    let longest = townships.iter().map(|(_, villages)| villages.len()).max().unwrap_or(0);
    let turns =
        (0..longest).flat_map(|turn| townships.iter().filter_map(move |(_, villages)| villages.get(turn).copied()));
    turns.take(VILLAGES).collect()
}

/// A household of the demo.
#[derive(Debug, Clone)]
pub(crate) struct Household {
    pub(crate) id: PartyId,
    pub(crate) head: MemberId,
    pub(crate) station: usize,
    pub(crate) division: DivisionCode,
    /// Chickpea goes under this contract.
    pub(crate) contract: Option<ContractId>,
    /// Whether that contract takes only so much.
    pub(crate) limited: bool,
    /// Products (indexes of the catalogue) that it brings.
    pub(crate) products: Vec<usize>,
}

/// A station of the demo.
#[derive(Debug, Clone)]
pub(crate) struct Station {
    pub(crate) id: PlaceId,
    pub(crate) division: DivisionCode,
}

/// A product with its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goods {
    pub(crate) id: ProductId,
}

/// A place that sells, and to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shop {
    pub(crate) place: PlaceId,
    /// Where its customers stand.
    pub(crate) customers: DivisionCode,
    /// A registered customer, or consumers.
    pub(crate) buyer: Option<PartyId>,
    pub(crate) online: bool,
    /// Orders in a week, from and to.
    pub(crate) orders: (i64, i64),
}

/// Everything with its id.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) chickpea_coop: PartyId,
    pub(crate) safflower_coop: PartyId,
    pub(crate) livestock_coop: PartyId,
    pub(crate) brand: PartyId,
    pub(crate) carrier: PartyId,
    pub(crate) supplier: PartyId,
    pub(crate) centre: PlaceId,
    pub(crate) outlet: PlaceId,
    pub(crate) warehouse: PlaceId,
    pub(crate) online: loopledger_types::ChannelId,
    pub(crate) offline: loopledger_types::ChannelId,
    pub(crate) stations: Vec<Station>,
    pub(crate) households: Vec<Household>,
    pub(crate) produce: Vec<Goods>,
    pub(crate) industrial: Vec<Goods>,
    pub(crate) shops: Vec<Shop>,
}

impl World {
    pub(crate) const fn principal(&self, principal: Principal) -> PartyId {
        match principal {
            Principal::ChickpeaCoop => self.chickpea_coop,
            Principal::SafflowerCoop => self.safflower_coop,
            Principal::LivestockCoop => self.livestock_coop,
            Principal::Brand => self.brand,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_villages_of_seven_townships_are_covered() {
        let villages = covered_villages();
        let mut townships: Vec<DivisionCode> = villages.iter().map(|village| village.township).collect();
        townships.sort_unstable();
        townships.dedup();
        assert_eq!((villages.len(), townships.len()), (VILLAGES, 7));
    }
}
