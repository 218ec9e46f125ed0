//! `trace`: where a lot came from and where it went.

use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_proto::ledger::v1::{GoodsAt, TraceLotRequest, TraceLotResponse};
use loopledger_types::LotId;
use serde_json::{Value, json};

use super::income::{print, print_json};
use super::words::{fact, named, unit, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TraceArgs {
    /// A lot's id, or the code on its label.
    lot: String,
}

pub(crate) async fn trace(client: &Client, args: &TraceArgs, format: Format) -> Result<(), Failure> {
    let answer = whole(client, &args.lot).await?;
    match format {
        Format::Table => {
            say!(
                "批次 {}  {}  {}  {}",
                answer.lot_id,
                named(answer.product.as_ref()),
                answer.since,
                named(answer.place.as_ref())
            )?;
            print(&origins(&answer), format)?;
            say!()?;
            print(&steps(&answer), format)?;
            say!()?;
            print(&balances(&answer), format)
        }
        Format::Json => print_json(&json!({
            "lot_id": answer.lot_id,
            "product": named(answer.product.as_ref()),
            "since": answer.since,
            "place": named(answer.place.as_ref()),
            "origins": origins(&answer).to_json(),
            "steps": steps(&answer).to_json(),
            "balances": balances(&answer).to_json(),
        })),
        Format::Csv => print(&steps(&answer), format),
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
        let mut page = client.trace()?.trace_lot(request).await?.into_inner();
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
    let mut report = Report::new("来源")
        .text("producer", "农户")
        .text("division", "村")
        .number("quantity", "数量")
        .text("unit", "单位")
        .text("label", "批次码")
        .text("receipt", "过磅单")
        .text("grade", "等级")
        .text("fact", "记录");
    for origin in &answer.origins {
        report.row(vec![
            json!(named(origin.producer.as_ref())),
            json!(origin.division_name),
            json!(origin.quantity),
            json!(unit(answer.unit())),
            json!(origin.label),
            json!(origin.receipt_number),
            json!(origin.grade),
            json!(fact(origin.fact.as_ref())),
        ]);
    }
    report
}

/// A step is of goods, of money, or of both: what it is not of stays blank.
fn steps(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new("经过")
        .text("business_date", "日期")
        .text("step", "事项")
        .number("quantity", "数量")
        .text("unit", "单位")
        .number("amount_yuan", "金额(元)")
        .text("from", "自")
        .text("to", "至")
        .text("document_id", "单据")
        .text("fact", "记录");
    for step in &answer.steps {
        let there = |is_there: bool, value: Value| if is_there { value } else { Value::Null };
        report.row(vec![
            json!(step.business_date),
            json!(step.label),
            there(step.quantity != 0, json!(step.quantity)),
            there(step.quantity != 0, json!(unit(answer.unit()))),
            there(step.from.is_none(), yuan(step.amount_fen)),
            json!(side(step.from.as_ref(), &named(step.payer.as_ref()))),
            json!(side(step.to.as_ref(), &named(step.payee.as_ref()))),
            json!(step.document_id),
            json!(fact(step.fact.as_ref())),
        ]);
    }
    report
}

fn balances(answer: &TraceLotResponse) -> Report {
    let mut report = Report::new("现在")
        .text("account", "状态")
        .text("place", "地点")
        .number("quantity", "数量")
        .text("unit", "单位");
    for balance in &answer.balances {
        let at = balance.at.clone().unwrap_or_default();
        let (place, unit) = (named(at.place.as_ref()), unit(answer.unit()));
        report.row(vec![json!(at.label), json!(place), json!(balance.quantity), json!(unit)]);
    }
    report
}

/// Goods in a place, or who pays and is paid.
fn side(at: Option<&GoodsAt>, party: &str) -> String {
    match at {
        None => party.to_owned(),
        Some(at) => [at.label.clone(), named(at.place.as_ref())]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    }
}
