//! Customers' money: what they pay, and what goes back to them.

use loopledger_facts::sales::{PaymentReceived, PrepaymentReturned};
use loopledger_facts::{Occasion, PaymentMethod};
use loopledger_rules::stock::Checks;
use loopledger_rules::{Context, Decide, Evolve, Missing, Rejection, Rule, State};
use loopledger_types::{Money, OrderId, PaymentId};

use crate::order::{OWED, change, order};
use crate::{Key, Sales};

/// Creates a payment (`PaymentId` index 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPayment {
    pub occasion: Occasion,
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
}

/// Creates a payment (`PaymentId` index 0), outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnPrepayment {
    pub occasion: Occasion,
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
}

impl Decide<Sales> for RecordPayment {
    type Fact = PaymentReceived;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<PaymentReceived, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        let order = order(&mut checks, state, self.order)?;
        let most = order.payable();
        if self.amount > most {
            let rejection = Rejection::broken(Rule::PaymentExceedsOrder, self.order);
            return Err(rejection.with("payable_fen", most.0).with("amount_fen", self.amount.0));
        }
        let applied = self.amount.min(order.owed);
        Ok(PaymentReceived {
            occasion: self.occasion,
            payment: PaymentId::derive(context.request_id, context.stream, 0),
            order: self.order,
            seller: order.seller,
            buyer: order.buyer,
            applied,
            prepaid: self.amount.checked_sub(applied).expect("a part of it"),
            method: self.method,
        })
    }
}

impl Decide<Sales> for ReturnPrepayment {
    type Fact = PrepaymentReturned;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<PrepaymentReturned, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        let order = order(&mut checks, state, self.order)?;
        let most = order.returnable(self.occasion.business_date);
        if self.amount > most {
            let rejection = Rejection::broken(Rule::PrepaymentExceeded, self.order);
            let rejection = rejection.with("returnable_fen", most.0).with("amount_fen", self.amount.0);
            return Err(match order.returnable_from(self.amount) {
                Some(earliest) => rejection.with("earliest", earliest),
                None => rejection,
            });
        }
        Ok(PrepaymentReturned {
            occasion: self.occasion,
            payment: PaymentId::derive(context.request_id, context.stream, 0),
            order: self.order,
            seller: order.seller,
            buyer: order.buyer,
            amount: self.amount,
            method: self.method,
        })
    }
}

impl Evolve<Sales> for PaymentReceived {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn evolve(&self, state: &mut State<Sales>) {
        change(state, self.order, |order| {
            order.owed = order.owed.checked_sub(self.applied).expect(OWED);
            order.prepaid.add(self.occasion.business_date, self.prepaid.0);
        });
    }
}

impl Evolve<Sales> for PrepaymentReturned {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn evolve(&self, state: &mut State<Sales>) {
        change(state, self.order, |order| {
            order.prepaid.take(self.occasion.business_date, self.amount.0);
        });
    }
}
