//! Obligations: what is owed to producers, carriers and suppliers. One is opened for each settlement line, freight and
//! purchase from outside that another service decides; an outright purchase opens its own (`purchase`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loopledger_facts::distribution::ShipmentDispatched;
use loopledger_facts::procurement::{PayableOpened, PayableSource};
use loopledger_facts::sales::ConsignmentSettled;
use loopledger_facts::stock::GoodsBoughtIn;
use loopledger_facts::{Age, IgnoreReason, Occasion, PartyRef, UpstreamIgnored};
use loopledger_rules::{Answer, Answers, Dated, Evolve, Missing, State};
use loopledger_types::{ContractId, Money, PayableId, Quantity};

use crate::{Entity, Key, Procurement};

/// One obligation. In memory while something of it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    pub payer: PartyRef,
    pub payee: PartyRef,
    pub source: PayableSource,
    /// The oldest is paid first (ties: the smaller amount, then the lower id), whatever was recorded first.
    pub age: Arc<Age>,
    /// What was owed at first.
    pub amount: Money,
    /// What is still owed, by day: less from the day of a payout, more again from that of its failure.
    pub open: Dated,
}

impl Payable {
    /// What is still owed in all.
    pub fn owed(&self) -> Money {
        Money(self.open.balance())
    }
}

/// What the answers to one commit know of each other.
#[derive(Debug, Default)]
pub struct Draft {
    /// Payables opened so far: the index of the next one's id.
    payables: u32,
    /// What the answers take under each contract, beyond the state.
    pub(crate) taken: BTreeMap<ContractId, Quantity>,
}

/// Numbers payables.
pub(crate) trait OpenPayable {
    /// The id of the next payable of these answers.
    fn payable(&mut self) -> PayableId;
}

impl OpenPayable for Answers<'_, Procurement> {
    fn payable(&mut self) -> PayableId {
        let id = PayableId::derive(self.context.request_id, self.context.stream, self.draft.payables);
        self.draft.payables = self.draft.payables.checked_add(1).expect("a record holds fewer than 2^32 payables");
        id
    }
}

/// The occasion of an obligation: its cause's, with the instant, so that the oldest can be paid first.
pub(crate) const fn debt(cause: &Occasion) -> Occasion {
    Occasion { device_utc_offset_min: None, ..*cause }
}

impl Answer<Procurement> for GoodsBoughtIn {
    // Nothing of it is looked up.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn answer(&self, answers: &mut Answers<'_, Procurement>) {
        let payable = answers.payable();
        answers.say(PayableOpened {
            occasion: debt(&self.occasion),
            payable,
            payer: self.owner,
            payee: self.supplier,
            payee_division: self.supplier_division,
            amount: self.amount,
            source: PayableSource::BoughtIn { lot: self.line.lot },
            number: self.lot_label.clone(),
        });
    }
}

impl Answer<Procurement> for ShipmentDispatched {
    // Nothing of it is looked up.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn answer(&self, answers: &mut Answers<'_, Procurement>) {
        let payable = answers.payable();
        answers.say(PayableOpened {
            occasion: debt(&self.occasion),
            payable,
            payer: self.principal,
            payee: self.carrier,
            payee_division: self.carrier_division,
            amount: self.freight,
            source: PayableSource::Freight { shipment: self.shipment },
            number: String::new(),
        });
    }
}

/// One payable per line that leaves the producer something; if none does, one of nothing, so that there is an answer.
impl Answer<Procurement> for ConsignmentSettled {
    // Nothing of it is looked up.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn answer(&self, answers: &mut Answers<'_, Procurement>) {
        if self.lines.is_empty() {
            let ignored = UpstreamIgnored::of(&self.occasion, IgnoreReason::NothingOwed);
            answers.say(ignored);
        }
        let nothing = !self.lines.iter().any(|line| line.net.is_positive());
        let lines = self.lines.iter().filter(|line| nothing || line.net.is_positive());
        for line in lines.take(if nothing { 1 } else { usize::MAX }) {
            let payable = answers.payable();
            answers.say(PayableOpened {
                occasion: debt(&self.occasion),
                payable,
                payer: self.consignee,
                payee: line.producer,
                payee_division: line.producer_division,
                amount: line.net,
                source: PayableSource::Settlement { settlement: self.settlement, lot: line.lot, mode: line.mode },
                number: String::new(),
            });
        }
    }
}

impl Evolve<Procurement> for PayableOpened {
    // It creates an obligation.
    fn keys(&self, _: &mut Missing<'_, Procurement>) {}

    fn evolve(&self, state: &mut State<Procurement>) {
        let payable = Payable {
            payer: self.payer,
            payee: self.payee,
            source: self.source,
            age: Arc::new(Age::new(&self.occasion, &self.number)),
            amount: self.amount,
            open: Dated::since(self.occasion.business_date, self.amount.0),
        };
        put_payable(state, self.payable, payable);
    }
}

pub(crate) fn put_payable(state: &mut State<Procurement>, id: PayableId, payable: Payable) {
    state.entities.put(Key::Payable(id), Entity::Payable(Box::new(payable)));
}
