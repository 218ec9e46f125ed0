//! What households earned, and why.

use loopledger_domain::HouseholdCategory;
use loopledger_ledger::{DivisionIncome, HouseholdIncome, IncomeFilter, IncomeLine, IncomeSums, PartyView};
use loopledger_types::divisions::Edition;
use loopledger_types::{EntityKind, PartyId, Position, mul_div_half_up};
use loopledger_wire::query::Page;

use super::names::Naming;
use super::page::is_within;
use super::{Divisions, FactPage, Names, Query, QueryError, Reader, Window, WithFact, not_found};
use crate::shared::Sequences;

/// The income of one household.
#[derive(Debug, Clone)]
pub struct GetHouseholdIncome {
    pub household: PartyId,
    pub window: Window,
    /// The list of divisions that says where it stands.
    pub edition: Option<Edition>,
}

#[derive(Debug, Clone)]
pub struct HouseholdIncomeAnswer {
    pub heads: Vec<Position>,
    pub income: HouseholdIncome,
    pub names: Names,
}

impl Query for GetHouseholdIncome {
    type Answer = HouseholdIncomeAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let folded = reader.folded().await;
        let (query, _) = self.window.over(&folded.ledger, Divisions::all(self.edition));
        let income = folded.ledger.household_income(self.household, query);
        let income = income.ok_or_else(|| not_found(EntityKind::Party, &self.household))?;
        let mut naming = Naming::of(&folded.ledger);
        naming.products(income.by_product.keys().copied().flatten());
        naming.places(income.by_station.keys().copied().flatten());
        Ok(HouseholdIncomeAnswer { heads: folded.positions(), names: naming.finish(), income })
    }
}

/// The facts behind a household's income.
#[derive(Debug, Clone)]
pub struct ListIncomeLines {
    pub household: PartyId,
    pub window: Window,
    pub filter: IncomeFilter,
    pub page: FactPage,
}

#[derive(Debug, Clone)]
pub struct IncomeLinesAnswer {
    pub heads: Vec<Position>,
    pub lines: Vec<WithFact<IncomeLine>>,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for ListIncomeLines {
    type Answer = IncomeLinesAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let folded = reader.folded().await;
        let (query, _) = self.window.over(&folded.ledger, Divisions::default());
        if folded.ledger.household(self.household, &query).is_none() {
            return Err(not_found(EntityKind::Party, &self.household));
        }
        let heads = self.page.heads(&folded);
        let mut lines = folded.ledger.income_lines(self.household, query, &self.filter);
        lines.retain(|line| is_within(line.at, &heads));
        let (lines, next_page_token) = self.page.cut(lines, heads);
        let mut naming = Naming::of(&folded.ledger);
        for line in &lines {
            naming.products(line.product);
            naming.places(line.station);
            naming.parties(line.payer);
        }
        let names = naming.finish();
        drop(folded);
        let hashes = reader.shared.hashes_of_list(lines.iter().map(|line| line.at), &heads).await?;
        let lines = hashes.with_facts(lines, |line| line.at);
        Ok(IncomeLinesAnswer { heads: hashes.heads(&heads), lines, next_page_token, names })
    }
}

/// The income of the households of a division, or of the whole county.
#[derive(Debug, Clone)]
pub struct ListDivisionIncome {
    pub divisions: Divisions,
    pub window: Window,
    pub category: Option<HouseholdCategory>,
    pub page: Page,
}

#[derive(Debug, Clone)]
pub struct DivisionIncomeAnswer {
    pub heads: Vec<Position>,
    /// With the households of this page.
    pub income: DivisionIncome,
    /// Households of all pages.
    pub household_count: usize,
    pub next_page_token: String,
}

impl Query for ListDivisionIncome {
    type Answer = DivisionIncomeAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let county = reader.shared.county;
        let answer = reader.long(move |folded| {
            let (query, division) = self.window.over(&folded.ledger, self.divisions);
            let division = division.unwrap_or_else(|| county.into());
            let mut income = folded.ledger.division_income(division, self.category, query);
            let household_count = income.households.len();
            let (households, next_page_token) =
                self.page.cut(core::mem::take(&mut income.households), |(household, _)| household.id.0.to_vec());
            income.households = households;
            DivisionIncomeAnswer { heads: folded.positions(), income, household_count, next_page_token }
        });
        Ok(answer.await?)
    }
}

/// A household's recognised net income per member, fen, rounded half up; `None` without members.
pub fn net_per_head(household: &PartyView, sums: &IncomeSums) -> Option<i64> {
    per_head(sums.net(), household.members)
}

fn per_head(fen: i64, members: u32) -> Option<i64> {
    mul_div_half_up(fen, 1, i64::from(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_per_head_are_rounded_half_up() {
        for (fen, members, expected) in
            [(0, 0, None), (100, 0, None), (0, 3, Some(0)), (10, 4, Some(3)), (9, 4, Some(2)), (-10, 4, Some(-2))]
        {
            assert_eq!(per_head(fen, members), expected, "{fen} / {members}");
        }
    }
}
