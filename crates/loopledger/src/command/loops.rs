//! `loop`: what circulates, what leaves, what money stays, and the plan's targets.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure, both, say, tr};
use loopledger_proto::common::v1::BaseUnit;
use loopledger_proto::ledger::v1::{ByScope, GetLoopRequest, GetLoopResponse, ProductLoop};
use loopledger_types::{BusinessDate, Money, Month};
use serde_json::{Value, json};

use super::divisions::edition_line;
use super::words::{coded, named, or_dash, percent, quantity, unit, yuan};
use crate::output::{Cell, Format, Report, View};

#[derive(Debug, Clone, Default, clap::Args)]
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
    /// Groups by the list of divisions in force on this day, YYYY-MM-DD [default: on the window's last day].
    #[arg(long, default_value = "")]
    edition: String,
}

pub(crate) async fn show_loop(client: &Client, args: &LoopArgs, view: &View) -> Result<(), Failure> {
    print_loop(client, args, view).await
}

/// A month, or the month of a day, as the server takes it; empty stays empty.
fn month(flag: &str, text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let month = Month::parse(text).or_else(|_| BusinessDate::parse(text).map(BusinessDate::month));
    let wrong = |_| {
        Failure::Usage(both!(
            "{flag}:'{text}' 不是月份 YYYY-MM,也不是日期 YYYY-MM-DD",
            "{flag}: '{text}' is neither a month YYYY-MM nor a day YYYY-MM-DD"
        ))
    };
    month.map(|month| month.to_string()).map_err(wrong)
}

pub(super) async fn print_loop(client: &Client, args: &LoopArgs, view: &View) -> Result<(), Failure> {
    let request = GetLoopRequest {
        division_code: args.division.clone(),
        from_month: month("--from", &args.from)?,
        to_month: month("--to", &args.to)?,
        division_edition: args.edition.clone(),
        value_added: true,
        ..GetLoopRequest::default()
    };
    let answer = client.loops()?.get_loop(client.in_county(request)).await?.into_inner();
    match view.format {
        Format::Table => table(&answer, &args.division, view),
        Format::Json => View::print_json(&loop_json(&answer, &args.division)),
        Format::Csv => view.print(&goods(&answer)),
    }
}

pub(super) fn table(answer: &GetLoopResponse, division: &str, view: &View) -> Result<(), Failure> {
    if answer.products.is_empty() {
        view.say(pick("该范围内没有货物流转。", "No goods moved within this window."))?;
        say!()?;
    }
    let goods = goods(answer);
    let quantities = goods.part(
        pick("区域流通闭环:数量(来源 = 去向 + 库存变化)", "Closed loop: quantities (sources = uses + change of stock)"),
        &QUANTITIES,
    );
    let values = goods.part(pick("区域流通闭环:金额(元)", "Closed loop: values (yuan)"), &VALUES);
    view.sections(&[quantities, values])?;
    if !goods.is_empty() {
        say!()?;
    }
    money(answer, division).iter().try_for_each(|line| view.say(line))?;
    if !answer.division_edition.is_empty() {
        view.say(&edition_line(&answer.division_edition))?;
    }
    say!()?;
    if !answer.targets.is_empty() {
        return view.print(&targets(answer));
    }
    view.say(if division.is_empty() && answer.products.is_empty() {
        pick(
            "账本中还没有记录,规划目标无从计算。",
            "The ledger holds no records yet: there is no year to measure targets in.",
        )
    } else {
        pick(
            "规划目标只对全县、全部产品按日历年计算。",
            "Targets are those of the whole county, all goods, in a calendar year.",
        )
    })
}

fn loop_json(answer: &GetLoopResponse, division: &str) -> Value {
    let money = answer.money.unwrap_or_default();
    let delay = answer.delay.unwrap_or_default();
    let coverage = answer.coverage.unwrap_or_default();
    json!({
        "division_code": division,
        "division_edition": answer.division_edition,
        "products": goods(answer).to_json(),
        "money": {
            "final_sales_yuan": yuan(money.final_sales_fen),
            "gross_flow_yuan": yuan(money.gross_flow_fen),
            "closed_loop_value": percent(money.closed_loop_value_bp),
            "paid_out_yuan": yuan(money.paid_out_fen),
            "paid_in_county_yuan": yuan(money.paid_in_county_fen),
            "kept_in_county": percent(money.kept_in_county_bp),
        },
        "delay": {
            "payments": delay.payments,
            "amount_yuan": yuan(delay.amount_fen),
            "mean_days": delay.mean_days_tenths.map(tenths),
        },
        "coverage": { "active": coverage.active, "covered": coverage.covered },
        "target_year": (answer.target_year != 0).then_some(answer.target_year),
        "targets": targets(answer).to_json(),
    })
}

fn tenths(number: i64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// What a table of quantities shows of [`goods`].
const QUANTITIES: [&str; 11] = [
    "product",
    "unit",
    "supply",
    "bought_in",
    "sold_county",
    "sold_outside",
    "returned",
    "lost",
    "stock_change",
    "in_transit",
    "identity",
];

/// And one of values.
const VALUES: [&str; 6] =
    ["product", "closed_loop_quantity", "sales_yuan", "closed_loop_value", "value_added_yuan", "value_added"];

/// The closed-loop identity, product by product.
fn goods(answer: &GetLoopResponse) -> Report {
    let mut report = Report::new("")
        .text("product", "产品", "Product")
        .text("unit", "单位", "Unit")
        .number("supply", "收购", "Collected")
        .number("bought_in", "外购", "Bought in")
        .number("sold_county", "县内销售", "Sold here")
        .number("sold_outside", "县外销售", "Sold out")
        .number("returned", "退回", "Returned")
        .number("lost", "损耗", "Lost")
        .number("stock_change", "库存变化", "Stock +/-")
        .number("in_transit", "其中在途", "In transit")
        .if_room()
        .text("identity", "平衡", "Holds")
        .number("closed_loop_quantity", "闭环率(量)", "Loop (qty)")
        .number("sales_yuan", "销售额(元)", "Sales")
        .number("closed_loop_value", "闭环率(值)", "Loop (value)")
        .number("value_added_yuan", "增值(元)", "Added")
        .number("value_added", "增值率", "Added %");
    for product in &answer.products {
        report.row(goods_row(product));
    }
    report
}

fn goods_row(product: &ProductLoop) -> [Cell; 16] {
    let sold = product.sold.unwrap_or_default();
    let sales = product.sales_fen.unwrap_or_default();
    let added = product.value_added.unwrap_or_default();
    let base = BaseUnit::try_from(product.unit).unwrap_or_default();
    let quantity = |value| quantity(value, base);
    [
        named(product.product.as_ref()).into(),
        unit(base),
        quantity(product.supply),
        quantity(product.bought_in),
        quantity(sold.county),
        quantity(sum(sold).saturating_sub(sold.county)),
        quantity(product.returned),
        quantity(product.lost),
        quantity(product.closing_stock.saturating_sub(product.opening_stock)),
        quantity(product.in_transit),
        if product.identity_holds { "✓" } else { "✗" }.into(),
        percent(product.closed_loop_quantity_bp).into(),
        yuan(sum(sales)).into(),
        percent(product.closed_loop_value_bp).into(),
        yuan(added.value_added_fen).into(),
        percent(added.value_added_bp).into(),
    ]
}

fn sum(by_scope: ByScope) -> i64 {
    [by_scope.county, by_scope.prefecture, by_scope.region, by_scope.outside].into_iter().fold(0, i64::saturating_add)
}

fn money(answer: &GetLoopResponse, division: &str) -> [String; 3] {
    let money = answer.money.unwrap_or_default();
    let (sales, flow) = (Money(money.final_sales_fen), Money(money.gross_flow_fen));
    let (closed, kept) = (or_dash(&percent(money.closed_loop_value_bp)), or_dash(&percent(money.kept_in_county_bp)));
    let (paid, here) = (Money(money.paid_out_fen), Money(money.paid_in_county_fen));
    let delay = answer.delay.unwrap_or_default();
    let (days, payments) = (delay.mean_days_tenths.map_or("—".to_owned(), tenths), delay.payments);
    [
        tr!(
            "终端销售额 {sales} 元 · 流转总额 {flow} 元 · 闭环率(值){closed}",
            "Final sales {sales} yuan · gross flow {flow} yuan · closed-loop ratio (value) {closed}"
        ),
        if division.is_empty() {
            tr!(
                "付出款项 {paid} 元,其中付给本县 {here} 元({kept})",
                "Paid out {paid} yuan, of which in the county {here} yuan ({kept})"
            )
        } else {
            tr!("付给该区划收款方 {paid} 元", "Paid out to payees of the division {paid} yuan")
        },
        tr!(
            "从交货到付款平均 {days} 天({payments} 笔)",
            "From delivery to payment {days} days on average ({payments} payments)"
        ),
    ]
}

fn targets(answer: &GetLoopResponse) -> Report {
    let year = answer.target_year;
    let mut report = Report::new(tr!(
        "规划目标(全县,{year}年1月至12月;交易额以元计)",
        "Targets of the plan (whole county, January to December {year}; turnover in yuan)"
    ))
    .text("name", "代号", "Name")
    .for_programs()
    .text("target", "指标", "Target")
    .number("actual", "实际", "Actual")
    .number("planned", "目标", "Planned")
    .text("reached", "达成", "Reached");
    for target in &answer.targets {
        let is_money = target.name == "turnover";
        let value = |number: i64| if is_money { yuan(number) } else { json!(number) };
        let reached = if target.reached { "✓" } else { "—" };
        report.row([
            (&target.name).into(),
            coded(&target.name, &target.label),
            value(target.actual).into(),
            value(target.target).into(),
            reached.into(),
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
