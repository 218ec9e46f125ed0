//! Income by the parts of a division, and the list of divisions used.

use loopledger_client::lang::pick;
use loopledger_client::tr;
use loopledger_proto::ledger::v1::ListDivisionIncomeResponse;

use super::words::{some_yuan, yuan};
use crate::output::Report;

/// The next lower level: townships of a county, villages of a township.
pub(super) fn parts_report(answer: &ListDivisionIncomeResponse) -> Report {
    let edition = edition_line(&answer.division_edition);
    let mut report = Report::new(tr!("按区划(元;{edition})", "By division (yuan; {edition})"))
        .text("division_code", "代码", "Code")
        .text("division", "区划", "Division")
        .number("households", "户数", "Households")
        .number("members", "人数", "Members")
        .number("gross_yuan", "应得毛额", "Gross")
        .if_room()
        .number("net_yuan", "应得净额", "Net")
        .number("received_yuan", "实收", "Received")
        .number("net_per_head_yuan", "人均净额", "Per head");
    for part in &answer.by_division {
        let sums = part.sums.unwrap_or_default();
        let name = if part.division_code.is_empty() { pick("其他", "other") } else { &part.division_name };
        report.row([
            (&part.division_code).into(),
            name.into(),
            part.households.into(),
            part.members.into(),
            yuan(sums.gross_fen).into(),
            yuan(sums.net_fen).into(),
            yuan(sums.received_fen).into(),
            some_yuan(part.net_per_head_fen).into(),
        ]);
    }
    report
}

pub(super) fn edition_line(edition: &str) -> String {
    tr!("区划按 {edition} 的目录", "divisions as listed on {edition}")
}
