//! Products.

use loopledger_types::{EntityKind, ProductId};

use crate::procurement::{Procurement, ProductRegistered, RegisterProduct};
use crate::stock::Checks;
use crate::{Context, Rejection, State};

pub(super) fn register(
    state: &State<Procurement>,
    command: &RegisterProduct,
    context: &Context,
) -> Result<ProductRegistered, Rejection> {
    Checks::new(&command.occasion, context).pass()?;
    if let Some(product) = state.entities.index().product_with_code(&command.code) {
        return Err(Rejection::Exists { kind: EntityKind::Product, id: product.to_string() });
    }
    Ok(ProductRegistered {
        occasion: command.occasion,
        product: ProductId::derive(context.request_id, context.stream, 0),
        code: command.code.clone(),
        name: command.name.clone(),
        class: command.class,
        base: command.base,
    })
}
