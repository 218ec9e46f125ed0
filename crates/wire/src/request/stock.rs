//! Lines and requests that station and distribution share.

use loopledger_domain::Occasion;
use loopledger_domain::stock::{BuyIn, IssueGoods, MoveLine};
use loopledger_proto::common::v1 as pb;
use loopledger_types::{LotId, OrderId, PartyId, PlaceId, ProductId};

use super::check::LINES_MAX;
use super::{Check, at};

pub(super) fn move_lines(check: &mut Check, lines: &[pb::MoveLine]) -> Option<Vec<MoveLine>> {
    check.list(at("lines"), lines, (1, LINES_MAX), |check, at, line| {
        let product = check.id(at.field("product_id"), &line.product_id, ProductId::parse);
        let lot = check.optional_id(at.field("lot_id"), &line.lot_id, LotId::parse);
        let quantity = check.quantity(at.field("quantity"), line.quantity.as_ref());
        let weight = match line.weight_grams {
            None => Some(None),
            Some(grams) => check.weight(at.field("weight_grams"), grams).map(Some),
        };
        Some(MoveLine { product: product?, lot: lot?, quantity: quantity?, weight: weight? })
    })
}

/// Of two messages with the same fields.
pub(super) struct BuyInFields<'a> {
    pub(super) occasion: Option<Occasion>,
    pub(super) place_id: &'a str,
    pub(super) owner_id: &'a str,
    pub(super) supplier_id: &'a str,
    pub(super) product_id: &'a str,
    pub(super) quantity: Option<&'a pb::Quantity>,
    pub(super) price: Option<&'a pb::UnitPrice>,
    pub(super) lot_label: &'a str,
}

pub(super) fn buy_in(check: &mut Check, fields: &BuyInFields<'_>) -> Option<BuyIn> {
    let place = check.id(at("place_id"), fields.place_id, PlaceId::parse);
    let owner = check.id(at("owner_id"), fields.owner_id, PartyId::parse);
    let supplier = check.id(at("supplier_id"), fields.supplier_id, PartyId::parse);
    let product = check.id(at("product_id"), fields.product_id, ProductId::parse);
    let quantity = check.quantity(at("quantity"), fields.quantity);
    let price = check.price(at("price"), fields.price);
    let lot_label = check.code(at("lot_label"), fields.lot_label);
    Some(BuyIn {
        occasion: fields.occasion?,
        place: place?,
        owner: owner?,
        supplier: supplier?,
        product: product?,
        quantity: quantity?,
        price: price?,
        lot_label: lot_label?,
    })
}

pub(super) fn issue(
    check: &mut Check,
    occasion: Option<Occasion>,
    order_id: &str,
    line: u32,
    quantity: Option<&pb::Quantity>,
) -> Option<IssueGoods> {
    let order = check.id(at("order_id"), order_id, OrderId::parse);
    let line = check.line(at("line"), line);
    let quantity = check.quantity(at("quantity"), quantity);
    Some(IssueGoods { occasion: occasion?, order: order?, line: line?, quantity: quantity? })
}
