//! Requests of `loopledger.station.v1`.

use loopledger_domain::station::{CollectGoods, CollectTerms, Command, HandOverGoods, InspectGoods, OpenStation};
use loopledger_domain::{FieldFault, Rejection};
use loopledger_proto::station::v1 as pb;
use loopledger_types::{
    ContractId, EntityKind, IssueId, LotId, MemberId, PartyId, PlaceId, ProductId, Quantity, ReceiptId, ShipmentId,
};

use super::check::{GRADE_MAX, LABEL_MAX};
use super::{Check, at, requests, stock};

requests! {
    "loopledger.station.v1" pb Command, |receipt, created|
    OpenStation: OpenStationRequest => open_station, OpenStationResponse {
        station_id: receipt.id(PlaceId::derive, 0),
    };
    CollectGoods: CollectGoodsRequest => collect_goods, CollectGoodsResponse {
        receipt_id: receipt.id(ReceiptId::derive, 0),
        lot_id: receipt.id(LotId::derive, 0),
    };
    HandOverGoods: HandOverGoodsRequest => hand_over, HandOverGoodsResponse {
        shipment_id: receipt.id(ShipmentId::derive, 0),
    };
    BuyInGoods: BuyInGoodsRequest => buy_in, BuyInGoodsResponse { lot_id: receipt.id(LotId::derive, 0) };
    IssueGoods: IssueGoodsRequest => issue, IssueGoodsResponse { issue_id: receipt.id(IssueId::derive, 0) };
    InspectGoods: InspectGoodsRequest => inspect, InspectGoodsResponse {};
}

fn open_station(request: &pb::OpenStationRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Place]);
    let occasion = check.occasion(request.occasion.as_ref());
    let kind = check.word(at("kind"), request.kind);
    let division = check.division(at("division_code"), &request.division_code);
    let operator = check.id(at("operator_id"), &request.operator_id, PartyId::parse);
    let label = check.text(at("label"), &request.label, LABEL_MAX);
    Some(Command::OpenStation(OpenStation {
        occasion: occasion?,
        kind: kind?,
        division: division?,
        operator: operator?,
        label: label?,
    }))
}

fn collect_goods(request: &pb::CollectGoodsRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Receipt, EntityKind::Lot]);
    let occasion = check.occasion(request.occasion.as_ref());
    let station = check.id(at("station_id"), &request.station_id, PlaceId::parse);
    let producer = check.id(at("producer_id"), &request.producer_id, PartyId::parse);
    let member = check.optional_id(at("member_id"), &request.member_id, MemberId::parse);
    let product = check.id(at("product_id"), &request.product_id, ProductId::parse);
    let terms = collect_terms(request, check);
    let receipt_number = check.code(at("receipt_number"), &request.receipt_number);
    let lot_label = check.code(at("lot_label"), &request.lot_label);
    let grade = check.optional_text(at("grade"), &request.grade, GRADE_MAX);
    let same_number_as = check.optional_id(at("same_number_as"), &request.same_number_as, ReceiptId::parse);
    let gross = check.quantity(at("gross"), request.gross.as_ref());
    let tare = check.deduction(at("tare"), request.tare.as_ref(), gross);
    let moisture = check.deduction(at("moisture"), request.moisture.as_ref(), gross);
    let impurity = check.deduction(at("impurity"), request.impurity.as_ref(), gross);
    let live_weight_grams = match request.live_weight_grams {
        Some(grams) if i64::try_from(grams).is_ok_and(|grams| grams <= Quantity::MAX.0) => Some(Some(grams)),
        Some(_) => check.wrong(at("live_weight_grams"), FieldFault::OutOfRange, "At most 10^12 grams."),
        None => Some(None),
    };
    Some(Command::CollectGoods(CollectGoods {
        occasion: occasion?,
        station: station?,
        producer: producer?,
        member: member?,
        product: product?,
        terms: terms?,
        receipt_number: receipt_number?,
        same_number_as: same_number_as?,
        lot_label: lot_label?,
        grade: grade?,
        gross: gross?,
        tare: tare?,
        moisture: moisture?,
        impurity: impurity?,
        live_weight_grams: live_weight_grams?,
    }))
}

fn collect_terms(request: &pb::CollectGoodsRequest, check: &mut Check) -> Option<CollectTerms> {
    use pb::collect_goods_request::Basis;
    match check.required(at("basis"), request.basis.as_ref())? {
        Basis::ContractId(id) => check.id(at("contract_id"), id, ContractId::parse).map(CollectTerms::Contract),
        Basis::Stated(stated) => {
            let at = at("stated");
            let principal = check.id(at.field("principal_id"), &stated.principal_id, PartyId::parse);
            let terms = check.terms(at.field("terms"), stated.terms.as_ref());
            Some(CollectTerms::Stated { principal: principal?, terms: terms? })
        }
    }
}

fn hand_over(request: &pb::HandOverGoodsRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Shipment]);
    let occasion = check.occasion(request.occasion.as_ref());
    let from = check.id(at("from_place_id"), &request.from_place_id, PlaceId::parse);
    let to = check.id(at("to_place_id"), &request.to_place_id, PlaceId::parse);
    let principal = check.id(at("principal_id"), &request.principal_id, PartyId::parse);
    let carrier = check.id(at("carrier_id"), &request.carrier_id, PartyId::parse);
    let freight = check.cost(at("freight_fen"), request.freight_fen);
    let lines = stock::move_lines(check, &request.lines);
    Some(Command::HandOverGoods(HandOverGoods {
        occasion: occasion?,
        from: from?,
        to: to?,
        principal: principal?,
        carrier: carrier?,
        freight: freight?,
        lines: lines?,
    }))
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

fn inspect(request: &pb::InspectGoodsRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let station = check.id(at("station_id"), &request.station_id, PlaceId::parse);
    let lot = check.id(at("lot_id"), &request.lot_id, LotId::parse);
    let test = check.code(at("test"), &request.test);
    let passed = check.required(at("passed"), request.passed.as_ref()).copied();
    let finding = check.optional_text(at("finding"), &request.finding, LABEL_MAX);
    let laboratory_code = check.code(at("laboratory_code"), &request.laboratory_code);
    let report_hash = check.optional_hash(at("report_hash"), &request.report_hash);
    Some(Command::InspectGoods(InspectGoods {
        occasion: occasion?,
        station: station?,
        lot: lot?,
        test: test?,
        passed: passed?,
        finding: finding?,
        laboratory_code: laboratory_code?,
        report_hash: report_hash?,
    }))
}
