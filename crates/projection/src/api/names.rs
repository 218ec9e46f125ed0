//! What is shown beside ids. Labels stand in the state, so they are looked up while an answer is computed, once each.

use std::collections::BTreeMap;

use loopledger_domain::PartyKind;
use loopledger_ledger::{Counterparty, GoodsAt, Ledger};
use loopledger_types::divisions::{self, Edition};
use loopledger_types::{BaseUnit, BusinessDate, DivisionCode, Month, PartyId, PlaceId, ProductId};

/// The labels of everything that an answer names, and the units of its products. Households are shown by id alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    parties: BTreeMap<PartyId, String>,
    places: BTreeMap<PlaceId, String>,
    products: BTreeMap<ProductId, ProductName>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ProductName {
    label: String,
    base: Option<BaseUnit>,
}

/// Of what the answer names; anything else has no label here.
impl Names {
    /// Empty for a household, and for what is not registered yet.
    pub fn party(&self, id: PartyId) -> &str {
        looked_up(&self.parties, &id).map_or("", String::as_str)
    }

    pub fn place(&self, id: PlaceId) -> &str {
        looked_up(&self.places, &id).map_or("", String::as_str)
    }

    pub fn product(&self, id: ProductId) -> &str {
        looked_up(&self.products, &id).map_or("", |product| product.label.as_str())
    }

    /// The unit of a product's quantities; `None` if it is not registered yet.
    pub fn base_unit(&self, id: ProductId) -> Option<BaseUnit> {
        looked_up(&self.products, &id).and_then(|product| product.base)
    }
}

/// An answer that names something without having looked it up is a bug of its query: tests find it here.
fn looked_up<'a, K: Ord, V>(names: &'a BTreeMap<K, V>, id: &K) -> Option<&'a V> {
    let found = names.get(id);
    debug_assert!(found.is_some(), "an answer names what it has not looked up");
    found
}

/// Looks names up.
pub(super) struct Naming<'a> {
    ledger: &'a Ledger,
    names: Names,
}

impl<'a> Naming<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        Self { ledger, names: Names::default() }
    }

    pub(super) fn finish(self) -> Names {
        self.names
    }

    pub(super) fn parties(&mut self, ids: impl IntoIterator<Item = PartyId>) {
        for id in ids {
            self.names.parties.entry(id).or_insert_with(|| {
                let view = self.ledger.party(id, any_day(), None);
                let view = view.filter(|view| view.kind != Some(PartyKind::Household));
                view.map(|view| view.label).unwrap_or_default()
            });
        }
    }

    pub(super) fn places(&mut self, ids: impl IntoIterator<Item = PlaceId>) {
        for id in ids {
            let label = || self.ledger.place(id).map(|view| view.label).unwrap_or_default();
            self.names.places.entry(id).or_insert_with(label);
        }
    }

    pub(super) fn products(&mut self, ids: impl IntoIterator<Item = ProductId>) {
        for id in ids {
            let name = || self.ledger.product(id).map(|view| ProductName { label: view.name, base: view.base });
            self.names.products.entry(id).or_insert_with(|| name().unwrap_or_default());
        }
    }

    pub(super) fn counterparty(&mut self, counterparty: Counterparty) {
        match counterparty {
            Counterparty::Party(id) => self.parties([id]),
            Counterparty::None | Counterparty::Outside(_) => {}
        }
    }

    pub(super) fn goods_at(&mut self, at: &GoodsAt) {
        self.places(at.place.into_iter().chain(at.destination));
        self.parties(at.custodian);
    }
}

/// A label has no date.
fn any_day() -> BusinessDate {
    Month::from_index(0).map(Month::first_day).expect("January 2000 is a month")
}

/// The name in an edition; of a code that it does not list, the newest name.
pub fn division_name(code: DivisionCode, edition: Edition) -> &'static str {
    edition.name_of(code).or_else(|| divisions::name_of(code)).unwrap_or_default()
}
