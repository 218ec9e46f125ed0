//! Linkage contracts 企业+站点+户: the terms of collections, in force from day to day, up to a quantity. Outright purchases
//! are counted here; of consigned goods station keeps count, and procurement only shows it.

use loopledger_facts::procurement::{ContractTerms, LinkageContracted};
use loopledger_facts::station::StationOpened;
use loopledger_facts::{Measure, Occasion, PartyKind, PartyRef, PlaceKind};
use loopledger_rules::stock::{Checks, found};
use loopledger_rules::{ApplyUpstream, Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{
    BaseUnit, BusinessDate, ContractId, DivisionCode, EntityKind, PartyId, PlaceId, ProductId, Quantity,
};

use crate::parties::party;
use crate::{Entity, Key, Procurement, ProcurementState as _};

/// Creates a contract (`ContractId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractLinkage {
    pub occasion: Occasion,
    pub firm: PartyId,
    pub station: PlaceId,
    pub producer: PartyId,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    pub valid_to: BusinessDate,
    pub quantity_max: Option<Measure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    pub firm: PartyRef,
    pub station: PlaceId,
    pub producer: PartyRef,
    pub product: ProductId,
    pub terms: ContractTerms,
    pub valid_from: BusinessDate,
    /// The last day.
    pub valid_to: BusinessDate,
    pub quantity_max: Option<Quantity>,
    /// What was bought outright under it so far.
    pub taken: Quantity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Station {
    /// The day on which it opened.
    pub since: BusinessDate,
    pub kind: PlaceKind,
    pub division: DivisionCode,
}

impl Decide<Procurement> for ContractLinkage {
    type Fact = LinkageContracted;

    fn keys(&self, missing: &mut Missing<'_, Procurement>) {
        missing.ask(Key::Party(self.firm));
        missing.ask(Key::Station(self.station));
        missing.ask(Key::Party(self.producer));
        missing.ask(Key::Product(self.product));
    }

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<LinkageContracted, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let (firm, _) = party(&mut checks, state, self.firm)?;
        let station = found(state.station(self.station), EntityKind::Place, self.station)?;
        checks.rests_on(station.since, self.station);
        let (producer, _) = party(&mut checks, state, self.producer)?;
        let product = found(state.product(self.product), EntityKind::Product, self.product)?;
        checks.rests_on(product.since, self.product);
        shape(&mut checks, self, product.base);
        checks.pass()?;
        if !firm.kind.trades() {
            return Err(Rejection::broken(Rule::PartyCannotTrade, firm.id));
        }
        if !produces(producer.kind) {
            return Err(Rejection::broken(Rule::PartyNotProducer, producer.id));
        }
        if firm.id == producer.id {
            return Err(Rejection::broken(Rule::SellerIsBuyer, firm.id));
        }
        Ok(LinkageContracted {
            occasion: self.occasion,
            contract: ContractId::derive(context.request_id, context.stream, 0),
            firm,
            station: self.station,
            producer,
            product: self.product,
            terms: self.terms,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            quantity_max: self.quantity_max.map(|measure| measure.quantity),
        })
    }
}

/// Whether goods are collected from such a party.
pub(crate) const fn produces(kind: PartyKind) -> bool {
    matches!(kind, PartyKind::Household | PartyKind::Cooperative)
}

fn shape(checks: &mut Checks, command: &ContractLinkage, product: BaseUnit) {
    match command.terms {
        ContractTerms::Outright { price } => checks.price_unit("terms.outright.price", price, product),
        ContractTerms::AgreedPrice { price } => checks.price_unit("terms.agreed_price.price", price, product),
        ContractTerms::Commission { price_basis: Some(price), .. } => {
            checks.price_unit("terms.commission.price_basis", price, product);
        }
        ContractTerms::Commission { price_basis: None, .. } => {}
    }
    if command.valid_to < command.valid_from {
        checks.refuse("valid_to", FieldFault::OutOfRange, "The last day is not before the first.");
    }
    if let Some(quantity_max) = command.quantity_max {
        checks.unit("quantity_max", quantity_max, product);
    }
}

impl Evolve<Procurement> for LinkageContracted {
    // It creates a contract.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, state: &mut State<Procurement>) {
        let contract = Contract {
            firm: self.firm,
            station: self.station,
            producer: self.producer,
            product: self.product,
            terms: self.terms,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            quantity_max: self.quantity_max,
            taken: Quantity::ZERO,
        };
        state.entities.put(Key::Contract(self.contract), Entity::Contract(Box::new(contract)));
    }
}

impl ApplyUpstream<Procurement> for StationOpened {
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn apply_upstream(&self, state: &mut State<Procurement>) {
        let station = Station { since: self.occasion.business_date, kind: self.kind, division: self.division };
        state.entities.put_reference(Key::Station(self.station), Entity::Station(station));
    }
}
