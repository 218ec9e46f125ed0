//! `trace`: where a lot came from and where it went.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure, say, tr};
use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_proto::ledger::v1::{GoodsAt, TraceLotRequest, TraceLotResponse};
use loopledger_types::{LotId, hex};
use serde_json::{Value, json};

use super::words::{coded, fact, measured, named, unit, yuan};
use crate::output::{Cell, Format, Report, View};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TraceArgs {
    /// A lot's id, or the code on its label.
    lot: String,
}

pub(crate) async fn trace(client: &Client, args: &TraceArgs, view: &View) -> Result<(), Failure> {
    show(&whole(client, &args.lot).await?, view)
}

pub(super) fn show(answer: &TraceLotResponse, view: &View) -> Result<(), Failure> {
    match view.format {
        Format::Table => {
            let (lot, product, since) = (&answer.lot_id, named(answer.product.as_ref()), &answer.since);
            let place = named(answer.place.as_ref());
            view.say(&tr!("批次 {lot}", "Lot {lot}"))?;
            view.say(&format!("{product} · {since} · {place}"))?;
            say!()?;
            view.sections(&[origins(answer), steps(answer), inspections(answer), balances(answer)])?;
            view.more_on_request()
        }
        Format::Json => View::print_json(&json!({
            "lot_id": answer.lot_id,
            "product": named(answer.product.as_ref()),
            "since": answer.since,
            "place": named(answer.place.as_ref()),
            "origins": origins(answer).to_json(),
            "steps": steps(answer).to_json(),
            "inspections": inspections(answer).to_json(),
            "balances": balances(answer).to_json(),
        })),
        Format::Csv => view.print(&steps(answer)),
    }
}

/// The trace with the steps of every page.
async fn whole(client: &Client, lot: &str) -> Result<TraceLotResponse, Failure> {
    let mut whole: Option<TraceLotResponse> = None;
    let mut page_token = String::new();
    loop {
        let subject = match LotId::parse(lot) {
            Ok(_) => Subject::LotId(lot.to_owned()),
            Err(_) => Subject::Label(lot.to_owned()),
        };
        let request =
            TraceLotRequest { subject: Some(subject), page_size: 1_000, page_token, ..TraceLotRequest::default() };
        let mut page = client.trace()?.trace_lot(client.in_county(request)).await?.into_inner();
        page_token = std::mem::take(&mut page.next_page_token);
        match &mut whole {
            Some(whole) => whole.steps.extend(page.steps),
            None => whole = Some(page),
        }
        if page_token.is_empty() {
            return Ok(whole.unwrap_or_default());
        }
    }
}

fn origins(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new(pick("来源", "Origin"))
        .text("producer", "农户", "Producer")
        .text("division", "村", "Village")
        .number("quantity", "数量", "Quantity")
        .text("unit", "单位", "Unit")
        .for_programs()
        .text("label", "批次码", "Label")
        .text("receipt", "过磅单", "Receipt")
        .if_room()
        .text("grade", "等级", "Grade")
        .if_room()
        .text("fact", "记录", "Fact")
        .on_request();
    for origin in &answer.origins {
        report.row([
            named(origin.producer.as_ref()).into(),
            (&origin.division_name).into(),
            measured(origin.quantity, answer.unit()),
            unit(answer.unit()),
            (&origin.label).into(),
            (&origin.receipt_number).into(),
            (&origin.grade).into(),
            fact(origin.fact.as_ref()).into(),
        ]);
    }
    report
}

/// A step is of goods, of money, or of both: what it is not of stays blank.
fn steps(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new(pick("经过", "Steps"))
        .text("business_date", "日期", "Date")
        .text("step", "事项", "Step")
        .number("quantity", "数量", "Quantity")
        .text("unit", "单位", "Unit")
        .for_programs()
        .number("amount_yuan", "金额(元)", "Yuan")
        .text("from", "自", "From")
        .if_room()
        .text("to", "至", "To")
        .text("document_id", "单据", "Document")
        .on_request()
        .text("fact", "记录", "Fact")
        .on_request();
    for step in &answer.steps {
        let there = |is_there: bool, cell: Cell| if is_there { cell } else { Value::Null.into() };
        report.row([
            (&step.business_date).into(),
            coded(&step.text, &step.label),
            there(step.quantity != 0, measured(step.quantity, answer.unit())),
            there(step.quantity != 0, unit(answer.unit())),
            there(step.from.is_none() && step.inspection.is_none(), yuan(step.amount_fen).into()),
            side(step.from.as_ref(), &named(step.payer.as_ref())),
            side(step.to.as_ref(), &named(step.payee.as_ref())),
            (&step.document_id).into(),
            fact(step.fact.as_ref()).into(),
        ]);
    }
    report
}

/// What tests found, step by step.
fn inspections(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new(pick("检测", "Inspections"))
        .text("business_date", "日期", "Date")
        .text("test", "检测项目", "Test")
        .text("result", "结果", "Result")
        .text("finding", "检测值", "Finding")
        .text("laboratory_code", "检测机构", "Laboratory")
        .text("station", "取样地点", "Sampled at")
        .if_room()
        .text("report_hash", "报告", "Report")
        .on_request()
        .text("fact", "记录", "Fact")
        .on_request();
    for step in &answer.steps {
        let Some(found) = &step.inspection else { continue };
        let result = if found.passed { coded("passed", "合格") } else { coded("failed", "不合格") };
        report.row([
            (&step.business_date).into(),
            (&found.test).into(),
            result,
            (&found.finding).into(),
            (&found.laboratory_code).into(),
            named(found.station.as_ref()).into(),
            hex::encode(&found.report_hash).into(),
            fact(step.fact.as_ref()).into(),
        ]);
    }
    report
}

fn balances(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new(pick("现在", "Now"))
        .text("account", "状态", "State")
        .text("place", "地点", "Place")
        .number("quantity", "数量", "Quantity")
        .text("unit", "单位", "Unit")
        .for_programs();
    for balance in &answer.balances {
        let at = balance.at.clone().unwrap_or_default();
        report.row([
            coded(&at.account, &at.label),
            named(at.place.as_ref()).into(),
            measured(balance.quantity, answer.unit()),
            unit(answer.unit()),
        ]);
    }
    report
}

/// Goods in a place, or who pays and is paid.
fn side(at: Option<&GoodsAt>, party: &str) -> Cell {
    let Some(at) = at else { return party.into() };
    let (account, place) = (coded(&at.account, &at.label), named(at.place.as_ref()));
    let with_place =
        |text: &str| [text, &place].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    Cell::shown(json!(with_place(&at.label)), with_place(&account.text()))
}
