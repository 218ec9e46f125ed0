//! `IncomeService`: what households earned, and why.

use loopledger_domain::FieldFault;
use loopledger_ledger::{
    Basis, DivisionSums, IncomeCategory, IncomeFilter, IncomeLine, IncomeSums, IncomeView, PartyView,
};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::divisions::Edition;
use loopledger_types::{DivisionCode, Month, PartyId, ProductId};
use loopledger_wire::Word;
use loopledger_wire::query::{self, Page};

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{
    DivisionIncomeAnswer, FactPage, GetHouseholdIncome, HouseholdIncomeAnswer, IncomeLinesAnswer, ListDivisionIncome,
    ListIncomeLines, Names, WithFact, division_name, net_per_head,
};

impl Rpc for pb::GetHouseholdIncomeRequest {
    type Query = GetHouseholdIncome;
    type Response = pb::GetHouseholdIncomeResponse;

    fn parse(&self, fields: &mut Fields) -> Option<GetHouseholdIncome> {
        let household = fields.take(query::id("household_id", &self.household_id, PartyId::parse));
        let window = fields.window(&self.from, &self.to, &self.as_of);
        let edition = fields.edition(&self.division_edition);
        Some(GetHouseholdIncome { household: household?, window: window?, edition: edition? })
    }

    fn to_pb(HouseholdIncomeAnswer { heads, income, names }: HouseholdIncomeAnswer) -> pb::GetHouseholdIncomeResponse {
        let by_product = income.by_product.iter().map(|(product, sums)| pb::ProductIncome {
            product: product.map(|id| view::product(id, &names)),
            sums: Some(sums_to_pb(sums)),
        });
        let by_basis = income.by_basis.iter();
        let by_basis = by_basis
            .map(|(basis, sums)| pb::BasisIncome { basis: basis_to_pb(*basis).into(), sums: Some(sums_to_pb(sums)) });
        let by_station = income.by_station.iter().map(|(station, sums)| pb::StationIncome {
            station: station.map(|id| view::place(id, &names)),
            sums: Some(sums_to_pb(sums)),
        });
        pb::GetHouseholdIncomeResponse {
            heads: view::positions(&heads),
            household: Some(household_to_pb(&income.household, income.query.edition)),
            total: Some(sums_to_pb(&income.total)),
            net_per_head_fen: income.net_per_head(),
            received_per_head_fen: income.received_per_head(),
            by_category: income.by_category.iter().map(category_row).collect(),
            by_month: income.by_month.iter().map(month_row).collect(),
            by_product: by_product.collect(),
            by_basis: by_basis.collect(),
            by_station: by_station.collect(),
            division_edition: income.query.edition.day().to_string(),
        }
    }
}

impl Rpc for pb::ListIncomeLinesRequest {
    type Query = ListIncomeLines;
    type Response = pb::ListIncomeLinesResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListIncomeLines> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let household = fields.take(query::id("household_id", &self.household_id, PartyId::parse));
        let window = fields.window(&self.from, &self.to, &self.as_of);
        let filter = filter(fields, self);
        Some(ListIncomeLines { household: household?, window: window?, filter: filter?, page: page? })
    }

    fn to_pb(answer: IncomeLinesAnswer) -> pb::ListIncomeLinesResponse {
        pb::ListIncomeLinesResponse {
            heads: view::positions(&answer.heads),
            next_page_token: answer.next_page_token,
            lines: answer.lines.iter().map(|line| line_to_pb(line, &answer.names)).collect(),
        }
    }
}

impl Rpc for pb::ListDivisionIncomeRequest {
    type Query = ListDivisionIncome;
    type Response = pb::ListDivisionIncomeResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListDivisionIncome> {
        let page = fields.take(Page::parse(self.page_size, &self.page_token));
        let divisions = fields.divisions_of_county(&self.division_code, &self.division_edition);
        let window = fields.window(&self.from, &self.to, &self.as_of);
        let category = fields.take(query::optional_word("category", self.category));
        Some(ListDivisionIncome { divisions: divisions?, window: window?, category: category?, page: page? })
    }

    fn to_pb(answer: DivisionIncomeAnswer) -> pb::ListDivisionIncomeResponse {
        let DivisionIncomeAnswer { heads, income, household_count, next_page_token } = answer;
        let edition = income.query.edition;
        // Those that stand in none of the parts come last.
        let parts = income.by_division.iter().filter(|(code, _)| code.is_some());
        let parts = parts.chain(income.by_division.get_key_value(&None));
        let rows = income.households.iter().map(|(household, sums)| pb::HouseholdSums {
            household: Some(household_to_pb(household, edition)),
            sums: Some(sums_to_pb(sums)),
            net_per_head_fen: net_per_head(household, sums),
        });
        pb::ListDivisionIncomeResponse {
            heads: view::positions(&heads),
            next_page_token,
            total: Some(sums_to_pb(&income.total)),
            households: view::number(household_count),
            members: income.members,
            by_category: income.by_category.iter().map(category_row).collect(),
            by_month: income.by_month.iter().map(month_row).collect(),
            rows: rows.collect(),
            division_edition: edition.day().to_string(),
            by_division: parts.map(|(code, part)| part_to_pb(*code, part, edition)).collect(),
        }
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

fn line_to_pb(WithFact { fact, row: line }: &WithFact<IncomeLine>, names: &Names) -> pb::IncomeLine {
    fn text(id: Option<impl ToString>) -> String {
        id.map(|id| id.to_string()).unwrap_or_default()
    }
    pb::IncomeLine {
        fact: Some(view::fact(fact)),
        business_date: line.date.to_string(),
        recorded_on: line.recorded_on.to_string(),
        view: view_to_pb(line.view).into(),
        category: category_to_pb(line.category).into(),
        basis: basis_to_pb(line.basis).into(),
        product: line.product.map(|id| view::product(id, names)),
        lot_id: text(line.lot),
        receipt_id: text(line.receipt),
        settlement_id: text(line.settlement),
        payout_id: text(line.payout),
        payer: line.payer.map(|id| view::party(id, names)),
        quantity: line.quantity,
        gross_fen: line.gross,
        cost_fen: line.cost,
        unit: line.product.map_or(0, |id| view::unit(id, names)),
        station: line.station.map(|id| view::place(id, names)),
    }
}

fn part_to_pb(code: Option<DivisionCode>, part: &DivisionSums, edition: Edition) -> pb::DivisionSums {
    pb::DivisionSums {
        division_code: code.map(|code| code.to_string()).unwrap_or_default(),
        division_name: code.map(|code| division_name(code, edition).to_owned()).unwrap_or_default(),
        households: part.households,
        members: part.members,
        sums: Some(sums_to_pb(&part.sums)),
        net_per_head_fen: part.net_per_head(),
    }
}

fn category_row((category, sums): (&IncomeCategory, &IncomeSums)) -> pb::CategoryIncome {
    pb::CategoryIncome { category: category_to_pb(*category).into(), sums: Some(sums_to_pb(sums)) }
}

fn month_row((month, sums): (&Month, &IncomeSums)) -> pb::MonthIncome {
    pb::MonthIncome { month: month.to_string(), sums: Some(sums_to_pb(sums)) }
}

fn sums_to_pb(sums: &IncomeSums) -> pb::IncomeSums {
    pb::IncomeSums {
        gross_fen: sums.gross,
        cost_fen: sums.cost,
        net_fen: sums.net(),
        received_fen: sums.received,
        facts: sums.lines,
    }
}

fn household_to_pb(view: &PartyView, edition: Edition) -> pb::HouseholdView {
    pb::HouseholdView {
        household_id: view.id.to_string(),
        division_code: view.division.map(|code| code.to_string()).unwrap_or_default(),
        division_name: view.division.map(|code| division_name(code, edition).to_owned()).unwrap_or_default(),
        category: view.category.map_or(0, Word::number),
        members: view.members,
    }
}

const fn category_to_pb(category: IncomeCategory) -> pb::IncomeCategory {
    match category {
        IncomeCategory::Operating => pb::IncomeCategory::Operating,
        IncomeCategory::Wage => pb::IncomeCategory::Wage,
        IncomeCategory::Property => pb::IncomeCategory::Property,
        IncomeCategory::Transfer => pb::IncomeCategory::Transfer,
    }
}

const fn basis_to_pb(basis: Option<Basis>) -> pb::IncomeBasis {
    match basis {
        None => pb::IncomeBasis::Unspecified,
        Some(Basis::Outright) => pb::IncomeBasis::Outright,
        Some(Basis::AgreedPrice) => pb::IncomeBasis::AgreedPrice,
        Some(Basis::Commission) => pb::IncomeBasis::Commission,
    }
}

const fn view_to_pb(view: IncomeView) -> pb::IncomeView {
    match view {
        IncomeView::Recognised => pb::IncomeView::Recognised,
        IncomeView::Received => pb::IncomeView::Received,
    }
}
