//! A sample of every command, with every field that it may have.

use serde_json::{Value, json};

use super::uuid;

/// A complete request of each kind. `request_id`, `after` and `occasion` are added.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn samples() -> Vec<(&'static str, &'static str, Value)> {
    let kilograms = |n: i64| json!({"value": n, "unit": "UNIT_KILOGRAM"});
    let price = json!({"e4": 92000, "per": "UNIT_KILOGRAM"});
    let hash = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let lines = json!([{"productId": uuid(7), "quantity": kilograms(3)},
        {"productId": uuid(7), "lotId": uuid(9), "quantity": kilograms(4), "weightGrams": "4100"}]);
    let move_goods = json!({"fromPlaceId": uuid(1), "toPlaceId": uuid(2), "principalId": uuid(3), "carrierId": uuid(4),
        "freightFen": 1200, "lines": lines});
    let buy_in = json!({"placeId": uuid(1), "ownerId": uuid(2), "supplierId": uuid(3), "productId": uuid(7),
        "quantity": kilograms(5), "price": price, "lotLabel": "面粉-01"});
    let issue = json!({"orderId": uuid(5), "line": 1, "quantity": kilograms(6)});
    let site = json!({"kind": "PLACE_KIND_COUNTY_CENTRE", "divisionCode": "654224", "operatorId": uuid(1), "label": "县配送中心"});
    let payment = json!({"orderId": uuid(5), "amountFen": 500, "method": "PAYMENT_METHOD_CASH"});
    vec![
        (
            "procurement",
            "registerHousehold",
            json!({"divisionCode": "654224202207", "category": "HOUSEHOLD_CATEGORY_GENERAL",
            "members": ["RELATION_HEAD", "RELATION_SPOUSE"]}),
        ),
        (
            "procurement",
            "changeHouseholdCategory",
            json!({"householdId": uuid(1), "category": "HOUSEHOLD_CATEGORY_EXITED"}),
        ),
        ("procurement", "addHouseholdMember", json!({"householdId": uuid(1), "relation": "RELATION_CHILD"})),
        ("procurement", "removeHouseholdMember", json!({"householdId": uuid(1), "memberId": uuid(2)})),
        ("procurement", "relocateHousehold", json!({"householdId": uuid(1), "divisionCode": "654224202207"})),
        (
            "procurement",
            "registerParty",
            json!({"kind": "PARTY_KIND_FIRM", "divisionCode": "654224100", "label": "红花油厂"}),
        ),
        (
            "procurement",
            "registerProduct",
            json!({"code": "chickpea", "name": "鹰嘴豆",
            "productClass": "PRODUCT_CLASS_SPECIALITY", "baseUnit": "BASE_UNIT_GRAM"}),
        ),
        (
            "procurement",
            "contractLinkage",
            json!({"firmId": uuid(1), "stationId": uuid(2), "producerId": uuid(3),
            "productId": uuid(4), "terms": {"commission": {"commissionBp": 500, "priceBasis": price}},
            "validFrom": "2020-01-01", "validTo": "2020-12-31", "quantityMax": kilograms(1000)}),
        ),
        (
            "procurement",
            "makePayout",
            json!({"payerId": uuid(1), "payeeId": uuid(2), "amountFen": 90160,
            "payableIds": [uuid(3), uuid(4)], "method": "PAYMENT_METHOD_BANK_TRANSFER", "proofHash": hash, "receivedBy": uuid(5)}),
        ),
        ("procurement", "failPayout", json!({"payoutId": uuid(1), "reason": "账号已注销"})),
        (
            "station",
            "openStation",
            json!({"kind": "PLACE_KIND_STATION", "divisionCode": "654224202207", "operatorId": uuid(1), "label": "站点"}),
        ),
        (
            "station",
            "collectGoods",
            json!({"stationId": uuid(1), "producerId": uuid(2), "memberId": uuid(3), "productId": uuid(4),
            "stated": {"principalId": uuid(5), "terms": {"outright": {"price": price}}}, "receiptNumber": "R-1", "lotLabel": "L-1",
            "grade": "一级", "gross": kilograms(100), "tare": {"value": 2, "unit": "UNIT_JIN"}, "moisture": {"value": 500, "unit": "UNIT_GRAM"},
            "impurity": {"value": 500, "unit": "UNIT_GRAM"}, "liveWeightGrams": 1}),
        ),
        ("station", "handOverGoods", move_goods.clone()),
        ("station", "buyInGoods", buy_in.clone()),
        ("station", "issueGoods", issue.clone()),
        (
            "station",
            "inspectGoods",
            json!({"stationId": uuid(1), "lotId": uuid(2), "test": "农药残留", "passed": false,
            "finding": "毒死蜱 0.12 mg/kg", "laboratoryCode": "CATL-6542-017", "reportHash": hash}),
        ),
        ("distribution", "openSite", site),
        ("distribution", "dispatchShipment", move_goods),
        (
            "distribution",
            "receiveShipment",
            json!({"shipmentId": uuid(1), "placeId": uuid(2),
            "differences": [{"lotId": uuid(3), "pool": 1, "damaged": kilograms(1)}, {"lotId": uuid(3), "missing": kilograms(2)}]}),
        ),
        ("distribution", "buyInGoods", buy_in),
        ("distribution", "issueGoods", issue),
        ("sales", "openChannel", json!({"medium": "MEDIUM_ONLINE", "operatorId": uuid(1), "label": "直播间"})),
        (
            "sales",
            "placeOrder",
            json!({"number": "O-1", "channelId": uuid(1), "sellerId": uuid(2), "buyerId": uuid(3),
            "buyerDivisionCode": "110101", "lines": [{"productId": uuid(4), "quantity": kilograms(7), "price": price, "placeId": uuid(5)}]}),
        ),
        ("sales", "cancelOrderLine", json!({"orderId": uuid(5), "line": 1})),
        ("sales", "recordPayment", payment.clone()),
        ("sales", "returnPrepayment", payment),
        (
            "sales",
            "settleConsignment",
            json!({"consigneeId": uuid(1),
            "lots": [{"lotId": uuid(2), "charges": [{"kind": "CHARGE_KIND_PLATFORM", "amountFen": 30}]}, {"lotId": uuid(3)}]}),
        ),
    ]
}
