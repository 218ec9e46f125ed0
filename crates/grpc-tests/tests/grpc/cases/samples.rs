//! A request of each write that would be taken.

use serde_json::json;

use super::Sample;
use crate::county::VILLAGE;
use crate::season::{kilograms, on, price};

/// A request of each write that would be taken, in an order in which all are.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn samples() -> Vec<Sample> {
    let lines = json!([{"productId": "$pea", "quantity": kilograms(1)}]);
    let route = |from: &str, to: &str| {
        json!({"fromPlaceId": from, "toPlaceId": to, "principalId": "$COOP",
        "carrierId": "$CARR", "freightFen": 100, "lines": lines})
    };
    let buy_in = |place: &str| {
        json!({"placeId": place, "ownerId": "$COOP", "supplierId": "$SUPP", "productId": "$pea",
        "quantity": kilograms(1), "price": price(), "lotLabel": "X"})
    };
    let order_line = json!({"productId": "$pea", "quantity": kilograms(1), "price": price(), "placeId": "$S1"});
    vec![
        (
            "procurement",
            "RegisterHousehold",
            json!({"divisionCode": VILLAGE, "category": "HOUSEHOLD_CATEGORY_GENERAL",
            "members": ["RELATION_HEAD"]}),
        ),
        (
            "procurement",
            "ChangeHouseholdCategory",
            json!({"householdId": "$H1", "category": "HOUSEHOLD_CATEGORY_EXITED"}),
        ),
        ("procurement", "AddHouseholdMember", json!({"householdId": "$H1", "relation": "RELATION_CHILD"})),
        ("procurement", "RemoveHouseholdMember", json!({"householdId": "$H1", "memberId": "$H1.spouse"})),
        ("procurement", "RelocateHousehold", json!({"householdId": "$H1", "divisionCode": VILLAGE})),
        ("procurement", "RegisterParty", json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224100", "label": "X"})),
        (
            "procurement",
            "RegisterProduct",
            json!({"code": "wheat", "name": "小麦", "baseUnit": "BASE_UNIT_GRAM",
            "productClass": "PRODUCT_CLASS_SPECIALITY"}),
        ),
        (
            "procurement",
            "ContractLinkage",
            json!({"firmId": "$FIRM", "stationId": "$S1", "producerId": "$H1",
            "productId": "$pea", "terms": {"outright": {"price": price()}}, "validFrom": "2026-01-01", "validTo": "2026-12-31"}),
        ),
        (
            "procurement",
            "MakePayout",
            json!({"payerId": "$COOP", "payeeId": "$H1", "amountFen": 1, "method": "PAYMENT_METHOD_CASH"}),
        ),
        ("procurement", "FailPayout", json!({"payoutId": "$P1", "reason": "x", "occasion": on("2026-03-05")})),
        (
            "station",
            "OpenStation",
            json!({"kind": "PLACE_KIND_WORKSHOP", "divisionCode": VILLAGE, "operatorId": "$COOP", "label": "W"}),
        ),
        (
            "station",
            "CollectGoods",
            json!({"stationId": "$S1", "producerId": "$H1", "memberId": "$H1.head", "productId": "$pea",
            "stated": {"principalId": "$COOP", "terms": {"outright": {"price": price()}}}, "receiptNumber": "R", "lotLabel": "L",
            "gross": kilograms(10), "tare": kilograms(1)}),
        ),
        ("station", "HandOverGoods", route("$S1", "$D1")),
        ("station", "BuyInGoods", buy_in("$S1")),
        ("station", "IssueGoods", json!({"orderId": "$O1", "line": 1, "quantity": kilograms(5)})),
        (
            "station",
            "InspectGoods",
            json!({"stationId": "$S1", "lotId": "$L1", "test": "农药残留", "passed": true, "laboratoryCode": "LAB"}),
        ),
        (
            "distribution",
            "OpenSite",
            json!({"kind": "PLACE_KIND_TOWNSHIP_HUB", "divisionCode": "654224100", "operatorId": "$CARR", "label": "T"}),
        ),
        ("distribution", "DispatchShipment", route("$D1", "$S1")),
        (
            "distribution",
            "ReceiveShipment",
            json!({"shipmentId": "$SH1", "placeId": "$D2",
            "differences": [{"lotId": "$LB", "damaged": kilograms(1)}]}),
        ),
        ("distribution", "BuyInGoods", buy_in("$D1")),
        ("distribution", "IssueGoods", json!({"orderId": "$O1", "line": 2, "quantity": kilograms(3)})),
        ("sales", "OpenChannel", json!({"medium": "MEDIUM_OFFLINE", "operatorId": "$FIRM", "label": "X"})),
        (
            "sales",
            "PlaceOrder",
            json!({"number": "N", "channelId": "$CH", "sellerId": "$COOP", "buyerDivisionCode": "110101",
            "lines": [order_line]}),
        ),
        ("sales", "ReturnPrepayment", json!({"orderId": "$O2", "amountFen": 1, "method": "PAYMENT_METHOD_CASH"})),
        ("sales", "RecordPayment", json!({"orderId": "$O1", "amountFen": 1, "method": "PAYMENT_METHOD_CASH"})),
        (
            "sales",
            "SettleConsignment",
            json!({"consigneeId": "$COOP", "lots": [{"lotId": "$L1",
            "charges": [{"kind": "CHARGE_KIND_FREIGHT", "amountFen": 10}]}]}),
        ),
        ("sales", "CancelOrderLine", json!({"orderId": "$O3", "line": 0})),
    ]
}
