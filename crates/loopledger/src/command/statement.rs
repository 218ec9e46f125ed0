//! `statement`: a party's book in a month.

use loopledger_client::lang::pick;
use loopledger_client::{Client, Failure, tr};
use loopledger_proto::ledger::v1::counterparty::Who;
use loopledger_proto::ledger::v1::{
    AccountAmount, Counterparty, DerivedAmount, GetStatementRequest, GetStatementResponse, StatementLine,
};
use serde_json::json;

use super::words::{account, coded, fact, named, yuan};
use crate::output::{Cell, Format, Report, View};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StatementArgs {
    /// The party's id.
    party: String,
    /// The month, YYYY-MM.
    #[arg(long)]
    period: String,
}

pub(crate) async fn statement(client: &Client, args: &StatementArgs, view: &View) -> Result<(), Failure> {
    let mut whole: Option<GetStatementResponse> = None;
    let mut page_token = String::new();
    loop {
        let request = GetStatementRequest {
            page_size: 1_000,
            page_token,
            party_id: args.party.clone(),
            month: args.period.clone(),
            // Of the whole statement: once is enough.
            derived: whole.is_none(),
            ..GetStatementRequest::default()
        };
        let mut answer = client.ledger()?.get_statement(client.in_county(request)).await?.into_inner();
        page_token = std::mem::take(&mut answer.next_page_token);
        match &mut whole {
            Some(whole) => {
                whole.lines.append(&mut answer.lines);
                whole.closing = answer.closing;
            }
            None => whole = Some(answer),
        }
        if page_token.is_empty() {
            return show(&whole.unwrap_or_default(), (&args.party, &args.period), view);
        }
    }
}

pub(super) fn show(answer: &GetStatementResponse, (party, period): (&str, &str), view: &View) -> Result<(), Failure> {
    let mut report = Report::new(tr!(
        "{party} {period} 对账单(元,借方为正)",
        "Statement of {party}, {period} (yuan, debit positive)"
    ))
    .text("business_date", "日期", "Date")
    .text("text", "摘要", "Text")
    .text("account", "科目", "Account")
    .text("counterparty", "对方", "Counterparty")
    .number("amount_yuan", "金额", "Amount")
    .text("lot_id", "批次", "Lot")
    .on_request()
    .text("fact", "记录", "Fact")
    .on_request();
    answer.opening.iter().for_each(|amount| report.row(balance_row("期初", "opening", amount)));
    answer.lines.iter().for_each(|line| report.row(line_row(line)));
    answer.closing.iter().for_each(|amount| report.row(balance_row("期末", "closing", amount)));
    print_statement(&report, &answer.derived, view)
}

fn print_statement(lines: &Report, derived: &[DerivedAmount], view: &View) -> Result<(), Failure> {
    let derived = derived_report(derived);
    match view.format {
        Format::Table => {
            view.sections(&[lines.clone(), derived])?;
            view.more_on_request()
        }
        Format::Json => View::print_json(&json!({ "lines": lines.to_json(), "derived": derived.to_json() })),
        Format::Csv => view.print(lines),
    }
}

fn line_row(line: &StatementLine) -> [Cell; 7] {
    [
        (&line.business_date).into(),
        coded(&line.text, &line.label),
        account(line.account.as_ref()),
        counterparty(line.counterparty.as_ref()),
        yuan(line.amount_fen).into(),
        (&line.lot_id).into(),
        fact(line.fact.as_ref()).into(),
    ]
}

/// What valuation adds to the accounts.
fn derived_report(derived: &[DerivedAmount]) -> Report {
    let title = pick(
        "推算(由批次计价得出,未记账;与记账余额相加为科目余额;1321/2314 为备查)",
        "Derived from the valuation of lots, not posted (added to the posted balance; 1321 and 2314 are memoranda)",
    );
    let mut report = Report::new(title)
        .text("account", "科目", "Account")
        .number("opening_yuan", "期初", "Opening")
        .number("movement_yuan", "本月", "Movement")
        .number("closing_yuan", "期末", "Closing");
    for amount in derived {
        report.row([
            account(amount.account.as_ref()),
            yuan(amount.opening_fen).into(),
            yuan(amount.movement_fen).into(),
            yuan(amount.closing_fen).into(),
        ]);
    }
    report
}

fn balance_row(chinese: &'static str, english: &'static str, amount: &AccountAmount) -> [Cell; 7] {
    [
        "".into(),
        Cell::shown(json!(chinese), pick(chinese, english).to_owned()),
        account(amount.account.as_ref()),
        "".into(),
        yuan(amount.amount_fen).into(),
        "".into(),
        "".into(),
    ]
}

fn counterparty(counterparty: Option<&Counterparty>) -> Cell {
    match counterparty.and_then(|counterparty| counterparty.who.as_ref()) {
        None => "".into(),
        Some(Who::Party(party)) => named(Some(party)).into(),
        Some(Who::Outside(scope)) => {
            Cell::shown(json!(format!("外部({scope})")), tr!("外部({scope})", "outside ({scope})"))
        }
    }
}
