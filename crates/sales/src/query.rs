//! What can be looked at.

use core::ops::Bound;

use loopledger_domain::Rejection;
use loopledger_domain::sales::SalesState as _;
use loopledger_domain::sales::{Channel, Key, LineState, Order, OrderLine, Sales};
use loopledger_proto::sales::v1 as pb;
use loopledger_service::grpc::{CountyCalls, pages, refused};
use loopledger_types::{ChannelId, EntityKind, OrderId};
use loopledger_wire::Word;
use loopledger_wire::query::{self, Page, price_to_pb};
use tokio::time::Instant;
use tonic::Status;

pub(crate) async fn get_receipt(
    calls: &CountyCalls<Sales>,
    request: pb::GetReceiptRequest,
    deadline: Instant,
) -> Result<pb::GetReceiptResponse, Status> {
    let (receipt, heads) = calls.receipt(&request.at_least, &request.request_id, deadline).await?;
    Ok(pb::GetReceiptResponse { heads, receipt: Some(receipt) })
}

pub(crate) async fn get_order(
    calls: &CountyCalls<Sales>,
    request: pb::GetOrderRequest,
    deadline: Instant,
) -> Result<pb::GetOrderResponse, Status> {
    let id = query::id("order_id", &request.order_id, OrderId::parse).map_err(refused)?;
    let (found, heads) = calls
        .ask(&request.at_least, vec![Key::Order(id)], deadline, move |state| {
            state.order(id).cloned().ok_or(Rejection::NotFound { kind: EntityKind::Order, id: id.to_string() })
        })
        .await?;
    Ok(pb::GetOrderResponse { heads, order: Some(order(id, found)) })
}

pub(crate) async fn list_channels(
    calls: &CountyCalls<Sales>,
    request: pb::ListChannelsRequest,
    deadline: Instant,
) -> Result<pb::ListChannelsResponse, Status> {
    let page = Page::parse(request.page_size, &request.page_token).map_err(refused)?;
    let after = pages::begins_after(&page).map_err(refused)?.map(ChannelId);
    let ((channels, next_page_token), heads) = calls
        .ask(&request.at_least, Vec::new(), deadline, move |state| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let ids = state.entities.index().ids().range((from, Bound::Unbounded));
            Ok(pages::fill(&page, ids.filter_map(|id| state.channel(*id).map(|found| (id.0, channel(*id, found))))))
        })
        .await?;
    Ok(pb::ListChannelsResponse { heads, next_page_token, channels })
}

fn channel(id: ChannelId, channel: &Channel) -> pb::Channel {
    pb::Channel {
        channel_id: id.to_string(),
        medium: channel.medium.number(),
        operator_id: channel.operator.id.to_string(),
        label: channel.label.to_string(),
    }
}

fn order(id: OrderId, order: Order) -> pb::Order {
    let lines = order.lines.iter().zip(&order.states).map(|(line, state)| order_line(line, *state)).collect();
    let prepaid_fen = order.prepaid().0;
    pb::Order {
        order_id: id.to_string(),
        number: order.number.into(),
        channel_id: order.channel.to_string(),
        seller_id: order.seller.id.to_string(),
        buyer_id: order.buyer.party.map(|party| party.id.to_string()).unwrap_or_default(),
        buyer_division_code: order.buyer.division.to_string(),
        ordered_on: order.ordered_on.to_string(),
        lines,
        owed_fen: order.owed.0,
        prepaid_fen,
    }
}

fn order_line(line: &OrderLine, state: LineState) -> pb::OrderLine {
    let (refusal, available) = match state {
        LineState::Cancelled { refusal, available, .. } => (refusal, available),
        LineState::Open | LineState::CancellationPending | LineState::Fulfilled { .. } => (None, None),
    };
    let (state, amount, issued) = match state {
        LineState::Open => (pb::OrderLineState::Open, line.amount, 0),
        LineState::CancellationPending => (pb::OrderLineState::CancellationPending, line.amount, 0),
        LineState::Cancelled { .. } => (pb::OrderLineState::Cancelled, line.amount, 0),
        LineState::Fulfilled { quantity, amount, .. } => (pb::OrderLineState::Fulfilled, amount, quantity.0),
    };
    pb::OrderLine {
        product_id: line.product.to_string(),
        place_id: line.place.to_string(),
        state: state.into(),
        ordered: line.quantity.0,
        price: Some(price_to_pb(line.price)),
        amount_fen: amount.0,
        issued,
        refusal: refusal.map_or(0, Word::number),
        available: available.map(|available| available.0),
    }
}
