//! `income`: what a household earned and why, or the households of a division.

use std::io::stdout;

use loopledger_proto::ledger::v1::{
    GetHouseholdIncomeRequest, GetHouseholdIncomeResponse, HouseholdSums, IncomeLine, IncomeSums, IncomeView,
    ListDivisionIncomeRequest, ListDivisionIncomeResponse, ListIncomeLinesRequest,
};
use serde_json::{Value, json};

use super::words::{basis, category, fact, household_category, named, some_yuan, unit, view, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, print_value, say};

/// The largest page that the server gives.
const PAGE: u32 = 1_000;

#[derive(Debug, Clone, clap::Args)]
#[group(id = "whose", required = true, multiple = false)]
pub(crate) struct IncomeSubject {
    /// A household's id.
    #[arg(long)]
    household: Option<String>,
    /// A county, township or village: every household in it.
    #[arg(long)]
    division: Option<String>,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct IncomeArgs {
    #[command(flatten)]
    subject: IncomeSubject,
    /// First business date, YYYY-MM-DD.
    #[arg(long, default_value = "")]
    from: String,
    /// Last business date, YYYY-MM-DD.
    #[arg(long, default_value = "")]
    to: String,
    /// Leaves out what was recorded after this day.
    #[arg(long, default_value = "")]
    as_of: String,
}

pub(crate) async fn income(client: &Client, args: &IncomeArgs, format: Format) -> Result<(), Failure> {
    let window = (args.from.as_str(), args.to.as_str(), args.as_of.as_str());
    match (&args.subject.household, &args.subject.division) {
        (Some(household), _) => {
            let lines = lines(client, household, window).await?;
            match format {
                Format::Table => {
                    print_household(client, household, window).await?;
                    say!()?;
                    print(&lines, format)
                }
                Format::Json => {
                    let answer = household_income(client, household, window).await?;
                    print_json(&household_json(&answer, &lines))
                }
                Format::Csv => print(&lines, format),
            }
        }
        (None, Some(division)) => print_division(client, division, window, format).await,
        (None, None) => Err(Failure::Usage("name a --household or a --division".to_owned())),
    }
}

/// First and last business date, and the day that it was known by; each may be empty.
type Window<'a> = (&'a str, &'a str, &'a str);

async fn household_income(
    client: &Client,
    household: &str,
    (from, to, as_of): Window<'_>,
) -> Result<GetHouseholdIncomeResponse, Failure> {
    let request = GetHouseholdIncomeRequest {
        household_id: household.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        as_of: as_of.to_owned(),
        ..GetHouseholdIncomeRequest::default()
    };
    Ok(client.income()?.get_household_income(request).await?.into_inner())
}

/// The sums of one household.
pub(super) async fn print_household(client: &Client, household: &str, window: Window<'_>) -> Result<(), Failure> {
    let answer = household_income(client, household, window).await?;
    let mut report = sums_report(household_title(&answer));
    for (_, rows) in parts(&answer) {
        for row in rows {
            report.row(row);
        }
    }
    report.row(sums_row("合计", answer.total.as_ref()));
    print(&report, Format::Table)?;
    let per_head = |fen: Option<i64>| fen.map_or("—".to_owned(), |fen| loopledger_types::Money(fen).to_string());
    say!("人均(元):应得净收入 {},实收 {}", per_head(answer.net_per_head_fen), per_head(answer.received_per_head_fen))?;
    Ok(())
}

/// The breakdowns of a household's income, each of which adds up to the total.
fn parts(answer: &GetHouseholdIncomeResponse) -> [(&'static str, Vec<Vec<Value>>); 5] {
    let months = answer.by_month.iter().map(|part| sums_row(&part.month, part.sums.as_ref()));
    let categories = answer.by_category.iter().map(|part| sums_row(category(part.category()), part.sums.as_ref()));
    let products = answer.by_product.iter().map(|part| sums_row(&named(part.product.as_ref()), part.sums.as_ref()));
    let bases = answer.by_basis.iter().map(|part| sums_row(basis(part.basis()), part.sums.as_ref()));
    let stations = answer.by_station.iter().map(|part| sums_row(&named(part.station.as_ref()), part.sums.as_ref()));
    [
        ("by_month", months.collect()),
        ("by_category", categories.collect()),
        ("by_product", products.collect()),
        ("by_basis", bases.collect()),
        ("by_station", stations.collect()),
    ]
}

fn household_json(answer: &GetHouseholdIncomeResponse, lines: &Report) -> Value {
    let household = answer.household.clone().unwrap_or_default();
    let table = |rows: Vec<Vec<Value>>| {
        let mut report = sums_report(String::new());
        for row in rows {
            report.row(row);
        }
        report.to_json()
    };
    let mut json = json!({
        "household_id": household.household_id,
        "division_code": household.division_code,
        "division_name": household.division_name,
        "category": household_category(household.category()),
        "members": household.members,
        "net_per_head_yuan": some_yuan(answer.net_per_head_fen),
        "received_per_head_yuan": some_yuan(answer.received_per_head_fen),
        "total": sums_json(answer.total.as_ref()),
        "lines": lines.to_json(),
    });
    if let Some(object) = json.as_object_mut() {
        object.extend(parts(answer).map(|(name, rows)| (name.to_owned(), table(rows))));
    }
    json
}

fn household_title(answer: &GetHouseholdIncomeResponse) -> String {
    let Some(household) = &answer.household else { return String::new() };
    let kind = household_category(household.category());
    format!(
        "农户 {}  {} {}  {kind}  {} 人  (元;应得与实收是同一笔钱的两种口径,不相加)",
        household.household_id, household.division_code, household.division_name, household.members
    )
}

fn sums_report(title: String) -> Report {
    Report::new(title)
        .text("item", "项目")
        .number("gross_yuan", "应得毛额")
        .number("cost_yuan", "费用")
        .number("net_yuan", "应得净额")
        .number("received_yuan", "实收")
        .number("facts", "依据(笔)")
}

fn sums_row(item: &str, sums: Option<&IncomeSums>) -> Vec<Value> {
    let sums = sums.copied().unwrap_or_default();
    vec![
        json!(item),
        yuan(sums.gross_fen),
        yuan(sums.cost_fen),
        yuan(sums.net_fen),
        yuan(sums.received_fen),
        json!(sums.facts),
    ]
}

fn sums_json(sums: Option<&IncomeSums>) -> Value {
    let sums = sums.copied().unwrap_or_default();
    json!({
        "gross_yuan": yuan(sums.gross_fen),
        "cost_yuan": yuan(sums.cost_fen),
        "net_yuan": yuan(sums.net_fen),
        "received_yuan": yuan(sums.received_fen),
        "facts": sums.facts,
    })
}

/// Every fact behind a household's figures.
async fn lines(client: &Client, household: &str, window: Window<'_>) -> Result<Report, Failure> {
    let mut report = Report::new("依据")
        .text("business_date", "日期")
        .text("view", "口径")
        .text("category", "类别")
        .text("basis", "方式")
        .text("product", "产品")
        .number("quantity", "数量")
        .text("unit", "单位")
        .number("gross_yuan", "金额")
        .number("cost_yuan", "费用")
        .text("payer", "付款方")
        .text("station", "站点")
        .text("lot_id", "批次")
        .text("fact", "记录");
    let mut page_token = String::new();
    loop {
        let request = ListIncomeLinesRequest {
            page_size: PAGE,
            page_token,
            household_id: household.to_owned(),
            from: window.0.to_owned(),
            to: window.1.to_owned(),
            as_of: window.2.to_owned(),
            ..ListIncomeLinesRequest::default()
        };
        let answer = client.income()?.list_income_lines(request).await?.into_inner();
        answer.lines.iter().for_each(|line| report.row(line_row(line)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(report);
        }
    }
}

/// What was received has neither quantity nor cost of its own.
fn line_row(line: &IncomeLine) -> Vec<Value> {
    let recognised = line.view() == IncomeView::Recognised;
    let of_goods = |value: Value| if recognised { value } else { Value::Null };
    vec![
        json!(line.business_date),
        json!(view(line.view())),
        json!(category(line.category())),
        json!(basis(line.basis())),
        json!(named(line.product.as_ref())),
        of_goods(json!(line.quantity)),
        of_goods(json!(unit(line.unit()))),
        yuan(line.gross_fen),
        of_goods(yuan(line.cost_fen)),
        json!(named(line.payer.as_ref())),
        json!(named(line.station.as_ref())),
        json!(line.lot_id),
        json!(fact(line.fact.as_ref())),
    ]
}

async fn print_division(client: &Client, division: &str, window: Window<'_>, format: Format) -> Result<(), Failure> {
    let mut report = Report::new(format!("{division} 各户收入(元)"))
        .text("household_id", "农户")
        .text("division", "村")
        .text("category", "类别")
        .number("members", "人数")
        .number("gross_yuan", "应得毛额")
        .number("net_yuan", "应得净额")
        .number("received_yuan", "实收")
        .number("net_per_head_yuan", "人均净额");
    let mut page_token = String::new();
    loop {
        let request = ListDivisionIncomeRequest {
            page_size: PAGE,
            page_token,
            division_code: division.to_owned(),
            from: window.0.to_owned(),
            to: window.1.to_owned(),
            as_of: window.2.to_owned(),
            ..ListDivisionIncomeRequest::default()
        };
        let mut answer = client.income()?.list_division_income(request).await?.into_inner();
        answer.rows.iter().for_each(|row| report.row(household_row(row)));
        page_token = std::mem::take(&mut answer.next_page_token);
        if !page_token.is_empty() {
            continue;
        }
        return match format {
            Format::Table => {
                print(&report, format)?;
                print_total(&answer)
            }
            Format::Json => print_json(&json!({
                "division_code": division,
                "households": answer.households,
                "members": answer.members,
                "total": sums_json(answer.total.as_ref()),
                "rows": report.to_json(),
            })),
            Format::Csv => print(&report, format),
        };
    }
}

fn household_row(row: &HouseholdSums) -> Vec<Value> {
    let household = row.household.clone().unwrap_or_default();
    let sums = row.sums.unwrap_or_default();
    vec![
        json!(household.household_id),
        json!(household.division_name),
        json!(household_category(household.category())),
        json!(household.members),
        yuan(sums.gross_fen),
        yuan(sums.net_fen),
        yuan(sums.received_fen),
        some_yuan(row.net_per_head_fen),
    ]
}

fn print_total(answer: &ListDivisionIncomeResponse) -> Result<(), Failure> {
    let total = answer.total.unwrap_or_default();
    say!(
        "合计 {} 户 {} 人:应得毛额 {} 元,应得净额 {} 元,实收 {} 元",
        answer.households,
        answer.members,
        loopledger_types::Money(total.gross_fen),
        loopledger_types::Money(total.net_fen),
        loopledger_types::Money(total.received_fen),
    )
}

pub(super) fn print(report: &Report, format: Format) -> Result<(), Failure> {
    report.print(format, &mut stdout().lock()).map_err(Failure::output)
}

pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print_value(value, &mut stdout().lock()).map_err(Failure::output)
}
