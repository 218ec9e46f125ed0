//! `TraceService`: where goods came from and where they went.

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::{FieldFault, Rejection, Terms as SaleTerms};
use loopledger_ledger::{FactRef, Ledger, LotOrigin, LotStep, LotStepKind, LotTrace};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_proto::ledger::v1::trace_service_server::TraceService;
use loopledger_service::grpc::deadline_of;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, EntityKind, LotId, OrderId, ReceiptId};
use loopledger_wire::{LABEL_MAX, query, rejection_status};
use tonic::{Request, Response, Status};

use super::page::{FactPage, is_within};
use super::{Api, Fields, Terms, not_found};
use crate::commits::Hashes;
use crate::view;

/// What names a lot.
#[derive(Debug, Clone)]
enum Wanted {
    Lot(LotId),
    Receipt(ReceiptId),
    Label(String),
}

#[tonic::async_trait]
impl TraceService for Api {
    async fn trace_lot(&self, request: Request<pb::TraceLotRequest>) -> Result<Response<pb::TraceLotResponse>, Status> {
        self.answer(self.lot(request).await)
    }

    async fn trace_order(
        &self,
        request: Request<pb::TraceOrderRequest>,
    ) -> Result<Response<pb::TraceOrderResponse>, Status> {
        self.answer(self.order(request).await)
    }

    async fn list_likely_duplicates(
        &self,
        request: Request<pb::ListLikelyDuplicatesRequest>,
    ) -> Result<Response<pb::ListLikelyDuplicatesResponse>, Status> {
        self.answer(self.likely_duplicates(request).await)
    }
}

impl Api {
    async fn lot(&self, request: Request<pb::TraceLotRequest>) -> Result<pb::TraceLotResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let wanted = wanted(&mut fields, request.subject);
        let ((at_least, page), wanted) = fields.finish(at_least.zip(page).zip(wanted))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let lot = match wanted {
            Wanted::Lot(lot) => lot,
            Wanted::Receipt(receipt) => {
                let found = self.folded(&terms).await?.ledger.lot_of_receipt(receipt);
                found.ok_or_else(|| not_found(EntityKind::Receipt, &receipt))?
            }
            Wanted::Label(label) => self.lot_of_label(&terms, label).await?,
        };
        let folded = self.folded(&terms).await?;
        let heads = page.heads(&folded);
        let trace = folded.ledger.trace_lot(lot).ok_or_else(|| not_found(EntityKind::Lot, &lot))?;
        let mut trace = trace.of_facts(|fact| is_within(fact, &heads));
        let (steps, next_page_token) = page.cut(core::mem::take(&mut trace.steps), heads);
        trace.steps = steps;
        let mut answer = trace_to_pb(&trace, &folded.ledger);
        drop(folded);
        answer.next_page_token = next_page_token;
        let facts = || trace.origins.iter().map(|origin| origin.at).chain(trace.steps.iter().map(|step| step.at));
        let hashes = self.shared.hashes_of_list(facts(), &heads).await?;
        answer.heads = self.heads_at(&heads, &hashes);
        let filled = answer.origins.iter_mut().map(|row| &mut row.fact);
        fill(filled.chain(answer.steps.iter_mut().map(|row| &mut row.fact)), facts(), &hashes);
        Ok(answer)
    }

    /// Labels are people's own: several lots may have one.
    async fn lot_of_label(&self, terms: &Terms, label: String) -> Result<LotId, Status> {
        let asked = label.clone();
        let found = self.long(terms, move |folded| folded.ledger.lots_by_label(&asked)).await?;
        match found.as_slice() {
            [] => Err(not_found(EntityKind::Lot, &label)),
            [lot] => Ok(*lot),
            [first, second, ..] => {
                let text = format!("{} lots have this label, {first} and {second} among them.", found.len());
                Err(rejection_status(&Rejection::invalid("label", FieldFault::AmbiguousLabel, text)))
            }
        }
    }

    async fn order(&self, request: Request<pb::TraceOrderRequest>) -> Result<pb::TraceOrderResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let order = fields.take(query::id("order_id", &request.order_id, OrderId::parse));
        let ((at_least, page), order) = fields.finish(at_least.zip(page).zip(order))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let folded = self.folded(&terms).await?;
        let heads = page.heads(&folded);
        let mut steps = folded.ledger.trace_order(order);
        drop(folded);
        if steps.is_empty() {
            return Err(not_found(EntityKind::Order, &order));
        }
        steps.retain(|step| is_within(step.at, &heads));
        let (steps, next_page_token) = page.cut(steps, heads);
        let hashes = self.shared.hashes_of_list(steps.iter().map(|step| step.at), &heads).await?;
        let rows = steps.iter().map(|step| pb::OrderStep {
            fact: Some(view::fact(&hashes.fact(step.at))),
            text: step.step.as_str().to_owned(),
            lot_ids: step.lots.iter().map(ToString::to_string).collect(),
        });
        let heads = self.heads_at(&heads, &hashes);
        Ok(pb::TraceOrderResponse { heads, steps: rows.collect(), next_page_token })
    }
}

fn wanted(fields: &mut Fields, subject: Option<Subject>) -> Option<Wanted> {
    match subject {
        None => {
            fields.wrong("lot_id", FieldFault::Required, "A lot, a receipt or a label is required.");
            None
        }
        Some(Subject::LotId(id)) => fields.take(query::id("lot_id", &id, LotId::parse)).map(Wanted::Lot),
        Some(Subject::ReceiptId(id)) => {
            fields.take(query::id("receipt_id", &id, ReceiptId::parse)).map(Wanted::Receipt)
        }
        Some(Subject::Label(label)) if label.trim().is_empty() => {
            fields.wrong("label", FieldFault::Required, "This field must not be empty.");
            None
        }
        Some(Subject::Label(label)) if label.chars().count() > LABEL_MAX => {
            fields.wrong("label", FieldFault::TooLong, "The label is too long.");
            None
        }
        Some(Subject::Label(label)) => Some(Wanted::Label(label)),
    }
}

fn fill<'a>(
    rows: impl Iterator<Item = &'a mut Option<pb::Fact>>,
    facts: impl Iterator<Item = FactRef>,
    hashes: &Hashes,
) {
    for (row, fact) in rows.zip(facts) {
        *row = Some(view::fact(&hashes.fact(fact)));
    }
}

/// Without heads, facts and token.
fn trace_to_pb(trace: &LotTrace, ledger: &Ledger) -> pb::TraceLotResponse {
    let balances = trace.balances.iter().map(|(pool, at, quantity)| pb::LotBalance {
        pool: u32::from(*pool),
        at: Some(view::goods_at(at, ledger)),
        quantity: *quantity,
    });
    pb::TraceLotResponse {
        heads: Vec::new(),
        lot_id: trace.lot.to_string(),
        product: trace.product.map(|id| view::product(id, ledger)),
        place: trace.place.map(|id| view::place(id, ledger)),
        since: trace.since.map(|date| date.to_string()).unwrap_or_default(),
        origins: trace.origins.iter().map(|origin| origin_to_pb(origin, trace.since, ledger)).collect(),
        steps: trace.steps.iter().map(|step| step_to_pb(step, ledger)).collect(),
        balances: balances.collect(),
        next_page_token: String::new(),
        unit: trace.product.map_or(0, |id| view::unit(id, ledger)),
    }
}

/// The village is called as on the day of collection.
fn origin_to_pb(origin: &LotOrigin, since: Option<BusinessDate>, ledger: &Ledger) -> pb::LotOrigin {
    let edition = since.map_or(Edition::LATEST, Edition::on);
    pb::LotOrigin {
        fact: None,
        receipt_id: origin.receipt.map(|id| id.to_string()).unwrap_or_default(),
        producer: origin.producer.map(|producer| view::party(producer.id, ledger)),
        division_code: origin.division.to_string(),
        division_name: view::division_name(origin.division, edition),
        terms: origin.terms.map(|terms| query::terms_to_pb(agreed(&terms))),
        quantity: origin.quantity,
        source_quantity: origin.source_quantity,
        label: origin.label.clone(),
        receipt_number: origin.receipt_number.clone(),
        grade: origin.grade.clone(),
    }
}

/// What was agreed, without with whom.
const fn agreed(terms: &SaleTerms) -> ContractTerms {
    match *terms {
        SaleTerms::Outright { price, .. } => ContractTerms::Outright { price },
        SaleTerms::AgreedPrice { price, .. } => ContractTerms::AgreedPrice { price },
        SaleTerms::Commission { commission_bp, price_basis, .. } => {
            ContractTerms::Commission { commission_bp, price_basis }
        }
    }
}

fn step_to_pb(step: &LotStep, ledger: &Ledger) -> pb::LotStep {
    let mut row = pb::LotStep {
        business_date: step.date.to_string(),
        text: step.text.code().to_owned(),
        label: step.text.chinese().to_owned(),
        pool: u32::from(step.pool),
        ..pb::LotStep::default()
    };
    let party = |id: Option<_>| id.map(|id| view::party(id, ledger));
    let document = |id: [u8; 16]| LotId(id).to_string();
    match &step.record {
        &LotStepKind::Moved { from, to, quantity, document: of } => {
            row.quantity = quantity;
            row.from = Some(view::goods_at(&from, ledger));
            row.to = Some(view::goods_at(&to, ledger));
            row.document_id = of.map(document).unwrap_or_default();
        }
        &LotStepKind::Cost { payer, payee, amount } => {
            row.amount_fen = amount;
            row.payer = party(payer);
            row.payee = party(payee);
        }
        &LotStepKind::Sold { seller, order, quantity, amount, .. } => {
            row.quantity = quantity;
            row.amount_fen = amount;
            row.payer = party(seller);
            row.document_id = order.map(|id| id.to_string()).unwrap_or_default();
        }
        &LotStepKind::Settled { consignee, producer, settlement, quantity, net, .. } => {
            row.quantity = quantity;
            row.amount_fen = net;
            row.payer = party(consignee);
            row.payee = party(producer);
            row.document_id = settlement.to_string();
        }
        &LotStepKind::Paid { payer, payee, payout, amount } => {
            row.amount_fen = amount;
            row.payer = party(payer);
            row.payee = party(payee);
            row.document_id = payout.to_string();
        }
        LotStepKind::Inspected(found) => {
            row.inspection = Some(pb::Inspection {
                station: found.station.map(|id| view::place(id, ledger)),
                test: found.test.clone(),
                passed: found.passed,
                finding: found.finding.clone(),
                laboratory_code: found.laboratory_code.clone(),
                report_hash: found.report_hash.map(Vec::from).unwrap_or_default(),
            });
        }
    }
    row
}
