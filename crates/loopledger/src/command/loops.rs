//! `loop`: what goes round, what leaves, what money stays, and the plan's targets.

use std::io::{Write, stdout};

use loopledger_proto::common::v1::BaseUnit;
use loopledger_proto::ledger::v1::{ByScope, GetLoopRequest, GetLoopResponse, ProductLoop};
use loopledger_types::{BusinessDate, Money, Month};
use serde_json::{Value, json};

use super::words::{named, percent, unit, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, print_value};

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
    let (from, to) = (month("--from", &args.from)?, month("--to", &args.to)?);
    print_loop(client, &args.division, &from, &to, format, &mut stdout()).await
}

/// A month, or the month of a day, as the server takes it; empty stays empty.
fn month(flag: &str, text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let month = Month::parse(text).or_else(|_| BusinessDate::parse(text).map(BusinessDate::month));
    let wrong = |_| Failure::Usage(format!("{flag}: '{text}' is neither a month YYYY-MM nor a day YYYY-MM-DD"));
    month.map(|month| month.to_string()).map_err(wrong)
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
        value_added: true,
        ..GetLoopRequest::default()
    };
    let answer = client.loops()?.get_loop(request).await?.into_inner();
    match format {
        Format::Table => table(&answer, out).map_err(Failure::output),
        Format::Json => print_value(&loop_json(&answer), out).map_err(Failure::output),
        Format::Csv => goods(&answer).print(format, out).map_err(Failure::output),
    }
}

fn table(answer: &GetLoopResponse, out: &mut impl Write) -> std::io::Result<()> {
    goods(answer).print(Format::Table, out)?;
    writeln!(out)?;
    money(answer, out)?;
    writeln!(out)?;
    if answer.targets.is_empty() {
        return writeln!(out, "规划目标只对全县、全部产品按日历年计算");
    }
    targets(answer).print(Format::Table, out)
}

fn loop_json(answer: &GetLoopResponse) -> Value {
    let money = answer.money.unwrap_or_default();
    let delay = answer.delay.unwrap_or_default();
    let coverage = answer.coverage.unwrap_or_default();
    json!({
        "products": goods(answer).to_json(),
        "money": {
            "final_sales_yuan": yuan(money.final_sales_fen),
            "gross_flow_yuan": yuan(money.gross_flow_fen),
            "closed_loop_value": percent(money.closed_loop_value_bp),
            "paid_out_yuan": yuan(money.paid_out_fen),
            "paid_in_county_yuan": yuan(money.paid_in_county_fen),
            "paid_in_division_yuan": yuan(money.paid_in_division_fen),
            "kept_in_county": percent(money.kept_in_county_bp),
        },
        "delay": {
            "payments": delay.payments,
            "amount_yuan": yuan(delay.amount_fen),
            "mean_days": delay.mean_days_tenths.map(tenths),
        },
        "coverage": { "active": coverage.active, "covered": coverage.covered },
        "target_year": answer.target_year,
        "targets": targets(answer).to_json(),
    })
}

fn tenths(number: i64) -> String {
    format!("{}.{}", number / 10, number % 10)
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
        .number("closed_loop_value", "闭环率(值)")
        .number("value_added_yuan", "增值(元)")
        .number("value_added", "增值率");
    for product in &answer.products {
        report.row(goods_row(product));
    }
    report
}

fn goods_row(product: &ProductLoop) -> Vec<Value> {
    let sold = product.sold.unwrap_or_default();
    let sales = product.sales_fen.unwrap_or_default();
    let added = product.value_added.unwrap_or_default();
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
        yuan(added.value_added_fen),
        percent(added.value_added_bp),
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
    let days = delay.mean_days_tenths.map_or("—".to_owned(), tenths);
    writeln!(out, "从交货到付款平均 {days} 天({} 笔)", delay.payments)
}

fn targets(answer: &GetLoopResponse) -> Report {
    let mut report = Report::new(format!("规划目标(全县,{}年1月至12月;交易额以元计)", answer.target_year))
        .text("name", "代号")
        .text("target", "指标")
        .number("actual", "实际")
        .number("planned", "目标")
        .text("reached", "达成");
    for target in &answer.targets {
        let is_money = target.name == "turnover";
        let value = |number: i64| if is_money { yuan(number) } else { json!(number) };
        let reached = if target.reached { "✓" } else { "—" };
        report.row(vec![
            json!(target.name),
            json!(target.label),
            value(target.actual),
            value(target.target),
            json!(reached),
        ]);
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_days_are_taken_and_nothing_else() {
        for (text, expected) in [("", ""), ("2020-05", "2020-05"), ("2020-05-31", "2020-05"), ("2020-02-29", "2020-02")]
        {
            assert_eq!(month("--from", text).unwrap(), expected);
        }
        for text in ["2020-05-99", "2020-05-", "2020-13", "2020-0", "yesterday", "2021-02-29", "2020-05x"] {
            assert!(matches!(month("--from", text), Err(Failure::Usage(_))), "{text}");
        }
    }
}
