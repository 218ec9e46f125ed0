//! Facts that post nothing.

use loopledger_domain::distribution::{Event as D, HandOverRefusal, HandOverRefused, SiteOpened};
use loopledger_domain::procurement::{
    ContractTerms, DeclineReason, Event as P, HouseholdCategoryChanged, HouseholdRegistered, HouseholdRelocated,
    LinkageContracted, MemberJoined, MemberLeft, MemberSince, PartyRegistered, ProductRegistered, PurchaseDeclined,
};
use loopledger_domain::sales::{
    CancellationRequested, ChannelOpened, Event as S, OrderLine, OrderLineCancelled, OrderLineStands, OrderPlaced,
};
use loopledger_domain::station::{Event as St, GoodsInspected, StationOpened, StockTakenIn};
use loopledger_domain::stock::{CancelRefused, StockRefusal, StockRefused};
use loopledger_domain::*;
use loopledger_types::*;

use super::{Sample, consumer, coop, household, id, occasion, owned, place, price, stock, village};

pub(super) fn samples() -> Vec<Sample> {
    let mut events: Vec<Event> = procurement().into_iter().map(Event::Procurement).collect();
    events.extend(places());
    events.extend(refusals());
    events.extend(orders().into_iter().map(Event::Sales));
    for service in [Service::Procurement, Service::Station, Service::Distribution, Service::Sales] {
        events.extend(of_every_service(service));
    }
    events.into_iter().map(|event| Sample::new("", event, &[])).collect()
}

fn procurement() -> Vec<P> {
    let (occasion, from) = (occasion(), occasion().business_date);
    let (household, division, category) = (household("household").id, village(), HouseholdCategory::RegisteredPoor);
    let member = MemberSince { member: MemberId(id("member")), relation: Relation::Head, from };
    let (receipt, lot, station) = (ReceiptId(id("receipt")), LotId(id("lot")), place("station"));
    let (class, base, product) = (ProductClass::Speciality, BaseUnit::Gram, ProductId(id("product")));
    let party = coop("party");
    let contracted = LinkageContracted {
        occasion,
        contract: ContractId(id("contract")),
        firm: party,
        station,
        producer: super::household("producer"),
        product,
        terms: ContractTerms::Outright { price: price() },
        valid_from: from,
        valid_to: from,
        quantity_max: Some(Quantity(700)),
    };
    let reason = DeclineReason::QuantityExceeded;
    let declined = PurchaseDeclined { occasion, receipt, lot, station, reason, quantity_left: Some(Quantity(700)) };
    vec![
        P::HouseholdRegistered(HouseholdRegistered {
            occasion,
            household,
            division,
            category,
            from,
            members: vec![member],
        }),
        P::HouseholdCategoryChanged(HouseholdCategoryChanged { occasion, household, category, from }),
        P::MemberJoined(MemberJoined { occasion, household, member }),
        P::MemberLeft(MemberLeft { occasion, household, member: member.member, from }),
        P::HouseholdRelocated(HouseholdRelocated { occasion, household, division, from }),
        P::PartyRegistered(PartyRegistered { occasion, party, division, label: "合作社".into() }),
        P::ProductRegistered(ProductRegistered {
            occasion,
            product,
            code: "chickpea".into(),
            name: "鹰嘴豆".into(),
            class,
            base,
        }),
        P::LinkageContracted(contracted),
        P::PurchaseDeclined(declined),
    ]
}

fn places() -> [Event; 5] {
    let (occasion, division, operator, label) = (occasion(), village(), coop("operator"), String::from("站点"));
    let (station, kind) = (place("station"), PlaceKind::Station);
    let station = StationOpened { occasion, station, kind, division, operator, label: label.clone() };
    let (site, kind) = (place("site"), PlaceKind::CountyCentre);
    let site = SiteOpened { occasion, site, kind, division, operator, label: label.clone() };
    let (channel, medium) = (ChannelId(id("channel")), Medium::Online);
    let taken_in = StockTakenIn {
        occasion,
        shipment: ShipmentId(id("shipment")),
        place: place("place"),
        received: vec![stock(owned("owner"), 640)],
        damaged: vec![stock(owned("owner"), 40)],
    };
    let inspected = GoodsInspected {
        occasion,
        station: place("station"),
        lot: LotId(id("lot")),
        test: String::from("农药残留"),
        passed: true,
        finding: String::new(),
        laboratory_code: String::from("LAB"),
        report_hash: None,
    };
    [
        Event::Station(St::GoodsInspected(inspected)),
        Event::Station(St::StationOpened(station)),
        Event::Distribution(D::SiteOpened(site)),
        Event::Sales(S::ChannelOpened(ChannelOpened { occasion, channel, medium, operator, label })),
        Event::Station(St::StockTakenIn(taken_in)),
    ]
}

fn refusals() -> [Event; 5] {
    let (occasion, order, place) = (occasion(), OrderId(id("order")), place("place"));
    let refused = StockRefused {
        occasion,
        order,
        line: 0,
        place,
        reason: StockRefusal::InsufficientStock,
        requested: Quantity(700),
        available: Quantity(640),
        earliest: None,
    };
    let stands = CancelRefused { occasion, order, line: 0, place };
    let (shipment, reason) = (ShipmentId(id("shipment")), HandOverRefusal::CarrierUnknown);
    [
        Event::Station(St::StockRefused(refused)),
        Event::Distribution(D::StockRefused(refused)),
        Event::Station(St::CancelRefused(stands)),
        Event::Distribution(D::CancelRefused(stands)),
        Event::Distribution(D::HandOverRefused(HandOverRefused { occasion, shipment, reason })),
    ]
}

fn orders() -> [S; 4] {
    let (occasion, order, place, holder) = (occasion(), OrderId(id("order")), place("place"), Service::Station);
    let line = OrderLine {
        product: ProductId(id("product")),
        quantity: Quantity(700),
        price: price(),
        amount: Money(6_440),
        place,
        holder,
    };
    let placed = OrderPlaced {
        occasion,
        order,
        number: "D1".into(),
        channel: ChannelId(id("channel")),
        medium: Medium::Online,
        seller: coop("seller"),
        buyer: consumer(),
        lines: vec![line],
        same_number_as: None,
    };
    [
        S::OrderPlaced(placed),
        S::OrderLineCancelled(OrderLineCancelled { occasion, order, line: 0, refusal: None, available: None }),
        S::CancellationRequested(CancellationRequested { occasion, order, line: 0, place, holder }),
        S::OrderLineStands(OrderLineStands { occasion, order, line: 0 }),
    ]
}

/// What every service can record about other commits. The answers that are repeated are such as post something.
fn of_every_service(service: Service) -> [Event; 3] {
    let lost = TailLost { first: 3, last: 9, head: Hash([3; 32]) };
    let ignored = UpstreamIgnored { occasion: occasion(), reason: IgnoreReason::NotAsked };
    let ignored = match service {
        Service::Procurement => Event::Procurement(P::UpstreamIgnored(ignored)),
        Service::Station => Event::Station(St::UpstreamIgnored(ignored)),
        Service::Distribution => Event::Distribution(D::UpstreamIgnored(ignored)),
        Service::Sales => Event::Sales(S::UpstreamIgnored(ignored)),
        Service::Ledger => unreachable!("the ledger's stream has no writer"),
    };
    let answers = super::money::samples().into_iter().map(|sample| sample.event).collect();
    let repeated = AnswerRepeated { first: 1, answers };
    [ignored, repeated.of(service).unwrap(), lost.of(service).unwrap()]
}
