//! Facts that move goods.

use loopledger_domain::distribution::{Event as D, ReceivedLine, ShipmentDispatched, ShipmentLine, ShipmentReceived};
use loopledger_domain::procurement::DeclineReason;
use loopledger_domain::station::GoodsTakenBack;
use loopledger_domain::station::{Event as S, GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned};
use loopledger_domain::stock::{GoodsBoughtIn, GoodsIssued, ReservationReleased, StockReserved};
use loopledger_domain::*;
use loopledger_types::*;

use super::{
    Sample, consigned, consumer, coop, household, id, occasion, owned, party, place, price, registered, stock, village,
};

pub(super) fn samples() -> Vec<Sample> {
    let mut all = station();
    all.extend(shipments());
    // Both holders of stock say these.
    for (case, fact, measures) in held() {
        all.push(Sample::new(case, Event::Station(fact.clone().of_station()), measures));
        all.push(Sample::new(case, Event::Distribution(fact.of_distribution()), measures));
    }
    all
}

fn station() -> Vec<Sample> {
    let (occasion, receipt) = (occasion(), ReceiptId(id("receipt")));
    let (producer, custodian) = (household("producer"), PartyId(id("custodian")));
    let outright = Terms::Outright { buyer: coop("owner"), price: price(), contract: None };
    let commission =
        Terms::Commission { consignee: coop("consignee"), commission_bp: 500, price_basis: None, contract: None };
    let line = stock(owned("owner"), 700);
    let reason = DeclineReason::ContractNotInForce;
    let lines = vec![line, stock(owned("owner"), 900)];
    let (from, to, carrier) = (place("from"), place("to"), party("carrier", PartyKind::Carrier));
    let released = GoodsReleased { occasion, receipt, producer, place: place("place"), custodian, line };
    let returned = GoodsReturned { occasion, receipt, producer, place: place("place"), custodian, line, reason };
    let handed_over = GoodsHandedOver {
        occasion,
        shipment: ShipmentId(id("shipment")),
        from,
        custodian,
        to,
        direction: Direction::Up,
        carrier,
        principal: coop("owner"),
        freight: Money(500),
        lines: lines.clone(),
        weights: Vec::new(),
    };
    let shipment = handed_over.shipment;
    let taken_back = GoodsTakenBack { occasion, shipment, from, custodian, to, carrier, lines };
    let line_quantity = [(700, "line.quantity")];
    let lines_quantity = [(700, "lines.quantity"), (900, "lines.quantity")];
    vec![
        Sample::new("outright", collected(outright), &[(700, "origin.quantity")]),
        Sample::new("consigned", collected(commission), &[(700, "origin.quantity")]),
        Sample::new("", Event::Station(S::GoodsReleased(released)), &line_quantity),
        Sample::new("", Event::Station(S::GoodsReturned(returned)), &line_quantity),
        Sample::new("", Event::Station(S::GoodsHandedOver(handed_over)), &lines_quantity),
        Sample::new("", Event::Station(S::GoodsTakenBack(taken_back)), &lines_quantity),
    ]
}

fn collected(terms: Terms) -> Event {
    let quantity = Quantity(700);
    let origin = Origin {
        receipt: ReceiptId(id("receipt")),
        producer: household("producer"),
        division: village(),
        terms,
        quantity,
        source_quantity: quantity,
    };
    Event::Station(S::GoodsCollected(GoodsCollected {
        occasion: occasion(),
        lot: LotId(id("lot")),
        origin,
        station: place("station"),
        custodian: PartyId(id("custodian")),
        product: ProductId(id("product")),
        member: None,
        receipt_number: "R1".into(),
        lot_label: "L1".into(),
        grade: "1".into(),
        gross: Quantity(740),
        tare: Quantity(20),
        moisture: Quantity(10),
        impurity: Quantity(10),
        live_weight_grams: None,
        amount: None,
        same_number_as: None,
    }))
}

fn shipments() -> Vec<Sample> {
    let measures = [
        (700, "lines.quantity"),
        (900, "lines.quantity"),
        (300, "lines.freight"),
        (200, "lines.freight"),
        (500, "freight"),
    ];
    let line = ReceivedLine {
        stock: stock(owned("owner"), 700),
        received: Quantity(640),
        damaged: Quantity(40),
        missing: Quantity(20),
    };
    let received = ShipmentReceived {
        occasion: occasion(),
        shipment: ShipmentId(id("shipment")),
        from: place("from"),
        place: place("place"),
        at_station: false,
        direction: Direction::Up,
        carrier: party("carrier", PartyKind::Carrier),
        custodian: PartyId(id("custodian")),
        lines: vec![line],
    };
    let received = Event::Distribution(D::ShipmentReceived(received));
    vec![
        Sample::new("from a site, own goods", dispatched(owned("principal"), false), &measures),
        Sample::new("from a site, consigned goods", dispatched(consigned(), false), &measures),
        Sample::new("handed over by a station", dispatched(owned("principal"), true), &measures),
        Sample::new("", received, &[(640, "lines.received"), (40, "lines.damaged")]),
    ]
}

fn dispatched(title: Title, handed_over: bool) -> Event {
    let line = |quantity, freight| ShipmentLine { stock: stock(title, quantity), freight: Money(freight) };
    Event::Distribution(D::ShipmentDispatched(ShipmentDispatched {
        occasion: occasion(),
        shipment: ShipmentId(id("shipment")),
        from: place("from"),
        custodian: PartyId(id("custodian")),
        to: place("to"),
        direction: Direction::Up,
        carrier: party("carrier", PartyKind::Carrier),
        carrier_division: village(),
        principal: coop("principal"),
        freight: Money(500),
        lines: vec![line(700, 300), line(900, 200)],
        handed_over,
    }))
}

/// What a holder of stock records, be it station or distribution.
#[derive(Clone)]
enum Held {
    BoughtIn(GoodsBoughtIn),
    Reserved(StockReserved),
    Released(ReservationReleased),
    Issued(GoodsIssued),
}

impl Held {
    fn of_station(self) -> S {
        match self {
            Self::BoughtIn(fact) => S::GoodsBoughtIn(fact),
            Self::Reserved(fact) => S::StockReserved(fact),
            Self::Released(fact) => S::ReservationReleased(fact),
            Self::Issued(fact) => S::GoodsIssued(fact),
        }
    }

    fn of_distribution(self) -> D {
        match self {
            Self::BoughtIn(fact) => D::GoodsBoughtIn(fact),
            Self::Reserved(fact) => D::StockReserved(fact),
            Self::Released(fact) => D::ReservationReleased(fact),
            Self::Issued(fact) => D::GoodsIssued(fact),
        }
    }
}

fn held() -> [(&'static str, Held, &'static [(i64, &'static str)]); 5] {
    let (occasion, order, place, custodian) =
        (occasion(), OrderId(id("order")), place("place"), PartyId(id("custodian")));
    let owner = coop("owner");
    let bought_in = GoodsBoughtIn {
        occasion,
        place,
        custodian,
        line: stock(owned("owner"), 700),
        owner,
        supplier: party("supplier", PartyKind::Supplier),
        supplier_division: village(),
        price: price(),
        amount: Money(6_440),
        lot_label: "L1".into(),
    };
    let picks = vec![stock(owned("owner"), 700), stock(owned("owner"), 900)];
    let reserved = StockReserved {
        occasion,
        order,
        line: 0,
        place,
        custodian,
        seller: owner,
        buyer: consumer(),
        picks: picks.clone(),
        price: price(),
    };
    let released = ReservationReleased { occasion, order, line: 0, place, custodian, picks };
    let less = issued(consumer(), 700, None, Some(30));
    let more = issued(registered(), 700, Some(50), None);
    [
        ("", Held::BoughtIn(bought_in), &[(700, "line.quantity")]),
        ("", Held::Reserved(reserved), &[(700, "picks.quantity"), (900, "picks.quantity")]),
        ("", Held::Released(released), &[(700, "picks.quantity"), (900, "picks.quantity")]),
        ("less than reserved", Held::Issued(less), &[(700, "issued.quantity"), (30, "released.quantity")]),
        ("more than reserved", Held::Issued(more), &[(700, "issued.quantity"), (50, "beyond.quantity")]),
    ]
}

fn issued(buyer: BuyerRef, quantity: i64, beyond: Option<i64>, released: Option<i64>) -> GoodsIssued {
    let lines = |quantity: Option<i64>| quantity.map(|quantity| stock(owned("owner"), quantity)).into_iter().collect();
    GoodsIssued {
        occasion: occasion(),
        issue: IssueId(id("issue")),
        order: OrderId(id("order")),
        line: 0,
        place: place("place"),
        custodian: PartyId(id("custodian")),
        seller: coop("owner"),
        buyer,
        issued: lines(Some(quantity)),
        beyond: lines(beyond),
        released: lines(released),
    }
}
