//! A county run by the services' own rules: random commands, each followed by every reaction, in a stated order of
//! hearing. What is refused leaves no trace.

mod acts;

use loopledger_dice::Dice;
use loopledger_domain::distribution::{self, Distribution, OpenSite};
use loopledger_domain::procurement::{self, Procurement, RegisterHousehold, RegisterParty, RegisterProduct};
use loopledger_domain::sales::{self, OpenChannel, Sales};
use loopledger_domain::station::{self, OpenStation, Station};
use loopledger_domain::stock::BuyIn;
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
}
