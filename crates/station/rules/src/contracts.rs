//! Linkage contracts, as far as a station needs them: the terms of a collection, and how much may be consigned.

use loopledger_facts::PartyRef;
use loopledger_facts::procurement::{ContractTerms, LinkageContracted};
use loopledger_rules::{ApplyUpstream, Missing, State};
use loopledger_types::{BusinessDate, PartyId, PlaceId, ProductId, Quantity};

use crate::{Entity, Key, Station};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    pub firm: PartyRef,
    pub station: PlaceId,
    pub producer: PartyId,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    /// The last day.
    pub valid_to: BusinessDate,
    /// What the firm takes in all.
    pub quantity_max: Option<Quantity>,
}

impl ApplyUpstream<Station> for LinkageContracted {
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn apply_upstream(&self, state: &mut State<Station>) {
        let contract = Contract {
            firm: self.firm,
            station: self.station,
            producer: self.producer.id,
            product: self.product,
            terms: self.terms,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            quantity_max: self.quantity_max,
        };
        state.entities.put_reference(Key::Contract(self.contract), Entity::Contract(Box::new(contract)));
    }
}
