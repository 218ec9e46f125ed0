//! Stations.

use serde_json::json;

use super::{Case, buying_in, dear, heads, moving, outright, per_head};
use crate::season::{kilograms, on};

const S: &str = "station";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        (S, "OpenStation", json!({"kind": "PLACE_KIND_OUTLET"}), "PLACE_KIND_WRONG Outlet"),
        (S, "OpenStation", json!({"divisionCode": "654224202"}), "STATION_NOT_IN_VILLAGE 654224202"),
        (S, "OpenStation", json!({"operatorId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
        (S, "OpenStation", json!({"operatorId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (S, "CollectGoods", json!({"producerId": "$FIRM", "memberId": null}), "PARTY_NOT_A_PRODUCER $FIRM"),
        (S, "CollectGoods", json!({"stated": {"principalId": "$CARR"}}), "PARTY_CANNOT_TRADE $CARR"),
        (S, "CollectGoods", json!({"memberId": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        (S, "CollectGoods", json!({"producerId": "$COOP"}), "NOT_A_HOUSEHOLD $COOP"),
        (S, "CollectGoods", json!({"producerId": "$COOP", "memberId": null}), "SELLER_IS_BUYER $COOP"),
        (
            S,
            "CollectGoods",
            json!({"stated": null, "contractId": "$K1", "occasion": on("2026-09-01")}),
            "CONTRACT_NOT_IN_FORCE $K1",
        ),
        (
            S,
            "CollectGoods",
            json!({"stated": null, "contractId": "$K1", "producerId": "$H2", "memberId": null}),
            "CONTRACT_MISMATCH $K1",
        ),
        (S, "CollectGoods", json!({"stated": null, "contractId": "$ABSENT"}), "NOT_FOUND contract $ABSENT"),
        (S, "CollectGoods", json!({"tare": kilograms(10)}), "DEDUCTIONS_EXCEED_GROSS R"),
        (
            S,
            "CollectGoods",
            json!({"gross": heads(), "stated": outright(&per_head())}),
            "INVALID_REQUEST gross:WRONG_UNIT stated.terms.outright.price:WRONG_UNIT",
        ),
        (
            S,
            "CollectGoods",
            json!({"stated": outright(&dear())}),
            "INVALID_REQUEST stated.terms.outright.price:AMOUNT_TOO_LARGE",
        ),
        (S, "CollectGoods", json!({"receiptNumber": " l1"}), "NUMBER_TAKEN $R.L1"),
        (S, "CollectGoods", json!({"sameNumberAs": "$R.L1"}), "INVALID_REQUEST same_number_as:OTHER_NUMBER"),
        (S, "CollectGoods", json!({"stated": null, "contractId": "$K2"}), "CONTRACT_QUANTITY_EXCEEDED $K2"),
        (S, "CollectGoods", json!({"stationId": "$D1"}), "NOT_FOUND place $D1"),
        (S, "IssueGoods", json!({"line": 7}), "RESERVATION_NOT_OPEN $O1/7"),
        (S, "IssueGoods", json!({"quantity": heads()}), "INVALID_REQUEST quantity:WRONG_UNIT"),
        (S, "IssueGoods", json!({"quantity": kilograms(100_000)}), "INSUFFICIENT_STOCK $O1/1"),
        (
            S,
            "OpenStation",
            json!({"kind": null, "label": "a\nb"}),
            "INVALID_REQUEST kind:REQUIRED label:CONTROL_CHARACTER",
        ),
        (S, "InspectGoods", json!({"stationId": "$D1"}), "NOT_FOUND place $D1"),
        (S, "InspectGoods", json!({"lotId": "$ABSENT"}), "LOT_NOT_HERE $ABSENT"),
        (
            S,
            "InspectGoods",
            json!({"test": "", "passed": null, "reportHash": "AQID"}),
            "INVALID_REQUEST passed:REQUIRED report_hash:HASH_LENGTH test:REQUIRED",
        ),
        (S, "CollectGoods", json!({"producerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (S, "CollectGoods", json!({"productId": "$ABSENT"}), "NOT_FOUND product $ABSENT"),
        (S, "CollectGoods", json!({"stated": {"principalId": "$ABSENT"}}), "NOT_FOUND party $ABSENT"),
    ];
    cases.extend(moving(S, "HandOverGoods", "$S1", "$D1"));
    cases.extend(buying_in(S));
    cases
}
