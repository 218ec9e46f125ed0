//! Balances of books, and the lines behind them.

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::{Account, Counterparty};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::{PartyId, Scope};
use loopledger_wire::query::{self, Page};

use super::fields::Fields;
use super::serve::Rpc;
use super::statement::line_to_pb;
use super::view;
use crate::api::{
    BalanceFactsAnswer, BalancesAnswer, GetTrialBalance, LinePage, ListBalanceFacts, ListBalances, TrialBalanceAnswer,
};

impl Rpc for pb::ListBalancesRequest {
    type Query = ListBalances;
    type Response = pb::ListBalancesResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListBalances> {
        let page = fields.take(Page::parse(self.page_size, &self.page_token));
        let party = fields.take(query::id("party_id", &self.party_id, PartyId::parse));
        let through = fields.optional_month("through_month", &self.through_month);
        Some(ListBalances { party: party?, through: through?, page: page? })
    }

    fn to_pb(BalancesAnswer { heads, balances, next_page_token, names }: BalancesAnswer) -> pb::ListBalancesResponse {
        let balances = balances.iter().map(|balance| pb::Balance {
            account: Some(view::account(balance.account)),
            counterparty: view::counterparty(balance.counterparty, &names),
            amount_fen: balance.amount,
        });
        pb::ListBalancesResponse { heads: view::positions(&heads), next_page_token, balances: balances.collect() }
    }
}

impl Rpc for pb::GetTrialBalanceRequest {
    type Query = GetTrialBalance;
    type Response = pb::GetTrialBalanceResponse;

    fn parse(&self, fields: &mut Fields) -> Option<GetTrialBalance> {
        let party = fields.take(query::optional_id("party_id", &self.party_id, PartyId::parse));
        let months = fields.months(&self.from_month, &self.to_month);
        Some(GetTrialBalance { party: party?, months: months? })
    }

    fn to_pb(TrialBalanceAnswer { heads, lines }: TrialBalanceAnswer) -> pb::GetTrialBalanceResponse {
        let lines = lines.iter().map(|line| pb::TrialBalanceLine {
            account: Some(view::account(line.account)),
            opening_fen: line.opening,
            movement_fen: line.movement,
            closing_fen: line.closing,
        });
        pb::GetTrialBalanceResponse { heads: view::positions(&heads), lines: lines.collect() }
    }
}

impl Rpc for pb::ListBalanceFactsRequest {
    type Query = ListBalanceFacts;
    type Response = pb::ListBalanceFactsResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListBalanceFacts> {
        let page = fields.take(LinePage::parse(self.page_size, &self.page_token));
        let party = fields.take(query::optional_id("party_id", &self.party_id, PartyId::parse));
        let account = account(fields, &self.account_number);
        let counterparty = counterparty(fields, self.counterparty.as_ref());
        let months = fields.months(&self.from_month, &self.to_month);
        let (account, counterparty) = (account?, counterparty?);
        Some(ListBalanceFacts { party: party?, account, counterparty, months: months?, page: page? })
    }

    fn to_pb(answer: BalanceFactsAnswer) -> pb::ListBalanceFactsResponse {
        let lines = answer.lines.iter().map(|line| pb::StatementLine {
            book: Some(view::party(line.row.book, &answer.names)),
            ..line_to_pb(line, &answer.names)
        });
        pb::ListBalanceFactsResponse {
            heads: view::positions(&answer.heads),
            lines: lines.collect(),
            next_page_token: answer.next_page_token,
        }
    }
}

#[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
fn account(fields: &mut Fields, number: &str) -> Option<Option<Account>> {
    if number.is_empty() {
        return Some(None);
    }
    let account = Account::parse(number);
    if account.is_none() {
        fields.wrong("account_number", FieldFault::UnknownValue, "There is no such account in the chart.");
    }
    account.map(Some)
}

#[expect(clippy::option_option, reason = "outer: acceptable or not; inner: there or not")]
fn counterparty(fields: &mut Fields, counterparty: Option<&pb::Counterparty>) -> Option<Option<Counterparty>> {
    use pb::counterparty::Who;
    let Some(counterparty) = counterparty else { return Some(None) };
    let found = match &counterparty.who {
        None => Ok(Counterparty::None),
        Some(Who::Party(party)) => {
            query::id("counterparty.party.id", &party.id, PartyId::parse).map(Counterparty::Party)
        }
        Some(Who::Outside(name)) => {
            let scopes = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];
            let scope = scopes.into_iter().find(|scope| view::scope_name(*scope) == name);
            scope.map(Counterparty::Outside).ok_or_else(|| {
                let text = "Outside is county, prefecture, region or outside.";
                Rejection::invalid("counterparty.outside", FieldFault::UnknownValue, text)
            })
        }
    };
    fields.take(found).map(Some)
}
