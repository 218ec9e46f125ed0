//! What can be looked at.

use loopledger_domain::station::Station;
use loopledger_domain::stock::Place;
use loopledger_proto::station::v1 as pb;
use loopledger_service::grpc::stock::{self, StockQuery};
use loopledger_service::grpc::{CountyCalls, refused};
use loopledger_types::PlaceId;
use loopledger_wire::Word as _;
use loopledger_wire::query::Page;
use tokio::time::Instant;
use tonic::Status;

pub(crate) async fn get_receipt(
    calls: &CountyCalls<Station>,
    request: pb::GetReceiptRequest,
    deadline: Instant,
) -> Result<pb::GetReceiptResponse, Status> {
    let (receipt, heads) = calls.receipt(&request.at_least, &request.request_id, deadline).await?;
    Ok(pb::GetReceiptResponse { heads, receipt: Some(receipt) })
}

pub(crate) async fn list_stations(
    calls: &CountyCalls<Station>,
    request: pb::ListStationsRequest,
    deadline: Instant,
) -> Result<pb::ListStationsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let (stations, next_page_token, heads) =
        stock::list_places(calls, &request.at_least, page, deadline, station).await?;
    Ok(pb::ListStationsResponse { heads, next_page_token, stations })
}

pub(crate) async fn list_stock(
    calls: &CountyCalls<Station>,
    request: pb::ListStockRequest,
    deadline: Instant,
) -> Result<pb::ListStockResponse, Status> {
    let asked = StockQuery {
        at_least: &request.at_least,
        page_size: request.page_size,
        page_token: &request.page_token,
        place_id: &request.place_id,
    };
    let (items, next_page_token, heads) = stock::list_stock(calls, asked, deadline).await?;
    Ok(pb::ListStockResponse { heads, next_page_token, items })
}

fn station(id: PlaceId, place: &Place) -> pb::Station {
    pb::Station {
        station_id: id.to_string(),
        kind: place.kind.number(),
        division_code: place.division.current().to_string(),
        operator_id: place.operator.id.to_string(),
        label: place.label.to_string(),
    }
}
