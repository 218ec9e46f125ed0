//! Requests at their limits, and a county to make them in.

use loopledger_types::{Quantity, Service};
use loopledger_wire::{GRADE_MAX, LABEL_MAX, MEMBERS_MAX, NUMBER_MAX};
use serde_json::{Value, json};

use crate::county::County;

pub(crate) const VILLAGE: &str = "654224202207";
/// 250 of them are the largest quantity that can be named.
pub(crate) const LOT_GRAMS: i64 = Quantity::MAX.0 / 250;
/// What 250 lots come to is the largest amount that can be named.
const PRICE_E4: i64 = 1_000_000_000;

/// A text of so many characters of four bytes, one of its own for each number.
pub(crate) fn text(number: usize, characters: usize) -> String {
    let last = char::from_u32(0x2_0000 + number as u32).unwrap();
    "𠮷".repeat(characters - 1) + &last.to_string()
}

/// With everything that a device may say.
pub(crate) fn occasion() -> Value {
    json!({"businessDate": "2026-03-01", "divisionCode": VILLAGE, "occurredAt": "2026-03-01T03:00:00.999999999Z",
        "deviceUtcOffsetMin": 480})
}

pub(crate) fn grams(count: i64) -> Value {
    json!({"value": count.to_string(), "unit": "UNIT_GRAM"})
}

pub(crate) fn price() -> Value {
    json!({"e4": PRICE_E4.to_string(), "per": "UNIT_TONNE"})
}

/// Parties, places, a product and a contract whose texts are as long as they may be.
pub(crate) struct Founded {
    pub(crate) county: County,
    pub(crate) household: String,
    pub(crate) member: String,
    pub(crate) coop: String,
    pub(crate) carrier: String,
    pub(crate) buyer: String,
    pub(crate) supplier: String,
    pub(crate) product: String,
    pub(crate) station: String,
    pub(crate) site: String,
    pub(crate) channel: String,
    pub(crate) contract: String,
}

impl Founded {
    pub(crate) async fn new() -> Self {
        let county = County::start().await;
        let mut members = vec!["RELATION_OTHER"; MEMBERS_MAX];
        members[0] = "RELATION_HEAD";
        let fields = json!({"occasion": occasion(), "divisionCode": VILLAGE,
            "category": "HOUSEHOLD_CATEGORY_SUDDEN_HARDSHIP", "members": members});
        let made = county.ask(Service::Procurement, "registerHousehold", fields).await.unwrap();
        let (household, member) = (id(&made, "party"), id(&made, "member"));
        let mut parties = Vec::new();
        for (number, kind) in ["COOPERATIVE", "CARRIER", "BUYER", "SUPPLIER"].iter().enumerate() {
            let fields = json!({"occasion": occasion(), "kind": format!("PARTY_KIND_{kind}"),
                "divisionCode": VILLAGE, "label": text(number, LABEL_MAX)});
            parties.push(id(&county.ask(Service::Procurement, "registerParty", fields).await.unwrap(), "party"));
        }
        let [coop, carrier, buyer, supplier] = parties.try_into().unwrap();
        let fields = json!({"occasion": occasion(), "code": text(0, NUMBER_MAX), "name": text(0, LABEL_MAX),
            "productClass": "PRODUCT_CLASS_INDUSTRIAL", "baseUnit": "BASE_UNIT_GRAM"});
        let product = id(&county.ask(Service::Procurement, "registerProduct", fields).await.unwrap(), "product");
        let fields = json!({"occasion": occasion(), "kind": "PLACE_KIND_WORKSHOP", "divisionCode": VILLAGE,
            "operatorId": coop, "label": text(0, LABEL_MAX)});
        let station = id(&county.ask(Service::Station, "openStation", fields).await.unwrap(), "place");
        let fields = json!({"occasion": occasion(), "kind": "PLACE_KIND_OUTLET", "divisionCode": VILLAGE,
            "operatorId": coop, "label": text(1, LABEL_MAX)});
        let site = id(&county.ask(Service::Distribution, "openSite", fields).await.unwrap(), "place");
        let fields = json!({"occasion": occasion(), "medium": "MEDIUM_OFFLINE", "operatorId": coop,
            "label": text(0, LABEL_MAX)});
        let channel = id(&county.ask(Service::Sales, "openChannel", fields).await.unwrap(), "channel");
        let fields = json!({"occasion": occasion(), "firmId": coop, "stationId": station, "producerId": household,
            "productId": product, "terms": {"commission": {"commissionBp": 1_000, "priceBasis": price()}},
            "validFrom": "2026-01-01", "validTo": "2199-12-31"});
        let contract = id(&county.ask(Service::Procurement, "contractLinkage", fields).await.unwrap(), "contract");
        Self { county, household, member, coop, carrier, buyer, supplier, product, station, site, channel, contract }
    }

    /// A lot of the household's goods at the station, consigned under the contract.
    pub(crate) async fn collect(&self, number: usize) -> String {
        let fields = json!({"contractId": self.contract});
        self.collect_under(number, fields).await
    }

    pub(crate) async fn collect_under(&self, number: usize, basis: Value) -> String {
        let mut fields = json!({"occasion": occasion(), "stationId": self.station, "producerId": self.household,
            "memberId": self.member, "productId": self.product, "receiptNumber": text(number, NUMBER_MAX),
            "lotLabel": text(number, NUMBER_MAX), "grade": text(number, GRADE_MAX), "gross": grams(4 * LOT_GRAMS),
            "tare": grams(LOT_GRAMS), "moisture": grams(LOT_GRAMS), "impurity": grams(LOT_GRAMS),
            "liveWeightGrams": Quantity::MAX.0.to_string()});
        fields.as_object_mut().unwrap().extend(basis.as_object().unwrap().clone());
        id(&self.county.ask(Service::Station, "collectGoods", fields).await.unwrap(), "lot")
    }

    /// A lot that the co-op buys from outside.
    pub(crate) async fn buy_in(&self, service: Service, place: &str, number: usize) -> String {
        let fields = json!({"occasion": occasion(), "placeId": place, "ownerId": self.coop,
            "supplierId": self.supplier, "productId": self.product, "quantity": grams(LOT_GRAMS),
            "price": {"e4": (PRICE_E4 / 10).to_string(), "per": "UNIT_TONNE"},
            "lotLabel": text(number, NUMBER_MAX)});
        id(&self.county.ask(service, "buyInGoods", fields).await.unwrap(), "lot")
    }

    /// An order of so many lines, each of so many grams, at `place`.
    pub(crate) fn order(&self, number: usize, place: &str, lines: usize, each: i64) -> Value {
        let line = json!({"productId": self.product, "quantity": grams(each), "price": price(), "placeId": place});
        json!({"occasion": occasion(), "number": text(number, NUMBER_MAX), "channelId": self.channel,
            "sellerId": self.coop, "buyerId": self.buyer, "buyerDivisionCode": VILLAGE, "lines": vec![line; lines]})
    }

    pub(crate) async fn place_order(&self, fields: Value) -> String {
        id(&self.county.ask(Service::Sales, "placeOrder", fields).await.unwrap(), "order")
    }

    pub(crate) async fn issue(&self, service: Service, order: &str, line: usize, quantity: i64) {
        let fields = json!({"occasion": occasion(), "orderId": order, "line": line, "quantity": grams(quantity)});
        self.county.ask(service, "issueGoods", fields).await.unwrap();
    }

    /// Sends the lots, each in a line of its own, and the shipment's id.
    pub(crate) async fn send(&self, service: Service, (from, to): (&str, &str), lots: &[String], each: i64) -> String {
        let lines: Vec<Value> =
            lots.iter().map(|lot| json!({"productId": self.product, "lotId": lot, "quantity": grams(each)})).collect();
        let fields = json!({"occasion": occasion(), "fromPlaceId": from, "toPlaceId": to, "principalId": self.coop,
            "carrierId": self.carrier, "freightFen": loopledger_types::Money::MAX.0.to_string(), "lines": lines});
        let command = if service == Service::Station { "handOverGoods" } else { "dispatchShipment" };
        id(&self.county.ask(service, command, fields).await.unwrap(), "shipment")
    }

    /// Takes a shipment in, each lot partly damaged and partly missing.
    pub(crate) async fn receive(&self, shipment: &str, place: &str, lots: &[String]) {
        let difference =
            |lot: &String| json!({"lotId": lot, "damaged": grams(LOT_GRAMS / 3), "missing": grams(LOT_GRAMS / 3)});
        let differences: Vec<Value> = lots.iter().map(difference).collect();
        let fields = json!({"occasion": occasion(), "shipmentId": shipment, "placeId": place,
            "differences": differences});
        self.county.ask(Service::Distribution, "receiveShipment", fields).await.unwrap();
    }
}

/// The first id of a kind.
pub(crate) fn id(made: &Value, kind: &str) -> String {
    made[kind][0].as_str().unwrap_or_else(|| panic!("no {kind} in {made}")).to_owned()
}
