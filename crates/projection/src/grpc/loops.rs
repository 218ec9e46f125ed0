//! `LoopService`: what goes round, what leaves, what money stays.

use loopledger_domain::FieldFault;
use loopledger_ledger::{
    Coverage, GoodsAccount, LoopFact, LoopLevel, LoopMoney, LoopPart, PaymentDelay, ProductLoop, Subject, Target,
    ValueAdded,
};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::{ProductId, Scope};
use loopledger_wire::query::{self, Page};

use super::fields::Fields;
use super::loop_figure::figure;
use super::serve::Rpc;
use super::view;
use crate::api::{
    FactPage, GetLoop, ListLoopByDivision, ListLoopFacts, LoopAnswer, LoopByDivisionAnswer, LoopFactsAnswer,
    LoopWindow, Names, WithFact, division_name,
};

impl Rpc for pb::GetLoopRequest {
    type Query = GetLoop;
    type Response = pb::GetLoopResponse;

    fn parse(&self, fields: &mut Fields) -> Option<GetLoop> {
        let divisions = fields.divisions(&self.division_code, &self.division_edition);
        let product = fields.take(query::optional_id("product_id", &self.product_id, ProductId::parse));
        let months = fields.months(&self.from_month, &self.to_month);
        let window = LoopWindow { months: months?, divisions: divisions?, product: product? };
        Some(GetLoop { window, value_added: self.value_added })
    }

    fn to_pb(LoopAnswer { heads, measures, value_added, names }: LoopAnswer) -> pb::GetLoopResponse {
        let targets = measures.targets.as_ref();
        let added = |id| value_added.as_ref().map(|added| added.get(&id).copied().unwrap_or_default());
        let products = measures.products.iter().map(|line| pb::ProductLoop {
            value_added: added(line.product).as_ref().map(value_added_to_pb),
            ..product_to_pb(line, &names)
        });
        pb::GetLoopResponse {
            heads: view::positions(&heads),
            products: products.collect(),
            money: Some(money_to_pb(&measures.money)),
            delay: Some(delay_to_pb(&measures.delay)),
            coverage: Some(coverage_to_pb(&measures.coverage)),
            targets: targets.map_or_else(Vec::new, |targets| targets.targets.iter().map(target_to_pb).collect()),
            target_year: targets.and_then(|targets| u32::try_from(targets.year).ok()).unwrap_or(0),
            division_edition: measures.query.edition.day().to_string(),
        }
    }
}

impl Rpc for pb::ListLoopByDivisionRequest {
    type Query = ListLoopByDivision;
    type Response = pb::ListLoopByDivisionResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListLoopByDivision> {
        let page = fields.take(Page::parse(self.page_size, &self.page_token));
        let product = fields.take(query::optional_id("product_id", &self.product_id, ProductId::parse));
        let divisions = fields.divisions(&self.division_code, &self.division_edition);
        let months = fields.months(&self.from_month, &self.to_month);
        let level = level(fields, self.level);
        let window = LoopWindow { months: months?, divisions: divisions?, product: product? };
        Some(ListLoopByDivision { window, level: level?, page: page? })
    }

    fn to_pb(answer: LoopByDivisionAnswer) -> pb::ListLoopByDivisionResponse {
        let LoopByDivisionAnswer { heads, edition, divisions, rest, next_page_token, names } = answer;
        let divisions = divisions.iter().map(|(code, part)| pb::DivisionLoop {
            division_code: code.to_string(),
            division_name: division_name(*code, edition).to_owned(),
            ..part_to_pb(part, &names)
        });
        pb::ListLoopByDivisionResponse {
            heads: view::positions(&heads),
            next_page_token,
            divisions: divisions.collect(),
            division_edition: edition.day().to_string(),
            rest: Some(part_to_pb(&rest, &names)),
        }
    }
}

impl Rpc for pb::ListLoopFactsRequest {
    type Query = ListLoopFacts;
    type Response = pb::ListLoopFactsResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListLoopFacts> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let divisions = fields.divisions(&self.division_code, &self.division_edition);
        let product = fields.take(query::optional_id("product_id", &self.product_id, ProductId::parse));
        let months = fields.months(&self.from_month, &self.to_month);
        let figure = figure(fields, self);
        let window = LoopWindow { months: months?, divisions: divisions?, product: product? };
        Some(ListLoopFacts { window, figure: figure?, page: page? })
    }

    fn to_pb(answer: LoopFactsAnswer) -> pb::ListLoopFactsResponse {
        pb::ListLoopFactsResponse {
            heads: view::positions(&answer.heads),
            next_page_token: answer.next_page_token,
            facts: answer.facts.iter().map(|fact| fact_to_pb(fact, &answer.names)).collect(),
            division_edition: answer.edition.day().to_string(),
        }
    }
}

/// Unspecified: townships.
fn level(fields: &mut Fields, number: i32) -> Option<LoopLevel> {
    match pb::DivisionLevel::try_from(number) {
        Ok(pb::DivisionLevel::County) => Some(LoopLevel::County),
        Ok(pb::DivisionLevel::Unspecified | pb::DivisionLevel::Township) => Some(LoopLevel::Township),
        Ok(pb::DivisionLevel::Village) => Some(LoopLevel::Village),
        Err(_) => {
            fields.wrong("level", FieldFault::UnknownValue, "There is no such level of divisions.");
            None
        }
    }
}

/// Without code and name.
fn part_to_pb(part: &LoopPart, names: &Names) -> pb::DivisionLoop {
    pb::DivisionLoop {
        division_code: String::new(),
        division_name: String::new(),
        products: part.products.iter().map(|line| product_to_pb(line, names)).collect(),
        money: Some(money_to_pb(&part.money)),
        delay: Some(delay_to_pb(&part.delay)),
        coverage: Some(coverage_to_pb(&part.coverage)),
    }
}

fn fact_to_pb(WithFact { fact, row }: &WithFact<LoopFact>, names: &Names) -> pb::DatedFact {
    let subject = row.subject.map(|subject| match subject {
        Subject::Station(station) => view::place(station, names),
        Subject::Seller(seller) => view::party(seller, names),
    });
    pb::DatedFact {
        business_date: row.date.to_string(),
        fact: Some(view::fact(fact)),
        quantity: row.quantity,
        amount_fen: row.value,
        subject,
        division_code: row.division.map(|division| division.to_string()).unwrap_or_default(),
    }
}

/// Without the value added.
fn product_to_pb(line: &ProductLoop, names: &Names) -> pb::ProductLoop {
    use GoodsAccount as G;
    let came_in = |account| line.movement(account).saturating_neg();
    let sold =
        [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside].map(|scope| line.movement(G::Sold(scope)));
    let stock = G::ALL.into_iter().filter(|account| account.is_stock());
    let opening_stock = stock.fold(0_i64, |sum, account| sum.saturating_add(line.opening(account)));
    pb::ProductLoop {
        product: Some(view::product(line.product, names)),
        unit: view::unit(line.product, names),
        supply: came_in(G::Supply),
        bought_in: came_in(G::BoughtIn),
        produced: came_in(G::Produced),
        found: came_in(G::Found),
        sold: Some(by_scope(sold)),
        returned: line.movement(G::Returned),
        lost: line.movement(G::Lost),
        own_use: line.movement(G::OwnUse),
        transformed: line.movement(G::Transformed),
        opening_stock,
        closing_stock: opening_stock.saturating_add(line.stock_change()),
        identity_holds: line.identity_holds(),
        sales_fen: Some(by_scope(line.sales)),
        purchases_fen: line.purchases,
        bought_in_fen: line.bought_in_value,
        settled_net_fen: line.settled_net,
        closed_loop_quantity_bp: line.closed_loop_quantity_bp(),
        closed_loop_value_bp: line.closed_loop_value_bp(),
        pending: line.closing(G::Pending),
        on_hand: line.closing(G::OnHand),
        reserved: line.closing(G::Reserved),
        quarantined: line.closing(G::Quarantined),
        in_transit: line.closing(G::InTransit),
        in_process: line.closing(G::InProcess),
        value_added: None,
    }
}

const fn by_scope([county, prefecture, region, outside]: [i64; 4]) -> pb::ByScope {
    pb::ByScope { county, prefecture, region, outside }
}

fn value_added_to_pb(added: &ValueAdded) -> pb::ValueAdded {
    pb::ValueAdded {
        sales_fen: added.sales,
        input_cost_fen: added.input_cost,
        value_added_fen: added.amount(),
        value_added_bp: added.basis_points(),
    }
}

fn money_to_pb(money: &LoopMoney) -> pb::LoopMoney {
    pb::LoopMoney {
        final_sales_fen: money.final_sales,
        gross_flow_fen: money.gross_flow,
        sales_fen: Some(by_scope(money.sales)),
        closed_loop_value_bp: money.closed_loop_value_bp(),
        paid_out_fen: money.paid_out,
        paid_in_county_fen: money.paid_in_county,
        kept_in_county_bp: money.kept_in_county_bp(),
    }
}

fn delay_to_pb(delay: &PaymentDelay) -> pb::PaymentDelay {
    pb::PaymentDelay { payments: delay.payments, amount_fen: delay.amount, mean_days_tenths: delay.mean_tenths() }
}

fn coverage_to_pb(coverage: &Coverage) -> pb::StationCoverage {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    pb::StationCoverage { active: count(coverage.active()), covered: count(coverage.covered()) }
}

fn target_to_pb(target: &Target) -> pb::Target {
    pb::Target {
        name: target.kind.as_str().to_owned(),
        label: target.kind.chinese().to_owned(),
        actual: target.actual,
        target: target.target,
        reached: target.is_reached(),
    }
}
