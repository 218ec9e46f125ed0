//! Products: what is traded, by a code that is unique in the county.

use loopledger_facts::procurement::ProductRegistered;
use loopledger_facts::{Occasion, ProductClass};
use loopledger_rules::stock::Checks;
use loopledger_rules::{Context, Decide, Evolve, Missing, Rejection, State};
use loopledger_types::{BaseUnit, BusinessDate, EntityKind, ProductId};

use crate::{Entity, Key, Procurement};

/// Creates a product (`ProductId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterProduct {
    pub occasion: Occasion,
    pub code: String,
    pub name: String,
    pub class: ProductClass,
    pub base: BaseUnit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The day from which on there is such a product.
    pub since: BusinessDate,
    /// Unique in the county.
    pub code: Box<str>,
    pub name: Box<str>,
    pub class: ProductClass,
    pub base: BaseUnit,
}

impl Decide<Procurement> for RegisterProduct {
    type Fact = ProductRegistered;

    // Product codes are found in the index, which knows every product.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn decide(&self, state: &State<Procurement>, context: &Context) -> Result<ProductRegistered, Rejection> {
        Checks::new(&self.occasion, context).pass()?;
        if let Some(product) = state.entities.index().product_with_code(&self.code) {
            return Err(Rejection::Exists { kind: EntityKind::Product, id: product.to_string() });
        }
        Ok(ProductRegistered {
            occasion: self.occasion,
            product: ProductId::derive(context.request_id, context.stream, 0),
            code: self.code.clone(),
            name: self.name.clone(),
            class: self.class,
            base: self.base,
        })
    }
}

impl Evolve<Procurement> for ProductRegistered {
    // It creates a product.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, state: &mut State<Procurement>) {
        let product = Product {
            since: self.occasion.business_date,
            code: self.code.as_str().into(),
            name: self.name.as_str().into(),
            class: self.class,
            base: self.base,
        };
        state.entities.put(Key::Product(self.product), Entity::Product(Box::new(product)));
    }
}
