//! What can be looked at.

use loopledger_domain::Rejection;
use loopledger_domain::distribution::DistributionState as _;
use loopledger_domain::distribution::{Distribution, Key, Shipment};
use loopledger_domain::stock::Place;
use loopledger_proto::distribution::v1 as pb;
use loopledger_service::grpc::stock::{self, StockQuery};
use loopledger_service::grpc::{CountyCalls, refused};
use loopledger_types::{EntityKind, PlaceId, ShipmentId};
use loopledger_wire::Word as _;
use loopledger_wire::query::{self, Page};
use tokio::time::Instant;
use tonic::Status;

pub(crate) async fn get_receipt(
    calls: &CountyCalls<Distribution>,
    request: pb::GetReceiptRequest,
    deadline: Instant,
) -> Result<pb::GetReceiptResponse, Status> {
    let (receipt, heads) = calls.receipt(&request.at_least, &request.request_id, deadline).await?;
    Ok(pb::GetReceiptResponse { heads, receipt: Some(receipt) })
}

pub(crate) async fn list_sites(
    calls: &CountyCalls<Distribution>,
    request: pb::ListSitesRequest,
    deadline: Instant,
) -> Result<pb::ListSitesResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let (sites, next_page_token, heads) = stock::list_places(calls, &request.at_least, page, deadline, site).await?;
    Ok(pb::ListSitesResponse { heads, next_page_token, sites })
}

pub(crate) async fn list_stock(
    calls: &CountyCalls<Distribution>,
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

fn site(id: PlaceId, place: &Place) -> pb::Site {
    pb::Site {
        site_id: id.to_string(),
        kind: place.kind.number(),
        division_code: place.division.current().to_string(),
        operator_id: place.operator.id.to_string(),
        label: place.label.to_string(),
    }
}

pub(crate) async fn get_shipment(
    calls: &CountyCalls<Distribution>,
    request: pb::GetShipmentRequest,
    deadline: Instant,
) -> Result<pb::GetShipmentResponse, Status> {
    let id = query::id("shipment_id", &request.shipment_id, ShipmentId::parse).map_err(refused)?;
    let (found, heads) = calls
        .ask(&request.at_least, vec![Key::Shipment(id)], deadline, move |state| {
            state.shipment(id).cloned().ok_or(Rejection::NotFound { kind: EntityKind::Shipment, id: id.to_string() })
        })
        .await?;
    Ok(pb::GetShipmentResponse { heads, shipment: Some(shipment(id, &found)) })
}

fn shipment(id: ShipmentId, shipment: &Shipment) -> pb::Shipment {
    let state = if shipment.received_on.is_some() { pb::ShipmentState::Received } else { pb::ShipmentState::InTransit };
    let lines = shipment.lines.iter().map(|line| pb::ShipmentLine {
        lot_id: line.stock.lot.to_string(),
        pool: u32::from(line.stock.pool),
        product_id: line.stock.product.to_string(),
        dispatched: line.stock.quantity.0,
        received: line.received.0,
        damaged: line.damaged.0,
        missing: line.missing.0,
    });
    pb::Shipment {
        shipment_id: id.to_string(),
        from_place_id: shipment.from.to_string(),
        to_place_id: shipment.to.to_string(),
        direction: shipment.direction.number(),
        carrier_id: shipment.carrier.id.to_string(),
        principal_id: shipment.principal.id.to_string(),
        freight_fen: shipment.freight.0,
        state: state.into(),
        dispatched_on: shipment.dispatched_on.to_string(),
        received_on: shipment.received_on.map(|day| day.to_string()).unwrap_or_default(),
        lines: lines.collect(),
    }
}
