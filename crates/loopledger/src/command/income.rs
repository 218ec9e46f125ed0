//! `income`: what a household earned and why, or the households of a division.

use std::io::stdout;

use loopledger_proto::common::v1::HouseholdCategory;
use loopledger_proto::ledger::v1::{
    GetHouseholdIncomeRequest, GetHouseholdIncomeResponse, HouseholdView, IncomeBasis, IncomeCategory, IncomeSums,
    IncomeView, ListDivisionIncomeRequest, ListIncomeLinesRequest,
};
use serde_json::{Value, json};

use super::words::{basis, category, fact, household_category, named, some_yuan, view, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

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
            if format == Format::Table {
                print_household(client, household, window.0, window.1, window.2, format).await?;
                say!()?;
            }
            print_lines(client, household, window, format).await
        }
        (None, Some(division)) => print_division(client, division, window, format).await,
        (None, None) => Err(Failure::Usage("name a --household or a --division".to_owned())),
    }
}

/// The sums of one household.
pub(super) async fn print_household(
    client: &Client,
    household: &str,
    from: &str,
    to: &str,
    as_of: &str,
    format: Format,
) -> Result<(), Failure> {
    let request = GetHouseholdIncomeRequest {
        household_id: household.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        as_of: as_of.to_owned(),
        ..GetHouseholdIncomeRequest::default()
    };
    let answer = client.income()?.get_household_income(request).await?.into_inner();
    let mut report = sums_report(household_title(&answer));
    for month in &answer.by_month {
        report.row(sums_row(&month.month, month.sums.as_ref()));
    }
    for part in &answer.by_category {
        report.row(sums_row(category(part.category()), part.sums.as_ref()));
    }
    for part in &answer.by_product {
        report.row(sums_row(&named(part.product.as_ref()), part.sums.as_ref()));
    }
    for part in &answer.by_basis {
        report.row(sums_row(basis(IncomeBasis::try_from(part.basis).unwrap_or_default()), part.sums.as_ref()));
    }
    report.row(sums_row("合计", answer.total.as_ref()));
    print(&report, format)?;
    if format == Format::Table {
        let per_head = |fen: Option<i64>| fen.map_or("—".to_owned(), |fen| loopledger_types::Money(fen).to_string());
        say!(
            "人均(元):应得净收入 {},实收 {}",
            per_head(answer.net_per_head_fen),
            per_head(answer.received_per_head_fen)
        )?;
    }
    Ok(())
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

/// Every fact behind a household's figures.
async fn print_lines(
    client: &Client,
    household: &str,
    window: (&str, &str, &str),
    format: Format,
) -> Result<(), Failure> {
    let mut report = Report::new("依据")
        .text("business_date", "日期")
        .text("view", "口径")
        .text("category", "类别")
        .text("basis", "方式")
        .text("product", "产品")
        .number("quantity", "数量")
        .number("gross_yuan", "金额")
        .number("cost_yuan", "费用")
        .text("payer", "付款方")
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
        for line in &answer.lines {
            report.row(vec![
                json!(line.business_date),
                json!(view(IncomeView::try_from(line.view).unwrap_or_default())),
                json!(category(IncomeCategory::try_from(line.category).unwrap_or_default())),
                json!(basis(IncomeBasis::try_from(line.basis).unwrap_or_default())),
                json!(named(line.product.as_ref())),
                json!(line.quantity),
                yuan(line.gross_fen),
                yuan(line.cost_fen),
                json!(named(line.payer.as_ref())),
                json!(line.lot_id),
                json!(fact(line.fact.as_ref())),
            ]);
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return print(&report, format);
        }
    }
}

async fn print_division(
    client: &Client,
    division: &str,
    window: (&str, &str, &str),
    format: Format,
) -> Result<(), Failure> {
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
        let answer = client.income()?.list_division_income(request).await?.into_inner();
        for row in &answer.rows {
            let household = row.household.clone().unwrap_or_else(HouseholdView::default);
            let sums = row.sums.unwrap_or_default();
            report.row(vec![
                json!(household.household_id),
                json!(household.division_name),
                json!(household_category(HouseholdCategory::try_from(household.category).unwrap_or_default())),
                json!(household.members),
                yuan(sums.gross_fen),
                yuan(sums.net_fen),
                yuan(sums.received_fen),
                some_yuan(row.net_per_head_fen),
            ]);
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            print(&report, format)?;
            if format == Format::Table {
                let total = answer.total.unwrap_or_default();
                say!(
                    "合计 {} 户 {} 人:应得毛额 {} 元,应得净额 {} 元,实收 {} 元",
                    answer.households,
                    answer.members,
                    loopledger_types::Money(total.gross_fen),
                    loopledger_types::Money(total.net_fen),
                    loopledger_types::Money(total.received_fen),
                )?;
            }
            return Ok(());
        }
    }
}

pub(super) fn print(report: &Report, format: Format) -> Result<(), Failure> {
    report.print(format, &mut stdout().lock()).map_err(Failure::output)
}
