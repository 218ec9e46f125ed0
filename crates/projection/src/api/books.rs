//! Balances of books.

use loopledger_ledger::{Balance, Counterparty, TrialBalanceLine};
use loopledger_types::{EntityKind, Month, PartyId, Position, Scope};
use loopledger_wire::query::Page;

use super::names::Naming;
use super::{Months, Names, Query, QueryError, Reader, not_found};

/// What stands in a party's book, by account and counterparty.
#[derive(Debug, Clone)]
pub struct ListBalances {
    pub party: PartyId,
    /// The last month; without it, that of the last fact.
    pub through: Option<Month>,
    pub page: Page,
}

#[derive(Debug, Clone)]
pub struct BalancesAnswer {
    pub heads: Vec<Position>,
    pub balances: Vec<Balance>,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for ListBalances {
    type Answer = BalancesAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let party = self.party;
        let answer = reader.long(move |folded| {
            let last = folded.last_day(None)?;
            folded.ledger.party(party, last, None)?;
            let balances = folded.ledger.balances(party, self.through.unwrap_or_else(|| last.month()));
            let (balances, next_page_token) = self.page.cut(balances, balance_key);
            let mut naming = Naming::of(&folded.ledger);
            for balance in &balances {
                naming.counterparty(balance.counterparty);
            }
            Some(BalancesAnswer { heads: folded.positions(), balances, next_page_token, names: naming.finish() })
        });
        answer.await?.ok_or_else(|| not_found(EntityKind::Party, &party))
    }
}

/// Ascending as the ledger lists them: by account, then by counterparty: none, parties by id, outside by scope.
fn balance_key(balance: &Balance) -> Vec<u8> {
    let mut key = vec![balance.account.index()];
    match balance.counterparty {
        Counterparty::None => key.push(0),
        Counterparty::Party(id) => {
            key.push(1);
            key.extend_from_slice(&id.0);
        }
        Counterparty::Outside(scope) => {
            let scopes = [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside];
            let at = scopes.iter().position(|each| *each == scope).and_then(|at| u8::try_from(at).ok());
            key.extend_from_slice(&[2, at.unwrap_or(u8::MAX)]);
        }
    }
    key
}

/// What every account held and how it moved, in one book or in all.
#[derive(Debug, Clone, Copy)]
pub struct GetTrialBalance {
    pub party: Option<PartyId>,
    pub months: Months,
}

#[derive(Debug, Clone)]
pub struct TrialBalanceAnswer {
    pub heads: Vec<Position>,
    pub lines: Vec<TrialBalanceLine>,
}

impl Query for GetTrialBalance {
    type Answer = TrialBalanceAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let answer = reader.long(move |folded| {
            let (from, to) = self.months.over(&folded.ledger);
            if let Some(party) = self.party {
                let found = folded.ledger.party(party, to.last_day(), None);
                found.ok_or_else(|| not_found(EntityKind::Party, &party))?;
            }
            let lines = folded.ledger.trial_balance(self.party, from, to);
            Ok(TrialBalanceAnswer { heads: folded.positions(), lines })
        });
        answer.await?
    }
}
