//! Channels, orders, payments and settlements.

use serde_json::json;

use super::{Case, dear, heads};
use crate::season::kilograms;

const S: &str = "sales";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        (S, "OpenChannel", json!({"operatorId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        (S, "OpenChannel", json!({"operatorId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (S, "PlaceOrder", json!({"buyerId": "$FIRM"}), "BUYER_IN_LOOP $FIRM"),
        (S, "PlaceOrder", json!({"buyerId": "$COOP"}), "SELLER_IS_BUYER $COOP"),
        (
            S,
            "PlaceOrder",
            json!({"buyerId": "$BUYER", "buyerDivisionCode": "654224"}),
            "INVALID_REQUEST buyer_division_code:NOT_THE_REGISTERED_DIVISION",
        ),
        (S, "PlaceOrder", json!({"sellerId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        (S, "PlaceOrder", json!({"channelId": "$ABSENT"}), "NOT_FOUND channel $ABSENT"),
        (
            S,
            "PlaceOrder",
            json!({"lines": [{"productId": "$pea", "quantity": heads(), "price": dear(), "placeId": "$S1"}]}),
            "INVALID_REQUEST lines[0].quantity:WRONG_UNIT",
        ),
        (
            S,
            "PlaceOrder",
            json!({"lines": [{"productId": "$pea", "quantity": kilograms(2), "price": dear(), "placeId": "$S1"}]}),
            "INVALID_REQUEST lines[0].price:AMOUNT_TOO_LARGE",
        ),
        (S, "PlaceOrder", json!({"lines": []}), "INVALID_REQUEST lines:REQUIRED"),
        (S, "PlaceOrder", json!({"number": "ｏ1"}), "NUMBER_TAKEN $O1"),
        (S, "PlaceOrder", json!({"sameNumberAs": "$O1"}), "INVALID_REQUEST same_number_as:OTHER_NUMBER"),
        (S, "CancelOrderLine", json!({"line": 7}), "INVALID_REQUEST line:OUT_OF_RANGE"),
        (S, "CancelOrderLine", json!({"orderId": "$O1"}), "ORDER_LINE_NOT_OPEN $O1/0"),
        (S, "CancelOrderLine", json!({"orderId": "$ABSENT"}), "NOT_FOUND order $ABSENT"),
        (S, "RecordPayment", json!({"amountFen": 1_000_000_000}), "PAYMENT_EXCEEDS_ORDER $O1"),
        (S, "RecordPayment", json!({"orderId": "$ABSENT"}), "NOT_FOUND order $ABSENT"),
        (S, "ReturnPrepayment", json!({"amountFen": 1_000_000_000}), "PREPAYMENT_EXCEEDED $O2"),
        (S, "ReturnPrepayment", json!({"orderId": "$O1"}), "PREPAYMENT_EXCEEDED $O1"),
        (S, "SettleConsignment", json!({"consigneeId": "$FIRM"}), "NOT_CONSIGNED $L1"),
        (S, "SettleConsignment", json!({"lots": [{"lotId": "$ABSENT"}]}), "NOT_CONSIGNED $ABSENT"),
        (S, "SettleConsignment", json!({"lots": [{"lotId": "$L3"}]}), "NOTHING_TO_SETTLE $COOP"),
        (
            S,
            "SettleConsignment",
            json!({"lots": [{"lotId": "$L1"}, {"lotId": "$L1"}]}),
            "INVALID_REQUEST lots[1].lot_id:DUPLICATE",
        ),
        (
            S,
            "SettleConsignment",
            json!({"lots": [{"lotId": "$L1",
            "charges": [{"kind": "CHARGE_KIND_PLATFORM", "amountFen": 1_000_000}]}]}),
            "CHARGES_EXCEED_SALE $L1",
        ),
        (S, "OpenChannel", json!({"medium": null}), "INVALID_REQUEST medium:REQUIRED"),
        (S, "PlaceOrder", json!({"sellerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (S, "PlaceOrder", json!({"buyerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (
            S,
            "PlaceOrder",
            json!({"lines": [{"productId": "$ABSENT", "quantity": kilograms(2), "price": dear(), "placeId": "$S1"}]}),
            "NOT_FOUND product $ABSENT",
        ),
        (
            S,
            "PlaceOrder",
            json!({"lines": [{"productId": "$pea", "quantity": kilograms(2), "price": dear(), "placeId": "$ABSENT"}]}),
            "NOT_FOUND place $ABSENT",
        ),
        (
            S,
            "RecordPayment",
            json!({"amountFen": 0, "method": null}),
            "INVALID_REQUEST amount_fen:NOT_POSITIVE method:REQUIRED",
        ),
        (S, "ReturnPrepayment", json!({"amountFen": -1}), "INVALID_REQUEST amount_fen:NOT_POSITIVE"),
        (S, "ReturnPrepayment", json!({"orderId": "$ABSENT"}), "NOT_FOUND order $ABSENT"),
        (S, "SettleConsignment", json!({"consigneeId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
    ]
}
