//! `LoopService`: what goes round, what leaves, what money stays.

use loopledger_ledger::{FactRef, GoodsAccount, LoopFigure, LoopLevel, LoopMeasures};
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::loop_service_server::LoopService;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{BusinessDate, ProductId, Scope};
use loopledger_wire::query::{self, Page};
use std::sync::Arc;
use tonic::{Request, Response, Status};

use super::page::{FactPage, is_within};
use super::{Api, Fields, Terms};
use crate::shared::Folded;
use crate::view;

#[tonic::async_trait]
impl LoopService for Api {
    async fn get_loop(&self, request: Request<pb::GetLoopRequest>) -> Result<Response<pb::GetLoopResponse>, Status> {
        self.answer(self.loop_of(request).await)
    }

    async fn list_loop_by_division(
        &self,
        request: Request<pb::ListLoopByDivisionRequest>,
    ) -> Result<Response<pb::ListLoopByDivisionResponse>, Status> {
        self.answer(self.loop_by_division(request).await)
    }

    async fn list_loop_facts(
        &self,
        request: Request<pb::ListLoopFactsRequest>,
    ) -> Result<Response<pb::ListLoopFactsResponse>, Status> {
        self.answer(self.loop_facts(request).await)
    }
}

impl Api {
    async fn loop_of(&self, request: Request<pb::GetLoopRequest>) -> Result<pb::GetLoopResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let division = fields.optional_division(&request.division_code);
        let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let values = at_least.zip(division).zip(product).zip(months);
        let (((at_least, division), product), months) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer = self
            .long(&terms, move |folded| {
                let measures = folded.ledger.loop_measures(months.query(folded.days, division, product));
                measures_to_pb(&measures, super::heads(&shared, folded), folded)
            })
            .await?;
        Ok(answer)
    }

    async fn loop_by_division(
        &self,
        request: Request<pb::ListLoopByDivisionRequest>,
    ) -> Result<pb::ListLoopByDivisionResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = fields.take(Page::parse(request.page_size, &request.page_token));
        let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let level = level(&mut fields, request.level);
        let values = at_least.zip(page).zip(product).zip(months).zip(level);
        let ((((at_least, page), product), months), level) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer = self
            .long(&terms, move |folded| {
                let rows = folded.ledger.loop_by_division(months.query(folded.days, None, product), level);
                let (rows, next_page_token) = page.cut(rows, |(code, ..)| code.to_string().into_bytes());
                let divisions = rows.iter().map(|(code, products, money)| pb::DivisionLoop {
                    division_code: code.to_string(),
                    division_name: view::division_name(*code),
                    products: products.iter().map(|line| view::product_loop(line, &folded.ledger)).collect(),
                    money: Some(view::loop_money(money)),
                });
                let divisions = divisions.collect();
                pb::ListLoopByDivisionResponse { heads: super::heads(&shared, folded), next_page_token, divisions }
            })
            .await?;
        Ok(answer)
    }

    async fn loop_facts(
        &self,
        request: Request<pb::ListLoopFactsRequest>,
    ) -> Result<pb::ListLoopFactsResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let division = fields.optional_division(&request.division_code);
        let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let figure = figure(&mut fields, &request);
        let values = at_least.zip(page).zip(division).zip(product).zip(months).zip(figure);
        let (((((at_least, page), division), product), months), figure) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let reading = self.long(&terms, move |folded| {
            let heads = page.heads(folded);
            let mut facts = folded.ledger.loop_facts(&months.query(folded.days, division, product), figure);
            facts.retain(|(_, fact)| is_within(*fact, &heads));
            (page.cut(facts, heads), heads)
        });
        let ((facts, next_page_token), heads) = reading.await?;
        let hashes = self.shared.hashes_of_list(facts.iter().map(|(_, fact)| *fact), &heads).await?;
        let dated = |(date, fact): &(BusinessDate, FactRef)| pb::DatedFact {
            business_date: date.to_string(),
            fact: Some(hashes.fact(*fact, &self.shared)),
        };
        let facts = facts.iter().map(dated).collect();
        Ok(pb::ListLoopFactsResponse { heads: self.heads_at(&heads, &hashes), next_page_token, facts })
    }
}

/// Unspecified: townships.
fn level(fields: &mut Fields, number: i32) -> Option<LoopLevel> {
    match pb::DivisionLevel::try_from(number) {
        Ok(pb::DivisionLevel::County) => Some(LoopLevel::County),
        Ok(pb::DivisionLevel::Unspecified | pb::DivisionLevel::Township) => Some(LoopLevel::Township),
        Ok(pb::DivisionLevel::Village) => Some(LoopLevel::Village),
        Err(_) => {
            fields.wrong("level", "UNKNOWN_VALUE", "There is no such level of divisions.");
            None
        }
    }
}

fn figure(fields: &mut Fields, request: &pb::ListLoopFactsRequest) -> Option<LoopFigure> {
    use pb::LoopFigure as F;
    let scope: Option<Scope> = fields.take(query::optional_word("scope", request.scope))?;
    let figure = match F::try_from(request.figure) {
        Ok(F::Unspecified) => {
            fields.wrong("figure", "REQUIRED", "This field must not be unspecified.");
            return None;
        }
        Err(_) => {
            fields.wrong("figure", "UNKNOWN_VALUE", "There is no such figure.");
            return None;
        }
        Ok(F::Supply) => LoopFigure::Goods(GoodsAccount::Supply),
        Ok(F::BoughtIn) => LoopFigure::Goods(GoodsAccount::BoughtIn),
        Ok(F::Returned) => LoopFigure::Goods(GoodsAccount::Returned),
        Ok(F::Lost) => LoopFigure::Goods(GoodsAccount::Lost),
        Ok(F::Sales) => return Some(LoopFigure::Sales(scope)),
        Ok(F::GrossFlow) => LoopFigure::GrossFlow,
        Ok(F::Purchases) => LoopFigure::Purchases,
        Ok(F::SettledNet) => LoopFigure::SettledNet,
        Ok(F::PaidToProducers) => LoopFigure::PaidToProducers,
        Ok(F::PaidOut) => LoopFigure::PaidOut { in_county: false },
        Ok(F::PaidInCounty) => LoopFigure::PaidOut { in_county: true },
        Ok(F::Coverage) => LoopFigure::Coverage,
    };
    if scope.is_some() {
        fields.wrong("scope", "NOT_APPLICABLE", "Only sales are told apart by scope.");
        return None;
    }
    Some(figure)
}

fn measures_to_pb(measures: &LoopMeasures, heads: Vec<common::Position>, folded: &Folded) -> pb::GetLoopResponse {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    pb::GetLoopResponse {
        heads,
        products: measures.products.iter().map(|line| view::product_loop(line, &folded.ledger)).collect(),
        money: Some(view::loop_money(&measures.money)),
        delay: Some(pb::PaymentDelay {
            payments: measures.delay.payments,
            amount_fen: measures.delay.amount,
            mean_days_tenths: measures.delay.mean_tenths(),
        }),
        coverage: Some(pb::StationCoverage {
            active: count(measures.coverage.active()),
            covered: count(measures.coverage.covered()),
        }),
        targets: measures.targets.iter().map(view::target).collect(),
    }
}
