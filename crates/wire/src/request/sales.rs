//! Requests of `loopledger.sales.v1`.

use loopledger_domain::sales::{
    CancelOrderLine, Command, OpenChannel, PlaceOrder, PlaceOrderLine, RecordPayment, ReturnPrepayment,
    SettleConsignment, SettleLot,
};
use loopledger_domain::{Charge, FieldFault, Rejection};
use loopledger_proto::sales::v1 as pb;
use loopledger_types::{ChannelId, EntityKind, LotId, OrderId, PartyId, PaymentId, PlaceId, ProductId, SettlementId};

use super::check::{CHARGES_MAX, LABEL_MAX, LINES_MAX};
use super::{Check, FieldPath, at, requests};

requests! {
    "loopledger.sales.v1" pb Command, |receipt, created|
    OpenChannel: OpenChannelRequest => open_channel, OpenChannelResponse {
        channel_id: receipt.id(ChannelId::derive, 0),
    };
    PlaceOrder: PlaceOrderRequest => place_order, PlaceOrderResponse { order_id: receipt.id(OrderId::derive, 0) };
    CancelOrderLine: CancelOrderLineRequest => cancel_line, CancelOrderLineResponse {};
    RecordPayment: RecordPaymentRequest => record_payment, RecordPaymentResponse {
        payment_id: receipt.id(PaymentId::derive, 0),
    };
    ReturnPrepayment: ReturnPrepaymentRequest => return_prepayment, ReturnPrepaymentResponse {
        payment_id: receipt.id(PaymentId::derive, 0),
    };
    SettleConsignment: SettleConsignmentRequest => settle, SettleConsignmentResponse {
        settlement_id: receipt.id(SettlementId::derive, 0),
    };
}

fn open_channel(request: &pb::OpenChannelRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Channel]);
    let occasion = check.occasion(request.occasion.as_ref());
    let medium = check.word(at("medium"), request.medium);
    let operator = check.id(at("operator_id"), &request.operator_id, PartyId::parse);
    let label = check.text(at("label"), &request.label, LABEL_MAX);
    Some(Command::OpenChannel(OpenChannel { occasion: occasion?, medium: medium?, operator: operator?, label: label? }))
}

fn place_order(request: &pb::PlaceOrderRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Order]);
    let occasion = check.occasion(request.occasion.as_ref());
    let number = check.code(at("number"), &request.number);
    let same_number_as = check.optional_id(at("same_number_as"), &request.same_number_as, OrderId::parse);
    let channel = check.id(at("channel_id"), &request.channel_id, ChannelId::parse);
    let seller = check.id(at("seller_id"), &request.seller_id, PartyId::parse);
    let buyer = check.optional_id(at("buyer_id"), &request.buyer_id, PartyId::parse);
    let buyer_division = check.division(at("buyer_division_code"), &request.buyer_division_code);
    let lines = check.list(at("lines"), &request.lines, (1, LINES_MAX), order_line);
    Some(Command::PlaceOrder(PlaceOrder {
        occasion: occasion?,
        number: number?,
        same_number_as: same_number_as?,
        channel: channel?,
        seller: seller?,
        buyer: buyer?,
        buyer_division: buyer_division?,
        lines: lines?,
    }))
}

fn order_line(check: &mut Check, at: FieldPath<'_>, line: &pb::PlaceOrderLine) -> Option<PlaceOrderLine> {
    let product = check.id(at.field("product_id"), &line.product_id, ProductId::parse);
    let quantity = check.quantity(at.field("quantity"), line.quantity.as_ref());
    let price = check.price(at.field("price"), line.price.as_ref());
    let place = check.id(at.field("place_id"), &line.place_id, PlaceId::parse);
    Some(PlaceOrderLine { product: product?, quantity: quantity?, price: price?, place: place? })
}

fn cancel_line(request: &pb::CancelOrderLineRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let order = check.id(at("order_id"), &request.order_id, OrderId::parse);
    let line = check.line(at("line"), request.line);
    Some(Command::CancelOrderLine(CancelOrderLine { occasion: occasion?, order: order?, line: line? }))
}

fn record_payment(request: &pb::RecordPaymentRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Payment]);
    let occasion = check.occasion(request.occasion.as_ref());
    let order = check.id(at("order_id"), &request.order_id, OrderId::parse);
    let amount = check.amount(at("amount_fen"), request.amount_fen);
    let method = check.word(at("method"), request.method);
    Some(Command::RecordPayment(RecordPayment { occasion: occasion?, order: order?, amount: amount?, method: method? }))
}

fn return_prepayment(request: &pb::ReturnPrepaymentRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Payment]);
    let occasion = check.occasion(request.occasion.as_ref());
    let order = check.id(at("order_id"), &request.order_id, OrderId::parse);
    let amount = check.amount(at("amount_fen"), request.amount_fen);
    let method = check.word(at("method"), request.method);
    Some(Command::ReturnPrepayment(ReturnPrepayment {
        occasion: occasion?,
        order: order?,
        amount: amount?,
        method: method?,
    }))
}

fn settle(request: &pb::SettleConsignmentRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Settlement]);
    let occasion = check.occasion(request.occasion.as_ref());
    let consignee = check.id(at("consignee_id"), &request.consignee_id, PartyId::parse);
    let lots = check.list(at("lots"), &request.lots, (1, LINES_MAX), settle_lot);
    for (index, settled) in lots.iter().flatten().enumerate() {
        if lots.iter().flatten().take(index).any(|before| before.lot == settled.lot) {
            check.wrong::<()>(at("lots").item(index).field("lot_id"), FieldFault::Duplicate, "Each lot is named once.");
        }
    }
    Some(Command::SettleConsignment(SettleConsignment { occasion: occasion?, consignee: consignee?, lots: lots? }))
}

fn settle_lot(check: &mut Check, at: FieldPath<'_>, settled: &pb::SettleLot) -> Option<SettleLot> {
    let lot = check.id(at.field("lot_id"), &settled.lot_id, LotId::parse);
    let charges = check.list(at.field("charges"), &settled.charges, (0, CHARGES_MAX), |check, at, charge| {
        let kind = check.word(at.field("kind"), charge.kind);
        let amount = check.amount(at.field("amount_fen"), charge.amount_fen);
        Some(Charge { kind: kind?, amount: amount? })
    });
    Some(SettleLot { lot: lot?, charges: charges? })
}
