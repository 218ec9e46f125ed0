//! What can be looked at, page by page, at heads that are named.

use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::county::County;
use crate::season;

/// Every row of a list, in pages of `size`; each page says how far it looked.
async fn all(county: &County, service: &str, method: &str, field: &str, filter: Value, size: u64) -> Vec<Value> {
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let mut request = filter.clone();
        request["pageSize"] = json!(size);
        request["pageToken"] = json!(token);
        let page = county.ask(service, method, request).await.unwrap();
        let heads = page["heads"].as_array().unwrap();
        let own = format!("{service}/654224");
        assert!(heads.iter().any(|head| head["stream"] == own.as_str()), "{method}: {heads:?}");
        let of_page = page[field].as_array().cloned().unwrap_or_default();
        assert!(of_page.len() as u64 <= size, "{method}");
        rows.extend(of_page);
        page["nextPageToken"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            return rows;
        }
    }
}

/// The rows as text, ids as names, one field of each.
fn named(county: &County, rows: &[Value], field: &str) -> Vec<String> {
    rows.iter().map(|row| county.with_names(row[field].as_str().unwrap())).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_whole_in_order_and_the_same_in_pages_of_any_size() {
    let county = County::start().await;
    season::play(&county).await;
    let lists = [
        ("procurement", "ListParties", "parties", json!({}), "partyId", "$BUYER $CARR $COOP $FIRM $H1 $H2 $SUPP"),
        ("procurement", "ListParties", "parties", json!({"kind": "PARTY_KIND_HOUSEHOLD"}), "partyId", "$H1 $H2"),
        ("procurement", "ListProducts", "products", json!({}), "productId", "$pea $sheep"),
        ("procurement", "ListContracts", "contracts", json!({}), "contractId", "$K1"),
        ("procurement", "ListPayables", "payables", json!({"payerId": "$COOP"}), "payeeId", "$CARR $CARR $H1 $SUPP"),
        ("procurement", "ListPayables", "payables", json!({"payeeId": "$CARR"}), "payeeId", "$CARR $CARR"),
        ("procurement", "ListPayables", "payables", json!({"payerId": "$COOP", "payeeId": "$H1"}), "payeeId", "$H1"),
        ("procurement", "ListPayables", "payables", json!({"payeeId": "$FIRM"}), "payeeId", ""),
        ("station", "ListStations", "stations", json!({}), "stationId", "$S1"),
        ("station", "ListStock", "items", json!({}), "lotId", "$L1 $L2 $L3"),
        ("station", "ListStock", "items", json!({"placeId": "$S1"}), "lotId", "$L1 $L2 $L3"),
        ("distribution", "ListSites", "sites", json!({}), "siteId", "$D1 $D2"),
        ("distribution", "ListStock", "items", json!({}), "placeId", "$D1 $D2"),
        ("distribution", "ListStock", "items", json!({"placeId": "$D1"}), "lotId", "$LB"),
        ("sales", "ListChannels", "channels", json!({}), "channelId", "$CH"),
    ];
    for (service, method, field, filter, column, expected) in lists {
        let filter = county.with_ids(&filter);
        let whole = all(&county, service, method, field, filter.clone(), 1_000).await;
        assert_eq!(sorted(named(&county, &whole, column)).join(" "), expected, "{method} {filter}");
        for size in [1, 2, 3] {
            assert_eq!(all(&county, service, method, field, filter.clone(), size).await, whole, "{method} in {size}s");
        }
        let unfit = json!({"pageSize": 1_001, "pageToken": ""});
        let mut request = filter.clone();
        request.as_object_mut().unwrap().extend(unfit.as_object().unwrap().clone());
        let status = county.ask(service, method, request).await.unwrap_err();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "page_size", "{method}");
        let mut request = filter;
        request["pageToken"] = json!("of another service");
        let status = county.ask(service, method, request).await.unwrap_err();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "page_token", "{method}");
    }
    for (service, method, request) in [
        ("procurement", "ListPayables", json!({})),
        ("procurement", "ListPayables", json!({"payerId": "COOP"})),
        ("procurement", "ListParties", json!({"kind": 99})),
        ("procurement", "GetParty", json!({})),
        ("station", "ListStock", json!({"placeId": "S1"})),
        ("distribution", "GetShipment", json!({"shipmentId": "00000000-0000-0000-0000-000000000000"})),
        ("sales", "GetOrder", json!({"orderId": ""})),
        ("sales", "GetReceipt", json!({"requestId": "x"})),
    ] {
        let status = county.ask(service, method, request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{method} {request}: {status:?}");
        assert!(status.get_details_bad_request().is_some(), "{method}");
    }
    // The other holder's place, and an unknown one, are not places without stock.
    for (service, place) in
        [("station", "$D1"), ("distribution", "$S1"), ("station", "00000000-0000-4000-8000-000000000000")]
    {
        let status = county.ask(service, "ListStock", json!({"placeId": place})).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{service} {place}: {status:?}");
        assert_eq!(status.get_details_resource_info().unwrap().resource_type, "place");
    }
    county.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "a list of what to see")]
async fn what_is_shown_is_what_happened() {
    let county = County::start().await;
    season::play(&county).await;
    let get = async |service: &str, method: &str, request: Value, field: &str| {
        county.ask(service, method, request).await.unwrap()[field].clone()
    };
    let check = |got: &Value, expected: Value| {
        for (field, value) in county.with_ids(&expected).as_object().unwrap() {
            assert_eq!(&got[field], value, "{field} of {got}");
        }
    };
    let household = get("procurement", "GetParty", json!({"partyId": "$H1"}), "party").await;
    check(&household, json!({"partyId": "$H1", "kind": "PARTY_KIND_HOUSEHOLD", "divisionCode": "654224202207"}));
    let members = &household["household"]["members"];
    assert_eq!(members.as_array().unwrap().len(), 2);
    check(&members[0], json!({"memberId": "$H1.head", "relation": "RELATION_HEAD", "from": "2026-02-01"}));
    let firm = get("procurement", "GetParty", json!({"partyId": "$FIRM"}), "party").await;
    check(&firm, json!({"label": "FIRM", "kind": "PARTY_KIND_FIRM"}));
    assert!(firm.get("household").is_none());

    let contracts = get("procurement", "ListContracts", json!({}), "contracts").await;
    check(
        &contracts[0],
        json!({"firmId": "$COOP", "stationId": "$S1", "producerId": "$H1", "productId": "$pea",
        "validFrom": "2026-01-01", "validTo": "2026-06-30", "quantityAccepted": "100000"}),
    );
    let owed = get("procurement", "ListPayables", json!({"payerId": "$COOP", "payeeId": "$H1"}), "payables").await;
    // 100 kg at 9.20 yuan, less the payout that arrived.
    check(
        &owed[0],
        json!({"kind": "PAYABLE_KIND_PURCHASE", "amountFen": "92000", "openFen": "91900",
        "openedOn": "2026-03-02", "sourceId": "$R.L2"}),
    );

    let shipment = get("distribution", "GetShipment", json!({"shipmentId": "$SH0"}), "shipment").await;
    check(
        &shipment,
        json!({"fromPlaceId": "$D1", "toPlaceId": "$D2", "carrierId": "$CARR", "principalId": "$COOP",
        "freightFen": "700", "state": "SHIPMENT_STATE_RECEIVED", "dispatchedOn": "2026-03-02", "receivedOn": "2026-03-05",
        "direction": "DIRECTION_LOCAL"}),
    );
    check(
        &shipment["lines"][0],
        json!({"lotId": "$LB", "dispatched": "20000", "received": "17000", "damaged": "1000",
        "missing": "2000"}),
    );
    let under_way = get("distribution", "GetShipment", json!({"shipmentId": "$SH1"}), "shipment").await;
    check(&under_way, json!({"state": "SHIPMENT_STATE_IN_TRANSIT"}));
    let stock = get("distribution", "ListStock", json!({"placeId": "$D2"}), "items").await;
    check(&stock[0], json!({"onHand": "17000", "quarantined": "1000", "principalId": "$COOP"}));
    let stock = get("station", "ListStock", json!({}), "items").await;
    let l1 = stock.as_array().unwrap().iter().find(|item| item["lotId"] == county.id("L1").as_str()).unwrap();
    // 100 kg, 10 issued, 6 reserved; consigned.
    check(
        l1,
        json!({"onHand": "84000", "reserved": "6000", "consigned": "SETTLEMENT_MODE_COMMISSION",
        "collectedOn": "2026-03-01"}),
    );

    let order = get("sales", "GetOrder", json!({"orderId": "$O1"}), "order").await;
    check(
        &order,
        json!({"number": "O1", "channelId": "$CH", "sellerId": "$COOP", "buyerId": "$BUYER", "owedFen": "12000"}),
    );
    let states: Vec<_> =
        order["lines"].as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ORDER_LINE_STATE_FULFILLED", "ORDER_LINE_STATE_OPEN", "ORDER_LINE_STATE_OPEN"]);
    check(&order["lines"][0], json!({"ordered": "10000", "issued": "10000", "amountFen": "12000"}));
    let order = get("sales", "GetOrder", json!({"orderId": "$O2"}), "order").await;
    check(&order, json!({"prepaidFen": "1200"}));
    assert_eq!(order["lines"][0]["state"], "ORDER_LINE_STATE_CANCELLED");

    for (service, method, field) in [
        ("procurement", "GetParty", "partyId"),
        ("distribution", "GetShipment", "shipmentId"),
        ("sales", "GetOrder", "orderId"),
    ] {
        let status = county.ask(service, method, json!({field: "$ABSENT"})).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_FOUND");
    }
    county.stop().await;
}
