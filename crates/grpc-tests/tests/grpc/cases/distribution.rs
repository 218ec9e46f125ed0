//! Sites and shipments.

use serde_json::json;

use super::{Case, buying_in, heads, moving};
use crate::season::kilograms;

const D: &str = "distribution";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        (D, "OpenSite", json!({"kind": "PLACE_KIND_STATION"}), "PLACE_KIND_WRONG Station"),
        (D, "OpenSite", json!({"divisionCode": "110101"}), "INVALID_REQUEST division_code:OUTSIDE_COUNTY"),
        (D, "OpenSite", json!({"operatorId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        (D, "ReceiveShipment", json!({"shipmentId": "$SH0"}), "SHIPMENT_NOT_OPEN $SH0"),
        (D, "ReceiveShipment", json!({"shipmentId": "$ABSENT"}), "NOT_FOUND shipment $ABSENT"),
        (D, "ReceiveShipment", json!({"placeId": "$D1"}), "WRONG_DESTINATION $D1"),
        (
            D,
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$L1", "damaged": kilograms(1)}]}),
            "SHIPMENT_LINE_UNKNOWN $L1/0",
        ),
        (
            D,
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$LB", "missing": kilograms(21)}]}),
            "SHIPMENT_DOES_NOT_ADD_UP $LB/0",
        ),
        (
            D,
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$LB", "damaged": kilograms(1)}, {"lotId": "$LB", "damaged": heads()}]}),
            "INVALID_REQUEST differences[1].damaged:WRONG_UNIT differences[1]:DUPLICATE",
        ),
        (D, "IssueGoods", json!({"line": 0}), "RESERVATION_NOT_OPEN $O1/0"),
        (D, "OpenSite", json!({"operatorId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (
            D,
            "DispatchShipment",
            json!({"lines": [{"productId": "$sheep", "quantity": {"value": 201, "unit": "UNIT_HEAD"}}]}),
            "TOO_MANY_LOTS $sheep",
        ),
        (D, "ReceiveShipment", json!({"placeId": "$ABSENT"}), "NOT_FOUND place $ABSENT"),
        (D, "IssueGoods", json!({"quantity": heads()}), "INVALID_REQUEST quantity:WRONG_UNIT"),
        (D, "IssueGoods", json!({"quantity": kilograms(100_000)}), "INSUFFICIENT_STOCK $O1/2"),
    ];
    cases.extend(moving(D, "DispatchShipment", "$D1", "$S1"));
    cases.extend(buying_in(D));
    cases
}
