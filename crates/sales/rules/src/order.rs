//! An order as sales remembers it: its lines and what became of them, what is owed, and what is paid ahead.

use std::sync::Arc;

use loopledger_facts::sales::{OrderFulfilled, OrderLine};
use loopledger_facts::stock::StockRefusal;
use loopledger_facts::{BuyerRef, Medium, PartyRef};
use loopledger_rules::stock::{Checks, found};
use loopledger_rules::{Dated, Missing, Rejection, State, without};
use loopledger_types::{BusinessDate, ChannelId, EntityKind, Money, NumberId, OrderId, Quantity};

use crate::{Entity, Key, Sales, SalesState as _};

/// An order, until every line has ended and everything is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub number: Box<str>,
    pub channel: ChannelId,
    pub medium: Medium,
    pub seller: PartyRef,
    pub buyer: BuyerRef,
    pub ordered_on: BusinessDate,
    /// What was ordered.
    pub lines: Arc<[OrderLine]>,
    /// What became of each line.
    pub states: Box<[LineState]>,
    /// What the buyer owes now, of issued goods.
    pub owed: Money,
    /// What is paid ahead, by day. Never together with something owed.
    pub prepaid: Dated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Waits for its holder: to be reserved, or issued.
    Open,
    CancellationPending,
    /// On request, or refused by its holder, with what that could have reserved.
    Cancelled {
        on: BusinessDate,
        refusal: Option<StockRefusal>,
        available: Option<Quantity>,
    },
    /// At actual weight.
    Fulfilled {
        on: BusinessDate,
        quantity: Quantity,
        amount: Money,
    },
}

impl LineState {
    /// Whether goods may still be issued for it.
    pub const fn may_be_issued(self) -> bool {
        match self {
            Self::Open | Self::CancellationPending => true,
            Self::Cancelled { .. } | Self::Fulfilled { .. } => false,
        }
    }

    /// The day on which it ended.
    pub const fn ended_on(self) -> Option<BusinessDate> {
        match self {
            Self::Open | Self::CancellationPending => None,
            Self::Cancelled { on, .. } | Self::Fulfilled { on, .. } => Some(on),
        }
    }
}

/// An order has 200 lines of at most 10^13 fen.
pub(crate) const OWED: &str = "amounts of one order stay far below 2^63";

impl Order {
    pub fn line(&self, index: u32) -> Option<(&OrderLine, LineState)> {
        let index = usize::try_from(index).ok()?;
        Some((self.lines.get(index)?, *self.states.get(index)?))
    }

    /// What its number is unique by.
    pub fn number_id(&self) -> Option<NumberId> {
        NumberId::new(self.seller.id.0, self.ordered_on, &self.number)
    }

    /// Whether every line was cancelled.
    pub fn is_void(&self) -> bool {
        self.states.iter().all(|state| matches!(state, LineState::Cancelled { .. }))
    }

    /// Whether every line has ended, and everything is paid or returned.
    pub fn is_over(&self) -> bool {
        let open = self.states.iter().any(|state| state.may_be_issued());
        !open && self.owed == Money::ZERO && self.prepaid() == Money::ZERO
    }

    /// What lines that may still be issued come to at the ordered quantity.
    pub fn open_amount(&self) -> Money {
        self.amount_of(LineState::may_be_issued)
    }

    /// What is paid ahead in all.
    pub fn prepaid(&self) -> Money {
        Money(self.prepaid.balance())
    }

    /// Prepayment that there is on that day, and that no line can use that is open on that day.
    pub fn returnable(&self, day: BusinessDate) -> Money {
        let open = self.amount_of(|state| state.ended_on().is_none_or(|ended| day < ended));
        Money(self.prepaid.on(day).checked_sub(open.0).map_or(0, |left| left.max(0)))
    }

    /// The first day on which that much can be returned.
    pub fn returnable_from(&self, wanted: Money) -> Option<BusinessDate> {
        let paid = self.prepaid.changes.iter().map(|change| change.day);
        let mut days: Vec<BusinessDate> = paid.chain(self.states.iter().filter_map(|state| state.ended_on())).collect();
        days.sort_unstable();
        days.into_iter().find(|day| self.returnable(*day) >= wanted)
    }

    fn amount_of(&self, counts: impl Fn(LineState) -> bool) -> Money {
        let lines = self.lines.iter().zip(&self.states).filter(|(_, state)| counts(**state));
        let amounts = lines.map(|(line, _)| line.amount);
        amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).expect("200 lines stay far below 2^63"))
    }

    /// The most that the customer can still pay: what is owed, and what open lines come to beyond the prepayment.
    pub fn payable(&self) -> Money {
        let ahead = self.open_amount().checked_sub(self.prepaid()).expect(OWED).max(Money::ZERO);
        self.owed.checked_add(ahead).expect(OWED)
    }

    pub(crate) fn set(&mut self, line: u32, state: LineState) {
        if let Some(slot) = usize::try_from(line).ok().and_then(|index| self.states.get_mut(index)) {
            *slot = state;
        }
    }

    /// The holder did not release the line: whatever ended it meanwhile holds.
    pub(crate) fn stands(&mut self, line: u32) {
        if self.line(line).is_some_and(|(_, state)| state == LineState::CancellationPending) {
            self.set(line, LineState::Open);
        }
    }

    pub(crate) fn fulfilled(&mut self, fulfilled: &OrderFulfilled) {
        let (quantity, amount) = (fulfilled.quantity, fulfilled.amount);
        let on = fulfilled.occasion.business_date;
        self.set(fulfilled.line, LineState::Fulfilled { on, quantity, amount });
        self.prepaid.take(on, fulfilled.from_prepayment.0);
        let owed = amount.checked_sub(fulfilled.from_prepayment).expect(OWED);
        self.owed = self.owed.checked_add(owed).expect(OWED);
    }
}

/// An order that the command rests on.
pub(crate) fn order<'s>(checks: &mut Checks, state: &'s State<Sales>, id: OrderId) -> Result<&'s Order, Rejection> {
    let order = found(state.order(id), EntityKind::Order, id)?;
    checks.rests_on(order.ordered_on, id);
    checks.pass()?;
    Ok(order)
}

pub(crate) fn change(state: &mut State<Sales>, id: OrderId, change: impl FnOnce(&mut Order)) {
    let Some(mut order) = state.order(id).cloned() else { return };
    change(&mut order);
    state.entities.put(Key::Order(id), Entity::Order(Box::new(order)));
}

/// An order of which nothing is left keeps its number from no other.
pub(crate) fn free_number(state: &mut State<Sales>, id: OrderId) {
    let void = state.order(id).filter(|order| order.is_void());
    if let Some(number) = void.and_then(Order::number_id) {
        let orders = without(state.numbered(number), id);
        state.entities.put(Key::Number(number), Entity::Number(orders));
    }
}

/// The number is known once the order is, and is free once every line is cancelled.
pub(crate) fn ask_order_and_number(missing: &mut Missing<'_, Sales>, id: OrderId) {
    missing.ask(Key::Order(id));
    missing.ask_all(missing.state().order(id).and_then(Order::number_id).map(Key::Number));
}
