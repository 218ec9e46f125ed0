//! A party's statement.

use std::collections::BTreeMap;

use loopledger_ledger::{Account, StatementLine};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::PartyId;
use loopledger_wire::query;

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{DerivedAmount, FactPage, GetStatement, Names, StatementAnswer, WithFact};

impl Rpc for pb::GetStatementRequest {
    type Query = GetStatement;
    type Response = pb::GetStatementResponse;

    fn parse(&self, fields: &mut Fields) -> Option<GetStatement> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let party = fields.take(query::id("party_id", &self.party_id, PartyId::parse));
        let month = fields.take(query::month("month", &self.month));
        let as_of = fields.take(query::optional_date("as_of", &self.as_of));
        Some(GetStatement { party: party?, month: month?, as_of: as_of?, derived: self.derived, page: page? })
    }

    fn to_pb(answer: StatementAnswer) -> pb::GetStatementResponse {
        let names = &answer.names;
        pb::GetStatementResponse {
            heads: view::positions(&answer.heads),
            next_page_token: answer.next_page_token,
            party: Some(view::party(answer.party, names)),
            opening: amounts(&answer.opening),
            lines: answer.lines.iter().map(|line| line_to_pb(line, names)).collect(),
            closing: amounts(&answer.closing),
            derived: answer.derived.iter().map(derived_to_pb).collect(),
        }
    }
}

/// Without the book.
pub(super) fn line_to_pb(WithFact { fact, row: line }: &WithFact<StatementLine>, names: &Names) -> pb::StatementLine {
    pb::StatementLine {
        business_date: line.date.to_string(),
        fact: Some(view::fact(fact)),
        text: line.text.code().to_owned(),
        label: line.text.chinese().to_owned(),
        account: Some(view::account(line.account)),
        counterparty: view::counterparty(line.counterparty, names),
        lot_id: line.lot.map(|(lot, _)| lot.to_string()).unwrap_or_default(),
        amount_fen: line.amount,
        book: None,
    }
}

fn amounts(sums: &BTreeMap<Account, i64>) -> Vec<pb::AccountAmount> {
    let lines = sums.iter().filter(|(_, amount)| **amount != 0);
    lines
        .map(|(account, amount)| pb::AccountAmount { account: Some(view::account(*account)), amount_fen: *amount })
        .collect()
}

fn derived_to_pb(amount: &DerivedAmount) -> pb::DerivedAmount {
    pb::DerivedAmount {
        account: Some(view::account(amount.account)),
        opening_fen: amount.opening,
        movement_fen: amount.movement,
        closing_fen: amount.closing,
    }
}
