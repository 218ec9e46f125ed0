//! Receipts that look like one delivery written down twice.

use std::sync::Arc;

use loopledger_ledger::{DuplicateQuery, Ledger, LikelyDuplicate};
use loopledger_proto::ledger::v1 as pb;
use loopledger_service::grpc::deadline_of;
use loopledger_types::PlaceId;
use loopledger_wire::query::{self, Page};
use tonic::{Request, Status};

use super::{Api, Fields, Terms};
use crate::view;

impl Api {
    pub(super) async fn likely_duplicates(
        &self,
        request: Request<pb::ListLikelyDuplicatesRequest>,
    ) -> Result<pb::ListLikelyDuplicatesResponse, Status> {
        let deadline = deadline_of(request.metadata());
        let request = request.into_inner();
        let mut fields = Fields::default();
        let at_least = fields.at_least(&request.at_least);
        let page = fields.take(Page::parse(request.page_size, &request.page_token));
        let window = fields.window(&request.from, &request.to, "");
        let station = fields.take(query::optional_id("station_id", &request.station_id, PlaceId::parse));
        let (((at_least, page), window), station) = fields.finish(at_least.zip(page).zip(window).zip(station))?;
        let terms = Terms { at_least, consequences: request.consequences, deadline };
        let shared = Arc::clone(&self.shared);
        let answer = self.long(&terms, move |folded| {
            let (from, to) = window.between(folded.ledger.days(None));
            let query = DuplicateQuery { from, to, station };
            let (rows, next_page_token) = page.cut(folded.ledger.likely_duplicates(&query), key);
            let duplicates = rows.iter().map(|duplicate| to_pb(duplicate, &folded.ledger)).collect();
            pb::ListLikelyDuplicatesResponse { heads: super::heads(&shared, folded), next_page_token, duplicates }
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

fn to_pb(duplicate: &LikelyDuplicate, ledger: &Ledger) -> pb::LikelyDuplicate {
    let receipts = duplicate.receipts.iter().map(|receipt| pb::SuspectReceipt {
        receipt_id: receipt.receipt.to_string(),
        receipt_number: receipt.number.clone(),
        lot_id: receipt.lot.to_string(),
        lot_label: receipt.label.clone(),
    });
    pb::LikelyDuplicate {
        business_date: duplicate.on.to_string(),
        station: Some(view::place(duplicate.station, ledger)),
        producer: Some(view::party(duplicate.producer, ledger)),
        product: Some(view::product(duplicate.product, ledger)),
        quantity: duplicate.quantity,
        unit: view::unit(duplicate.product, ledger),
        receipts: receipts.collect(),
    }
}
