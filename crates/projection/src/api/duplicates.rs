//! Receipts that look like one delivery written down twice.

use loopledger_ledger::{DuplicateQuery, LikelyDuplicate};
use loopledger_types::{PlaceId, Position};
use loopledger_wire::query::Page;

use super::names::Naming;
use super::{Names, Query, QueryError, Reader, Window};

#[derive(Debug, Clone)]
pub struct ListLikelyDuplicates {
    pub window: Window,
    pub station: Option<PlaceId>,
    pub page: Page,
}

#[derive(Debug, Clone)]
pub struct LikelyDuplicatesAnswer {
    pub heads: Vec<Position>,
    pub duplicates: Vec<LikelyDuplicate>,
    pub next_page_token: String,
    pub names: Names,
}

impl Query for ListLikelyDuplicates {
    type Answer = LikelyDuplicatesAnswer;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let answer = reader.long(move |folded| {
            let (from, to) = self.window.between(folded.ledger.days(None));
            let query = DuplicateQuery { from, to, station: self.station };
            let (duplicates, next_page_token) = self.page.cut(folded.ledger.likely_duplicates(&query), key);
            let mut naming = Naming::of(&folded.ledger);
            for duplicate in &duplicates {
                naming.places([duplicate.station]);
                naming.parties([duplicate.producer]);
                naming.products([duplicate.product]);
            }
            LikelyDuplicatesAnswer { heads: folded.positions(), duplicates, next_page_token, names: naming.finish() }
        });
        Ok(answer.await?)
    }
}

/// Ascending as the ledger lists them: no date is before 1970, no quantity negative.
fn key(duplicate: &LikelyDuplicate) -> Vec<u8> {
    let (on, station, producer, product, quantity) = duplicate.key();
    let ids = station.0.into_iter().chain(producer.0).chain(product.0);
    on.days().to_be_bytes().into_iter().chain(ids).chain(quantity.to_be_bytes()).collect()
}
