//! A sample of every kind of event, in every case that is posted in a way of its own.
//!
//! The id of a party or place spells its role, and every amount and quantity of a sample has a value of its own, so that
//! a posted line says which fields of the event it comes from.

mod goods;
mod money;
mod silent;

use loopledger_domain::*;
use loopledger_types::*;

use super::id;
use crate::world::division;

/// An event with the names of its amounts and quantities.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) event: Event,
    /// As the document names it; empty where there is but one.
    pub(super) case: &'static str,
    measures: Vec<(i64, &'static str)>,
}

impl Sample {
    fn new(case: &'static str, event: Event, measures: &[(i64, &'static str)]) -> Self {
        Self { event, case, measures: measures.to_vec() }
    }

    /// The field that has this value.
    pub(super) fn measure(&self, value: i64) -> &'static str {
        let name = self.measures.iter().find(|(known, _)| *known == value).map(|(_, name)| *name);
        name.unwrap_or_else(|| panic!("{value} is no measure of {self:?}"))
    }
}

pub(super) fn samples() -> Vec<Sample> {
    [goods::samples(), money::samples(), silent::samples()].concat()
}

fn occasion() -> Occasion {
    let business_date = BusinessDate::parse("2020-09-06").unwrap();
    Occasion { business_date, occurred_at: None, device_utc_offset_min: None, division: village() }
}

fn village() -> DivisionCode {
    division("654224202207")
}

fn party(role: &str, kind: PartyKind) -> PartyRef {
    PartyRef { id: PartyId(id(role)), kind }
}

fn coop(role: &str) -> PartyRef {
    party(role, PartyKind::Cooperative)
}

fn household(role: &str) -> PartyRef {
    party(role, PartyKind::Household)
}

fn place(role: &str) -> PlaceId {
    PlaceId(id(role))
}

fn owned(role: &str) -> Title {
    Title::Owned { owner: coop(role) }
}

fn consigned() -> Title {
    Title::Consigned { consignee: coop("consignee"), mode: SettlementMode::Commission }
}

fn stock(title: Title, quantity: i64) -> StockLine {
    let (lot, product) = (LotId(id("lot")), ProductId(id("product")));
    let collected_on = occasion().business_date;
    StockLine { lot, pool: 0, product, title, collected_on, quantity: Quantity(quantity) }
}

const fn price() -> UnitPrice {
    UnitPrice { e4: 92_000, per: Unit::Kilogram }
}

/// A registered customer, who has no book.
fn registered() -> BuyerRef {
    BuyerRef { party: Some(party("buyer", PartyKind::Buyer)), division: division("610102"), scope: Scope::Outside }
}

fn consumer() -> BuyerRef {
    BuyerRef { party: None, division: village(), scope: Scope::County }
}
