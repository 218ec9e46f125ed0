//! `statement`: a party's book in a month.

use loopledger_proto::ledger::v1::counterparty::Who;
use loopledger_proto::ledger::v1::{Account, AccountAmount, Counterparty, DerivedAmount, GetStatementRequest};
use serde_json::{Value, json};

use super::income::{print, print_json};
use super::words::{fact, named, yuan};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Format, Report, say};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StatementArgs {
    /// The party's id.
    party: String,
    /// The month, YYYY-MM.
    #[arg(long)]
    period: String,
}

pub(crate) async fn statement(client: &Client, args: &StatementArgs, format: Format) -> Result<(), Failure> {
    let mut report = Report::new(format!("{} {} 对账单(元,借方为正)", args.party, args.period))
        .text("business_date", "日期")
        .text("text", "摘要")
        .text("account", "科目")
        .text("counterparty", "对方")
        .number("amount_yuan", "金额")
        .text("lot_id", "批次")
        .text("fact", "记录");
    let mut page_token = String::new();
    let mut first = true;
    let mut derived = Vec::new();
    loop {
        let request = GetStatementRequest {
            page_size: 1_000,
            page_token,
            party_id: args.party.clone(),
            month: args.period.clone(),
            // Of the whole statement: once is enough.
            derived: first,
            ..GetStatementRequest::default()
        };
        let mut answer = client.ledger()?.get_statement(request).await?.into_inner();
        if std::mem::take(&mut first) {
            derived = std::mem::take(&mut answer.derived);
            answer.opening.iter().for_each(|amount| report.row(balance_row("期初", amount)));
        }
        for line in &answer.lines {
            report.row(vec![
                json!(line.business_date),
                json!(line.label),
                json!(account(line.account.as_ref())),
                json!(counterparty(line.counterparty.as_ref())),
                yuan(line.amount_fen),
                json!(line.lot_id),
                json!(fact(line.fact.as_ref())),
            ]);
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            answer.closing.iter().for_each(|amount| report.row(balance_row("期末", amount)));
            return print_statement(&report, &derived, format);
        }
    }
}

fn print_statement(lines: &Report, derived: &[DerivedAmount], format: Format) -> Result<(), Failure> {
    let derived = derived_report(derived);
    match format {
        Format::Table => {
            print(lines, format)?;
            say!()?;
            print(&derived, format)
        }
        Format::Json => print_json(&json!({ "lines": lines.to_json(), "derived": derived.to_json() })),
        Format::Csv => print(lines, format),
    }
}

/// What valuation adds to the accounts.
fn derived_report(derived: &[DerivedAmount]) -> Report {
    let mut report = Report::new("推算(由批次计价得出,未记账;与记账余额相加为科目余额;1321/2314 为备查)")
        .text("account", "科目")
        .number("opening_yuan", "期初")
        .number("movement_yuan", "本月")
        .number("closing_yuan", "期末");
    for amount in derived {
        report.row(vec![
            json!(account(amount.account.as_ref())),
            yuan(amount.opening_fen),
            yuan(amount.movement_fen),
            yuan(amount.closing_fen),
        ]);
    }
    report
}

fn balance_row(text: &str, amount: &AccountAmount) -> Vec<Value> {
    vec![
        json!(""),
        json!(text),
        json!(account(amount.account.as_ref())),
        json!(""),
        yuan(amount.amount_fen),
        json!(""),
        json!(""),
    ]
}

fn account(account: Option<&Account>) -> String {
    account.map_or_else(String::new, |account| format!("{} {}", account.number, account.chinese))
}

fn counterparty(counterparty: Option<&Counterparty>) -> String {
    match counterparty.and_then(|counterparty| counterparty.who.as_ref()) {
        None => String::new(),
        Some(Who::Party(party)) => named(Some(party)),
        Some(Who::Outside(scope)) => format!("外部({scope})"),
    }
}
