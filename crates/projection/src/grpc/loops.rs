//! `LoopService`: what goes round, what leaves, what money stays.

use std::sync::Arc;

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::{Ledger, LoopLevel, LoopMeasures, LoopPart, LoopQuery};
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_proto::ledger::v1::loop_service_server::LoopService;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{EntityKind, ProductId};
use loopledger_wire::query::{self, Page};
use loopledger_wire::rejection_status;
use tonic::{Request, Response, Status};

use super::{Api, Fields, Terms, not_found};
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
        let divisions = fields.divisions(&request.division_code, &request.division_edition);
        let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let values = at_least.zip(divisions).zip(product).zip(months);
        let (((at_least, divisions), product), months) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer: Result<_, Unknown> = self
            .long(&terms, move |folded| {
                let query = months.query(&folded.ledger, divisions, product);
                known(&query, folded)?;
                let mut measures = folded.ledger.loop_measures(query);
                if months.is_open() && folded.ledger.days(None).is_none() {
                    // No fact says which year is meant.
                    measures.targets = None;
                }
                let mut answer = measures_to_pb(&measures, super::heads(&shared, folded), folded);
                if request.value_added {
                    add_value(&mut answer, &query, folded);
                }
                Ok(answer)
            })
            .await?;
        Ok(answer?)
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
        let divisions = fields.divisions(&request.division_code, &request.division_edition);
        let months = fields.months(&request.from_month, &request.to_month);
        let level = level(&mut fields, request.level);
        let values = at_least.zip(page).zip(divisions).zip(product).zip(months).zip(level);
        let (((((at_least, page), divisions), product), months), level) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer: Result<_, Unknown> = self
            .long(&terms, move |folded| {
                let query = months.query(&folded.ledger, divisions, product);
                known(&query, folded)?;
                let parts = folded.ledger.loop_by_division(query, level);
                let (rows, next_page_token) = page.cut(parts.divisions, |(code, _)| code.to_string().into_bytes());
                let divisions = rows.iter().map(|(code, part)| pb::DivisionLoop {
                    division_code: code.to_string(),
                    division_name: view::division_name(*code, query.edition),
                    ..part_to_pb(part, &folded.ledger)
                });
                Ok(pb::ListLoopByDivisionResponse {
                    heads: super::heads(&shared, folded),
                    next_page_token,
                    divisions: divisions.collect(),
                    division_edition: query.edition.day().to_string(),
                    rest: Some(part_to_pb(&parts.rest, &folded.ledger)),
                })
            })
            .await?;
        Ok(answer?)
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

fn measures_to_pb(measures: &LoopMeasures, heads: Vec<common::Position>, folded: &Folded) -> pb::GetLoopResponse {
    let targets = measures.targets.as_ref();
    pb::GetLoopResponse {
        heads,
        products: measures.products.iter().map(|line| view::product_loop(line, &folded.ledger)).collect(),
        money: Some(view::loop_money(&measures.money)),
        delay: Some(view::delay(&measures.delay)),
        coverage: Some(view::coverage(&measures.coverage)),
        targets: targets.map_or_else(Vec::new, |targets| targets.targets.iter().map(view::target).collect()),
        target_year: targets.and_then(|targets| u32::try_from(targets.year).ok()).unwrap_or(0),
        division_edition: measures.query.edition.day().to_string(),
    }
}

/// Without code and name.
fn part_to_pb(part: &LoopPart, ledger: &Ledger) -> pb::DivisionLoop {
    pb::DivisionLoop {
        division_code: String::new(),
        division_name: String::new(),
        products: part.products.iter().map(|line| view::product_loop(line, ledger)).collect(),
        money: Some(view::loop_money(&part.money)),
        delay: Some(view::delay(&part.delay)),
        coverage: Some(view::coverage(&part.coverage)),
    }
}

fn add_value(answer: &mut pb::GetLoopResponse, query: &LoopQuery, folded: &Folded) {
    let added = folded.ledger.value_added(query);
    for row in &mut answer.products {
        let id = row.product.as_ref().and_then(|product| ProductId::parse(&product.id).ok());
        row.value_added = id.map(|id| view::value_added(&added.get(&id).copied().unwrap_or_default()));
    }
}

/// What a query asks for and no fact names: that is told, not answered with nothing.
#[derive(Debug)]
pub(super) enum Unknown {
    Product(ProductId),
    Division,
}

impl From<Unknown> for Status {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Product(product) => not_found(EntityKind::Product, &product),
            Unknown::Division => {
                let text = "The division lies in another county, and no goods came from it.";
                rejection_status(&Rejection::invalid("division_code", FieldFault::OtherCounty, text))
            }
        }
    }
}

pub(super) fn known(query: &LoopQuery, folded: &Folded) -> Result<(), Unknown> {
    if let Some(product) = query.product
        && folded.ledger.product(product).is_none()
    {
        return Err(Unknown::Product(product));
    }
    match query.division {
        Some(division) if !folded.ledger.is_origin(division) => Err(Unknown::Division),
        Some(_) | None => Ok(()),
    }
}
