//! The layouts of the entities: every one comes back, and its bytes are those committed for this `SCHEMA`.

mod procurement_samples;

use core::fmt::Write;
use std::path::PathBuf;

use loopledger_domain::{
    Age, BuyerRef, CategoryAt, Change, Dated, Direction, HouseholdCategory, Medium, Numbered, Occasion, Origin, Paper,
    PartyKind, PartyRef, PaymentMethod, PlaceKind, ProductClass, Relation, SettlementMode, StockLine, Terms, Title,
    distribution, procurement, sales, station, stock,
};
use loopledger_state_store::Mirror;
use loopledger_types::hex;
use loopledger_types::{
    BaseUnit, BusinessDate, ChannelId, ContractId, DivisionCode, LotId, MemberId, Money, NumberId, OrderId, PartyId,
    PayableId, PayoutId, PlaceId, ProductId, Quantity, ReceiptId, Scope, Service, SettlementId, ShipmentId, Timestamp,
    Unit, UnitPrice,
};

use procurement_samples::procurement_entities;

const FIRM: PartyRef = PartyRef { id: PartyId([1; 16]), kind: PartyKind::Firm };
const HOUSEHOLD: PartyRef = PartyRef { id: PartyId([2; 16]), kind: PartyKind::Household };
const CARRIER: PartyRef = PartyRef { id: PartyId([3; 16]), kind: PartyKind::Carrier };
const PRODUCT: ProductId = ProductId([4; 16]);
const LOT: LotId = LotId([5; 16]);
const STATION: PlaceId = PlaceId([6; 16]);
const CENTRE: PlaceId = PlaceId([7; 16]);
const CONTRACT: ContractId = ContractId([8; 16]);
const RECEIPT: ReceiptId = ReceiptId([9; 16]);
const NUMBER: NumberId = NumberId([19; 16]);
const SHIPMENT: ShipmentId = ShipmentId([10; 16]);
const MEMBER: MemberId = MemberId([11; 16]);
const ORDER: OrderId = OrderId([12; 16]);
const CHANNEL: ChannelId = ChannelId([13; 16]);
const PRICE: UnitPrice = UnitPrice { e4: 120_000, per: Unit::Kilogram };

fn day(day: u32) -> BusinessDate {
    BusinessDate::from_ymd(2026, 5, day).unwrap()
}

fn age(number: &str) -> Age {
    let at = Timestamp { seconds: 1_780_000_000, nanos: 1_000 };
    Age { day: day(1), at, number: Numbered(number.into()) }
}

fn village() -> DivisionCode {
    DivisionCode::from_number(654_224_101_203).unwrap()
}

fn owned() -> StockLine {
    let title = Title::Owned { owner: FIRM };
    StockLine { lot: LOT, pool: 0, product: PRODUCT, title, collected_on: day(1), quantity: Quantity(500) }
}

fn consigned(mode: SettlementMode) -> StockLine {
    let title = Title::Consigned { consignee: FIRM, mode };
    StockLine { lot: LOT, pool: 300, product: PRODUCT, title, collected_on: day(2), quantity: Quantity(70_000) }
}

fn buyer(registered: bool) -> BuyerRef {
    let party = registered.then_some(PartyRef { id: PartyId([14; 16]), kind: PartyKind::Buyer });
    BuyerRef { party, division: village(), scope: if registered { Scope::Outside } else { Scope::County } }
}

fn stock_entities() -> Vec<(stock::Key, stock::Entity)> {
    let place =
        |kind| stock::Place { kind, since: day(6), division: village(), operator: FIRM, label: "乌雪特站".into() };
    let moves = Box::new([stock::Move { from: day(3), division: village() }]);
    let cell = stock::Cell {
        product: PRODUCT,
        title: consigned(SettlementMode::Commission).title,
        age: age("0017").into(),
        on_hand: Dated { changes: vec![Change { day: day(1), amount: 3 }, Change { day: day(4), amount: -2 }].into() },
        reserved: Quantity(2),
        pending: Quantity(3),
        quarantined: Quantity(4),
    };
    let reservation = |status| stock::Reservation {
        reserved_on: day(5),
        place: STATION,
        product: PRODUCT,
        seller: FIRM,
        buyer: buyer(true),
        price: PRICE,
        picks: vec![owned(), consigned(SettlementMode::AgreedPrice)].into(),
        status,
    };
    let reserved = |line, status| {
        let key = stock::Key::Reservation(stock::OrderLineKey { order: ORDER, line });
        (key, stock::Entity::Reservation(Box::new(reservation(status))))
    };
    vec![
        (
            stock::Key::Party(HOUSEHOLD.id),
            stock::Entity::Party(stock::Party {
                kind: PartyKind::Household,
                since: day(7),
                division: village(),
                moves,
            }),
        ),
        (stock::Key::Product(PRODUCT), stock::Entity::Product(stock::Product { since: day(8), base: BaseUnit::Gram })),
        (stock::Key::Place(STATION), stock::Entity::Place(place(PlaceKind::Station))),
        (stock::Key::OtherPlace(CENTRE), stock::Entity::OtherPlace(place(PlaceKind::CountyCentre))),
        (stock::Key::Cell(stock::CellKey { place: STATION, lot: LOT, pool: 300 }), stock::Entity::Cell(Box::new(cell))),
        reserved(0, stock::ReservationStatus::Open),
        reserved(1, stock::ReservationStatus::Issued),
        reserved(2, stock::ReservationStatus::Released),
        (stock::Key::Lot(LOT), stock::Entity::Lot(age("批-9").into())),
        (stock::Key::Reservation(stock::OrderLineKey { order: ORDER, line: 3 }), stock::Entity::Refused(day(12))),
    ]
}

fn contract_terms() -> [procurement::ContractTerms; 3] {
    [
        procurement::ContractTerms::Outright { price: PRICE },
        procurement::ContractTerms::AgreedPrice { price: PRICE },
        procurement::ContractTerms::Commission { commission_bp: 800, price_basis: Some(PRICE) },
    ]
}

fn station_entities() -> Vec<(station::Key, station::Entity)> {
    use station::{Contract, Entity, HandOver, Key, Membership, PendingReceipt};
    let mut entities: Vec<(Key, Entity)> =
        stock_entities().into_iter().map(|(key, entity)| (key.into(), entity.into())).collect();
    let membership = |until| Membership { member: MEMBER, from: day(1), until };
    entities
        .push((Key::Members(HOUSEHOLD.id), Entity::Members(vec![membership(None), membership(Some(day(9)))].into())));
    for (terms, quantity_max) in contract_terms().into_iter().zip([None, Some(Quantity(9_000)), None]) {
        let contract = Contract {
            firm: FIRM,
            station: STATION,
            producer: HOUSEHOLD.id,
            product: PRODUCT,
            terms,
            valid_from: day(1),
            valid_to: day(31),
            quantity_max,
        };
        entities.push((Key::Contract(CONTRACT), Entity::Contract(Box::new(contract))));
    }
    entities.push((Key::Collected(CONTRACT), Entity::Collected(Quantity(17))));
    let receipt =
        PendingReceipt { place: STATION, producer: HOUSEHOLD, line: owned(), number: Some(NUMBER), answered: true };
    let numbered = |id| Paper { id, on: day(3) };
    entities.push((Key::Number(NUMBER), Entity::Number(Box::new([numbered(RECEIPT), numbered(ReceiptId([17; 16]))]))));
    entities.push((Key::Receipt(RECEIPT), Entity::Receipt(Box::new(receipt))));
    let hand_over =
        HandOver { from: STATION, custodian: FIRM.id, to: CENTRE, carrier: CARRIER, lines: vec![owned()].into() };
    entities.push((Key::HandOver(SHIPMENT), Entity::HandOver(Box::new(hand_over))));
    entities
}

fn distribution_entities() -> Vec<(distribution::Key, distribution::Entity)> {
    use distribution::{Entity, Key, Shipment, TransitLine};
    let mut entities: Vec<(Key, Entity)> =
        stock_entities().into_iter().map(|(key, entity)| (key.into(), entity.into())).collect();
    for (direction, received_on) in [(Direction::Up, None), (Direction::Down, Some(day(4))), (Direction::Local, None)] {
        let line = TransitLine { stock: owned(), received: Quantity(490), damaged: Quantity(7), missing: Quantity(3) };
        let shipment = Shipment {
            from: STATION,
            to: CENTRE,
            direction,
            carrier: CARRIER,
            principal: FIRM,
            freight: Money(12_345),
            dispatched_on: day(3),
            received_on,
            lines: vec![line].into(),
        };
        entities.push((Key::Shipment(SHIPMENT), Entity::Shipment(Box::new(shipment))));
    }
    entities
}

fn origins() -> Vec<Origin> {
    let terms = [
        Terms::Outright { buyer: FIRM, price: PRICE, contract: Some(CONTRACT) },
        Terms::AgreedPrice { consignee: FIRM, price: PRICE, contract: None },
        Terms::Commission { consignee: FIRM, commission_bp: 1_000, price_basis: None, contract: Some(CONTRACT) },
    ];
    let origin = |terms| Origin {
        receipt: RECEIPT,
        producer: HOUSEHOLD,
        division: village(),
        terms,
        quantity: Quantity(100),
        source_quantity: Quantity(120),
    };
    terms.into_iter().map(origin).collect()
}

fn order(medium: Medium, registered: bool) -> sales::Order {
    let units = [
        Unit::Gram,
        Unit::Liang,
        Unit::Jin,
        Unit::Kilogram,
        Unit::Tonne,
        Unit::Millilitre,
        Unit::Litre,
        Unit::Head,
        Unit::Piece,
    ];
    let line = |per| sales::OrderLine {
        product: PRODUCT,
        quantity: Quantity(3),
        price: UnitPrice { e4: 5, per },
        amount: Money(15),
        place: STATION,
        holder: Service::Distribution,
    };
    let fulfilled = sales::LineState::Fulfilled { on: day(9), quantity: Quantity(2), amount: Money(10) };
    sales::Order {
        number: "2026-0001".into(),
        channel: CHANNEL,
        medium,
        seller: FIRM,
        buyer: buyer(registered),
        ordered_on: day(7),
        lines: units.into_iter().map(line).collect(),
        states: Box::new([
            sales::LineState::Open,
            sales::LineState::CancellationPending,
            sales::LineState::Cancelled {
                on: day(10),
                refusal: Some(stock::StockRefusal::TooManyLots),
                available: Some(Quantity(7)),
            },
            sales::LineState::Cancelled { on: day(11), refusal: None, available: None },
            fulfilled,
        ]),
        owed: Money(30),
        prepaid: Dated::default(),
    }
}

fn sales_entities() -> Vec<(sales::Key, sales::Entity)> {
    use sales::{Channel, ConsignedPool, Entity, Key, Lot, Party, Place, PoolKey, Sale, Settled, Tally};
    let pools = [SettlementMode::AgreedPrice, SettlementMode::Commission].map(|mode| ConsignedPool {
        pool: 1,
        consignee: FIRM,
        mode,
        origins: origins().into(),
    });
    let place = |holder| Entity::Place(Place { since: day(6), holder, division: village() });
    let channel = Channel { since: day(7), medium: Medium::Online, operator: FIRM, label: "网店".into() };
    let sale = |quantity, amount| Sale { quantity: Quantity(quantity), amount: Money(amount), until: day(8) };
    let tally = Tally { sold: Quantity(10), shared: true, unsettled: vec![sale(4, 600), sale(1, 0)] };
    let settled = Settled { source_quantity: Quantity(7), gross: Money(900) };
    let mut entities = vec![
        (Key::Party(FIRM.id), Entity::Party(Party { kind: PartyKind::Firm, since: day(8), division: village() })),
        (Key::Product(PRODUCT), Entity::Product(stock::Product { since: day(9), base: BaseUnit::Gram })),
        (Key::Place(STATION), place(Service::Station)),
        (Key::Place(CENTRE), place(Service::Distribution)),
        (Key::Lot(LOT), Entity::Lot(Box::new(Lot { product: PRODUCT, pools: pools.into() }))),
        (Key::Channel(CHANNEL), Entity::Channel(Box::new(channel))),
        (Key::Tally(PoolKey { lot: LOT, pool: 1 }), Entity::Tally(tally)),
        (Key::Settled(RECEIPT), Entity::Settled(settled)),
        (Key::Number(NUMBER), Entity::Number(Box::new([Paper { id: ORDER, on: day(3) }]))),
    ];
    for (medium, registered) in [(Medium::Online, false), (Medium::Offline, true)] {
        entities.push((Key::Order(ORDER), Entity::Order(Box::new(order(medium, registered)))));
    }
    entities
}

/// Set to write the golden file of a new `SCHEMA`.
const WRITE: &str = "LOOPLEDGER_WRITE_GOLDEN";

fn check<E: Mirror>(service: Service, samples: &[(E::Key, E)]) {
    let mut text = String::new();
    for (key, entity) in samples {
        let (mut key_bytes, mut bytes) = (Vec::new(), Vec::new());
        E::encode_key(key, &mut key_bytes);
        entity.encode(&mut bytes);
        assert_eq!(E::decode_key(&key_bytes).as_ref(), Some(key));
        assert_eq!(E::decode(&bytes).as_ref(), Some(entity));
        for cut in 0..bytes.len() {
            assert_eq!(E::decode(&bytes[..cut]), None, "{entity:?} cut at {cut}");
        }
        writeln!(text, "{} {}", hex::encode(&key_bytes), hex::encode(&bytes)).unwrap();
    }
    let name = format!("{service}.v{}.txt", E::SCHEMA);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(&name);
    if std::env::var_os(WRITE).is_some() && !path.exists() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "the layout of {service} is not that of {name}: raise SCHEMA and write its file with {WRITE}=1, or take the change back"
    );
}

#[test]
fn layouts_of_procurement_are_those_committed() {
    check(Service::Procurement, &procurement_entities());
}

#[test]
fn layouts_of_station_are_those_committed() {
    check(Service::Station, &station_entities());
}

#[test]
fn layouts_of_distribution_are_those_committed() {
    check(Service::Distribution, &distribution_entities());
}

#[test]
fn layouts_of_sales_are_those_committed() {
    check(Service::Sales, &sales_entities());
}
