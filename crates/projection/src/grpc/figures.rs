//! The facts behind the figures of the loop, and what each of them adds.

use loopledger_domain::FieldFault;
use loopledger_ledger::{GoodsAccount, Ledger, LoopFact, LoopFigure, Payees, Subject, Way};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_types::{ProductId, Scope};
use loopledger_wire::query;
use tonic::{Request, Status};

use super::loops::{Unknown, known};
use super::page::{FactPage, is_within};
use super::{Api, Fields, Terms};
use crate::view;

impl Api {
    pub(super) async fn loop_facts(
        &self,
        request: Request<pb::ListLoopFactsRequest>,
    ) -> Result<pb::ListLoopFactsResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = FactPage::parse(&mut fields, request.page_size, &request.page_token);
        let divisions = fields.divisions(&request.division_code, &request.division_edition);
        let product = fields.take(query::optional_id("product_id", &request.product_id, ProductId::parse));
        let months = fields.months(&request.from_month, &request.to_month);
        let figure = figure(&mut fields, &request);
        let values = at_least.zip(page).zip(divisions).zip(product).zip(months).zip(figure);
        let (((((at_least, page), divisions), product), months), figure) = fields.finish(values)?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        self.continued(&page, &terms).await?;
        let reading = self.long(&terms, move |folded| {
            let query = months.query(&folded.ledger, divisions, product);
            known(&query, folded)?;
            let heads = page.heads(folded);
            let mut facts = folded.ledger.loop_facts(&query, figure);
            facts.retain(|fact| is_within(fact.at, &heads));
            let (facts, next_page_token) = page.cut(facts, heads);
            let rows = facts.iter().map(|fact| fact_to_pb(fact, &folded.ledger)).collect::<Vec<_>>();
            Ok::<_, Unknown>((facts, rows, next_page_token, heads, query.edition))
        });
        let (facts, mut rows, next_page_token, heads, edition) = reading.await??;
        let hashes = self.shared.hashes_of_list(facts.iter().map(|fact| fact.at), &heads).await?;
        for (row, fact) in rows.iter_mut().zip(&facts) {
            row.fact = Some(view::fact(&hashes.fact(fact.at)));
        }
        let (heads, division_edition) = (self.heads_at(&heads, &hashes), edition.day().to_string());
        Ok(pb::ListLoopFactsResponse { heads, next_page_token, facts: rows, division_edition })
    }
}

fn figure(fields: &mut Fields, request: &pb::ListLoopFactsRequest) -> Option<LoopFigure> {
    use GoodsAccount as G;
    use pb::LoopFigure as F;
    let scope: Option<Scope> = fields.take(query::optional_word("scope", request.scope))?;
    let figure = match F::try_from(request.figure) {
        Ok(F::Unspecified) => {
            fields.wrong("figure", FieldFault::Required, "This field must not be unspecified.");
            return None;
        }
        Err(_) => {
            fields.wrong("figure", FieldFault::UnknownValue, "There is no such figure.");
            return None;
        }
        Ok(F::Sales) => return Some(LoopFigure::Sales(scope)),
        Ok(F::Sold) => return Some(LoopFigure::Sold(scope)),
        Ok(F::Supply) => LoopFigure::Flow(G::Supply),
        Ok(F::BoughtIn) => LoopFigure::Flow(G::BoughtIn),
        Ok(F::Produced) => LoopFigure::Flow(G::Produced),
        Ok(F::Found) => LoopFigure::Flow(G::Found),
        Ok(F::Returned) => LoopFigure::Flow(G::Returned),
        Ok(F::Lost) => LoopFigure::Flow(G::Lost),
        Ok(F::OwnUse) => LoopFigure::Flow(G::OwnUse),
        Ok(F::Transformed) => LoopFigure::Flow(G::Transformed),
        Ok(F::OpeningStock) => LoopFigure::OpeningStock,
        Ok(F::ClosingStock) => LoopFigure::ClosingStock(None),
        Ok(F::Pending) => LoopFigure::ClosingStock(Some(G::Pending)),
        Ok(F::OnHand) => LoopFigure::ClosingStock(Some(G::OnHand)),
        Ok(F::Reserved) => LoopFigure::ClosingStock(Some(G::Reserved)),
        Ok(F::Quarantined) => LoopFigure::ClosingStock(Some(G::Quarantined)),
        Ok(F::InTransit) => LoopFigure::ClosingStock(Some(G::InTransit)),
        Ok(F::InProcess) => LoopFigure::ClosingStock(Some(G::InProcess)),
        Ok(F::GrossFlow) => LoopFigure::GrossFlow,
        Ok(F::Purchases) => LoopFigure::Purchases,
        Ok(F::SettledNet) => LoopFigure::SettledNet,
        Ok(F::PaidToProducers) => LoopFigure::PaidToProducers,
        Ok(F::BoughtInValue) => LoopFigure::BoughtInValue,
        Ok(F::PaymentDays) => LoopFigure::PaymentDays,
        Ok(F::PaidOut) => LoopFigure::PaidOut(Payees::All),
        Ok(F::PaidInCounty) => LoopFigure::PaidOut(Payees::County),
        Ok(F::OnlineSales) => LoopFigure::OnlineSales,
        Ok(F::Coverage) => LoopFigure::Coverage(None),
        Ok(F::MovedUp) => LoopFigure::Coverage(Some(Way::Up)),
        Ok(F::MovedDown) => LoopFigure::Coverage(Some(Way::Down)),
        Ok(F::Stations) => LoopFigure::Stations,
    };
    if scope.is_some() {
        fields.wrong("scope", FieldFault::NotApplicable, "Only sales and sold quantities have a scope.");
        return None;
    }
    Some(figure)
}

/// Without its fact, whose hash is found later.
fn fact_to_pb(fact: &LoopFact, ledger: &Ledger) -> pb::DatedFact {
    let subject = fact.subject.map(|subject| match subject {
        Subject::Station(station) => view::place(station, ledger),
        Subject::Seller(seller) => view::party(seller, ledger),
    });
    pb::DatedFact {
        business_date: fact.date.to_string(),
        fact: None,
        quantity: fact.quantity,
        amount_fen: fact.value,
        subject,
        division_code: fact.division.map(|division| division.to_string()).unwrap_or_default(),
    }
}
