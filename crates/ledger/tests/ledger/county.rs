//! A county run by the services' own rules: random commands, each followed by every reaction, in a stated order of
//! hearing. What is refused leaves no trace.

use loopledger_dice::Dice;
use loopledger_domain::distribution::{
    self, DispatchShipment, Distribution, OpenSite, ReceiptDifference, ReceiveShipment,
};
use loopledger_domain::procurement::{
    self, ContractTerms, FailPayout, MakePayout, Procurement, RegisterHousehold, RegisterParty, RegisterProduct,
};
use loopledger_domain::sales::{
    self, CancelOrderLine, OpenChannel, PlaceOrder, PlaceOrderLine, RecordPayment, ReturnPrepayment, Sales,
    SettleConsignment, SettleLot,
};
use loopledger_domain::station::{self, CollectGoods, CollectTerms, HandOverGoods, OpenStation, Station};
use loopledger_domain::stock::{BuyIn, IssueGoods, MoveLine};
use loopledger_domain::*;
use loopledger_types::*;

use crate::world::{HOME, division, per_kilogram};

#[derive(Debug)]
struct Desk<D: Decider> {
    state: State<D>,
    commits: Vec<Commit>,
    seen: [usize; 4],
}

impl<D: Decider> Desk<D> {
    fn new() -> Self {
        Self { state: State::new(HOME), commits: Vec::new(), seen: [0; 4] }
    }

    fn commit(&mut self, request_id: RequestId, cause: Option<Cause>, events: Vec<Event>, now: Timestamp) {
        let sequence = self.commits.len() as u64 + 1;
        let mut hash = [D::SERVICE.index() as u8; 32];
        hash[24..].copy_from_slice(&sequence.to_be_bytes());
        let stream = StreamId { service: D::SERVICE, county: HOME };
        let (actor, upstream, request_digest, recorded_at) = (None, Vec::new(), [0; 32], now);
        let hash = Hash(hash);
        let commit =
            Commit { stream, sequence, hash, request_id, request_digest, cause, actor, recorded_at, events, upstream };
        self.state.evolve(&commit);
        self.state.entities.confirm();
        self.commits.push(commit);
    }

    fn decide(&mut self, request_id: RequestId, command: &D::Command, now: Timestamp) -> bool {
        let context = Context { request_id, stream: StreamId { service: D::SERVICE, county: HOME }, now, actor: None };
        let Ok(events) = D::decide(&self.state, command, &context) else { return false };
        self.commit(request_id, None, events, now);
        true
    }

    /// Hears the next commit of `service`, and answers it.
    fn hear(&mut self, service: usize, commit: &Commit, now: Timestamp) {
        self.seen[service] += 1;
        D::apply_upstream(&mut self.state, commit);
        if commit.events.iter().any(D::concerns) {
            let stream = StreamId { service: D::SERVICE, county: HOME };
            let request_id = commit.request_id.for_reaction(commit.stream, stream);
            let context = Context { request_id, stream, now, actor: None };
            let events = D::react(&self.state, commit, &context);
            self.commit(request_id, Some(commit.position()), events, now);
        }
    }
}

pub(crate) struct County {
    dice: Dice,
    day: BusinessDate,
    requests: u64,
    procurement: Desk<Procurement>,
    station: Desk<Station>,
    distribution: Desk<Distribution>,
    sales: Desk<Sales>,
    households: Vec<PartyId>,
    coop: PartyId,
    firm: PartyId,
    carrier: PartyId,
    supplier: PartyId,
    products: [ProductId; 2],
    stations: Vec<PlaceId>,
    sites: Vec<PlaceId>,
    channel: ChannelId,
}

impl County {
    pub(crate) fn random(seed: u64, steps: usize) -> [Vec<Commit>; 4] {
        let mut county = Self {
            dice: Dice::new(seed),
            day: BusinessDate::from_ymd(2020, 4, 1).unwrap(),
            requests: seed << 32,
            procurement: Desk::new(),
            station: Desk::new(),
            distribution: Desk::new(),
            sales: Desk::new(),
            households: Vec::new(),
            coop: PartyId([0; 16]),
            firm: PartyId([0; 16]),
            carrier: PartyId([0; 16]),
            supplier: PartyId([0; 16]),
            products: [ProductId([0; 16]); 2],
            stations: Vec::new(),
            sites: Vec::new(),
            channel: ChannelId([0; 16]),
        };
        county.found();
        for _ in 0..steps {
            county.day = county.day.plus_days(county.dice.between(0, 2) as i32);
            county.step();
            county.spread();
        }
        [county.procurement.commits, county.station.commits, county.distribution.commits, county.sales.commits]
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&Dice::new(self.requests).roll().to_be_bytes());
        bytes[8..].copy_from_slice(&self.requests.to_be_bytes());
        RequestId(bytes)
    }

    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_900_000_000 + self.requests as i64 % 4_000_000_000, nanos: 0 }
    }

    fn occasion(&self, at: &str) -> Occasion {
        Occasion { business_date: self.day, occurred_at: None, device_utc_offset_min: None, division: division(at) }
    }

    fn procure(&mut self, command: &procurement::Command) -> (bool, RequestId) {
        let (request, now) = (self.request(), self.now());
        (self.procurement.decide(request, command, now), request)
    }

    fn stream(service: Service) -> StreamId {
        StreamId { service, county: HOME }
    }

    fn party(&mut self, kind: PartyKind, at: &str) -> PartyId {
        let command = RegisterParty { occasion: self.occasion(at), kind, division: division(at), label: "X".into() };
        let (done, request) = self.procure(&procurement::Command::RegisterParty(command));
        assert!(done);
        PartyId::derive(request, Self::stream(Service::Procurement), 0)
    }

    fn found(&mut self) {
        self.coop = self.party(PartyKind::Cooperative, "654224202");
        self.firm = self.party(PartyKind::Firm, "654224");
        self.carrier = self.party(PartyKind::Carrier, "654224");
        self.supplier = self.party(PartyKind::Supplier, "650102");
        for village in ["654224202207", "654224202206", "654224100001"] {
            let (occasion, division) = (self.occasion(village), division(village));
            let (category, members) = (HouseholdCategory::RegisteredPoor, vec![Relation::Head, Relation::Spouse]);
            let command = RegisterHousehold { occasion, division, category, members };
            let (done, request) = self.procure(&procurement::Command::RegisterHousehold(command));
            assert!(done);
            self.households.push(PartyId::derive(request, Self::stream(Service::Procurement), 0));
        }
        for (index, code) in ["chickpea", "safflower"].into_iter().enumerate() {
            let (class, base) = (ProductClass::Speciality, BaseUnit::Gram);
            let command = RegisterProduct {
                occasion: self.occasion("654224"),
                code: code.into(),
                name: code.into(),
                class,
                base,
            };
            let (done, request) = self.procure(&procurement::Command::RegisterProduct(command));
            assert!(done);
            self.products[index] = ProductId::derive(request, Self::stream(Service::Procurement), 0);
        }
        self.spread();
        for village in ["654224202207", "654224202206"] {
            let (occasion, division, kind) = (self.occasion(village), division(village), PlaceKind::Station);
            let command = OpenStation { occasion, kind, division, operator: self.firm, label: "S".into() };
            let (request, now) = (self.request(), self.now());
            assert!(self.station.decide(request, &station::Command::OpenStation(command), now));
            self.stations.push(PlaceId::derive(request, Self::stream(Service::Station), 0));
        }
        for (kind, at) in [(PlaceKind::CountyCentre, "654224"), (PlaceKind::Outlet, "650102")] {
            let command = OpenSite {
                occasion: self.occasion(at),
                kind,
                division: division(at),
                operator: self.firm,
                label: "D".into(),
            };
            let (request, now) = (self.request(), self.now());
            assert!(self.distribution.decide(request, &distribution::Command::OpenSite(command), now));
            self.sites.push(PlaceId::derive(request, Self::stream(Service::Distribution), 0));
        }
        let command = OpenChannel {
            occasion: self.occasion("654224"),
            medium: Medium::Online,
            operator: self.coop,
            label: "C".into(),
        };
        let (request, now) = (self.request(), self.now());
        assert!(self.sales.decide(request, &sales::Command::OpenChannel(command), now));
        self.channel = ChannelId::derive(request, Self::stream(Service::Sales), 0);
        self.spread();
    }

    /// Everybody hears everything, services in a random order.
    fn spread(&mut self) {
        loop {
            let now = self.now();
            let heads = [
                self.procurement.commits.len(),
                self.station.commits.len(),
                self.distribution.commits.len(),
                self.sales.commits.len(),
            ];
            let mut moved = false;
            let first = self.dice.between(0, 3) as usize;
            for listener in (0..4).map(|n| (n + first) % 4) {
                for service in (0..4).filter(|service| *service != listener) {
                    let seen = [&self.procurement.seen, &self.station.seen, &self.distribution.seen, &self.sales.seen]
                        [listener][service];
                    if seen >= heads[service] {
                        continue;
                    }
                    let commits = [
                        &self.procurement.commits,
                        &self.station.commits,
                        &self.distribution.commits,
                        &self.sales.commits,
                    ];
                    let commit = commits[service][seen].clone();
                    moved = true;
                    match listener {
                        0 => self.procurement.hear(service, &commit, now),
                        1 => self.station.hear(service, &commit, now),
                        2 => self.distribution.hear(service, &commit, now),
                        _ => self.sales.hear(service, &commit, now),
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn grams(&mut self, low: i64, high: i64) -> Measure {
        Measure { quantity: Quantity(self.dice.between(low, high)), base: BaseUnit::Gram }
    }

    fn step(&mut self) {
        let (request, now) = (self.request(), self.now());
        match self.dice.between(0, 11) {
            0..=2 => {
                let command = self.collection();
                self.station.decide(request, &station::Command::CollectGoods(command), now);
            }
            3 => {
                let command = self.hand_over();
                self.station.decide(request, &station::Command::HandOverGoods(command), now);
            }
            4 => self.dispatch(request, now),
            5 => self.receive(request, now),
            6 => {
                let owner = self.dice.one_of(&[self.coop, self.firm]);
                let (occasion, supplier, product) = (self.occasion("654224"), self.supplier, self.products[1]);
                let (quantity, price, place) = (self.grams(1, 90_000), per_kilogram(300), self.sites[0]);
                let command =
                    BuyIn { occasion, place, owner, supplier, product, quantity, price, lot_label: "B".into() };
                self.distribution.decide(request, &distribution::Command::BuyInGoods(command), now);
            }
            7 => {
                let command = self.order();
                self.sales.decide(request, &sales::Command::PlaceOrder(command), now);
            }
            8 => self.issue(request, now),
            9 => self.customer(request, now),
            10 => self.settle(request, now),
            _ => self.pay(request, now),
        }
    }

    fn collection(&mut self) -> CollectGoods {
        let principal = self.dice.one_of(&[self.coop, self.coop, self.firm]);
        let price = per_kilogram(self.dice.between(1, 2_000));
        let terms = match self.dice.between(0, 2) {
            0 => ContractTerms::Outright { price },
            1 => ContractTerms::AgreedPrice { price },
            _ => ContractTerms::Commission { commission_bp: 500, price_basis: Some(price) },
        };
        let nothing = Measure { quantity: Quantity(0), base: BaseUnit::Gram };
        CollectGoods {
            occasion: self.occasion("654224202207"),
            station: self.dice.one_of(&self.stations.clone()),
            producer: self.dice.one_of(&self.households.clone()),
            member: None,
            product: self.products[0],
            terms: CollectTerms::Stated { principal, terms },
            receipt_number: String::new(),
            same_number_as: None,
            lot_label: "L".into(),
            grade: String::new(),
            gross: self.grams(100, 50_000),
            tare: nothing,
            moisture: nothing,
            impurity: nothing,
            live_weight_grams: None,
        }
    }

    fn hand_over(&mut self) -> HandOverGoods {
        HandOverGoods {
            occasion: self.occasion("654224202207"),
            from: self.dice.one_of(&self.stations.clone()),
            to: self.sites[0],
            principal: self.dice.one_of(&[self.coop, self.firm]),
            carrier: self.carrier,
            freight: Money(self.dice.between(0, 999)),
            lines: vec![MoveLine {
                product: self.products[0],
                lot: None,
                quantity: self.grams(1, 60_000),
                weight: None,
            }],
        }
    }

    fn dispatch(&mut self, request: RequestId, now: Timestamp) {
        let command = DispatchShipment {
            occasion: self.occasion("654224"),
            from: self.sites[0],
            to: self.dice.one_of(&[self.sites[1], self.stations[0], self.stations[1]]),
            principal: self.dice.one_of(&[self.coop, self.firm]),
            carrier: self.carrier,
            freight: Money(self.dice.between(0, 999)),
            lines: vec![MoveLine {
                product: self.dice.one_of(&self.products),
                lot: None,
                quantity: self.grams(1, 60_000),
                weight: None,
            }],
        };
        self.distribution.decide(request, &distribution::Command::DispatchShipment(command), now);
    }

    fn receive(&mut self, request: RequestId, now: Timestamp) {
        let sent = self.distribution.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Distribution(distribution::Event::ShipmentDispatched(fact)) => Some(fact),
            _ => None,
        });
        let Some(fact) = sent.collect::<Vec<_>>().into_iter().rev().nth(self.dice.between(0, 3) as usize).cloned()
        else {
            return;
        };
        let line = fact.lines[0].stock;
        let part = Measure { quantity: Quantity(line.quantity.0 / 10), base: BaseUnit::Gram };
        let difference = ReceiptDifference { lot: line.lot, pool: line.pool, damaged: part, missing: part };
        let differences = if self.dice.between(0, 1) == 0 { vec![] } else { vec![difference] };
        let command =
            ReceiveShipment { occasion: self.occasion("654224"), shipment: fact.shipment, place: fact.to, differences };
        self.distribution.decide(request, &distribution::Command::ReceiveShipment(command), now);
    }

    fn order(&mut self) -> PlaceOrder {
        let places: Vec<PlaceId> = self.stations.iter().chain(&self.sites).copied().collect();
        let lines = (0..self.dice.between(1, 3)).map(|_| PlaceOrderLine {
            product: self.dice.one_of(&self.products),
            quantity: self.grams(1, 40_000),
            price: per_kilogram(self.dice.between(1, 3_000)),
            place: self.dice.one_of(&places),
        });
        let lines = lines.collect();
        PlaceOrder {
            occasion: self.occasion("654224"),
            number: String::new(),
            same_number_as: None,
            channel: self.channel,
            seller: self.dice.one_of(&[self.coop, self.firm]),
            buyer: None,
            buyer_division: division(self.dice.one_of(&["654224202207", "610102"])),
            lines,
        }
    }

    fn orders(&self) -> Vec<sales::OrderPlaced> {
        let events = self.sales.commits.iter().flat_map(|commit| &commit.events);
        let placed = events.filter_map(|event| match event {
            Event::Sales(sales::Event::OrderPlaced(fact)) => Some(fact.clone()),
            _ => None,
        });
        placed.collect::<Vec<_>>().into_iter().rev().take(6).collect()
    }

    fn issue(&mut self, request: RequestId, now: Timestamp) {
        let orders = self.orders();
        if orders.is_empty() {
            return;
        }
        let placed = self.dice.one_of(&orders);
        let line = self.dice.between(0, placed.lines.len() as i64 - 1) as usize;
        let asked = placed.lines[line].quantity.0;
        let quantity = self.grams((asked - 5).max(1), asked + 5);
        let holder = placed.lines[line].holder;
        let command =
            IssueGoods { occasion: self.occasion("654224"), order: placed.order, line: line as u32, quantity };
        if holder == Service::Station {
            self.station.decide(request, &station::Command::IssueGoods(command), now);
        } else {
            self.distribution.decide(request, &distribution::Command::IssueGoods(command), now);
        }
    }

    fn customer(&mut self, request: RequestId, now: Timestamp) {
        let orders = self.orders();
        if orders.is_empty() {
            return;
        }
        let (order, occasion) = (self.dice.one_of(&orders).order, self.occasion("654224"));
        let method = PaymentMethod::Mobile;
        if self.dice.between(0, 3) == 0 {
            let command = sales::Command::CancelOrderLine(CancelOrderLine { occasion, order, line: 0 });
            self.sales.decide(request, &command, now);
            self.spread();
            // Whatever the cancelled line had been paid ahead goes back, if nothing else can use it.
            let (request, amount) = (self.request(), Money(1));
            let command = sales::Command::ReturnPrepayment(ReturnPrepayment { occasion, order, amount, method });
            self.sales.decide(request, &command, now);
            return;
        }
        let amount = Money(self.dice.between(1, 20_000));
        let command = sales::Command::RecordPayment(RecordPayment { occasion, order, amount, method });
        self.sales.decide(request, &command, now);
    }

    fn settle(&mut self, request: RequestId, now: Timestamp) {
        let consignee = self.dice.one_of(&[self.coop, self.firm]);
        let sold = self.sales.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Sales(sales::Event::OrderFulfilled(fact)) if fact.seller.id == consignee => Some(fact),
            _ => None,
        });
        let consigned =
            sold.flat_map(|fact| &fact.parts).filter(|part| matches!(part.stock.title, Title::Consigned { .. }));
        let lots: std::collections::BTreeSet<LotId> = consigned.map(|part| part.stock.lot).collect();
        let lots: Vec<LotId> = lots.into_iter().collect();
        if lots.is_empty() {
            return;
        }
        let lot = self.dice.one_of(&lots);
        let charges = if self.dice.between(0, 1) == 0 {
            vec![]
        } else {
            vec![Charge { kind: ChargeKind::Platform, amount: Money(1) }]
        };
        let command =
            SettleConsignment { occasion: self.occasion("654224"), consignee, lots: vec![SettleLot { lot, charges }] };
        self.sales.decide(request, &sales::Command::SettleConsignment(command), now);
    }

    fn pay(&mut self, request: RequestId, now: Timestamp) {
        let occasion = self.occasion("654224");
        let paid = self.procurement.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Procurement(procurement::Event::PayoutMade(fact)) => Some(fact.payout),
            _ => None,
        });
        let paid: Vec<PayoutId> = paid.collect();
        if !paid.is_empty() && self.dice.between(0, 4) == 0 {
            let command = FailPayout { occasion, payout: self.dice.one_of(&paid), reason: "退票".into() };
            self.procurement.decide(request, &procurement::Command::FailPayout(command), now);
            return;
        }
        let mut payees = self.households.clone();
        payees.extend([self.carrier, self.supplier]);
        let amount = if self.dice.between(0, 2) == 0 { Some(Money(self.dice.between(1, 5_000))) } else { None };
        let command = MakePayout {
            occasion,
            payer: self.dice.one_of(&[self.coop, self.firm]),
            payee: self.dice.one_of(&payees),
            amount,
            payables: vec![],
            method: PaymentMethod::BankTransfer,
            proof_hash: None,
            received_by: None,
        };
        self.procurement.decide(request, &procurement::Command::MakePayout(command), now);
    }
}
