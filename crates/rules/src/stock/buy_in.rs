//! Buying in: goods from a supplier outside the county, as a new lot of one pool.

use loopledger_types::{LotId, PartyId, PlaceId, ProductId, UnitPrice};

use super::cell::{Bucket, begin};
use super::checks::Checks;
use super::movement::trades;
use super::reference::note_lot;
use super::{GoodsBoughtIn, Holder, Key};
use crate::{
    Age, ApplyUpstream, Context, Decide, Evolve, Measure, Missing, Occasion, PartyKind, PartyRef, Rejection, Rule,
    State, StockLine, Title,
};

/// Takes in goods from outside; creates a lot (`LotId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuyIn {
    pub occasion: Occasion,
    pub place: PlaceId,
    pub owner: PartyId,
    pub supplier: PartyId,
    pub product: ProductId,
    pub quantity: Measure,
    pub price: UnitPrice,
    pub lot_label: String,
}

impl<H: Holder> Decide<H> for BuyIn {
    type Fact = GoodsBoughtIn;

    fn keys(&self, missing: &mut Missing<'_, H>) {
        missing.ask(Key::Place(self.place));
        missing.ask(Key::Party(self.owner));
        missing.ask(Key::Party(self.supplier));
        missing.ask(Key::Product(self.product));
    }

    fn decide(&self, state: &State<H>, context: &Context) -> Result<GoodsBoughtIn, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let place = checks.place(state, self.place)?;
        let owner = checks.party_ref(state, self.owner)?;
        let outside = checks.party(state, self.supplier)?;
        let product = checks.product(state, self.product)?;
        let quantity = self.quantity.quantity;
        checks.unit("quantity", self.quantity, product);
        checks.price_unit("price", self.price, product);
        let amount = checks.amount("price", self.price, quantity);
        checks.pass()?;
        let owner = trades(owner)?;
        if outside.kind != PartyKind::Supplier {
            return Err(Rejection::broken(Rule::PartyNotSupplier, self.supplier));
        }
        let line = StockLine {
            lot: LotId::derive(context.request_id, context.stream, 0),
            pool: 0,
            product: self.product,
            title: Title::Owned { owner },
            collected_on: self.occasion.business_date,
            quantity,
        };
        Ok(GoodsBoughtIn {
            occasion: self.occasion,
            place: self.place,
            custodian: place.operator.id,
            line,
            owner,
            supplier: PartyRef { id: self.supplier, kind: outside.kind },
            supplier_division: outside.division_on(self.occasion.business_date),
            price: self.price,
            amount,
            lot_label: self.lot_label.clone(),
        })
    }
}

impl<H: Holder> Evolve<H> for GoodsBoughtIn {
    // It creates a lot.
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn evolve(&self, state: &mut State<H>) {
        let age = Age::new(&self.occasion, &self.lot_label);
        begin(state, (self.place, self.occasion.business_date), &self.line, age, Bucket::OnHand);
    }
}

/// How old the lot is, should it come here.
impl<H: Holder> ApplyUpstream<H> for GoodsBoughtIn {
    fn keys(&self, _: &mut Missing<'_, H>) {}

    fn apply_upstream(&self, state: &mut State<H>) {
        note_lot(state, self.line.lot, Age::new(&self.occasion, &self.lot_label));
    }
}
