//! `income`: what a household earned and why, or the households of a division.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure, both, say, tr};
use loopledger_proto::ledger::v1::{
    GetHouseholdIncomeRequest, GetHouseholdIncomeResponse, HouseholdSums, IncomeLine, IncomeSums, IncomeView,
    ListDivisionIncomeRequest, ListDivisionIncomeResponse, ListIncomeLinesRequest,
};
use loopledger_types::Money;
use serde_json::{Value, json};

use super::divisions::parts_report;
use super::words::{
    basis, category, fact, household_category, measured, named, or_dash, some_yuan, unit, view as view_word, yuan,
};
use crate::output::{Cell, Format, Report, View};

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
    /// Leaves out everything recorded after this day, amounts and households alike.
    #[arg(long, default_value = "")]
    as_of: String,
    /// Groups by the list of divisions in force on this day, YYYY-MM-DD [default: on the window's last day].
    #[arg(long, default_value = "")]
    edition: String,
}

pub(crate) async fn income(client: &Client, args: &IncomeArgs, view: &View) -> Result<(), Failure> {
    let window = Window { from: &args.from, to: &args.to, as_of: &args.as_of, edition: &args.edition };
    match (&args.subject.household, &args.subject.division) {
        (Some(household), _) => {
            let lines = lines(client, household, window).await?;
            let report = || lines_report(&lines);
            match view.format {
                Format::Table => {
                    print_household(client, household, window, view).await?;
                    show_lines(&lines, view)
                }
                Format::Json => {
                    let answer = household_income(client, household, window).await?;
                    View::print_json(&household_json(&answer, &report()))
                }
                Format::Csv => view.print(&report()),
            }
        }
        (None, Some(division)) => print_division(client, division, window, view).await,
        (None, None) => {
            Err(Failure::Usage(both!("请指明 --household 或 --division", "name a --household or a --division")))
        }
    }
}

/// First and last business date, the day that it was known by, and the list of divisions; each may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window<'a> {
    from: &'a str,
    to: &'a str,
    as_of: &'a str,
    edition: &'a str,
}

async fn household_income(
    client: &Client,
    household: &str,
    window: Window<'_>,
) -> Result<GetHouseholdIncomeResponse, Failure> {
    let request = GetHouseholdIncomeRequest {
        household_id: household.to_owned(),
        from: window.from.to_owned(),
        to: window.to.to_owned(),
        as_of: window.as_of.to_owned(),
        division_edition: window.edition.to_owned(),
        ..GetHouseholdIncomeRequest::default()
    };
    Ok(client.income()?.get_household_income(client.in_county(request)).await?.into_inner())
}

/// The sums of one household, under a heading for each way to divide them.
pub(super) async fn print_household(
    client: &Client,
    household: &str,
    window: Window<'_>,
    view: &View,
) -> Result<(), Failure> {
    show_household(&household_income(client, household, window).await?, view)
}

pub(super) fn show_household(answer: &GetHouseholdIncomeResponse, view: &View) -> Result<(), Failure> {
    household_title(answer).iter().try_for_each(|line| view.say(line))?;
    view.say(pick(
        "金额单位:元。应得与实收是同一笔钱的两种口径,不相加。",
        "Amounts in yuan. Recognised and received are two views of the same money and are not added.",
    ))?;
    say!()?;
    let mut reports: Vec<Report> = parts(answer).into_iter().map(Part::report).collect();
    let mut total = sums_report(pick("合计", "Total"), pick("项目", "Item"));
    total.row(sums_row(pick("合计", "total").into(), answer.total.as_ref()));
    reports.push(total);
    view.sections(&reports)?;
    let (net, received) =
        (or_dash(&some_yuan(answer.net_per_head_fen)), or_dash(&some_yuan(answer.received_per_head_fen)));
    view.say(&tr!(
        "人均(元):应得净收入 {net},实收 {received}",
        "Per head (yuan): recognised net {net}, received {received}"
    ))
}

/// One way to divide a household's income; each adds up to the total.
struct Part {
    key: &'static str,
    title: &'static str,
    item: &'static str,
    rows: Vec<(Cell, Option<IncomeSums>)>,
}

impl Part {
    fn report(self) -> Report {
        let mut report = sums_report(self.title, self.item);
        for (item, sums) in self.rows {
            report.row(sums_row(item, sums.as_ref()));
        }
        report
    }
}

fn parts(answer: &GetHouseholdIncomeResponse) -> [Part; 5] {
    let months = answer.by_month.iter().map(|part| (Cell::from(&part.month), part.sums));
    let categories = answer.by_category.iter().map(|part| (category(part.category()), part.sums));
    let products = answer.by_product.iter().map(|part| (named(part.product.as_ref()).into(), part.sums));
    let bases = answer.by_basis.iter().map(|part| (basis(part.basis()), part.sums));
    let stations = answer.by_station.iter().map(|part| (named(part.station.as_ref()).into(), part.sums));
    let part = |key, title, item, rows| Part { key, title, item, rows };
    [
        part("by_month", pick("按月份", "By month"), pick("月份", "Month"), months.collect()),
        part("by_category", pick("按收入类别", "By category"), pick("类别", "Category"), categories.collect()),
        part("by_product", pick("按产品", "By product"), pick("产品", "Product"), products.collect()),
        part("by_basis", pick("按收购方式", "By terms"), pick("方式", "Terms"), bases.collect()),
        part("by_station", pick("按站点", "By station"), pick("站点", "Station"), stations.collect()),
    ]
}

fn household_json(answer: &GetHouseholdIncomeResponse, lines: &Report) -> Value {
    let household = answer.household.clone().unwrap_or_default();
    let mut json = json!({
        "household_id": household.household_id,
        "division_code": household.division_code,
        "division_name": household.division_name,
        "division_edition": answer.division_edition,
        "category": household_category(household.category()).value(),
        "members": household.members,
        "net_per_head_yuan": some_yuan(answer.net_per_head_fen),
        "received_per_head_yuan": some_yuan(answer.received_per_head_fen),
        "total": sums_json(answer.total.as_ref()),
        "lines": lines.to_json(),
    });
    if let Some(object) = json.as_object_mut() {
        object.extend(parts(answer).map(|part| (part.key.to_owned(), part.report().to_json())));
    }
    json
}

fn household_title(answer: &GetHouseholdIncomeResponse) -> [String; 2] {
    let household = answer.household.clone().unwrap_or_default();
    let (id, code, name) = (&household.household_id, &household.division_code, &household.division_name);
    let (kind, members) = (household_category(household.category()).text(), household.members);
    [
        tr!("农户 {id}", "Household {id}"),
        tr!("{code} {name} · {kind} · {members} 人", "{code} {name} · {kind} · {members} members"),
    ]
}

fn sums_report(title: &str, item: &'static str) -> Report {
    Report::new(title)
        .text("item", item, item)
        .number("gross_yuan", "应得毛额", "Gross")
        .number("cost_yuan", "费用", "Cost")
        .number("net_yuan", "应得净额", "Net")
        .number("received_yuan", "实收", "Received")
        .number("facts", "依据(笔)", "Facts")
}

fn sums_row(item: Cell, sums: Option<&IncomeSums>) -> [Cell; 6] {
    let sums = sums.copied().unwrap_or_default();
    [
        item,
        yuan(sums.gross_fen).into(),
        yuan(sums.cost_fen).into(),
        yuan(sums.net_fen).into(),
        yuan(sums.received_fen).into(),
        sums.facts.into(),
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
async fn lines(client: &Client, household: &str, window: Window<'_>) -> Result<Vec<IncomeLine>, Failure> {
    let mut lines = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListIncomeLinesRequest {
            page_size: PAGE,
            page_token,
            household_id: household.to_owned(),
            from: window.from.to_owned(),
            to: window.to.to_owned(),
            as_of: window.as_of.to_owned(),
            ..ListIncomeLinesRequest::default()
        };
        let answer = client.income()?.list_income_lines(client.in_county(request)).await?.into_inner();
        lines.extend(answer.lines);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(lines);
        }
    }
}

pub(super) fn show_lines(lines: &[IncomeLine], view: &View) -> Result<(), Failure> {
    say!()?;
    view.print(&lines_report(lines))?;
    view.more_on_request()
}

fn lines_report(lines: &[IncomeLine]) -> Report {
    let mut report = Report::new(pick("依据", "Evidence"))
        .text("business_date", "日期", "Date")
        .text("view", "口径", "View")
        .text("category", "类别", "Category")
        .on_request()
        .text("basis", "方式", "Terms")
        .text("product", "产品", "Product")
        .number("quantity", "数量", "Quantity")
        .text("unit", "单位", "Unit")
        .for_programs()
        .number("gross_yuan", "金额", "Amount")
        .number("cost_yuan", "费用", "Cost")
        .text("payer", "付款方", "Payer")
        .if_room()
        .text("station", "站点", "Station")
        .if_room()
        .text("lot_id", "批次", "Lot")
        .on_request()
        .text("fact", "记录", "Fact")
        .on_request();
    for line in lines {
        report.row(line_row(line));
    }
    report
}

/// What was received has neither quantity nor cost of its own.
fn line_row(line: &IncomeLine) -> [Cell; 13] {
    let recognised = line.view() == IncomeView::Recognised;
    let of_goods = |cell: Cell| if recognised { cell } else { Value::Null.into() };
    [
        (&line.business_date).into(),
        view_word(line.view()),
        category(line.category()),
        basis(line.basis()),
        named(line.product.as_ref()).into(),
        of_goods(measured(line.quantity, line.unit())),
        of_goods(unit(line.unit())),
        yuan(line.gross_fen).into(),
        of_goods(yuan(line.cost_fen).into()),
        named(line.payer.as_ref()).into(),
        named(line.station.as_ref()).into(),
        (&line.lot_id).into(),
        fact(line.fact.as_ref()).into(),
    ]
}

async fn print_division(client: &Client, division: &str, window: Window<'_>, view: &View) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut page_token = String::new();
    let whole = loop {
        let request = ListDivisionIncomeRequest {
            page_size: PAGE,
            page_token,
            division_code: division.to_owned(),
            from: window.from.to_owned(),
            to: window.to.to_owned(),
            as_of: window.as_of.to_owned(),
            division_edition: window.edition.to_owned(),
            ..ListDivisionIncomeRequest::default()
        };
        let mut answer = client.income()?.list_division_income(client.in_county(request)).await?.into_inner();
        rows.append(&mut answer.rows);
        page_token = std::mem::take(&mut answer.next_page_token);
        if page_token.is_empty() {
            break answer;
        }
    };
    match view.format {
        Format::Table => {
            if !whole.by_division.is_empty() {
                view.print(&parts_report(&whole))?;
                say!()?;
            }
            show_rows(division, &rows, view)?;
            view.say(&total_line(&whole))
        }
        Format::Json => View::print_json(&json!({
            "division_code": division,
            "division_edition": whole.division_edition,
            "households": whole.households,
            "members": whole.members,
            "by_division": parts_report(&whole).to_json(),
            "total": sums_json(whole.total.as_ref()),
            "rows": rows_report(division, &rows).to_json(),
        })),
        Format::Csv => view.print(&rows_report(division, &rows)),
    }
}

pub(super) fn show_rows(division: &str, rows: &[HouseholdSums], view: &View) -> Result<(), Failure> {
    view.print(&rows_report(division, rows))
}

fn rows_report(division: &str, rows: &[HouseholdSums]) -> Report {
    let mut report = Report::new(tr!("{division} 各户收入(元)", "Households of {division} (yuan)"))
        .text("household_id", "农户", "Household")
        .text("division", "村", "Village")
        .if_room()
        .text("category", "类别", "Category")
        .if_room()
        .number("members", "人数", "Members")
        .number("gross_yuan", "应得毛额", "Gross")
        .if_room()
        .number("net_yuan", "应得净额", "Net")
        .number("received_yuan", "实收", "Received")
        .number("net_per_head_yuan", "人均净额", "Per head");
    for row in rows {
        report.row(household_row(row));
    }
    report
}

fn household_row(row: &HouseholdSums) -> [Cell; 8] {
    let household = row.household.clone().unwrap_or_default();
    let sums = row.sums.unwrap_or_default();
    [
        (&household.household_id).into(),
        (&household.division_name).into(),
        household_category(household.category()),
        household.members.into(),
        yuan(sums.gross_fen).into(),
        yuan(sums.net_fen).into(),
        yuan(sums.received_fen).into(),
        some_yuan(row.net_per_head_fen).into(),
    ]
}

fn total_line(answer: &ListDivisionIncomeResponse) -> String {
    let total = answer.total.unwrap_or_default();
    let (gross, net, received) = (Money(total.gross_fen), Money(total.net_fen), Money(total.received_fen));
    let (households, members) = (answer.households, answer.members);
    tr!(
        "合计 {households} 户 {members} 人:应得毛额 {gross} 元,应得净额 {net} 元,实收 {received} 元",
        "Total of {households} households, {members} members: gross {gross}, net {net}, received {received} yuan"
    )
}
