//! A little of everything: parties, contracts, goods, orders, payments, so that every call has something to name.

use serde_json::{Value, json};

use crate::county::{County, VILLAGE};

pub(crate) fn kilograms(count: i64) -> Value {
    json!({"value": count, "unit": "UNIT_KILOGRAM"})
}

/// 9.20 yuan per kilogram.
pub(crate) fn price() -> Value {
    json!({"e4": 92_000, "per": "UNIT_KILOGRAM"})
}

pub(crate) fn on(day: &str) -> Value {
    json!({"businessDate": day, "divisionCode": VILLAGE})
}

pub(crate) async fn play(county: &County) {
    parties(county).await;
    places(county).await;
    goods(county).await;
    trade(county).await;
    county.settle().await;
}

async fn parties(county: &County) {
    let early = on("2026-02-01");
    for (name, kind, division) in [
        ("COOP", "PARTY_KIND_COOPERATIVE", VILLAGE),
        ("FIRM", "PARTY_KIND_FIRM", "654224100"),
        ("CARR", "PARTY_KIND_CARRIER", "654224"),
        ("BUYER", "PARTY_KIND_BUYER", "110101"),
        ("SUPP", "PARTY_KIND_SUPPLIER", "110101"),
    ] {
        let party = json!({"kind": kind, "divisionCode": division, "label": name, "occasion": early});
        county.made("procurement", "RegisterParty", party, &[&format!("partyId={name}")]).await;
    }
    for (name, relations) in [("H1", json!(["RELATION_HEAD", "RELATION_SPOUSE"])), ("H2", json!(["RELATION_HEAD"]))] {
        let household = json!({"divisionCode": VILLAGE, "category": "HOUSEHOLD_CATEGORY_REGISTERED_POOR",
            "members": relations, "occasion": early});
        let ids = [format!("householdId={name}"), format!("memberIds[0]={name}.head")];
        let answer = county.made("procurement", "RegisterHousehold", household, &[&ids[0], &ids[1]]).await;
        if let Some(spouse) = answer["memberIds"].get(1) {
            county.name(&format!("{name}.spouse"), spouse.as_str().unwrap());
        }
    }
    for (code, unit) in [("pea", "BASE_UNIT_GRAM"), ("sheep", "BASE_UNIT_HEAD")] {
        let product = json!({"code": code, "name": code, "productClass": "PRODUCT_CLASS_SPECIALITY", "baseUnit": unit,
            "occasion": early});
        county.made("procurement", "RegisterProduct", product, &[&format!("productId={code}")]).await;
    }
}

async fn places(county: &County) {
    let early = on("2026-02-01");
    let station = json!({"kind": "PLACE_KIND_STATION", "divisionCode": VILLAGE, "operatorId": "$COOP", "label": "S1",
        "occasion": early});
    county.made("station", "OpenStation", station, &["stationId=S1"]).await;
    for (name, kind) in [("D1", "PLACE_KIND_COUNTY_CENTRE"), ("D2", "PLACE_KIND_OUTLET")] {
        let site =
            json!({"kind": kind, "divisionCode": "654224", "operatorId": "$COOP", "label": name, "occasion": early});
        county.made("distribution", "OpenSite", site, &[&format!("siteId={name}")]).await;
    }
    let channel = json!({"medium": "MEDIUM_ONLINE", "operatorId": "$COOP", "label": "CH", "occasion": early});
    county.made("sales", "OpenChannel", channel, &["channelId=CH"]).await;
    let contract = json!({"firmId": "$COOP", "stationId": "$S1", "producerId": "$H1", "productId": "$pea",
        "terms": {"outright": {"price": price()}}, "validFrom": "2026-01-01", "validTo": "2026-06-30", "occasion": early});
    county.made("procurement", "ContractLinkage", contract, &["contractId=K1"]).await;
}

async fn goods(county: &County) {
    let slip = |lot: &str, day: &str| {
        json!({"stationId": "$S1", "producerId": "$H1", "productId": "$pea", "receiptNumber": lot, "lotLabel": lot,
        "gross": kilograms(100), "occasion": on(day)})
    };
    let commission = json!({"principalId": "$COOP", "terms": {"commission": {"commissionBp": 500}}});
    for (lot, day, field, basis) in [
        ("L1", "2026-03-01", "stated", commission.clone()),
        ("L2", "2026-03-02", "contractId", json!("$K1")),
        ("L3", "2026-03-04", "stated", commission),
    ] {
        let mut request = slip(lot, day);
        request[field] = basis;
        let names = [format!("lotId={lot}"), format!("receiptId=R.{lot}")];
        county.made("station", "CollectGoods", request, &[&names[0], &names[1]]).await;
    }
    let bought = json!({"placeId": "$D1", "ownerId": "$COOP", "supplierId": "$SUPP", "productId": "$pea",
        "quantity": kilograms(200), "price": price(), "lotLabel": "LB"});
    county.made("distribution", "BuyInGoods", bought, &["lotId=LB"]).await;
    for name in ["SH0", "SH1"] {
        let shipment = json!({"fromPlaceId": "$D1", "toPlaceId": "$D2", "principalId": "$COOP", "carrierId": "$CARR",
            "freightFen": 700, "lines": [{"productId": "$pea", "quantity": kilograms(20)}]});
        county.made("distribution", "DispatchShipment", shipment, &[&format!("shipmentId={name}")]).await;
    }
    let received = json!({"shipmentId": "$SH0", "placeId": "$D2", "occasion": on("2026-03-05"),
        "differences": [{"lotId": "$LB", "damaged": kilograms(1), "missing": kilograms(2)}]});
    county.made("distribution", "ReceiveShipment", received, &[]).await;
    county.settle().await;
}

async fn trade(county: &County) {
    let line = |count: i64, place: &str| {
        json!({"productId": "$pea", "quantity": kilograms(count), "price": {"e4": 120_000, "per": "UNIT_KILOGRAM"},
        "placeId": place})
    };
    for (name, buyer, lines) in [
        ("O1", "$BUYER", json!([line(10, "$S1"), line(5, "$S1"), line(3, "$D1")])),
        ("O2", "", json!([line(1, "$S1")])),
        ("O3", "", json!([line(1, "$S1")])),
    ] {
        let division = if buyer.is_empty() { "654224" } else { "110101" };
        let order = json!({"number": name, "channelId": "$CH", "sellerId": "$COOP", "buyerId": buyer,
            "buyerDivisionCode": division, "lines": lines});
        county.made("sales", "PlaceOrder", order, &[&format!("orderId={name}")]).await;
    }
    county.settle().await;
    // Ten kilograms of L1 are sold; a prepaid line is cancelled, so that there is something to give back.
    let issue = json!({"orderId": "$O1", "line": 0, "quantity": kilograms(10)});
    county.made("station", "IssueGoods", issue, &["issueId=I1"]).await;
    let payment = json!({"orderId": "$O2", "amountFen": 1_200, "method": "PAYMENT_METHOD_MOBILE"});
    county.made("sales", "RecordPayment", payment, &["paymentId=PAY"]).await;
    county.made("sales", "CancelOrderLine", json!({"orderId": "$O2", "line": 0}), &[]).await;
    for name in ["P0", "P1"] {
        let payout = json!({"payerId": "$COOP", "payeeId": "$H1", "amountFen": 100, "method": "PAYMENT_METHOD_CASH",
            "receivedBy": "$H1.head", "occasion": on("2026-03-05")});
        county.made("procurement", "MakePayout", payout, &[&format!("payoutId={name}")]).await;
    }
    county
        .made(
            "procurement",
            "FailPayout",
            json!({"payoutId": "$P0", "reason": "account closed", "occasion": on("2026-03-05")}),
            &[],
        )
        .await;
    county.settle().await;
    for (pair, name) in [(("$COOP", "$H1"), "OWED.H1"), (("$COOP", "$SUPP"), "OWED.SUPP")] {
        let asked = json!({"payerId": pair.0, "payeeId": pair.1});
        let answer = county.ask("procurement", "ListPayables", asked).await.unwrap();
        county.name(name, answer["payables"][0]["payableId"].as_str().unwrap());
    }
}
