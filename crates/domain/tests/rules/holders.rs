//! Station and distribution together, driven by lines of text: what is asked, and what comes of it.
//!
//! Procurement and sales are played by the test. A line is `operation name key=value ...`; what is not said has a
//! default that is valid, so that a case states only what it is about.

mod commands;
mod upstream;

use core::fmt::Write;
use std::collections::{BTreeMap, VecDeque};

use loopledger_domain::distribution::Distribution;
use loopledger_domain::distribution::DistributionState as _;
use loopledger_domain::station::Station;
use loopledger_domain::stock::{Cell, CellKey};
use loopledger_domain::{Commit, Event, PartyRef, Rejection, distribution, station, stock};
use loopledger_types::{PartyId, PlaceId, Quantity, Service, ShipmentId};

use crate::harness::{Manner, Under, commit};
use crate::words::{self, Line};

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

    /// Every cell of either service.
    pub(crate) fn cells(&self) -> Vec<(CellKey, Cell)> {
        let mut cells = Vec::new();
        for (key, entity) in self.station.state.entities.sorted() {
            if let (station::Key::Stock(stock::Key::Cell(key)), station::Entity::Stock(stock::Entity::Cell(cell))) =
                (key, entity)
            {
                cells.push((*key, cell.as_ref().clone()));
            }
        }
        for (key, entity) in self.distribution.state.entities.sorted() {
            if let (
                distribution::Key::Stock(stock::Key::Cell(key)),
                distribution::Entity::Stock(stock::Entity::Cell(cell)),
            ) = (key, entity)
            {
                cells.push((*key, cell.as_ref().clone()));
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
