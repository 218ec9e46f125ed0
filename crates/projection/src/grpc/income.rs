//! `IncomeService`: what households earned, and why.

use loopledger_domain::FieldFault;
use loopledger_ledger::{
    DivisionIncome, DivisionSums, HouseholdIncome, IncomeCategory, IncomeFilter, IncomeLine, IncomeView, Ledger,
};
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::income_service_server::IncomeService;
use loopledger_service::grpc::deadline_of;
use loopledger_types::divisions::Edition;
use loopledger_types::{DivisionCode, EntityKind, PartyId, ProductId};
use loopledger_wire::query::{self, Page};
use tonic::{Request, Response, Status};

use super::page::{FactPage, is_within};
use super::{Api, Fields, Terms, not_found};
use crate::view;

#[tonic::async_trait]
impl IncomeService for Api {
    async fn get_household_income(
        &self,
        request: Request<pb::GetHouseholdIncomeRequest>,
    ) -> Result<Response<pb::GetHouseholdIncomeResponse>, Status> {
        self.answer(self.household_income(request).await)
    }

    async fn list_income_lines(
        &self,
        request: Request<pb::ListIncomeLinesRequest>,
    ) -> Result<Response<pb::ListIncomeLinesResponse>, Status> {
        self.answer(self.income_lines(request).await)
    }

    async fn list_division_income(
        &self,
        request: Request<pb::ListDivisionIncomeRequest>,
    ) -> Result<Response<pb::ListDivisionIncomeResponse>, Status> {
        self.answer(self.division_income(request).await)
    }
}

impl Api {
    async fn household_income(
        &self,
        request: Request<pb::GetHouseholdIncomeRequest>,
    ) -> Result<pb::GetHouseholdIncomeResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let household = fields.take(query::id("household_id", &request.household_id, PartyId::parse));
        let window = fields.window(&request.from, &request.to, &request.as_of);
        let divisions = fields.divisions("", &request.division_edition);
        let values = at_least.zip(household).zip(window).zip(divisions);
        let (((at_least, household), window), divisions) = fields.finish(values)?;
        let folded = self.folded(&Terms { at_least, consequences: request.consequences, deadline }).await?;
        let (query, _) = window.over(&folded.ledger, divisions);
        let income = folded.ledger.household_income(household, query);
        let income = income.ok_or_else(|| not_found(EntityKind::Party, &household))?;
        Ok(household_to_pb(&income, self.heads(&folded), &folded.ledger))
    }

    async fn income_lines(
        &self,
        request: Request<pb::ListIncomeLinesRequest>,
    ) -> Result<pb::ListIncomeLinesResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let household = fields.take(query::id("household_id", &request.household_id, PartyId::parse));
        let window = fields.window(&request.from, &request.to, &request.as_of);
        let divisions = fields.divisions("", "");
        let filter = filter(&mut fields, &request);
        let values = at_least.zip(page).zip(household).zip(window).zip(divisions).zip(filter);
        let (((((at_least, page), household), window), divisions), filter) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let folded = self.folded(&terms).await?;
        let (query, _) = window.over(&folded.ledger, divisions);
        if folded.ledger.household(household, &query).is_none() {
            return Err(not_found(EntityKind::Party, &household));
        }
        let heads = page.heads(&folded);
        let mut lines = folded.ledger.income_lines(household, query, &filter);
        lines.retain(|line| is_within(line.at, &heads));
        let (lines, next_page_token) = page.cut(lines, heads);
        let mut rows: Vec<pb::IncomeLine> = lines.iter().map(|line| line_to_pb(line, &folded.ledger)).collect();
        drop(folded);
        let facts = lines.iter().map(|line| line.at);
        let hashes = self.shared.hashes_of_list(facts, &heads).await?;
        for (row, line) in rows.iter_mut().zip(&lines) {
            row.fact = Some(view::fact(&hashes.fact(line.at)));
        }
        Ok(pb::ListIncomeLinesResponse { heads: self.heads_at(&heads, &hashes), next_page_token, lines: rows })
    }

    async fn division_income(
        &self,
        request: Request<pb::ListDivisionIncomeRequest>,
    ) -> Result<pb::ListDivisionIncomeResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = fields.take(Page::parse(request.page_size, &request.page_token));
        let county = self.shared.county;
        let divisions = fields.divisions_of(county, &request.division_code, &request.division_edition);
        let window = fields.window(&request.from, &request.to, &request.as_of);
        let category = fields.take(query::optional_word("category", request.category));
        let values = at_least.zip(page).zip(divisions).zip(window).zip(category);
        let ((((at_least, page), divisions), window), category) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = std::sync::Arc::clone(&self.shared);
        let answer = self
            .long(&terms, move |folded| {
                let (query, division) = window.over(&folded.ledger, divisions);
                let division = division.unwrap_or_else(|| county.into());
                let income = folded.ledger.division_income(division, category, query);
                division_to_pb(income, &page, super::heads(&shared, folded))
            })
            .await?;
        Ok(answer)
    }
}

fn filter(fields: &mut Fields, request: &pb::ListIncomeLinesRequest) -> Option<IncomeFilter> {
    let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
    let month = fields.optional_month("month", &request.month);
    let view = match pb::IncomeView::try_from(request.view) {
        Ok(pb::IncomeView::Unspecified) => Some(None),
        Ok(pb::IncomeView::Recognised) => Some(Some(IncomeView::Recognised)),
        Ok(pb::IncomeView::Received) => Some(Some(IncomeView::Received)),
        Err(_) => {
            fields.wrong("view", FieldFault::UnknownValue, "There is no such view.");
            None
        }
    };
    let category = match pb::IncomeCategory::try_from(request.category) {
        Ok(pb::IncomeCategory::Unspecified) => Some(None),
        Ok(pb::IncomeCategory::Operating) => Some(Some(IncomeCategory::Operating)),
        Ok(pb::IncomeCategory::Wage) => Some(Some(IncomeCategory::Wage)),
        Ok(pb::IncomeCategory::Property) => Some(Some(IncomeCategory::Property)),
        Ok(pb::IncomeCategory::Transfer) => Some(Some(IncomeCategory::Transfer)),
        Err(_) => {
            fields.wrong("category", FieldFault::UnknownValue, "There is no such category of income.");
            None
        }
    };
    Some(IncomeFilter { view: view?, category: category?, product: product?, basis: None, month: month? })
}

fn household_to_pb(
    income: &HouseholdIncome,
    heads: Vec<loopledger_proto::common::v1::Position>,
    ledger: &Ledger,
) -> pb::GetHouseholdIncomeResponse {
    let by_product = income.by_product.iter().map(|(product, sums)| pb::ProductIncome {
        product: product.map(|id| view::product(id, ledger)),
        sums: Some(view::sums(sums)),
    });
    let by_basis = income.by_basis.iter();
    let by_station = income.by_station.iter().map(|(station, sums)| pb::StationIncome {
        station: station.map(|id| view::place(id, ledger)),
        sums: Some(view::sums(sums)),
    });
    pb::GetHouseholdIncomeResponse {
        heads,
        household: Some(view::household(&income.household, income.query.edition)),
        total: Some(view::sums(&income.total)),
        net_per_head_fen: income.net_per_head(),
        received_per_head_fen: income.received_per_head(),
        by_category: income.by_category.iter().map(category_to_pb).collect(),
        by_month: income.by_month.iter().map(month_to_pb).collect(),
        by_product: by_product.collect(),
        by_basis: by_basis
            .map(|(basis, sums)| pb::BasisIncome { basis: view::basis(*basis).into(), sums: Some(view::sums(sums)) })
            .collect(),
        by_station: by_station.collect(),
        division_edition: income.query.edition.day().to_string(),
    }
}

fn category_to_pb((category, sums): (&IncomeCategory, &loopledger_ledger::IncomeSums)) -> pb::CategoryIncome {
    pb::CategoryIncome { category: view::category(*category).into(), sums: Some(view::sums(sums)) }
}

fn month_to_pb((month, sums): (&loopledger_types::Month, &loopledger_ledger::IncomeSums)) -> pb::MonthIncome {
    pb::MonthIncome { month: month.to_string(), sums: Some(view::sums(sums)) }
}

/// Without its fact, whose hash is found later.
fn line_to_pb(line: &IncomeLine, ledger: &Ledger) -> pb::IncomeLine {
    fn text(id: Option<impl ToString>) -> String {
        id.map(|id| id.to_string()).unwrap_or_default()
    }
    pb::IncomeLine {
        fact: None,
        business_date: line.date.to_string(),
        recorded_on: line.recorded_on.to_string(),
        view: view::income_view(line.view).into(),
        category: view::category(line.category).into(),
        basis: view::basis(line.basis).into(),
        product: line.product.map(|id| view::product(id, ledger)),
        lot_id: text(line.lot),
        receipt_id: text(line.receipt),
        settlement_id: text(line.settlement),
        payout_id: text(line.payout),
        payer: line.payer.map(|id| view::party(id, ledger)),
        quantity: line.quantity,
        gross_fen: line.gross,
        cost_fen: line.cost,
        unit: line.product.map_or(0, |id| view::unit(id, ledger)),
        station: line.station.map(|id| view::place(id, ledger)),
    }
}

fn division_to_pb(
    income: DivisionIncome,
    page: &Page,
    heads: Vec<loopledger_proto::common::v1::Position>,
) -> pb::ListDivisionIncomeResponse {
    let edition = income.query.edition;
    let households = u64::try_from(income.households.len()).unwrap_or(u64::MAX);
    // Those that stand in none of the parts come last.
    let parts = income.by_division.iter().filter(|(code, _)| code.is_some());
    let parts = parts.chain(income.by_division.get_key_value(&None));
    let parts = parts.map(|(code, part)| part_to_pb(*code, part, edition)).collect();
    let (rows, next_page_token) = page.cut(income.households, |(household, _)| household.id.0.to_vec());
    let rows = rows.iter().map(|(household, sums)| pb::HouseholdSums {
        household: Some(view::household(household, edition)),
        sums: Some(view::sums(sums)),
        net_per_head_fen: per_head(sums.net(), household.members),
    });
    pb::ListDivisionIncomeResponse {
        heads,
        next_page_token,
        total: Some(view::sums(&income.total)),
        households,
        members: income.members,
        by_category: income.by_category.iter().map(category_to_pb).collect(),
        by_month: income.by_month.iter().map(month_to_pb).collect(),
        rows: rows.collect(),
        division_edition: edition.day().to_string(),
        by_division: parts,
    }
}

fn part_to_pb(code: Option<DivisionCode>, part: &DivisionSums, edition: Edition) -> pb::DivisionSums {
    pb::DivisionSums {
        division_code: code.map(|code| code.to_string()).unwrap_or_default(),
        division_name: code.map(|code| view::division_name(code, edition)).unwrap_or_default(),
        households: part.households,
        members: part.members,
        sums: Some(view::sums(&part.sums)),
        net_per_head_fen: part.net_per_head(),
    }
}

/// Rounded half up; `None` without members.
fn per_head(fen: i64, members: u32) -> Option<i64> {
    let members = i64::from(members);
    let doubled = fen.checked_mul(2)?.checked_add(members)?;
    doubled.checked_div_euclid(members.checked_mul(2)?)
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
