//! An outright purchase waits for its buyer: procurement accepts it, and the goods are on hand, or declines it, and they go
//! back to the producer.

use loopledger_facts::procurement::{PurchaseAccepted, PurchaseDeclined};
use loopledger_facts::station::{GoodsReleased, GoodsReturned};
use loopledger_facts::{IgnoreReason, PartyRef, StockLine, UpstreamIgnored, consequence};
use loopledger_rules::stock::{Bucket, shift};
use loopledger_rules::{Answer, Answers, Evolve, Missing, State, without};
use loopledger_types::{NumberId, PartyId, PlaceId, ReceiptId};

use crate::{Entity, Key, Station, StationState as _};

/// An outright purchase, and whether its buyer answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingReceipt {
    pub place: PlaceId,
    pub producer: PartyRef,
    pub line: StockLine,
    /// Free again when the purchase is declined.
    pub number: Option<NumberId>,
    pub answered: bool,
}

impl Answer<Station> for PurchaseAccepted {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(Key::Receipt(self.receipt));
    }

    fn answer(&self, answers: &mut Answers<'_, Station>) {
        match waiting(answers.state, self.receipt) {
            Ok((receipt, custodian)) => answers.say(GoodsReleased {
                occasion: consequence(&self.occasion),
                receipt: self.receipt,
                producer: receipt.producer,
                place: receipt.place,
                custodian,
                line: receipt.line,
            }),
            Err(reason) => answers.say(UpstreamIgnored::of(&self.occasion, reason)),
        }
    }
}

impl Answer<Station> for PurchaseDeclined {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        ask_receipt_and_number(missing, self.receipt);
    }

    fn answer(&self, answers: &mut Answers<'_, Station>) {
        match waiting(answers.state, self.receipt) {
            Ok((receipt, custodian)) => answers.say(GoodsReturned {
                occasion: consequence(&self.occasion),
                receipt: self.receipt,
                producer: receipt.producer,
                place: receipt.place,
                custodian,
                line: receipt.line,
                reason: self.reason,
            }),
            Err(reason) => answers.say(UpstreamIgnored::of(&self.occasion, reason)),
        }
    }
}

/// The receipt that waits for an answer, and who keeps custody of its goods.
fn waiting(state: &State<Station>, receipt: ReceiptId) -> Result<(&PendingReceipt, PartyId), IgnoreReason> {
    let receipt = state.receipt(receipt).ok_or(IgnoreReason::NotAsked)?;
    if receipt.answered {
        return Err(IgnoreReason::AlreadyAnswered);
    }
    let place = state.place(receipt.place).ok_or(IgnoreReason::NotAsked)?;
    Ok((receipt, place.operator.id))
}

impl Evolve<Station> for GoodsReleased {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(Key::Receipt(self.receipt));
    }

    fn evolve(&self, state: &mut State<Station>) {
        let at = (self.place, self.occasion.business_date);
        shift(state, at, &self.line, Some(Bucket::Pending), Some(Bucket::OnHand));
        answered(state, self.receipt);
    }
}

impl Evolve<Station> for GoodsReturned {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        ask_receipt_and_number(missing, self.receipt);
    }

    fn evolve(&self, state: &mut State<Station>) {
        shift(state, (self.place, self.occasion.business_date), &self.line, Some(Bucket::Pending), None);
        answered(state, self.receipt);
        free_number(state, self.receipt);
    }
}

/// A receipt whose goods go back, and its number, which is known once the receipt is: asked for in the second round.
fn ask_receipt_and_number(missing: &mut Missing<'_, Station>, receipt: ReceiptId) {
    missing.ask(Key::Receipt(receipt));
    missing.ask_all(missing.state().receipt(receipt).and_then(|receipt| receipt.number).map(Key::Number));
}

fn answered(state: &mut State<Station>, receipt: ReceiptId) {
    if let Some(pending) = state.receipt(receipt) {
        let pending = PendingReceipt { answered: true, ..*pending };
        state.entities.put(Key::Receipt(receipt), Entity::Receipt(Box::new(pending)));
    }
}

fn free_number(state: &mut State<Station>, receipt: ReceiptId) {
    if let Some(number) = state.receipt(receipt).and_then(|pending| pending.number) {
        let receipts = without(state.numbered(number), receipt);
        state.entities.put(Key::Number(number), Entity::Number(receipts));
    }
}
