//! Requests of `loopledger.distribution.v1`.

use loopledger_domain::distribution::{Command, DispatchShipment, OpenSite, ReceiptDifference, ReceiveShipment};
use loopledger_domain::{FieldFault, Rejection};
use loopledger_proto::distribution::v1 as pb;
use loopledger_types::{EntityKind, IssueId, LotId, PartyId, PlaceId, ShipmentId};

use super::check::{LABEL_MAX, LINES_MAX};
use super::{Check, FieldPath, at, requests, stock};

requests! {
    "loopledger.distribution.v1" pb Command, |receipt, created|
    OpenSite: OpenSiteRequest => open_site, OpenSiteResponse { site_id: receipt.id(PlaceId::derive, 0) };
    DispatchShipment: DispatchShipmentRequest => dispatch, DispatchShipmentResponse {
        shipment_id: receipt.id(ShipmentId::derive, 0),
    };
    ReceiveShipment: ReceiveShipmentRequest => receive, ReceiveShipmentResponse {};
    BuyInGoods: BuyInGoodsRequest => buy_in, BuyInGoodsResponse { lot_id: receipt.id(LotId::derive, 0) };
    IssueGoods: IssueGoodsRequest => issue, IssueGoodsResponse { issue_id: receipt.id(IssueId::derive, 0) };
}

fn open_site(request: &pb::OpenSiteRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Place]);
    let occasion = check.occasion(request.occasion.as_ref());
    let kind = check.word(at("kind"), request.kind);
    let division = check.division(at("division_code"), &request.division_code);
    let operator = check.id(at("operator_id"), &request.operator_id, PartyId::parse);
    let label = check.text(at("label"), &request.label, LABEL_MAX);
    Some(Command::OpenSite(OpenSite {
        occasion: occasion?,
        kind: kind?,
        division: division?,
        operator: operator?,
        label: label?,
    }))
}

fn dispatch(request: &pb::DispatchShipmentRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Shipment]);
    let occasion = check.occasion(request.occasion.as_ref());
    let from = check.id(at("from_place_id"), &request.from_place_id, PlaceId::parse);
    let to = check.id(at("to_place_id"), &request.to_place_id, PlaceId::parse);
    let principal = check.id(at("principal_id"), &request.principal_id, PartyId::parse);
    let carrier = check.id(at("carrier_id"), &request.carrier_id, PartyId::parse);
    let freight = check.cost(at("freight_fen"), request.freight_fen);
    let lines = stock::move_lines(check, &request.lines);
    Some(Command::DispatchShipment(DispatchShipment {
        occasion: occasion?,
        from: from?,
        to: to?,
        principal: principal?,
        carrier: carrier?,
        freight: freight?,
        lines: lines?,
    }))
}

fn receive(request: &pb::ReceiveShipmentRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let shipment = check.id(at("shipment_id"), &request.shipment_id, ShipmentId::parse);
    let place = check.id(at("place_id"), &request.place_id, PlaceId::parse);
    let differences = check.list(at("differences"), &request.differences, (0, LINES_MAX), difference);
    Some(Command::ReceiveShipment(ReceiveShipment {
        occasion: occasion?,
        shipment: shipment?,
        place: place?,
        differences: differences?,
    }))
}

fn difference(check: &mut Check, at: FieldPath<'_>, line: &pb::ReceiptDifference) -> Option<ReceiptDifference> {
    let lot = check.id(at.field("lot_id"), &line.lot_id, LotId::parse);
    let pool = match u16::try_from(line.pool) {
        Ok(pool) => Some(pool),
        Err(_) => check.wrong(at.field("pool"), FieldFault::OutOfRange, "A pool's index is below 65536."),
    };
    if line.damaged.is_none() && line.missing.is_none() {
        return check.wrong(
            at.field("damaged"),
            FieldFault::Required,
            "What was damaged or is missing must be stated.",
        );
    }
    // What is left out is zero, in the unit of the other.
    let stated = line.damaged.as_ref().and_then(|quantity| check.deduction(at.field("damaged"), Some(quantity), None));
    let missing = check.deduction(at.field("missing"), line.missing.as_ref(), stated);
    let damaged = if line.damaged.is_some() { stated } else { check.deduction(at.field("damaged"), None, missing) };
    Some(ReceiptDifference { lot: lot?, pool: pool?, damaged: damaged?, missing: missing? })
}

fn buy_in(request: &pb::BuyInGoodsRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Lot]);
    let fields = stock::BuyInFields {
        occasion: check.occasion(request.occasion.as_ref()),
        place_id: &request.place_id,
        owner_id: &request.owner_id,
        supplier_id: &request.supplier_id,
        product_id: &request.product_id,
        quantity: request.quantity.as_ref(),
        price: request.price.as_ref(),
        lot_label: &request.lot_label,
    };
    stock::buy_in(check, &fields).map(Command::BuyInGoods)
}

fn issue(request: &pb::IssueGoodsRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Issue]);
    let occasion = check.occasion(request.occasion.as_ref());
    stock::issue(check, occasion, &request.order_id, request.line, request.quantity.as_ref()).map(Command::IssueGoods)
}
