//! A line is cancelled: on request its holder is asked, and releases it or not; and what a holder refuses is cancelled.

use loopledger_facts::sales::{CancellationRequested, OrderLineCancelled, OrderLineStands};
use loopledger_facts::stock::{CancelRefused, ReservationReleased, StockRefused};
use loopledger_facts::{Occasion, consequence};
use loopledger_rules::stock::Checks;
use loopledger_rules::{Answer, Answers, Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::OrderId;

use crate::order::{LineState, ask_order_and_number, change, free_number, order};
use crate::{Key, Sales};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelOrderLine {
    pub occasion: Occasion,
    pub order: OrderId,
    pub line: u32,
}

impl Decide<Sales> for CancelOrderLine {
    type Fact = CancellationRequested;

    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn decide(&self, state: &State<Sales>, context: &Context) -> Result<CancellationRequested, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        let order = order(&mut checks, state, self.order)?;
        let Some((line, line_state)) = order.line(self.line) else {
            let description = format!("The order has {} lines.", order.lines.len());
            return Err(Rejection::invalid("line", FieldFault::OutOfRange, description));
        };
        let subject = || format!("{}/{}", self.order, self.line);
        match line_state {
            LineState::Open => {}
            LineState::CancellationPending => return Err(Rejection::broken(Rule::CancellationPending, subject())),
            LineState::Cancelled { .. } | LineState::Fulfilled { .. } => {
                return Err(Rejection::broken(Rule::LineNotOpen, subject()));
            }
        }
        Ok(CancellationRequested {
            occasion: self.occasion,
            order: self.order,
            line: self.line,
            place: line.place,
            holder: line.holder,
        })
    }
}

impl Answer<Sales> for StockRefused {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        ask_order_and_number(missing, self.order);
    }

    fn answer(&self, answers: &mut Answers<'_, Sales>) {
        answers.say(OrderLineCancelled {
            occasion: consequence(&self.occasion),
            order: self.order,
            line: self.line,
            refusal: Some(self.reason),
            available: Some(self.available),
        });
    }
}

impl Answer<Sales> for ReservationReleased {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        ask_order_and_number(missing, self.order);
    }

    fn answer(&self, answers: &mut Answers<'_, Sales>) {
        answers.say(OrderLineCancelled {
            occasion: consequence(&self.occasion),
            order: self.order,
            line: self.line,
            refusal: None,
            available: None,
        });
    }
}

impl Answer<Sales> for CancelRefused {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn answer(&self, answers: &mut Answers<'_, Sales>) {
        let occasion = consequence(&self.occasion);
        answers.say(OrderLineStands { occasion, order: self.order, line: self.line });
    }
}

impl Evolve<Sales> for CancellationRequested {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn evolve(&self, state: &mut State<Sales>) {
        change(state, self.order, |order| order.set(self.line, LineState::CancellationPending));
    }
}

impl Evolve<Sales> for OrderLineCancelled {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        ask_order_and_number(missing, self.order);
    }

    fn evolve(&self, state: &mut State<Sales>) {
        let on = self.occasion.business_date;
        let cancelled = LineState::Cancelled { on, refusal: self.refusal, available: self.available };
        change(state, self.order, |order| order.set(self.line, cancelled));
        free_number(state, self.order);
    }
}

impl Evolve<Sales> for OrderLineStands {
    fn keys(&self, missing: &mut Missing<'_, Sales>) {
        missing.ask(Key::Order(self.order));
    }

    fn evolve(&self, state: &mut State<Sales>) {
        change(state, self.order, |order| order.stands(self.line));
    }
}
