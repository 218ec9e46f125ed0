//! Station and distribution together, driven by lines of text: what is asked, and what comes of it.
//!
//! Procurement and sales are played by the test. A line is `operation name key=value ...`; what is not said has a
//! default that is valid, so that a case states only what it is about.

use core::fmt::Write;
use std::collections::{BTreeMap, VecDeque};

use loopledger_domain::distribution::Distribution;
use loopledger_domain::distribution::DistributionState as _;
use loopledger_domain::procurement::{self, ContractTerms, DeclineReason, MemberSince};
use loopledger_domain::sales::{CancellationRequested, OrderLine, OrderPlaced};
use loopledger_domain::station::Station;
use loopledger_domain::stock::{BuyIn, Cell, CellKey, IssueGoods, LineWeight, MoveLine};
use loopledger_domain::{
    BuyerRef, Commit, Direction, Event, Medium, PartyKind, PartyRef, ProductClass, Rejection, Relation, SettlementMode,
    StockLine, Title, distribution, sales, station, stock,
};
use loopledger_types::{
    ChannelId, ContractId, LotId, MemberId, Money, OrderId, PartyId, PayableId, PlaceId, ProductId, Quantity,
    ReceiptId, Scope, Service, ShipmentId,
};

use crate::harness::{Manner, Under, commit};
use crate::words::{self, Line, day, division, measure, price};

pub(crate) struct World {
    pub(crate) station: Under<Station>,
    pub(crate) distribution: Under<Distribution>,
    names: BTreeMap<[u8; 16], String>,
    ids: BTreeMap<String, [u8; 16]>,
    pub(crate) to_station: VecDeque<Commit>,
    pub(crate) to_distribution: VecDeque<Commit>,
    /// Commits so far of procurement and sales, and requests.
    counts: [u64; 3],
}

/// Runs lines `what is asked => what comes of it` (`=>` may be left out of lines that only prepare).
pub(crate) fn check(script: &str) -> World {
    let mut world = World::new(Manner::default());
    let mut wrong = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (asked, expected) = match line.split_once("=>") {
            Some((asked, expected)) => (asked.trim(), Some(expected.trim())),
            None => (line, None),
        };
        let outcome = world.run(asked);
        if expected.map_or(outcome.starts_with('!'), |expected| expected != outcome) {
            let expected = expected.unwrap_or("anything but a refusal");
            let _ = writeln!(wrong, "{asked}\n  came to  {outcome}\n  and not  {expected}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    world
}

impl World {
    /// Parties, products, two stations, a workshop, a county centre and a warehouse in Xi'an.
    pub(crate) fn new(manner: Manner) -> Self {
        let mut world = Self {
            station: Under::new(manner),
            distribution: Under::new(manner),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            to_station: VecDeque::new(),
            to_distribution: VecDeque::new(),
            counts: [0; 3],
        };
        for line in words::SETTING.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let outcome = world.run(line);
            assert!(!outcome.starts_with('!'), "{line}: {outcome}");
        }
        world
    }

    /// Does what the line says, delivers what follows from it, and says what happened.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let mut said = match self.act(&Line::parse(line)) {
            Ok(said) => said,
            Err(rejection) => return self.refusal(&rejection),
        };
        while let Some(more) = self.deliver(true).or_else(|| self.deliver(false)) {
            said.extend(more);
        }
        said.join("; ")
    }

    /// Does what the line says, and leaves what follows in the queues.
    pub(crate) fn act(&mut self, line: &Line<'_>) -> Result<Vec<String>, Rejection> {
        match line.operation {
            "household" | "party" | "product" | "contract" | "joins" | "leaves" | "moves" | "accept" | "decline" => {
                let event = Event::Procurement(self.procurement(line));
                self.tell(Service::Procurement, event, line.get("to", "both"));
                Ok(Vec::new())
            }
            "order" | "cancel" => {
                let event = Event::Sales(self.sales(line));
                self.tell(Service::Sales, event, "both");
                Ok(Vec::new())
            }
            "arrive" => {
                let event = Event::Distribution(self.arrival(line));
                self.tell(Service::Distribution, event, "station");
                Ok(Vec::new())
            }
            "refuse" => {
                let shipment = ShipmentId(self.id(line.name));
                let reason = distribution::HandOverRefusal::CarrierUnknown;
                let refused = distribution::HandOverRefused { occasion: line.occasion(), shipment, reason };
                let event = Event::Distribution(distribution::Event::HandOverRefused(refused));
                self.tell(Service::Distribution, event, "station");
                Ok(Vec::new())
            }
            "lonely" => {
                // A station that distribution never hears of.
                self.act(&Line { operation: "open", ..line.clone() })?;
                self.to_distribution.pop_back();
                Ok(Vec::new())
            }
            "stock" => Ok(vec![self.stock()]),
            "shipment" => Ok(vec![self.shipment(line.name)]),
            _ => self.command(line),
        }
    }

    /// Delivers the oldest commit that waits for station, or for distribution.
    pub(crate) fn deliver(&mut self, to_station: bool) -> Option<Vec<String>> {
        if to_station {
            let upstream = self.to_station.pop_front()?;
            let answer = self.station.hear(&upstream);
            Some(self.spread(answer))
        } else {
            let upstream = self.to_distribution.pop_front()?;
            let answer = self.distribution.hear(&upstream);
            Some(self.spread(answer))
        }
    }

    fn spread(&mut self, answer: Option<Commit>) -> Vec<String> {
        let Some(commit) = answer else { return Vec::new() };
        let said = commit.events.iter().map(|event| self.describe(event)).collect();
        match commit.stream.service {
            Service::Station => self.to_distribution.push_back(commit),
            _ => self.to_station.push_back(commit),
        }
        said
    }

    fn tell(&mut self, service: Service, event: Event, to: &str) {
        let count = &mut self.counts[usize::from(service == Service::Sales)];
        *count += 1;
        let commit = commit(service, *count, 1_000_000 + *count, vec![event], None);
        if to != "station" {
            self.to_distribution.push_back(commit.clone());
        }
        if to != "distribution" {
            self.to_station.push_back(commit);
        }
    }

    fn request(&mut self) -> u64 {
        self.counts[2] += 1;
        self.counts[2]
    }

    fn command(&mut self, line: &Line<'_>) -> Result<Vec<String>, Rejection> {
        let request = self.request();
        let commit = match line.operation {
            "open" | "collect" | "hand" | "inspect" => {
                let command = self.station_command(line);
                self.station.ask(request, &command)?
            }
            "site" | "dispatch" | "receive" => {
                let command = self.distribution_command(line);
                self.distribution.ask(request, &command)?
            }
            "buyin" => {
                let command = self.buy_in(line);
                if self.holder(line.get("at", "S1")) == Service::Station {
                    self.station.ask(request, &station::Command::BuyInGoods(command))?
                } else {
                    self.distribution.ask(request, &distribution::Command::BuyInGoods(command))?
                }
            }
            "issue" => {
                let command = Self::issue(line);
                if self.holder(line.get("at", "S1")) == Service::Station {
                    self.station.ask(request, &station::Command::IssueGoods(command))?
                } else {
                    self.distribution.ask(request, &distribution::Command::IssueGoods(command))?
                }
            }
            other => panic!("no such operation: {other}"),
        };
        for event in &commit.events {
            self.learn(line.name, event);
        }
        Ok(self.spread(Some(commit)))
    }

    /// What the line created gets the line's name.
    fn learn(&mut self, name: &str, event: &Event) {
        let ids: Vec<(String, [u8; 16])> = match event {
            Event::Station(station::Event::StationOpened(e)) => vec![(name.into(), e.station.0)],
            Event::Station(station::Event::GoodsCollected(e)) => {
                vec![(name.into(), e.lot.0), (format!("receipt {name}"), e.origin.receipt.0)]
            }
            Event::Station(station::Event::GoodsHandedOver(e)) => vec![(name.into(), e.shipment.0)],
            Event::Station(station::Event::GoodsBoughtIn(e))
            | Event::Distribution(distribution::Event::GoodsBoughtIn(e)) => vec![(name.into(), e.line.lot.0)],
            Event::Distribution(distribution::Event::SiteOpened(e)) => vec![(name.into(), e.site.0)],
            Event::Distribution(distribution::Event::ShipmentDispatched(e)) => vec![(name.into(), e.shipment.0)],
            _ => Vec::new(),
        };
        for (name, id) in ids {
            self.names.insert(id, name.clone());
            self.ids.insert(name, id);
        }
    }

    /// The id of a name: what was learnt, or the name itself.
    pub(crate) fn id(&self, name: &str) -> [u8; 16] {
        self.ids.get(name).copied().unwrap_or_else(|| words::id(name))
    }

    pub(crate) fn name(&self, id: [u8; 16]) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| words::name(id))
    }

    fn party(&self, name: &str) -> PartyRef {
        PartyRef { id: PartyId(self.id(name)), kind: words::kind_of(name) }
    }

    fn place(&self, name: &str) -> PlaceId {
        PlaceId(self.id(name))
    }

    fn holder(&self, place: &str) -> Service {
        let own = self.distribution.state.place(self.place(place)).is_some();
        if own { Service::Distribution } else { Service::Station }
    }

    fn station_command(&self, line: &Line<'_>) -> station::Command {
        let occasion = line.occasion();
        match line.operation {
            "open" => station::Command::OpenStation(station::OpenStation {
                occasion,
                kind: words::place_kind(line.get("kind", "Station")),
                division: division(line.get("division", "654224202207")),
                operator: self.party(line.get("operator", "FIRM")).id,
                label: line.name.into(),
            }),
            "collect" => station::Command::CollectGoods(station::CollectGoods {
                occasion,
                station: self.place(line.get("at", "S1")),
                producer: self.party(line.get("from", "H1")).id,
                member: line.find("member").map(|name| MemberId(self.id(name))),
                product: ProductId(self.id(line.get("product", "pea"))),
                terms: self.terms(line.get("terms", "outright:COOP:9.2/kg")),
                receipt_number: line.get("number", line.name).replace('_', " "),
                same_number_as: line.find("as").map(|name| ReceiptId(self.id(&format!("receipt {name}")))),
                lot_label: line.name.into(),
                grade: String::new(),
                gross: measure(line.get("gross", "100kg")),
                tare: measure(line.get("tare", "0g")),
                moisture: measure(line.get("moisture", "0g")),
                impurity: measure(line.get("impurity", "0g")),
                live_weight_grams: None,
            }),
            "inspect" => station::Command::InspectGoods(station::InspectGoods {
                occasion,
                station: self.place(line.get("at", "S1")),
                lot: LotId(self.id(line.name)),
                test: "residues".into(),
                passed: line.get("passed", "yes") == "yes",
                finding: String::new(),
                laboratory_code: "LAB".into(),
                report_hash: None,
            }),
            _ => station::Command::HandOverGoods(station::HandOverGoods {
                occasion,
                from: self.place(line.get("from", "S1")),
                to: self.place(line.get("to", "D1")),
                principal: self.party(line.get("of", "COOP")).id,
                carrier: self.party(line.get("carrier", "CARR")).id,
                freight: Money(line.number("freight", 0)),
                lines: self.move_lines(line),
            }),
        }
    }

    fn distribution_command(&self, line: &Line<'_>) -> distribution::Command {
        let occasion = line.occasion();
        match line.operation {
            "site" => distribution::Command::OpenSite(distribution::OpenSite {
                occasion,
                kind: words::place_kind(line.get("kind", "CountyCentre")),
                division: division(line.get("division", "654224100001")),
                operator: self.party(line.get("operator", "FIRM")).id,
                label: line.name.into(),
            }),
            "dispatch" => distribution::Command::DispatchShipment(distribution::DispatchShipment {
                occasion,
                from: self.place(line.get("from", "D1")),
                to: self.place(line.get("to", "D2")),
                principal: self.party(line.get("of", "COOP")).id,
                carrier: self.party(line.get("carrier", "CARR")).id,
                freight: Money(line.number("freight", 0)),
                lines: self.move_lines(line),
            }),
            _ => distribution::Command::ReceiveShipment(distribution::ReceiveShipment {
                occasion,
                shipment: ShipmentId(self.id(line.name)),
                place: self.place(line.get("at", "D1")),
                differences: line.list("but").map(|item| self.difference(item)).collect(),
            }),
        }
    }

    /// `lot:damaged:missing`, or `lot/pool:...`
    fn difference(&self, item: &str) -> distribution::ReceiptDifference {
        let parts: Vec<&str> = item.split(':').collect();
        let (lot, pool) = parts[0].split_once('/').unwrap_or((parts[0], "0"));
        distribution::ReceiptDifference {
            lot: LotId(self.id(lot)),
            pool: pool.parse().unwrap(),
            damaged: measure(parts[1]),
            missing: measure(parts[2]),
        }
    }

    /// `product:quantity` or `product@lot:quantity`, and `:weight` if it is stated
    fn move_lines(&self, line: &Line<'_>) -> Vec<MoveLine> {
        let parse = |item: &str| {
            let mut parts = item.split(':');
            let (what, quantity, weight) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
            let (product, lot) = what.split_once('@').map_or((what, None), |(product, lot)| (product, Some(lot)));
            MoveLine {
                product: ProductId(self.id(product)),
                lot: lot.map(|lot| LotId(self.id(lot))),
                quantity: measure(quantity),
                weight: weight.map(|weight| LineWeight { grams: measure(weight).quantity.0 }),
            }
        };
        line.list("lines").map(parse).collect()
    }

    fn terms(&self, text: &str) -> station::CollectTerms {
        let parts: Vec<&str> = text.split(':').collect();
        let principal = self.party(parts[1]).id;
        let terms = match parts[0] {
            "contract" => return station::CollectTerms::Contract(ContractId(self.id(parts[1]))),
            "outright" => ContractTerms::Outright { price: price(parts[2]) },
            "agreed" => ContractTerms::AgreedPrice { price: price(parts[2]) },
            _ => ContractTerms::Commission { commission_bp: 500, price_basis: parts.get(2).map(|text| price(text)) },
        };
        station::CollectTerms::Stated { principal, terms }
    }

    fn buy_in(&self, line: &Line<'_>) -> BuyIn {
        BuyIn {
            occasion: line.occasion(),
            place: self.place(line.get("at", "S1")),
            owner: self.party(line.get("owner", "COOP")).id,
            supplier: self.party(line.get("supplier", "SUPP")).id,
            product: ProductId(self.id(line.get("product", "pea"))),
            quantity: measure(line.get("quantity", "100kg")),
            price: price(line.get("price", "2/kg")),
            lot_label: line.get("number", line.name).into(),
        }
    }

    fn issue(line: &Line<'_>) -> IssueGoods {
        let (order, index) = words::order_line(line.name);
        IssueGoods { occasion: line.occasion(), order, line: index, quantity: measure(line.get("quantity", "60kg")) }
    }

    fn sales(&self, line: &Line<'_>) -> sales::Event {
        let place_line = |item: &str| {
            let parts: Vec<&str> = item.split(':').collect();
            OrderLine {
                place: self.place(parts[0]),
                holder: line.find("holder").map_or_else(|| self.holder(parts[0]), words::service),
                product: ProductId(self.id(parts[1])),
                quantity: measure(parts[2]).quantity,
                price: price(parts.get(3).unwrap_or(&"14.8/kg")),
                amount: Money(1),
            }
        };
        if line.operation == "cancel" {
            let (order, index) = words::order_line(line.name);
            let place = line.get("at", "S1");
            return sales::Event::CancellationRequested(CancellationRequested {
                occasion: line.occasion(),
                order,
                line: index,
                place: self.place(place),
                holder: self.holder(place),
            });
        }
        sales::Event::OrderPlaced(OrderPlaced {
            occasion: line.occasion(),
            order: OrderId(self.id(line.name)),
            number: line.name.into(),
            channel: ChannelId(words::id("channel")),
            medium: Medium::Online,
            seller: self.party(line.get("seller", "COOP")),
            buyer: BuyerRef { party: None, division: division("654224"), scope: Scope::County },
            lines: line.list("lines").map(place_line).collect(),
            same_number_as: None,
        })
    }

    fn procurement(&self, line: &Line<'_>) -> procurement::Event {
        use procurement::Event as E;
        let occasion = line.occasion();
        let household = self.party(line.name).id;
        let member = |name: &str| MemberSince {
            member: MemberId(words::id(name)),
            relation: Relation::Other,
            from: occasion.business_date,
        };
        let division = division(line.get("division", "654224202207"));
        match line.operation {
            "household" => E::HouseholdRegistered(procurement::HouseholdRegistered {
                occasion,
                household,
                division,
                category: loopledger_domain::HouseholdCategory::General,
                from: occasion.business_date,
                members: line.list("members").map(member).collect(),
            }),
            "party" => E::PartyRegistered(procurement::PartyRegistered {
                occasion,
                party: self.party(line.name),
                division,
                label: line.name.into(),
            }),
            "product" => E::ProductRegistered(procurement::ProductRegistered {
                occasion,
                product: ProductId(words::id(line.name)),
                code: line.name.into(),
                name: line.name.into(),
                class: ProductClass::Speciality,
                base: measure(line.get("unit", "1g")).base,
            }),
            "joins" => E::MemberJoined(procurement::MemberJoined {
                occasion,
                household,
                member: member(line.get("member", "M2")),
            }),
            "leaves" => E::MemberLeft(procurement::MemberLeft {
                occasion,
                household,
                member: MemberId(words::id(line.get("member", "M2"))),
                from: occasion.business_date,
            }),
            "moves" => E::HouseholdRelocated(procurement::HouseholdRelocated {
                occasion,
                household,
                division,
                from: occasion.business_date,
            }),
            "contract" => E::LinkageContracted(self.contract(line)),
            _ => self.answer(line),
        }
    }

    fn contract(&self, line: &Line<'_>) -> procurement::LinkageContracted {
        let station::CollectTerms::Stated { principal, terms } = self.terms(line.get("terms", "outright:COOP:9.2/kg"))
        else {
            panic!("a contract states its terms")
        };
        procurement::LinkageContracted {
            occasion: line.occasion(),
            contract: ContractId(words::id(line.name)),
            firm: PartyRef { id: principal, kind: PartyKind::Cooperative },
            station: self.place(line.get("at", "S1")),
            producer: self.party(line.get("from", "H1")),
            product: ProductId(words::id(line.get("product", "pea"))),
            terms,
            valid_from: day("2020-03-01"),
            valid_to: day("2020-09-30"),
            quantity_max: line.find("max").map(|max| measure(max).quantity),
        }
    }

    fn answer(&self, line: &Line<'_>) -> procurement::Event {
        let receipt = ReceiptId(self.id(&format!("receipt {}", line.name)));
        let (lot, station) = (LotId(self.id(line.name)), self.place("S1"));
        if line.operation == "decline" {
            return procurement::Event::PurchaseDeclined(procurement::PurchaseDeclined {
                occasion: line.occasion(),
                receipt,
                lot,
                station,
                reason: DeclineReason::QuantityExceeded,
                quantity_left: Some(Quantity(7)),
            });
        }
        procurement::Event::PurchaseAccepted(procurement::PurchaseAccepted {
            occasion: line.occasion(),
            receipt,
            lot,
            station,
            buyer: self.party("COOP"),
            producer: self.party("H1"),
            product: ProductId(words::id("pea")),
            contract: None,
            quantity: Quantity(1),
            price: price("9.2/kg"),
            amount: Money(1),
            payable: PayableId([9; 16]),
            receipt_number: String::new(),
        })
    }

    /// A delivery to a station of a lot of several pools, one for each `principal:quantity`; what comes after a `~` was
    /// consigned.
    fn arrival(&self, line: &Line<'_>) -> distribution::Event {
        let pool = |(pool, item): (u16, &str)| {
            let (principal, quantity) = item.split_once(':').unwrap();
            let stock = StockLine {
                lot: LotId(words::id(line.name)),
                pool,
                product: ProductId(words::id("pea")),
                title: match principal.strip_prefix('~') {
                    Some(name) => Title::Consigned { consignee: self.party(name), mode: SettlementMode::Commission },
                    None => Title::Owned { owner: self.party(principal) },
                },
                collected_on: line.occasion().business_date,
                quantity: measure(quantity).quantity,
            };
            let received = stock.quantity;
            distribution::ReceivedLine { stock, received, damaged: Quantity::ZERO, missing: Quantity::ZERO }
        };
        distribution::Event::ShipmentReceived(distribution::ShipmentReceived {
            occasion: line.occasion(),
            shipment: ShipmentId(words::id(line.name)),
            from: self.place("D1"),
            place: self.place("S1"),
            at_station: true,
            direction: Direction::Down,
            carrier: self.party("CARR"),
            custodian: self.party("FIRM").id,
            lines: (0..).zip(line.list("pools")).map(pool).collect(),
        })
    }

    /// Every cell of either service.
    pub(crate) fn cells(&self) -> Vec<(CellKey, Cell)> {
        let mut cells = Vec::new();
        for (key, entity) in self.station.state.entities.sorted() {
            if let (station::Key::Stock(stock::Key::Cell(key)), station::Entity::Stock(stock::Entity::Cell(cell))) =
                (key, entity)
            {
                cells.push((*key, cell.clone()));
            }
        }
        for (key, entity) in self.distribution.state.entities.sorted() {
            if let (
                distribution::Key::Stock(stock::Key::Cell(key)),
                distribution::Entity::Stock(stock::Entity::Cell(cell)),
            ) = (key, entity)
            {
                cells.push((*key, cell.clone()));
            }
        }
        cells
    }

    fn stock(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (key, cell) in self.cells().into_iter().filter(|(_, cell)| !cell.is_empty()) {
            let mut line = format!("{} {}", self.name(key.place.0), words::pool(&self.name(key.lot.0), key.pool));
            for (word, quantity) in [
                ("pending", cell.pending),
                ("on_hand", Quantity(cell.on_hand.balance())),
                ("reserved", cell.reserved),
                ("quarantined", cell.quarantined),
            ] {
                if quantity != Quantity::ZERO {
                    let _ = write!(line, " {word} {quantity}");
                }
            }
            lines.push(line);
        }
        lines.sort();
        lines.join(", ")
    }

    fn shipment(&self, name: &str) -> String {
        let shipment = self.distribution.state.shipment(ShipmentId(self.id(name))).unwrap();
        let lines = shipment.lines.iter().map(|line| {
            let lot = words::pool(&self.name(line.stock.lot.0), line.stock.pool);
            format!("{lot} {} in transit of {}", shipment.in_transit(line), line.stock.quantity)
        });
        lines.collect::<Vec<_>>().join(", ")
    }
}
