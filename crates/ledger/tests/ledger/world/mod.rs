//! A small county whose four streams are written by hand: valid histories of the main path, from a seed.

mod supply;
mod trade;

use loopledger_dice::Dice;
use loopledger_domain::distribution::{self, SiteOpened};
use loopledger_domain::procurement::{
    self, HouseholdRegistered, MemberSince, PartyRegistered, PayableSource, PayoutMade, ProductRegistered,
};
use loopledger_domain::sales;
use loopledger_domain::station::{self, StationOpened};
use loopledger_domain::*;
use loopledger_types::*;

/// Goods that lie somewhere, free.
#[derive(Debug, Clone)]
pub(crate) struct FreeStock {
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
    pub(crate) shelves: Vec<FreeStock>,
    pub(crate) lots: Vec<LotInfo>,
    pub(crate) owed: Vec<Owed>,
    pub(crate) paid: Vec<PayoutMade>,
    /// Members who joined a household later.
    pub(crate) joined: Vec<(PartyId, MemberId)>,
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
        let unset = PartyRef { id: PartyId([0; 16]), kind: PartyKind::Firm };
        let mut world = Self {
            dice: Dice::new(seed),
            day: BusinessDate::from_ymd(2020, 4, 1).unwrap(),
            next_id: 0,
            clock: 1_585_700_000,
            streams: [const { Vec::new() }; 4],
            all: Vec::new(),
            households: Vec::new(),
            coop: unset,
            firm: unset,
            carrier: unset,
            buyer: unset,
            supplier: unset,
            products: Vec::new(),
            stations: Vec::new(),
            centre: PlaceId([0; 16]),
            outlet: PlaceId([0; 16]),
            shelves: Vec::new(),
            lots: Vec::new(),
            owed: Vec::new(),
            paid: Vec::new(),
            joined: Vec::new(),
        };
        world.found();
        world
    }

    pub(crate) fn id(&mut self) -> [u8; 16] {
        self.next_id += 1;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&Dice::new(self.next_id).roll().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next_id.to_be_bytes());
        bytes
    }

    pub(crate) fn occasion(&self, at: DivisionCode) -> Occasion {
        Occasion { business_date: self.day, occurred_at: None, device_utc_offset_min: None, division: at }
    }

    /// Appends a commit to its stream; `cause` is a commit that it answers.
    pub(crate) fn commit(&mut self, service: Service, events: Vec<Event>, cause: Option<Position>) -> Position {
        let request_id = RequestId(self.id());
        self.clock += self.dice.between(1, 90_000);
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
        // The last three: a village that got another code, the same by its new one, and a committee that the first list
        // has not.
        for village in [
            "654224202207",
            "654224202207",
            "654224100001",
            "654224203205",
            "654224203205",
            "654224201206",
            "654224103200",
            "654224100007",
        ] {
            let members = self.dice.between(1, 6) as u32;
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

    pub(crate) fn consumer(at: &str) -> BuyerRef {
        let at = division(at);
        BuyerRef { party: None, division: at, scope: at.scope_from(HOME) }
    }
}
