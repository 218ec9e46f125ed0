//! Where goods came from and where they went.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::{GoodsAt, LotOrigin, LotStep, LotStepKind, LotTrace, OrderTraceStep};
use loopledger_types::{BusinessDate, EntityKind, LotId, OrderId, PlaceId, Position, ProductId, ReceiptId};

use super::names::Naming;
use super::page::is_within;
use super::{FactPage, Names, Query, QueryError, Reader, WithFact, not_found};
use crate::shared::Sequences;

/// What names a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LotKey {
    Lot(LotId),
    Receipt(ReceiptId),
    /// What people wrote on it: several lots may have the same.
    Label(String),
}

/// A lot, from the weigh slip to the payout.
#[derive(Debug, Clone)]
pub struct TraceLot {
    pub lot: LotKey,
    pub page: FactPage,
}

#[derive(Debug, Clone)]
pub struct LotTraceAnswer {
    pub heads: Vec<Position>,
    pub lot: LotId,
    pub product: Option<ProductId>,
    pub place: Option<PlaceId>,
    /// When it was collected or bought in.
    pub since: Option<BusinessDate>,
    pub origins: Vec<WithFact<LotOrigin>>,
    /// Those of this page.
    pub steps: Vec<WithFact<LotStep>>,
    /// Where it is, per pool.
    pub balances: Vec<(u16, GoodsAt, i64)>,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for TraceLot {
    type Answer = LotTraceAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let lot = match self.lot {
            LotKey::Lot(lot) => lot,
            LotKey::Receipt(receipt) => {
                let found = reader.folded().await.ledger.lot_of_receipt(receipt);
                found.ok_or_else(|| not_found(EntityKind::Receipt, &receipt))?
            }
            LotKey::Label(label) => lot_of_label(reader, label).await?,
        };
        let folded = reader.folded().await;
        let heads = self.page.heads(&folded);
        let trace = folded.ledger.trace_lot(lot).ok_or_else(|| not_found(EntityKind::Lot, &lot))?;
        let mut trace = trace.of_facts(|fact| is_within(fact, &heads));
        let (steps, next_page_token) = self.page.cut(core::mem::take(&mut trace.steps), heads);
        trace.steps = steps;
        let mut naming = Naming::of(&folded.ledger);
        name(&trace, &mut naming);
        let names = naming.finish();
        drop(folded);
        let LotTrace { lot, product, place, since, origins, steps, balances } = trace;
        let facts = origins.iter().map(|origin| origin.at).chain(steps.iter().map(|step| step.at));
        let hashes = reader.shared.hashes_of_list(facts, &heads).await?;
        let origins = hashes.with_facts(origins, |origin| origin.at);
        let steps = hashes.with_facts(steps, |step| step.at);
        let heads = hashes.heads(&heads);
        Ok(LotTraceAnswer { heads, lot, product, place, since, origins, steps, balances, next_page_token, names })
    }
}

async fn lot_of_label(reader: Reader<'_>, label: String) -> Result<LotId, QueryError> {
    let asked = label.clone();
    let found = reader.long(move |folded| folded.ledger.lots_by_label(&asked)).await?;
    match found.as_slice() {
        [] => Err(not_found(EntityKind::Lot, &label)),
        [lot] => Ok(*lot),
        [first, second, ..] => {
            let text = format!("{} lots have this label, {first} and {second} among them.", found.len());
            Err(Rejection::invalid("label", FieldFault::AmbiguousLabel, text).into())
        }
    }
}

fn name(trace: &LotTrace, naming: &mut Naming<'_>) {
    naming.products(trace.product);
    naming.places(trace.place);
    naming.parties(trace.origins.iter().filter_map(|origin| origin.producer).map(|producer| producer.id));
    for (_, at, _) in &trace.balances {
        naming.goods_at(at);
    }
    for step in &trace.steps {
        match &step.record {
            LotStepKind::Moved { from, to, .. } => {
                naming.goods_at(from);
                naming.goods_at(to);
            }
            LotStepKind::Cost { payer, payee, .. } | LotStepKind::Paid { payer, payee, .. } => {
                naming.parties(payer.iter().chain(payee).copied());
            }
            LotStepKind::Sold { seller, .. } => naming.parties(*seller),
            LotStepKind::Settled { consignee, producer, .. } => {
                naming.parties(consignee.iter().chain(producer).copied());
            }
            LotStepKind::Inspected(found) => naming.places(found.station),
        }
    }
}

/// What happened to an order.
#[derive(Debug, Clone)]
pub struct TraceOrder {
    pub order: OrderId,
    pub page: FactPage,
}

#[derive(Debug, Clone)]
pub struct OrderTraceAnswer {
    pub heads: Vec<Position>,
    pub steps: Vec<WithFact<OrderTraceStep>>,
    pub next_page_token: String,
}

impl Query for TraceOrder {
    type Answer = OrderTraceAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let folded = reader.folded().await;
        let heads = self.page.heads(&folded);
        let mut steps = folded.ledger.trace_order(self.order);
        drop(folded);
        if steps.is_empty() {
            return Err(not_found(EntityKind::Order, &self.order));
        }
        steps.retain(|step| is_within(step.at, &heads));
        let (steps, next_page_token) = self.page.cut(steps, heads);
        let hashes = reader.shared.hashes_of_list(steps.iter().map(|step| step.at), &heads).await?;
        let steps = hashes.with_facts(steps, |step| step.at);
        Ok(OrderTraceAnswer { heads: hashes.heads(&heads), steps, next_page_token })
    }
}
