//! What goes round, what leaves, what money stays; and the facts behind each figure.

use std::collections::BTreeMap;

use loopledger_domain::{FieldFault, Rejection};
use loopledger_ledger::{
    LoopFact, LoopFigure, LoopLevel, LoopMeasures, LoopPart, LoopQuery, ProductLoop, Subject, ValueAdded,
};
use loopledger_types::divisions::Edition;
use loopledger_types::{DivisionCode, EntityKind, Position, ProductId};
use loopledger_wire::query::Page;

use super::names::Naming;
use super::page::is_within;
use super::{Divisions, FactPage, Months, Names, Query, QueryError, Reader, WithFact, not_found};
use crate::shared::{Folded, Sequences};

/// Which goods, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoopWindow {
    pub months: Months,
    /// Where the goods come from.
    pub divisions: Divisions,
    pub product: Option<ProductId>,
}

impl LoopWindow {
    /// What is asked for and no fact names is refused, not answered with nothing.
    fn over(self, folded: &Folded) -> Result<LoopQuery, QueryError> {
        let query = self.months.query(&folded.ledger, self.divisions, self.product);
        if let Some(product) = query.product
            && folded.ledger.product(product).is_none()
        {
            return Err(not_found(EntityKind::Product, &product));
        }
        match query.division {
            Some(division) if !folded.ledger.is_origin(division) => {
                let text = "The division lies in another county, and no goods came from it.";
                Err(Rejection::invalid("division_code", FieldFault::OtherCounty, text).into())
            }
            Some(_) | None => Ok(query),
        }
    }
}

/// The measures of a window.
#[derive(Debug, Clone, Copy)]
pub struct GetLoop {
    pub window: LoopWindow,
    /// Whether the value added to each product is asked for.
    pub value_added: bool,
}

#[derive(Debug, Clone)]
pub struct LoopAnswer {
    pub heads: Vec<Position>,
    pub measures: LoopMeasures,
    /// By product, without those that have none; `None`: not asked for.
    pub value_added: Option<BTreeMap<ProductId, ValueAdded>>,
    pub names: Names,
}

impl Query for GetLoop {
    type Answer = LoopAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let answer = reader.long(move |folded| {
            let query = self.window.over(folded)?;
            let mut measures = folded.ledger.loop_measures(query);
            if self.window.months.is_open() && folded.ledger.days(None).is_none() {
                // No fact says which year is meant.
                measures.targets = None;
            }
            let value_added = self.value_added.then(|| folded.ledger.value_added(&query));
            let mut naming = Naming::of(&folded.ledger);
            naming.products(products(&measures.products));
            Ok(LoopAnswer { heads: folded.positions(), measures, value_added, names: naming.finish() })
        });
        answer.await?
    }
}

/// The measures of a window by division of origin.
#[derive(Debug, Clone)]
pub struct ListLoopByDivision {
    pub window: LoopWindow,
    pub level: LoopLevel,
    pub page: Page,
}

#[derive(Debug, Clone)]
pub struct LoopByDivisionAnswer {
    pub heads: Vec<Position>,
    pub edition: Edition,
    /// Those of this page.
    pub divisions: Vec<(DivisionCode, LoopPart)>,
    /// What lies in no division of the level.
    pub rest: LoopPart,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for ListLoopByDivision {
    type Answer = LoopByDivisionAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let answer = reader.long(move |folded| {
            let query = self.window.over(folded)?;
            let parts = folded.ledger.loop_by_division(query, self.level);
            let (divisions, next_page_token) =
                self.page.cut(parts.divisions, |(code, _)| code.to_string().into_bytes());
            let mut naming = Naming::of(&folded.ledger);
            for part in divisions.iter().map(|(_, part)| part).chain([&parts.rest]) {
                naming.products(products(&part.products));
            }
            Ok(LoopByDivisionAnswer {
                heads: folded.positions(),
                edition: query.edition,
                divisions,
                rest: parts.rest,
                next_page_token,
                names: naming.finish(),
            })
        });
        answer.await?
    }
}

/// The facts behind a figure of the loop, and what each of them adds.
#[derive(Debug, Clone)]
pub struct ListLoopFacts {
    pub window: LoopWindow,
    pub figure: LoopFigure,
    pub page: FactPage,
}

#[derive(Debug, Clone)]
pub struct LoopFactsAnswer {
    pub heads: Vec<Position>,
    pub edition: Edition,
    pub facts: Vec<WithFact<LoopFact>>,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for ListLoopFacts {
    type Answer = LoopFactsAnswer;

    fn continues(&self) -> Option<Sequences> {
        self.page.begun()
    }

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let reading = reader.long(move |folded| {
            let query = self.window.over(folded)?;
            let heads = self.page.heads(folded);
            let mut facts = folded.ledger.loop_facts(&query, self.figure);
            facts.retain(|fact| is_within(fact.at, &heads));
            let (facts, next_page_token) = self.page.cut(facts, heads);
            let mut naming = Naming::of(&folded.ledger);
            for subject in facts.iter().filter_map(|fact| fact.subject) {
                match subject {
                    Subject::Station(station) => naming.places([station]),
                    Subject::Seller(seller) => naming.parties([seller]),
                }
            }
            Ok::<_, QueryError>((facts, next_page_token, heads, query.edition, naming.finish()))
        });
        let (facts, next_page_token, heads, edition, names) = reading.await??;
        let hashes = reader.shared.hashes_of_list(facts.iter().map(|fact| fact.at), &heads).await?;
        let facts = hashes.with_facts(facts, |fact| fact.at);
        Ok(LoopFactsAnswer { heads: hashes.heads(&heads), edition, facts, next_page_token, names })
    }
}

fn products(lines: &[ProductLoop]) -> impl Iterator<Item = ProductId> {
    lines.iter().map(|line| line.product)
}
