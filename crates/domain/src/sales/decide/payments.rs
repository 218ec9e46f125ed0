//! Customers' money: what they pay, and what goes back to them.

use loopledger_types::{Money, PaymentId};

use super::order;
use crate::sales::{PaymentReceived, PrepaymentReturned, RecordPayment, ReturnPrepayment, Sales};
use crate::stock::Checks;
use crate::{Context, Rejection, Rule, State};

pub(super) fn record(
    state: &State<Sales>,
    command: &RecordPayment,
    context: &Context,
) -> Result<PaymentReceived, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    let order = order(&mut checks, state, command.order)?;
    let most = order.payable();
    if command.amount > most {
        let rejection = Rejection::broken(Rule::PaymentExceedsOrder, command.order);
        return Err(rejection.with("payable_fen", most.0).with("amount_fen", command.amount.0));
    }
    let applied = command.amount.min(order.owed);
    Ok(PaymentReceived {
        occasion: command.occasion,
        payment: PaymentId::derive(context.request_id, context.stream, 0),
        order: command.order,
        seller: order.seller,
        buyer: order.buyer,
        applied,
        prepaid: Money(command.amount.0.saturating_sub(applied.0)),
        method: command.method,
    })
}

pub(super) fn give_back(
    state: &State<Sales>,
    command: &ReturnPrepayment,
    context: &Context,
) -> Result<PrepaymentReturned, Rejection> {
    let mut checks = Checks::new(&command.occasion, context);
    checks.pass()?;
    let order = order(&mut checks, state, command.order)?;
    let most = order.returnable(command.occasion.business_date);
    if command.amount > most {
        let rejection = Rejection::broken(Rule::PrepaymentExceeded, command.order);
        let rejection = rejection.with("returnable_fen", most.0).with("amount_fen", command.amount.0);
        return Err(match order.returnable_from(command.amount) {
            Some(earliest) => rejection.with("earliest", earliest),
            None => rejection,
        });
    }
    Ok(PrepaymentReturned {
        occasion: command.occasion,
        payment: PaymentId::derive(context.request_id, context.stream, 0),
        order: command.order,
        seller: order.seller,
        buyer: order.buyer,
        amount: command.amount,
        method: command.method,
    })
}
