//! `trace`: where a lot came from and where it went.

use loopledger_proto::ledger::v1::trace_lot_request::Subject;
use loopledger_proto::ledger::v1::{GoodsAt, TraceLotRequest};
use loopledger_types::LotId;
use serde_json::json;

use super::income::print;
use super::words::{fact, named, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TraceArgs {
    /// A lot's id, or the code on its label.
    lot: String,
}

pub(crate) async fn trace(client: &Client, args: &TraceArgs, format: Format) -> Result<(), Failure> {
    let subject = match LotId::parse(&args.lot) {
        Ok(_) => Subject::LotId(args.lot.clone()),
        Err(_) => Subject::Label(args.lot.clone()),
    };
    let request = TraceLotRequest { subject: Some(subject), ..TraceLotRequest::default() };
    let answer = client.trace()?.trace_lot(request).await?.into_inner();
    if format == Format::Table {
        say!(
            "批次 {}  {}  {}  {}",
            answer.lot_id,
            named(answer.product.as_ref()),
            answer.since,
            named(answer.place.as_ref())
        )?;
        let mut origins = Report::new("来源")
            .text("producer", "农户")
            .text("division", "村")
            .number("quantity", "数量")
            .text("label", "批次码")
            .text("receipt", "过磅单")
            .text("grade", "等级")
            .text("fact", "记录");
        for origin in &answer.origins {
            origins.row(vec![
                json!(named(origin.producer.as_ref())),
                json!(origin.division_name),
                json!(origin.quantity),
                json!(origin.label),
                json!(origin.receipt_number),
                json!(origin.grade),
                json!(fact(origin.fact.as_ref())),
            ]);
        }
        print(&origins, format)?;
        say!()?;
    }
    let mut steps = Report::new("经过")
        .text("business_date", "日期")
        .text("step", "事项")
        .number("quantity", "数量")
        .number("amount_yuan", "金额(元)")
        .text("from", "自")
        .text("to", "至")
        .text("document_id", "单据")
        .text("fact", "记录");
    for step in &answer.steps {
        steps.row(vec![
            json!(step.business_date),
            json!(step.label),
            json!(step.quantity),
            yuan(step.amount_fen),
            json!(side(step.from.as_ref(), &named(step.payer.as_ref()))),
            json!(side(step.to.as_ref(), &named(step.payee.as_ref()))),
            json!(step.document_id),
            json!(fact(step.fact.as_ref())),
        ]);
    }
    print(&steps, format)?;
    if format == Format::Table {
        say!()?;
        let mut balances = Report::new("现在").text("account", "状态").text("place", "地点").number("quantity", "数量");
        for balance in &answer.balances {
            let at = balance.at.clone().unwrap_or_default();
            balances.row(vec![json!(at.label), json!(named(at.place.as_ref())), json!(balance.quantity)]);
        }
        print(&balances, format)?;
    }
    Ok(())
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
