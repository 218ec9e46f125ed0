//! Orders are placed. Their lines wait for the holders of the goods.

use std::sync::Arc;

use loopledger_facts::sales::{OrderLine, OrderPlaced};
use loopledger_facts::size::ORDER_LINES_MAX;
use loopledger_facts::{BuyerRef, Measure, Occasion, PartyRef};
use loopledger_rules::stock::{Checks, found, trades};
use loopledger_rules::{
    Context, Dated, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State, same_number, with,
};
use loopledger_types::{
    ChannelId, DivisionCode, EntityKind, Money, NumberId, OrderId, PartyId, PlaceId, ProductId, UnitPrice,
};

use crate::order::{LineState, Order};
use crate::reference::party;
use crate::{Entity, Key, Sales, SalesState as _};

/// Creates an order (`OrderId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    pub occasion: Occasion,
    pub number: String,
    /// The order that has the same number, if that is meant.
    pub same_number_as: Option<OrderId>,
    pub channel: ChannelId,
    pub seller: PartyId,
    pub buyer: Option<PartyId>,
    /// Where the buyer stands; of a registered buyer it must be the registered division, by any of its codes.
    pub buyer_division: DivisionCode,
    pub lines: Vec<PlaceOrderLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceOrderLine {
    pub product: ProductId,
    pub quantity: Measure,
    pub price: UnitPrice,
    pub place: PlaceId,
}

impl Decide<Sales> for PlaceOrder {
    type Fact = OrderPlaced;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Channel(self.channel));
        missing.ask(Key::Party(self.seller));
        let number = NumberId::new(self.seller.0, self.occasion.business_date, &self.number);
        missing.ask_all(number.map(Key::Number));
        missing.ask_all(self.buyer.map(Key::Party));
        for line in &self.lines {
            missing.ask(Key::Product(line.product));
            missing.ask(Key::Place(line.place));
        }
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<OrderPlaced, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let channel = found(state.channel(self.channel), EntityKind::Channel, self.channel)?;
        checks.rests_on(channel.since, self.channel);
        let seller = trades(party(&mut checks, state, self.seller)?)?;
        let buyer = buyer(&mut checks, state, self)?;
        let mut lines = Vec::with_capacity(self.lines.len());
        for (index, asked) in self.lines.iter().enumerate() {
            lines.push(line(&mut checks, state, index, asked)?);
        }
        checks.pass()?;
        if lines.len() > ORDER_LINES_MAX {
            return Err(Rejection::broken(Rule::TooLarge, context.request_id).with("lines_max", ORDER_LINES_MAX));
        }
        if let Some(buyer) = buyer {
            if buyer.id == seller.id {
                return Err(Rejection::broken(Rule::SellerIsBuyer, seller.id));
            }
            if buyer.kind.has_book() {
                return Err(Rejection::broken(Rule::BuyerInLoop, buyer.id));
            }
        }
        let number = NumberId::new(seller.id.0, self.occasion.business_date, &self.number);
        let orders = number.map_or(&[][..], |number| state.numbered(number));
        let same_number_as = same_number(orders, self.same_number_as, &self.number)?;
        let (division, scope) = (self.buyer_division, self.buyer_division.scope_from(state.county));
        Ok(OrderPlaced {
            occasion: self.occasion,
            order: OrderId::derive(context.request_id, context.stream, 0),
            number: self.number.clone(),
            channel: self.channel,
            medium: channel.medium,
            seller,
            buyer: BuyerRef { party: buyer, division, scope },
            lines,
            same_number_as,
        })
    }
}

fn buyer(checks: &mut Checks, state: &State<Sales>, command: &PlaceOrder) -> Result<Option<PartyRef>, Rejection> {
    let Some(id) = command.buyer else { return Ok(None) };
    let buyer = party(checks, state, id)?;
    let registered = state.party(id).map(|party| party.division);
    // A buyer with a book is refused for that, wherever it stands.
    let elsewhere = |registered: &DivisionCode| !registered.is_same_unit(command.buyer_division);
    if let Some(registered) = registered.filter(|d| !buyer.kind.has_book() && elsewhere(d)) {
        let description = format!("The buyer is registered in {}.", registered.current());
        checks.refuse("buyer_division_code", FieldFault::NotTheRegisteredDivision, description);
    }
    Ok(Some(buyer))
}

fn line(
    checks: &mut Checks,
    state: &State<Sales>,
    index: usize,
    asked: &PlaceOrderLine,
) -> Result<OrderLine, Rejection> {
    let product = *found(state.product(asked.product), EntityKind::Product, asked.product)?;
    let place = found(state.place(asked.place), EntityKind::Place, asked.place)?;
    checks.rests_on(product.since, asked.product);
    checks.rests_on(place.since, asked.place);
    let (quantity, price) = (asked.quantity, asked.price);
    checks.unit(format!("lines[{index}].quantity"), quantity, product.base);
    let price_field = format!("lines[{index}].price");
    checks.price_unit(&price_field, price, product.base);
    Ok(OrderLine {
        product: asked.product,
        quantity: quantity.quantity,
        price,
        amount: checks.amount(&price_field, price, quantity.quantity),
        place: asked.place,
        holder: place.holder,
    })
}

impl Evolve<Sales> for OrderPlaced {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        let number = NumberId::new(self.seller.id.0, self.occasion.business_date, &self.number);
        missing.ask_all(number.map(Key::Number));
    }

    fn evolve(&self, state: &mut State<Sales>) {
        let order = Order {
            number: self.number.as_str().into(),
            channel: self.channel,
            medium: self.medium,
            seller: self.seller,
            buyer: self.buyer,
            ordered_on: self.occasion.business_date,
            lines: Arc::from(self.lines.as_slice()),
            states: self.lines.iter().map(|_| LineState::Open).collect(),
            owed: Money::ZERO,
            prepaid: Dated::default(),
        };
        if let Some(number) = order.number_id() {
            let orders = with(state.numbered(number), self.order, order.ordered_on);
            state.entities.put(Key::Number(number), Entity::Number(orders));
        }
        state.entities.put(Key::Order(self.order), Entity::Order(Box::new(order)));
    }
}
