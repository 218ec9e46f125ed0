//! What a party's lots cost and are worth.

use loopledger_ledger::StockValue;
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::{LotId, PartyId, PlaceId, ProductId};
use loopledger_wire::query;

use super::fields::Fields;
use super::serve::Rpc;
use super::view;
use crate::api::{FactPage, ListLotValues, LotValueRow, LotValuesAnswer, Names};

impl Rpc for pb::ListLotValuesRequest {
    type Query = ListLotValues;
    type Response = pb::ListLotValuesResponse;

    fn parse(&self, fields: &mut Fields) -> Option<ListLotValues> {
        let page = fields.take(FactPage::parse(self.page_size, &self.page_token));
        let party = fields.take(query::id("party_id", &self.party_id, PartyId::parse));
        let product = fields.take(query::optional_id("product_id", &self.product_id, ProductId::parse));
        let lot = fields.take(query::optional_id("lot_id", &self.lot_id, LotId::parse));
        let place = fields.take(query::optional_id("place_id", &self.place_id, PlaceId::parse));
        let through = fields.take(query::optional_date("through", &self.through));
        let as_of = fields.take(query::optional_date("as_of", &self.as_of));
        Some(ListLotValues {
            party: party?,
            product: product?,
            lot: lot?,
            place: place?,
            through: through?,
            as_of: as_of?,
            page: page?,
        })
    }

    fn to_pb(answer: LotValuesAnswer) -> pb::ListLotValuesResponse {
        pb::ListLotValuesResponse {
            heads: view::positions(&answer.heads),
            next_page_token: answer.next_page_token,
            rows: answer.rows.iter().map(|row| row_to_pb(row, &answer.names)).collect(),
            cost_of_sales_fen: answer.cost_of_sales,
            loss_fen: answer.loss,
            stock_fen: answer.stock,
            memorandum_fen: answer.memorandum,
        }
    }
}

fn row_to_pb(row: &LotValueRow, names: &Names) -> pb::LotValue {
    pb::LotValue {
        lot_id: row.lot.to_string(),
        pool: u32::from(row.pool),
        product: row.product.map(|id| view::product(id, names)),
        cost_fen: row.cost,
        cost_of_sales_fen: row.cost_of_sales,
        loss_fen: row.loss,
        stock: row.stock.iter().map(|part| stock_to_pb(part, names)).collect(),
        memorandum_fen: row.memorandum,
        producer: row.producer.map(|id| view::party(id, names)),
    }
}

fn stock_to_pb(part: &StockValue, names: &Names) -> pb::StockValue {
    pb::StockValue {
        account: Some(view::account(part.account)),
        place: part.place.map(|id| view::place(id, names)),
        quantity: part.quantity,
        value_fen: part.value,
    }
}
