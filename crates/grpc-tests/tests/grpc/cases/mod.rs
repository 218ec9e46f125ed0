//! What to ask, and what is answered: a request of each write that would be taken, and what makes it wrong.

use loopledger_types::Service;
use serde_json::{Value, json};

use crate::season::{kilograms, on};

mod distribution;
mod procurement;
mod sales;
mod samples;
mod station;

pub(crate) use samples::samples;

/// Service, method, request.
pub(crate) type Sample = (&'static str, &'static str, Value);

/// Service, method, changes to its sample (`null` takes a field away), and what is answered.
pub(crate) type Case = (&'static str, &'static str, Value, &'static str);

/// What is wrong with each write in a way of its own, in the county as the season leaves it.
pub(crate) fn cases() -> Vec<Case> {
    [procurement::cases(), station::cases(), distribution::cases(), sales::cases()].concat()
}

/// What is wrong only while a service has not answered yet: who is waited for, and the case.
pub(crate) fn waiting_cases() -> Vec<(Service, Case)> {
    vec![
        // The buyer of L9 has not said whether it takes it.
        (
            Service::Procurement,
            (
                "station",
                "HandOverGoods",
                json!({"lines": [{"productId": "$pea", "lotId": "$L9", "quantity": kilograms(1)}]}),
                "LOT_PENDING $L9",
            ),
        ),
        // The holder of what O9 reserves has not said whether the line can still be cancelled.
        (Service::Station, ("sales", "CancelOrderLine", json!({"orderId": "$O9"}), "CANCELLATION_PENDING $O9/0")),
    ]
}

/// What is wrong with any write in the same way.
pub(crate) fn common_cases() -> Vec<(Value, &'static str)> {
    let hash = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let position =
        |stream: &str, sequence: u64, hash: &str| json!([{"stream": stream, "sequence": sequence, "hash": hash}]);
    vec![
        (json!({"requestId": "0190b6a0-0000-5000-8000-000000000001"}), "INVALID_REQUEST request_id:UUID_VERSION"),
        (json!({"requestId": null, "occasion": null}), "INVALID_REQUEST occasion:REQUIRED request_id:REQUIRED"),
        (json!({"occasion": {"businessDate": "2026-11-25"}}), "INVALID_REQUEST occasion.business_date:DATE_IN_FUTURE"),
        (
            json!({"occasion": {"divisionCode": "654224999999"}}),
            "INVALID_REQUEST occasion.division_code:UNKNOWN_DIVISION",
        ),
        // 99 is no province.
        (json!({"occasion": {"divisionCode": "999999"}}), "INVALID_REQUEST occasion.division_code:UNKNOWN_DIVISION"),
        (json!({"after": position("procurement/110101", 1, hash)}), "INVALID_REQUEST after[0].stream:OTHER_COUNTY"),
        (json!({"after": position("ledger/110101", 1, hash)}), "INVALID_REQUEST after[0].stream:STREAM_NOT_READ"),
        (json!({"countyCode": "110101"}), "COUNTY_NOT_HOSTED county 110101"),
        (
            json!({"countyCode": "65422", "occasion": null}),
            "INVALID_REQUEST county_code:MALFORMED_COUNTY occasion:REQUIRED",
        ),
        (json!({"after": position("ledger/654224", 1, hash)}), "INVALID_REQUEST after[0].stream:STREAM_NOT_READ"),
        (json!({"after": position("procurement/654224", 1, hash)}), "POSITION_NOT_IN_LOG commit procurement/654224/1"),
        (json!({"after": position("sales/654224", 1, "AQI=")}), "INVALID_REQUEST after[0].hash:HASH_LENGTH"),
    ]
}

fn heads() -> Value {
    json!({"value": 3, "unit": "UNIT_HEAD"})
}

fn per_head() -> Value {
    json!({"e4": 1, "per": "UNIT_HEAD"})
}

/// Two kilograms of it cost more than an amount can be.
fn dear() -> Value {
    json!({"e4": 1_000_000_000_000_i64, "per": "UNIT_GRAM"})
}

/// Before anything that the season tells.
fn early() -> Value {
    on("2026-01-01")
}

fn outright(price: &Value) -> Value {
    json!({"terms": {"outright": {"price": price}}})
}

/// Hand-overs and dispatches alike; `other` is a place that another service holds.
fn moving(service: &'static str, method: &'static str, from: &'static str, other: &'static str) -> Vec<Case> {
    let lines = |product: &str, lot: &str, count: i64| json!({"lines": [{"productId": product, "lotId": lot, "quantity": kilograms(count)}]});
    let (same, not_here) = if from == "$S1" {
        ("SAME_PLACE $S1", "NOT_FOUND place $D1")
    } else {
        ("SAME_PLACE $D1", "NOT_FOUND place $S1")
    };
    [
        (json!({"toPlaceId": from}), same),
        (json!({"fromPlaceId": other}), not_here),
        (json!({"toPlaceId": "$ABSENT"}), "NOT_FOUND place $ABSENT"),
        (json!({"carrierId": "$COOP"}), "PARTY_NOT_A_CARRIER $COOP"),
        (json!({"carrierId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (json!({"principalId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
        (json!({"principalId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (json!({"freightFen": -1, "lines": []}), "INVALID_REQUEST freight_fen:NEGATIVE lines:REQUIRED"),
        (lines("$pea", "", 1_000_000), "INSUFFICIENT_STOCK $pea"),
        (lines("$pea", "$ABSENT", 1), "INSUFFICIENT_STOCK $ABSENT"),
        (lines("$sheep", "", 1), "INVALID_REQUEST lines[0].quantity:WRONG_UNIT"),
        (lines("$ABSENT", "", 1), "NOT_FOUND product $ABSENT"),
    ]
    .map(|(patch, expected)| (service, method, patch, expected))
    .to_vec()
}

fn buying_in(service: &'static str) -> Vec<Case> {
    [
        (json!({"supplierId": "$COOP"}), "PARTY_NOT_A_SUPPLIER $COOP"),
        (json!({"supplierId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (json!({"ownerId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        (json!({"ownerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (json!({"placeId": "$ABSENT"}), "NOT_FOUND place $ABSENT"),
        (json!({"productId": "$ABSENT"}), "NOT_FOUND product $ABSENT"),
        (json!({"quantity": heads()}), "INVALID_REQUEST quantity:WRONG_UNIT"),
        (json!({"quantity": kilograms(2), "price": dear()}), "INVALID_REQUEST price:AMOUNT_TOO_LARGE"),
    ]
    .map(|(patch, expected)| (service, "BuyInGoods", patch, expected))
    .to_vec()
}
