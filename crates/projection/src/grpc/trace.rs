//! `TraceService`: where goods came from and where they went.

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::{FieldFault, Terms as SaleTerms};
use loopledger_ledger::{LikelyDuplicate, LotOrigin, LotStep, LotStepKind, OrderTraceStep};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, LotId, OrderId, PlaceId, ReceiptId};
use loopledger_wire::query::Page;
use loopledger_wire::{LABEL_MAX, query};

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{
    FactPage, LikelyDuplicatesAnswer, ListLikelyDuplicates, LotKey, LotTraceAnswer, Names, OrderTraceAnswer, TraceLot,
    TraceOrder, WithFact, division_name,
};

impl Rpc for pb::TraceLotRequest {
    type Query = TraceLot;
    type Response = pb::TraceLotResponse;

    fn parse(&self, fields: &mut Fields) -> Option<TraceLot> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let lot = key(fields, self.subject.as_ref());
        Some(TraceLot { lot: lot?, page: page? })
    }

    fn to_pb(answer: LotTraceAnswer) -> pb::TraceLotResponse {
        let names = &answer.names;
        let balances = answer.balances.iter().map(|(pool, at, quantity)| pb::LotBalance {
            pool: u32::from(*pool),
            at: Some(view::goods_at(at, names)),
            quantity: *quantity,
        });
        pb::TraceLotResponse {
            heads: view::positions(&answer.heads),
            lot_id: answer.lot.to_string(),
            product: answer.product.map(|id| view::product(id, names)),
            place: answer.place.map(|id| view::place(id, names)),
            since: answer.since.map(|date| date.to_string()).unwrap_or_default(),
            origins: answer.origins.iter().map(|origin| origin_to_pb(origin, answer.since, names)).collect(),
            steps: answer.steps.iter().map(|step| step_to_pb(step, names)).collect(),
            balances: balances.collect(),
            next_page_token: answer.next_page_token,
            unit: answer.product.map_or(0, |id| view::unit(id, names)),
        }
    }
}

impl Rpc for pb::TraceOrderRequest {
    type Query = TraceOrder;
    type Response = pb::TraceOrderResponse;

    fn parse(&self, fields: &mut Fields) -> Option<TraceOrder> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let order = fields.take(query::id("order_id", &self.order_id, OrderId::parse));
        Some(TraceOrder { order: order?, page: page? })
    }

    fn to_pb(OrderTraceAnswer { heads, steps, next_page_token }: OrderTraceAnswer) -> pb::TraceOrderResponse {
        pb::TraceOrderResponse {
            heads: view::positions(&heads),
            steps: steps.iter().map(order_step_to_pb).collect(),
            next_page_token,
        }
    }
}

impl Rpc for pb::ListLikelyDuplicatesRequest {
    type Query = ListLikelyDuplicates;
    type Response = pb::ListLikelyDuplicatesResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListLikelyDuplicates> {
        let page = fields.take(Page::parse(self.page_size, &self.page_token));
        let window = fields.window(&self.from, &self.to, "");
        let station = fields.take(query::optional_id("station_id", &self.station_id, PlaceId::parse));
        Some(ListLikelyDuplicates { window: window?, station: station?, page: page? })
    }

    fn to_pb(answer: LikelyDuplicatesAnswer) -> pb::ListLikelyDuplicatesResponse {
        pb::ListLikelyDuplicatesResponse {
            heads: view::positions(&answer.heads),
            next_page_token: answer.next_page_token,
            duplicates: answer.duplicates.iter().map(|found| duplicate_to_pb(found, &answer.names)).collect(),
        }
    }
}

fn key(fields: &mut Fields, subject: Option<&Subject>) -> Option<LotKey> {
    match subject {
        None => {
            fields.wrong("lot_id", FieldFault::Required, "A lot, a receipt or a label is required.");
            None
        }
        Some(Subject::LotId(id)) => fields.take(query::id("lot_id", id, LotId::parse)).map(LotKey::Lot),
        Some(Subject::ReceiptId(id)) => fields.take(query::id("receipt_id", id, ReceiptId::parse)).map(LotKey::Receipt),
        Some(Subject::Label(label)) if label.trim().is_empty() => {
            fields.wrong("label", FieldFault::Required, "This field must not be empty.");
            None
        }
        Some(Subject::Label(label)) if label.chars().count() > LABEL_MAX => {
            fields.wrong("label", FieldFault::TooLong, "The label is too long.");
            None
        }
        Some(Subject::Label(label)) => Some(LotKey::Label(label.clone())),
    }
}

/// The village is called as on the day of collection.
fn origin_to_pb(
    WithFact { fact, row: origin }: &WithFact<LotOrigin>,
    since: Option<BusinessDate>,
    names: &Names,
) -> pb::LotOrigin {
    let edition = since.map_or(Edition::LATEST, Edition::on);
    pb::LotOrigin {
        fact: Some(view::fact(fact)),
        receipt_id: origin.receipt.map(|id| id.to_string()).unwrap_or_default(),
        producer: origin.producer.map(|producer| view::party(producer.id, names)),
        division_code: origin.division.to_string(),
        division_name: division_name(origin.division, edition).to_owned(),
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

fn step_to_pb(WithFact { fact, row: step }: &WithFact<LotStep>, names: &Names) -> pb::LotStep {
    let mut row = pb::LotStep {
        fact: Some(view::fact(fact)),
        business_date: step.date.to_string(),
        text: step.text.code().to_owned(),
        label: step.text.chinese().to_owned(),
        pool: u32::from(step.pool),
        ..pb::LotStep::default()
    };
    let party = |id: Option<_>| id.map(|id| view::party(id, names));
    let document = |id: [u8; 16]| LotId(id).to_string();
    match &step.record {
        &LotStepKind::Moved { from, to, quantity, document: of } => {
            row.quantity = quantity;
            row.from = Some(view::goods_at(&from, names));
            row.to = Some(view::goods_at(&to, names));
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
                station: found.station.map(|id| view::place(id, names)),
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

fn order_step_to_pb(WithFact { fact, row: step }: &WithFact<OrderTraceStep>) -> pb::OrderStep {
    pb::OrderStep {
        fact: Some(view::fact(fact)),
        text: step.step.as_str().to_owned(),
        lot_ids: step.lots.iter().map(ToString::to_string).collect(),
    }
}

fn duplicate_to_pb(duplicate: &LikelyDuplicate, names: &Names) -> pb::LikelyDuplicate {
    let receipts = duplicate.receipts.iter().map(|receipt| pb::SuspectReceipt {
        receipt_id: receipt.receipt.to_string(),
        receipt_number: receipt.number.clone(),
        lot_id: receipt.lot.to_string(),
        lot_label: receipt.label.clone(),
    });
    pb::LikelyDuplicate {
        business_date: duplicate.on.to_string(),
        station: Some(view::place(duplicate.station, names)),
        producer: Some(view::party(duplicate.producer, names)),
        product: Some(view::product(duplicate.product, names)),
        quantity: duplicate.quantity,
        unit: view::unit(duplicate.product, names),
        receipts: receipts.collect(),
    }
}
