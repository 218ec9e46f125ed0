//! What to ask, and what is answered: a request of each write that would be taken, and what makes it wrong.

use serde_json::{Value, json};

use crate::county::VILLAGE;
use crate::season::{kilograms, on, price};

pub(crate) type Sample = (&'static str, &'static str, Value);

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
        ("procurement", "FailPayout", json!({"payoutId": "$P1", "reason": "x"})),
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

/// Changes to the sample of a write, and what is answered. `null` takes a field away.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn cases() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let outright = |price: Value| json!({"terms": {"outright": {"price": price}}});
    let heads = json!({"value": 3, "unit": "UNIT_HEAD"});
    let per_head = json!({"e4": 1, "per": "UNIT_HEAD"});
    let dear = json!({"e4": 1_000_000_000_000_i64, "per": "UNIT_GRAM"});
    let late = on("2026-09-01");
    let early = on("2026-01-01");
    let lines = |product: &str, lot: &str, count: i64| json!({"lines": [{"productId": product, "lotId": lot, "quantity": kilograms(count)}]});
    let mut cases = vec![
        (
            "procurement",
            "RegisterHousehold",
            json!({"divisionCode": "654224202"}),
            "INVALID_REQUEST division_code:NOT_A_VILLAGE_OF_THE_COUNTY",
        ),
        (
            "procurement",
            "RegisterHousehold",
            json!({"divisionCode": "654224202999", "members": ["RELATION_SPOUSE"]}),
            "INVALID_REQUEST division_code:UNKNOWN_DIVISION members:HOUSEHOLD_NEEDS_ONE_HEAD",
        ),
        ("procurement", "ChangeHouseholdCategory", json!({"householdId": "$COOP"}), "NOT_A_HOUSEHOLD $COOP"),
        ("procurement", "ChangeHouseholdCategory", json!({"householdId": "$NOBODY"}), "NOT_FOUND party $NOBODY"),
        ("procurement", "ChangeHouseholdCategory", json!({"occasion": early}), "BACK_DATED $H1"),
        ("procurement", "AddHouseholdMember", json!({"relation": "RELATION_HEAD"}), "HOUSEHOLD_NEEDS_ONE_HEAD $H1"),
        ("procurement", "AddHouseholdMember", json!({"occasion": early}), "BACK_DATED $H1"),
        ("procurement", "AddHouseholdMember", json!({"householdId": "$NOBODY"}), "NOT_FOUND party $NOBODY"),
        ("procurement", "RemoveHouseholdMember", json!({"memberId": "$H1.head"}), "HOUSEHOLD_NEEDS_ONE_HEAD $H1"),
        ("procurement", "RemoveHouseholdMember", json!({"memberId": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        (
            "procurement",
            "RelocateHousehold",
            json!({"divisionCode": "110101001001"}),
            "INVALID_REQUEST division_code:NOT_A_VILLAGE_OF_THE_COUNTY",
        ),
        ("procurement", "RelocateHousehold", json!({"occasion": early}), "BACK_DATED $H1"),
        ("procurement", "RelocateHousehold", json!({"householdId": "$FIRM"}), "NOT_A_HOUSEHOLD $FIRM"),
        (
            "procurement",
            "RegisterParty",
            json!({"kind": "PARTY_KIND_HOUSEHOLD", "label": ""}),
            "INVALID_REQUEST kind:UNKNOWN_VALUE label:REQUIRED",
        ),
        ("procurement", "RegisterProduct", json!({"code": "pea"}), "EXISTS product $pea"),
        ("procurement", "ContractLinkage", json!({"firmId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
        ("procurement", "ContractLinkage", json!({"producerId": "$SUPP"}), "PARTY_NOT_A_PRODUCER $SUPP"),
        ("procurement", "ContractLinkage", json!({"firmId": "$COOP", "producerId": "$COOP"}), "SELLER_IS_BUYER $COOP"),
        ("procurement", "ContractLinkage", json!({"stationId": "$NOBODY"}), "NOT_FOUND place $NOBODY"),
        ("procurement", "ContractLinkage", json!({"productId": "$NOBODY"}), "NOT_FOUND product $NOBODY"),
        (
            "procurement",
            "ContractLinkage",
            json!({"terms": {"outright": {"price": per_head}}, "quantityMax": heads}),
            "INVALID_REQUEST quantity_max:WRONG_UNIT terms.outright.price:WRONG_UNIT",
        ),
        ("procurement", "ContractLinkage", json!({"validTo": "2025-12-31"}), "INVALID_REQUEST valid_to:OUT_OF_RANGE"),
        ("procurement", "MakePayout", json!({"amountFen": 1_000_000_000}), "PAYOUT_EXCEEDS_OWED $H1"),
        ("procurement", "MakePayout", json!({"payeeId": "$H2"}), "NOTHING_OWED $H2"),
        ("procurement", "MakePayout", json!({"receivedBy": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        ("procurement", "MakePayout", json!({"payableIds": ["$NOBODY"]}), "NOT_FOUND payable $NOBODY"),
        (
            "procurement",
            "MakePayout",
            json!({"payableIds": ["$OWED.SUPP"]}),
            "INVALID_REQUEST payable_ids[0]:OTHER_ACCOUNT",
        ),
        (
            "procurement",
            "MakePayout",
            json!({"payableIds": ["$OWED.H1", "$OWED.H1"]}),
            "INVALID_REQUEST payable_ids[1]:DUPLICATE",
        ),
        ("procurement", "MakePayout", json!({"payerId": "$NOBODY"}), "NOT_FOUND party $NOBODY"),
        ("procurement", "FailPayout", json!({"payoutId": "$P0"}), "PAYOUT_ALREADY_FAILED $P0"),
        ("procurement", "FailPayout", json!({"occasion": early}), "FAILURE_BEFORE_PAYOUT $P1"),
        ("procurement", "FailPayout", json!({"payoutId": "$NOBODY"}), "NOT_FOUND payout $NOBODY"),
        ("station", "OpenStation", json!({"kind": "PLACE_KIND_OUTLET"}), "PLACE_KIND_WRONG Outlet"),
        ("station", "OpenStation", json!({"divisionCode": "654224202"}), "STATION_NOT_IN_VILLAGE 654224202"),
        ("station", "OpenStation", json!({"operatorId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
        ("station", "OpenStation", json!({"operatorId": "$NOBODY"}), "NOT_FOUND party $NOBODY"),
        ("station", "CollectGoods", json!({"producerId": "$FIRM", "memberId": null}), "PARTY_NOT_A_PRODUCER $FIRM"),
        ("station", "CollectGoods", json!({"stated": {"principalId": "$CARR"}}), "PARTY_CANNOT_TRADE $CARR"),
        ("station", "CollectGoods", json!({"memberId": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        ("station", "CollectGoods", json!({"producerId": "$COOP"}), "NOT_A_HOUSEHOLD $COOP"),
        ("station", "CollectGoods", json!({"producerId": "$COOP", "memberId": null}), "SELLER_IS_BUYER $COOP"),
        (
            "station",
            "CollectGoods",
            json!({"stated": null, "contractId": "$K1", "occasion": late}),
            "CONTRACT_NOT_IN_FORCE $K1",
        ),
        (
            "station",
            "CollectGoods",
            json!({"stated": null, "contractId": "$K1", "producerId": "$H2", "memberId": null}),
            "CONTRACT_MISMATCH $K1",
        ),
        ("station", "CollectGoods", json!({"stated": null, "contractId": "$NOBODY"}), "NOT_FOUND contract $NOBODY"),
        ("station", "CollectGoods", json!({"tare": kilograms(10)}), "DEDUCTIONS_EXCEED_GROSS R"),
        (
            "station",
            "CollectGoods",
            json!({"gross": heads, "stated": outright(per_head.clone())}),
            "INVALID_REQUEST gross:WRONG_UNIT stated.terms.outright.price:WRONG_UNIT",
        ),
        (
            "station",
            "CollectGoods",
            json!({"stated": outright(dear.clone())}),
            "INVALID_REQUEST stated.terms.outright.price:AMOUNT_TOO_LARGE",
        ),
        ("station", "CollectGoods", json!({"stationId": "$D1"}), "NOT_FOUND place $D1"),
        ("station", "IssueGoods", json!({"line": 7}), "RESERVATION_NOT_OPEN $O1/7"),
        ("station", "IssueGoods", json!({"quantity": heads}), "INVALID_REQUEST quantity:WRONG_UNIT"),
        ("station", "IssueGoods", json!({"quantity": kilograms(100_000)}), "INSUFFICIENT_STOCK $O1/1"),
        ("distribution", "OpenSite", json!({"kind": "PLACE_KIND_STATION"}), "PLACE_KIND_WRONG Station"),
        ("distribution", "OpenSite", json!({"divisionCode": "110101"}), "INVALID_REQUEST division_code:OUTSIDE_COUNTY"),
        ("distribution", "OpenSite", json!({"operatorId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        ("distribution", "ReceiveShipment", json!({"shipmentId": "$SH0"}), "SHIPMENT_NOT_OPEN $SH0"),
        ("distribution", "ReceiveShipment", json!({"shipmentId": "$NOBODY"}), "NOT_FOUND shipment $NOBODY"),
        ("distribution", "ReceiveShipment", json!({"placeId": "$D1"}), "WRONG_DESTINATION $D1"),
        (
            "distribution",
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$L1", "damaged": kilograms(1)}]}),
            "SHIPMENT_LINE_UNKNOWN $L1/0",
        ),
        (
            "distribution",
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$LB", "missing": kilograms(21)}]}),
            "SHIPMENT_DOES_NOT_ADD_UP $LB/0",
        ),
        (
            "distribution",
            "ReceiveShipment",
            json!({"differences": [{"lotId": "$LB", "damaged": kilograms(1)}, {"lotId": "$LB", "damaged": heads}]}),
            "INVALID_REQUEST differences[1].damaged:WRONG_UNIT differences[1]:DUPLICATE",
        ),
        ("distribution", "IssueGoods", json!({"line": 0}), "RESERVATION_NOT_OPEN $O1/0"),
        ("sales", "OpenChannel", json!({"operatorId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        ("sales", "OpenChannel", json!({"operatorId": "$NOBODY"}), "NOT_FOUND party $NOBODY"),
        ("sales", "PlaceOrder", json!({"buyerId": "$FIRM"}), "BUYER_IN_LOOP $FIRM"),
        ("sales", "PlaceOrder", json!({"buyerId": "$COOP"}), "SELLER_IS_BUYER $COOP"),
        (
            "sales",
            "PlaceOrder",
            json!({"buyerId": "$BUYER", "buyerDivisionCode": "654224"}),
            "INVALID_REQUEST buyer_division_code:NOT_THE_REGISTERED_DIVISION",
        ),
        ("sales", "PlaceOrder", json!({"sellerId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
        ("sales", "PlaceOrder", json!({"channelId": "$NOBODY"}), "NOT_FOUND channel $NOBODY"),
        (
            "sales",
            "PlaceOrder",
            json!({"lines": [{"productId": "$pea", "quantity": heads, "price": dear, "placeId": "$S1"}]}),
            "INVALID_REQUEST lines[0].quantity:WRONG_UNIT",
        ),
        (
            "sales",
            "PlaceOrder",
            json!({"lines": [{"productId": "$pea", "quantity": kilograms(2), "price": dear, "placeId": "$S1"}]}),
            "INVALID_REQUEST lines[0].price:AMOUNT_TOO_LARGE",
        ),
        ("sales", "PlaceOrder", json!({"lines": []}), "INVALID_REQUEST lines:REQUIRED"),
        ("sales", "CancelOrderLine", json!({"line": 7}), "INVALID_REQUEST line:OUT_OF_RANGE"),
        ("sales", "CancelOrderLine", json!({"orderId": "$O1"}), "ORDER_LINE_NOT_OPEN $O1/0"),
        ("sales", "CancelOrderLine", json!({"orderId": "$NOBODY"}), "NOT_FOUND order $NOBODY"),
        ("sales", "RecordPayment", json!({"amountFen": 1_000_000_000}), "PAYMENT_EXCEEDS_ORDER $O1"),
        ("sales", "RecordPayment", json!({"orderId": "$NOBODY"}), "NOT_FOUND order $NOBODY"),
        ("sales", "ReturnPrepayment", json!({"amountFen": 1_000_000_000}), "PREPAYMENT_EXCEEDED $O2"),
        ("sales", "ReturnPrepayment", json!({"orderId": "$O1"}), "PREPAYMENT_EXCEEDED $O1"),
        ("sales", "SettleConsignment", json!({"consigneeId": "$FIRM"}), "NOT_CONSIGNED $L1"),
        ("sales", "SettleConsignment", json!({"lots": [{"lotId": "$NOBODY"}]}), "NOT_CONSIGNED $NOBODY"),
        ("sales", "SettleConsignment", json!({"lots": [{"lotId": "$L3"}]}), "NOTHING_TO_SETTLE $COOP"),
        (
            "sales",
            "SettleConsignment",
            json!({"lots": [{"lotId": "$L1"}, {"lotId": "$L1"}]}),
            "INVALID_REQUEST lots[1].lot_id:DUPLICATE",
        ),
        (
            "sales",
            "SettleConsignment",
            json!({"lots": [{"lotId": "$L1",
            "charges": [{"kind": "CHARGE_KIND_PLATFORM", "amountFen": 1_000_000}]}]}),
            "CHARGES_EXCEED_SALE $L1",
        ),
    ];
    for (service, method, from, other) in
        [("station", "HandOverGoods", "$S1", "$D1"), ("distribution", "DispatchShipment", "$D1", "$S1")]
    {
        cases.extend([
            (
                service,
                method,
                json!({"toPlaceId": from}),
                if from == "$S1" { "SAME_PLACE $S1" } else { "SAME_PLACE $D1" },
            ),
            (
                service,
                method,
                json!({"fromPlaceId": other}),
                if from == "$S1" { "NOT_FOUND place $D1" } else { "NOT_FOUND place $S1" },
            ),
            (service, method, json!({"carrierId": "$COOP"}), "PARTY_NOT_A_CARRIER $COOP"),
            (service, method, json!({"principalId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
            (service, method, lines("$pea", "", 1_000_000), "INSUFFICIENT_STOCK $pea"),
            (service, method, lines("$pea", "$NOBODY", 1), "INSUFFICIENT_STOCK $NOBODY"),
            (service, method, lines("$sheep", "", 1), "INVALID_REQUEST lines[0].quantity:WRONG_UNIT"),
            (service, method, lines("$NOBODY", "", 1), "NOT_FOUND product $NOBODY"),
        ]);
    }
    for service in ["station", "distribution"] {
        cases.extend([
            (service, "BuyInGoods", json!({"supplierId": "$COOP"}), "PARTY_NOT_A_SUPPLIER $COOP"),
            (service, "BuyInGoods", json!({"ownerId": "$H1"}), "PARTY_CANNOT_TRADE $H1"),
            (service, "BuyInGoods", json!({"placeId": "$NOBODY"}), "NOT_FOUND place $NOBODY"),
            (service, "BuyInGoods", json!({"quantity": heads}), "INVALID_REQUEST quantity:WRONG_UNIT"),
        ]);
    }
    cases
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
        (json!({"after": position("procurement/110101", 1, hash)}), "INVALID_REQUEST after[0].stream:STREAM_NOT_READ"),
        (json!({"after": position("ledger/654224", 1, hash)}), "INVALID_REQUEST after[0].stream:STREAM_NOT_READ"),
        (json!({"after": position("procurement/654224", 1, hash)}), "POSITION_NOT_IN_LOG commit procurement/654224/1"),
        (json!({"after": position("sales/654224", 1, "AQI=")}), "INVALID_REQUEST after[0].hash:HASH_LENGTH"),
    ]
}
