//! `loop`: what goes round, what leaves, what money stays, and the plan's targets.

use std::io::{Write, stdout};

use loopledger_proto::common::v1::BaseUnit;
use loopledger_proto::ledger::v1::{ByScope, GetLoopRequest, GetLoopResponse, ProductLoop};
use loopledger_types::Money;
use serde_json::{Value, json};

use super::words::{named, percent, unit, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoopArgs {
    /// Division that the goods come from; all goods if absent.
    #[arg(long, default_value = "")]
    division: String,
    /// First month, YYYY-MM (or a day in it).
    #[arg(long, default_value = "")]
    from: String,
    /// Last month, YYYY-MM (or a day in it).
    #[arg(long, default_value = "")]
    to: String,
}

pub(crate) async fn show_loop(client: &Client, args: &LoopArgs, format: Format) -> Result<(), Failure> {
    let month = |text: &str| text.get(..7).unwrap_or(text).to_owned();
    print_loop(client, &args.division, &month(&args.from), &month(&args.to), format, &mut stdout()).await
}

pub(super) async fn print_loop(
    client: &Client,
    division: &str,
    from: &str,
    to: &str,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let request = GetLoopRequest {
        division_code: division.to_owned(),
        from_month: from.to_owned(),
        to_month: to.to_owned(),
        ..GetLoopRequest::default()
    };
    let answer = client.loops()?.get_loop(request).await?.into_inner();
    goods(&answer).print(format, out).map_err(Failure::output)?;
    if format == Format::Table {
        writeln!(out).map_err(Failure::output)?;
        money(&answer, out).map_err(Failure::output)?;
        writeln!(out).map_err(Failure::output)?;
        targets(&answer).print(format, out).map_err(Failure::output)?;
    }
    Ok(())
}

/// The closed-loop identity, product by product.
fn goods(answer: &GetLoopResponse) -> Report {
    let mut report = Report::new("区域流通闭环(数量按基本单位;来源 = 去向 + 库存变化)")
        .text("product", "产品")
        .text("unit", "单位")
        .number("supply", "收购")
        .number("bought_in", "外购")
        .number("sold_county", "县内销售")
        .number("sold_outside", "县外销售")
        .number("returned", "退回")
        .number("lost", "损耗")
        .number("stock_change", "库存变化")
        .number("in_transit", "其中在途")
        .text("identity", "平衡")
        .number("closed_loop_quantity", "闭环率(量)")
        .number("sales_yuan", "销售额(元)")
        .number("closed_loop_value", "闭环率(值)");
    for product in &answer.products {
        report.row(goods_row(product));
    }
    report
}

fn goods_row(product: &ProductLoop) -> Vec<Value> {
    let sold = product.sold.unwrap_or_default();
    let sales = product.sales_fen.unwrap_or_default();
    vec![
        json!(named(product.product.as_ref())),
        json!(unit(BaseUnit::try_from(product.unit).unwrap_or_default())),
        json!(product.supply),
        json!(product.bought_in),
        json!(sold.county),
        json!(sum(sold).saturating_sub(sold.county)),
        json!(product.returned),
        json!(product.lost),
        json!(product.closing_stock.saturating_sub(product.opening_stock)),
        json!(product.in_transit),
        json!(if product.identity_holds { "✓" } else { "✗" }),
        percent(product.closed_loop_quantity_bp),
        yuan(sum(sales)),
        percent(product.closed_loop_value_bp),
    ]
}

fn sum(by_scope: ByScope) -> i64 {
    [by_scope.county, by_scope.prefecture, by_scope.region, by_scope.outside].into_iter().fold(0, i64::saturating_add)
}

fn money(answer: &GetLoopResponse, out: &mut impl Write) -> std::io::Result<()> {
    let money = answer.money.unwrap_or_default();
    let text = |value: Value| value.as_str().unwrap_or("—").to_owned();
    writeln!(
        out,
        "终端销售额 {} 元 · 流转总额 {} 元 · 闭环率(值){}",
        Money(money.final_sales_fen),
        Money(money.gross_flow_fen),
        text(percent(money.closed_loop_value_bp))
    )?;
    writeln!(
        out,
        "付出款项 {} 元,其中付给本县 {} 元({})",
        Money(money.paid_out_fen),
        Money(money.paid_in_county_fen),
        text(percent(money.kept_in_county_bp))
    )?;
    let delay = answer.delay.unwrap_or_default();
    let days = delay.mean_days_tenths.map_or("—".to_owned(), |tenths| format!("{}.{}", tenths / 10, tenths % 10));
    writeln!(out, "从交货到付款平均 {days} 天({} 笔)", delay.payments)
}

fn targets(answer: &GetLoopResponse) -> Report {
    let mut report = Report::new("规划目标")
        .text("target", "指标")
        .number("actual", "实际")
        .number("planned", "目标")
        .text("reached", "达成");
    for target in &answer.targets {
        let is_money = target.name == "turnover";
        let value = |number: i64| if is_money { yuan(number) } else { json!(number) };
        let reached = if target.reached { "✓" } else { "—" };
        report.row(vec![json!(target.label), value(target.actual), value(target.target), json!(reached)]);
    }
    report
}
