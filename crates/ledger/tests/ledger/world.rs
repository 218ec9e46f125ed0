//! A small county whose four streams are written by hand: valid histories of the main path, from a seed.

use loopledger_domain::distribution::{
    self, ReceivedLine, ShipmentDispatched, ShipmentLine, ShipmentReceived, SiteOpened,
};
use loopledger_domain::procurement::{
    self, DeclineReason, HouseholdRegistered, MemberSince, PartyRegistered, PayableOpened, PayableSource, PayoutFailed,
    PayoutItem, PayoutMade, ProductRegistered, PurchaseAccepted, PurchaseDeclined,
};
use loopledger_domain::sales::{
    self, ConsignmentSettled, FulfilledPart, OrderFulfilled, OrderLine, OrderPlaced, PaymentReceived,
    PrepaymentReturned, SettledLine,
};
use loopledger_domain::station::{self, GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned, StationOpened};
use loopledger_domain::stock::{GoodsBoughtIn, GoodsIssued, StockReserved};
use loopledger_domain::*;
use loopledger_types::*;

/// `SplitMix64`: tests need numbers that a seed gives again.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between `low` and `high`, both included.
    pub(crate) fn roll(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    pub(crate) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(0, all.len() as i64 - 1) as usize].clone()
    }
}

/// Goods that lie somewhere, free.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) line: StockLine,
    pub(crate) place: PlaceId,
    pub(crate) custodian: PartyId,
    pub(crate) at_station: bool,
}

/// What is known of a lot, to settle and pay.
#[derive(Debug, Clone)]
pub(crate) struct LotInfo {
    pub(crate) lot: LotId,
    pub(crate) origin: Origin,
    pub(crate) product: ProductId,
    pub(crate) sold: i64,
    pub(crate) sold_value: i64,
    pub(crate) settled: i64,
    pub(crate) settled_value: i64,
}

/// Something owed.
#[derive(Debug, Clone)]
pub(crate) struct Owed {
    pub(crate) payable: PayableId,
    pub(crate) payer: PartyRef,
    pub(crate) payee: PartyRef,
    pub(crate) division: DivisionCode,
    pub(crate) amount: i64,
    pub(crate) source: PayableSource,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) day: BusinessDate,
    next_id: u64,
    clock: i64,
    /// Commits by service: procurement, station, distribution, sales.
    pub(crate) streams: [Vec<Commit>; 4],
    /// Every commit in the order in which it happened.
    pub(crate) all: Vec<Commit>,
    pub(crate) households: Vec<(PartyRef, DivisionCode)>,
    pub(crate) coop: PartyRef,
    pub(crate) firm: PartyRef,
    pub(crate) carrier: PartyRef,
    pub(crate) buyer: PartyRef,
    pub(crate) supplier: PartyRef,
    pub(crate) products: Vec<ProductId>,
    pub(crate) stations: Vec<PlaceId>,
    pub(crate) centre: PlaceId,
    pub(crate) outlet: PlaceId,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) lots: Vec<LotInfo>,
    pub(crate) owed: Vec<Owed>,
    pub(crate) paid: Vec<PayoutMade>,
}

pub(crate) const HOME: CountyCode = CountyCode::TUOLI;

pub(crate) fn division(text: &str) -> DivisionCode {
    DivisionCode::parse(text).unwrap()
}

pub(crate) fn per_kilogram(fen: i64) -> UnitPrice {
    UnitPrice { e4: fen * 100, per: Unit::Kilogram }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let nobody = PartyRef { id: PartyId([0; 16]), kind: PartyKind::Firm };
        let mut world = Self {
            dice: Dice(seed),
            day: BusinessDate::from_ymd(2020, 4, 1).unwrap(),
            next_id: 0,
            clock: 1_585_700_000,
            streams: [const { Vec::new() }; 4],
            all: Vec::new(),
            households: Vec::new(),
            coop: nobody,
            firm: nobody,
            carrier: nobody,
            buyer: nobody,
            supplier: nobody,
            products: Vec::new(),
            stations: Vec::new(),
            centre: PlaceId([0; 16]),
            outlet: PlaceId([0; 16]),
            shelves: Vec::new(),
            lots: Vec::new(),
            owed: Vec::new(),
            paid: Vec::new(),
        };
        world.found();
        world
    }

    pub(crate) fn id(&mut self) -> [u8; 16] {
        self.next_id += 1;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&Dice(self.next_id).next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next_id.to_be_bytes());
        bytes
    }

    pub(crate) fn occasion(&self, at: DivisionCode) -> Occasion {
        Occasion { business_date: self.day, occurred_at: None, device_utc_offset_min: None, division: at }
    }

    /// Appends a commit to its stream; `cause` is a commit that it answers.
    pub(crate) fn commit(&mut self, service: Service, events: Vec<Event>, cause: Option<Position>) -> Position {
        let request_id = RequestId(self.id());
        self.clock += self.dice.roll(1, 90_000);
        let stream = &mut self.streams[service.index()];
        let sequence = stream.len() as u64 + 1;
        let mut hash = [service.index() as u8; 32];
        hash[24..].copy_from_slice(&sequence.to_be_bytes());
        let commit = Commit {
            stream: StreamId { service, county: HOME },
            sequence,
            hash: Hash(hash),
            request_id,
            request_digest: [0; 32],
            cause,
            actor: None,
            recorded_at: Timestamp { seconds: self.clock, nanos: 0 },
            events,
            upstream: Vec::new(),
        };
        stream.push(commit.clone());
        self.all.push(commit.clone());
        commit.position()
    }

    fn register(&mut self, kind: PartyKind, at: &str, label: &str) -> PartyRef {
        let party = PartyRef { id: PartyId(self.id()), kind };
        let division = division(at);
        let fact = PartyRegistered { occasion: self.occasion(division), party, division, label: label.into() };
        self.procurement(procurement::Event::PartyRegistered(fact), None);
        party
    }

    pub(crate) fn procurement(&mut self, event: procurement::Event, cause: Option<Position>) -> Position {
        self.commit(Service::Procurement, vec![Event::Procurement(event)], cause)
    }

    pub(crate) fn station(&mut self, event: station::Event, cause: Option<Position>) -> Position {
        self.commit(Service::Station, vec![Event::Station(event)], cause)
    }

    pub(crate) fn distribution(&mut self, event: distribution::Event, cause: Option<Position>) -> Position {
        self.commit(Service::Distribution, vec![Event::Distribution(event)], cause)
    }

    pub(crate) fn sales(&mut self, event: sales::Event, cause: Option<Position>) -> Position {
        self.commit(Service::Sales, vec![Event::Sales(event)], cause)
    }

    pub(crate) fn household(&mut self, at: DivisionCode, members: u32) -> PartyRef {
        let household = PartyRef { id: PartyId(self.id()), kind: PartyKind::Household };
        let from = self.day;
        let members = (0..members).map(|n| MemberSince {
            member: MemberId(self.id()),
            relation: if n == 0 { Relation::Head } else { Relation::Child },
            from,
        });
        let members = members.collect();
        let category = HouseholdCategory::RegisteredPoor;
        let occasion = self.occasion(at);
        let fact = HouseholdRegistered { occasion, household: household.id, division: at, category, from, members };
        self.procurement(procurement::Event::HouseholdRegistered(fact), None);
        self.households.push((household, at));
        household
    }

    fn found(&mut self) {
        self.coop = self.register(PartyKind::Cooperative, "654224202", "合作社");
        self.firm = self.register(PartyKind::Firm, "654224", "龙头企业");
        self.carrier = self.register(PartyKind::Carrier, "654201", "承运");
        self.buyer = self.register(PartyKind::Buyer, "610102", "西安客户");
        self.supplier = self.register(PartyKind::Supplier, "650102", "外地供货");
        for village in ["654224202207", "654224202207", "654224100001", "654224203205", "654224203205"] {
            let members = self.dice.roll(1, 6) as u32;
            self.household(division(village), members);
        }
        for (code, name) in [("chickpea", "鹰嘴豆"), ("safflower", "红花")] {
            let product = ProductId(self.id());
            self.products.push(product);
            let occasion = self.occasion(HOME.into());
            let (class, base) = (ProductClass::Speciality, BaseUnit::Gram);
            let fact = ProductRegistered { occasion, product, code: code.into(), name: name.into(), class, base };
            self.procurement(procurement::Event::ProductRegistered(fact), None);
        }
        for village in ["654224202207", "654224203205"] {
            let station = PlaceId(self.id());
            self.stations.push(station);
            let (occasion, division) = (self.occasion(division(village)), division(village));
            let (kind, operator) = (PlaceKind::Station, self.firm);
            let fact = StationOpened { occasion, station, kind, division, operator, label: "站点".into() };
            self.station(station::Event::StationOpened(fact), None);
        }
        self.centre = self.site(PlaceKind::CountyCentre, "654224");
        self.outlet = self.site(PlaceKind::Outlet, "650102");
    }

    fn site(&mut self, kind: PlaceKind, at: &str) -> PlaceId {
        let site = PlaceId(self.id());
        let (occasion, division) = (self.occasion(division(at)), division(at));
        let fact = SiteOpened { occasion, site, kind, division, operator: self.firm, label: "中心".into() };
        self.distribution(distribution::Event::SiteOpened(fact), None);
        site
    }

    /// Collects goods; outright ones are accepted (or declined) and released (or returned).
    pub(crate) fn collect(
        &mut self,
        (producer, from): (PartyRef, DivisionCode),
        terms: Terms,
        product: ProductId,
        grams: i64,
        accept: bool,
    ) -> LotId {
        let (lot, receipt) = (LotId(self.id()), ReceiptId(self.id()));
        let (station, custodian) = (self.stations[0], self.firm.id);
        let q = Quantity(grams);
        let origin = Origin { receipt, producer, division: from, terms, quantity: q, source_quantity: q };
        let amount = match terms {
            Terms::Outright { price, .. } => price.amount(q),
            _ => None,
        };
        let occasion = self.occasion(from);
        let label = format!("L{}", self.next_id);
        let fact = GoodsCollected {
            occasion,
            lot,
            origin,
            station,
            custodian,
            product,
            member: None,
            receipt_number: format!("R{}", self.next_id),
            lot_label: label,
            grade: "1".into(),
            gross: q,
            tare: Quantity(0),
            moisture: Quantity(0),
            impurity: Quantity(0),
            live_weight_grams: None,
            amount,
        };
        let collected = self.station(station::Event::GoodsCollected(fact), None);
        let collected_on = occasion.business_date;
        let line = StockLine { lot, pool: 0, product, title: terms.title(), collected_on, quantity: q };
        self.lots.push(LotInfo { lot, origin, product, sold: 0, sold_value: 0, settled: 0, settled_value: 0 });
        if let Terms::Outright { buyer, price, contract } = terms {
            let place = station;
            if !accept {
                let reason = DeclineReason::ContractNotInForce;
                let declined = PurchaseDeclined { occasion, receipt, lot, station, reason };
                let cause = self.procurement(procurement::Event::PurchaseDeclined(declined), Some(collected));
                let returned = GoodsReturned { occasion, receipt, producer, place, custodian, line, reason };
                self.station(station::Event::GoodsReturned(returned), Some(cause));
                return lot;
            }
            let payable = PayableId(self.id());
            let amount = amount.unwrap();
            let accepted = PurchaseAccepted {
                occasion,
                receipt,
                lot,
                station,
                buyer,
                producer,
                product,
                contract,
                quantity: q,
                price,
                amount,
                payable,
            };
            let cause = self.procurement(procurement::Event::PurchaseAccepted(accepted), Some(collected));
            let source = PayableSource::Purchase { receipt };
            self.owed.push(Owed { payable, payer: buyer, payee: producer, division: from, amount: amount.0, source });
            let released = GoodsReleased { occasion, receipt, producer, place, custodian, line };
            self.station(station::Event::GoodsReleased(released), Some(cause));
        }
        self.shelves.push(Shelf { line, place: station, custodian, at_station: true });
        lot
    }

    /// Hands a shelf over to the centre, or sends it on to the outlet, or down to the second station.
    pub(crate) fn ship(&mut self, shelf: usize, freight: i64, missing: i64, damaged: i64) {
        let Shelf { line, place: from, custodian, at_station } = self.shelves.remove(shelf);
        let down = !at_station && self.dice.roll(0, 1) == 0;
        let to = if at_station {
            self.centre
        } else if down {
            self.stations[1]
        } else {
            self.outlet
        };
        let direction = if at_station {
            Direction::Up
        } else if down {
            Direction::Down
        } else {
            Direction::Local
        };
        let (shipment, carrier) = (ShipmentId(self.id()), self.carrier);
        let principal = line.title.principal();
        let occasion = self.occasion(HOME.into());
        let freight = Money(freight);
        let carrier_division = division("654201");
        let cause = at_station.then(|| {
            let lines = vec![line];
            let fact = GoodsHandedOver {
                occasion,
                shipment,
                from,
                custodian,
                to,
                direction,
                carrier,
                principal,
                freight,
                lines,
            };
            self.station(station::Event::GoodsHandedOver(fact), None)
        });
        let lines = vec![ShipmentLine { stock: line, freight }];
        let dispatched = ShipmentDispatched {
            occasion,
            shipment,
            from,
            custodian,
            to,
            direction,
            carrier,
            carrier_division,
            principal,
            freight,
            lines,
            handed_over: at_station,
        };
        let dispatched = self.distribution(distribution::Event::ShipmentDispatched(dispatched), cause);
        if freight.0 > 0 {
            let payable = PayableId(self.id());
            let source = PayableSource::Freight { shipment };
            self.open(payable, (principal, carrier, carrier_division), freight.0, source, dispatched);
        }
        self.day = self.day.plus_days(1);
        let occasion = self.occasion(HOME.into());
        let received = Quantity(line.quantity.0 - missing - damaged);
        let line_in = ReceivedLine { stock: line, received, damaged: Quantity(damaged), missing: Quantity(missing) };
        let custodian = self.firm.id;
        let fact = ShipmentReceived {
            occasion,
            shipment,
            from,
            place: to,
            at_station: down,
            direction,
            carrier,
            custodian,
            lines: vec![line_in],
        };
        self.distribution(distribution::Event::ShipmentReceived(fact), None);
        if received.0 > 0 {
            let line = StockLine { quantity: received, ..line };
            self.shelves.push(Shelf { line, place: to, custodian, at_station: down });
        }
    }

    fn open(
        &mut self,
        payable: PayableId,
        (payer, payee, division): (PartyRef, PartyRef, DivisionCode),
        fen: i64,
        source: PayableSource,
        cause: Position,
    ) {
        let occasion = self.occasion(HOME.into());
        let amount = Money(fen);
        let fact = PayableOpened { occasion, payable, payer, payee, payee_division: division, amount, source };
        self.procurement(procurement::Event::PayableOpened(fact), Some(cause));
        if fen > 0 {
            self.owed.push(Owed { payable, payer, payee, division, amount: fen, source });
        }
    }

    pub(crate) fn buy_in(&mut self, grams: i64, price: UnitPrice) {
        let lot = LotId(self.id());
        let (place, custodian, owner) = (self.centre, self.firm.id, self.coop);
        let title = Title::Owned { owner };
        let line = StockLine {
            lot,
            pool: 0,
            product: self.products[1],
            title,
            collected_on: self.day,
            quantity: Quantity(grams),
        };
        let (occasion, supplier, supplier_division) = (self.occasion(HOME.into()), self.supplier, division("650102"));
        let amount = price.amount(line.quantity).unwrap();
        let lot_label = "外购".to_owned();
        let fact = GoodsBoughtIn {
            occasion,
            place,
            custodian,
            line,
            owner,
            supplier,
            supplier_division,
            price,
            amount,
            lot_label,
        };
        let cause = self.distribution(distribution::Event::GoodsBoughtIn(fact), None);
        let payable = PayableId(self.id());
        self.open(payable, (owner, supplier, supplier_division), amount.0, PayableSource::BoughtIn { lot }, cause);
        self.shelves.push(Shelf { line, place, custodian, at_station: false });
    }

    /// Sells from a shelf: order, reservation, issue of `actual`, fulfilment, payment in part ahead and in part after.
    pub(crate) fn sell(
        &mut self,
        shelf: usize,
        ordered: i64,
        actual: i64,
        price: UnitPrice,
        buyer: BuyerRef,
        prepaid: i64,
    ) {
        let place = self.shelves[shelf].place;
        let Shelf { line, custodian, at_station, .. } = self.shelves[shelf].clone();
        let (order, channel, issue) = (OrderId(self.id()), ChannelId(self.id()), IssueId(self.id()));
        let (seller, product) = (line.title.principal(), line.product);
        let holder = if at_station { Service::Station } else { Service::Distribution };
        let occasion = self.occasion(buyer.division);
        let of = |quantity: i64| StockLine { quantity: Quantity(quantity), ..line };
        let order_line = OrderLine {
            product,
            quantity: Quantity(ordered),
            price,
            amount: price.amount(Quantity(ordered)).unwrap(),
            place,
            holder,
        };
        let medium = self.dice.pick(&[Medium::Online, Medium::Offline]);
        let number = "D1".to_owned();
        let placed = OrderPlaced { occasion, order, number, channel, medium, seller, buyer, lines: vec![order_line] };
        let cause = self.sales(sales::Event::OrderPlaced(placed), None);
        let amount = price.amount(Quantity(actual)).unwrap();
        let from_prepayment = Money(prepaid.min(amount.0));
        if prepaid > 0 {
            self.pay_in(order, seller, buyer, 0, prepaid);
        }
        let reserved =
            StockReserved { occasion, order, line: 0, place, custodian, seller, buyer, picks: vec![of(ordered)] };
        self.stock(at_station, StockFact::Reserved(reserved), Some(cause));
        let beyond = if actual > ordered { vec![of(actual - ordered)] } else { vec![] };
        let released = if actual < ordered { vec![of(ordered - actual)] } else { vec![] };
        let issued = GoodsIssued {
            occasion,
            issue,
            order,
            line: 0,
            place,
            custodian,
            seller,
            buyer,
            issued: vec![of(actual)],
            beyond,
            released,
        };
        let cause = self.stock(at_station, StockFact::Issued(issued), None);
        let parts = vec![FulfilledPart { stock: of(actual), amount }];
        let fulfilled = OrderFulfilled {
            occasion,
            order,
            line: 0,
            issue,
            channel,
            medium,
            place,
            seller,
            buyer,
            product,
            quantity: Quantity(actual),
            price,
            amount,
            from_prepayment,
            parts,
        };
        self.sales(sales::Event::OrderFulfilled(fulfilled), Some(cause));
        let rest = amount.0 - from_prepayment.0;
        if rest > 0 && self.dice.roll(0, 3) > 0 {
            self.pay_in(order, seller, buyer, rest, 0);
        }
        if prepaid > amount.0 {
            let payment = PaymentId(self.id());
            let (amount, method) = (Money(prepaid - amount.0), PaymentMethod::Mobile);
            let fact = PrepaymentReturned { occasion, payment, order, seller, buyer, amount, method };
            self.sales(sales::Event::PrepaymentReturned(fact), None);
        }
        self.shelves[shelf].line.quantity.0 -= actual;
        if self.shelves[shelf].line.quantity.0 == 0 {
            self.shelves.remove(shelf);
        }
        if let Some(info) = self.lots.iter_mut().find(|info| info.lot == line.lot) {
            info.sold += actual;
            info.sold_value += amount.0;
        }
    }

    fn pay_in(&mut self, order: OrderId, seller: PartyRef, buyer: BuyerRef, applied: i64, prepaid: i64) {
        let occasion = self.occasion(buyer.division);
        let payment = PaymentId(self.id());
        let (applied, prepaid, method) = (Money(applied), Money(prepaid), PaymentMethod::Mobile);
        let fact = PaymentReceived { occasion, payment, order, seller, buyer, applied, prepaid, method };
        self.sales(sales::Event::PaymentReceived(fact), None);
    }

    pub(crate) fn stock(&mut self, at_station: bool, fact: StockFact, cause: Option<Position>) -> Position {
        match (at_station, fact) {
            (true, StockFact::Reserved(fact)) => self.station(station::Event::StockReserved(fact), cause),
            (false, StockFact::Reserved(fact)) => self.distribution(distribution::Event::StockReserved(fact), cause),
            (true, StockFact::Issued(fact)) => self.station(station::Event::GoodsIssued(fact), cause),
            (false, StockFact::Issued(fact)) => self.distribution(distribution::Event::GoodsIssued(fact), cause),
        }
    }

    /// Settles what was sold of a consigned lot; `freight` is passed on.
    pub(crate) fn settle(&mut self, lot: LotId, freight: i64) {
        let info = self.lots.iter().find(|info| info.lot == lot).unwrap().clone();
        let (quantity, gross) = (info.sold - info.settled, info.sold_value - info.settled_value);
        let mut charges = vec![];
        let (mode, consignee, commission) = match info.origin.terms {
            Terms::Commission { consignee, commission_bp, .. } => {
                if freight > 0 {
                    charges.push(Charge { kind: ChargeKind::Freight, amount: Money(freight) });
                }
                (SettlementMode::Commission, consignee, Money(gross).basis_points(commission_bp).unwrap().0)
            }
            Terms::AgreedPrice { consignee, price, .. } => {
                (SettlementMode::AgreedPrice, consignee, gross - price.amount(Quantity(quantity)).unwrap().0)
            }
            Terms::Outright { .. } => return,
        };
        let net = gross - commission - charges.iter().map(|c| c.amount.0).sum::<i64>();
        if quantity == 0 || net < 0 {
            return;
        }
        let settlement = SettlementId(self.id());
        let occasion = self.occasion(HOME.into());
        let line = SettledLine {
            lot,
            pool: 0,
            receipt: info.origin.receipt,
            producer: info.origin.producer,
            producer_division: info.origin.division,
            product: info.product,
            mode,
            quantity: Quantity(quantity),
            source_quantity: Quantity(quantity),
            gross: Money(gross),
            commission: Money(commission),
            charges,
            net: Money(net),
        };
        let fact = ConsignmentSettled { occasion, settlement, consignee, lines: vec![line] };
        let cause = self.sales(sales::Event::ConsignmentSettled(fact), None);
        let source = PayableSource::Settlement { settlement, lot, mode };
        let payable = PayableId(self.id());
        self.open(payable, (consignee, info.origin.producer, info.origin.division), net, source, cause);
        let info = self.lots.iter_mut().find(|info| info.lot == lot).unwrap();
        info.settled = info.sold;
        info.settled_value = info.sold_value;
    }

    /// Pays an obligation in full.
    pub(crate) fn pay(&mut self, index: usize) {
        let owed = self.owed.remove(index);
        let amount = Money(owed.amount);
        let fact = PayoutMade {
            occasion: self.occasion(owed.division),
            payout: PayoutId(self.id()),
            payer: owed.payer,
            payee: owed.payee,
            payee_division: owed.division,
            amount,
            items: vec![PayoutItem { payable: owed.payable, source: owed.source, amount }],
            method: PaymentMethod::BankTransfer,
            proof_hash: None,
            received_by: None,
        };
        self.procurement(procurement::Event::PayoutMade(fact.clone()), None);
        self.paid.push(fact);
    }

    pub(crate) fn fail_payout(&mut self, index: usize) {
        let original = self.paid.remove(index);
        let (payer, payee, division) = (original.payer, original.payee, original.payee_division);
        for item in &original.items {
            let (payable, amount, source) = (item.payable, item.amount.0, item.source);
            self.owed.push(Owed { payable, payer, payee, division, amount, source });
        }
        let fact = PayoutFailed { occasion: self.occasion(division), reason: "退票".into(), original };
        self.procurement(procurement::Event::PayoutFailed(fact), None);
    }

    pub(crate) fn consumer(at: &str) -> BuyerRef {
        let at = division(at);
        BuyerRef { party: None, division: at, scope: at.scope_from(HOME) }
    }
}

pub(crate) enum StockFact {
    Reserved(StockReserved),
    Issued(GoodsIssued),
}
