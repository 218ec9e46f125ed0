//! Lines of text as facts of station and distribution.

use std::sync::Arc;

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::sales::{ConsignedPool, Entity, Key, Lot};
use loopledger_domain::stock::{
    CancelRefused, GoodsBoughtIn, GoodsIssued, ReservationReleased, StockRefusal, StockRefused,
};
use loopledger_domain::{
    BuyerRef, Direction, Event, Origin, PartyRef, PlaceKind, SettlementMode, StockLine, Terms, Title, distribution,
    station,
};
use loopledger_types::{ContractId, IssueId, LotId, Quantity, ReceiptId, Scope, Service, ShipmentId};

use super::{Market, fen, terms};
use crate::words::{self, Line, day, division, measure, price};

impl Market {
    /// What a holder is made to say.
    pub(super) fn played(&mut self, line: &Line<'_>) -> (Service, Event) {
        use distribution::Event as D;
        use station::Event as S;
        let occasion = line.occasion();
        match line.operation {
            "station" => (
                Service::Station,
                Event::Station(S::StationOpened(station::StationOpened {
                    occasion,
                    station: self.place(line.name),
                    kind: PlaceKind::Station,
                    division: occasion.division,
                    operator: self.party("COOP"),
                    label: line.name.into(),
                })),
            ),
            "site" => (
                Service::Distribution,
                Event::Distribution(D::SiteOpened(distribution::SiteOpened {
                    occasion,
                    site: self.place(line.name),
                    kind: PlaceKind::CountyCentre,
                    division: occasion.division,
                    operator: self.party("COOP"),
                    label: line.name.into(),
                })),
            ),
            "collected" => (Service::Station, Event::Station(S::GoodsCollected(self.collected(line)))),
            "freight" => (Service::Distribution, Event::Distribution(D::ShipmentDispatched(self.dispatched(line)))),
            "boughtin" => {
                let bought = self.bought_in(line);
                if line.get("at", "S1") == "S1" {
                    (Service::Station, Event::Station(S::GoodsBoughtIn(bought)))
                } else {
                    (Service::Distribution, Event::Distribution(D::GoodsBoughtIn(bought)))
                }
            }
            _ => self.answered(line),
        }
    }

    pub(super) fn answered(&mut self, line: &Line<'_>) -> (Service, Event) {
        use distribution::Event as D;
        use station::Event as S;
        let occasion = line.occasion();
        let (order, index) = self.line_of(line.name);
        let at_station = line.get("at", "S1") == "S1";
        let (place, custodian) = (self.place(line.get("at", "S1")), self.party("COOP").id);
        let wrap = |station: S, distribution: D| {
            if at_station {
                (Service::Station, Event::Station(station))
            } else {
                (Service::Distribution, Event::Distribution(distribution))
            }
        };
        match line.operation {
            "refused" => {
                let (requested, available) = (Quantity(2), Quantity(1));
                let reason = StockRefusal::InsufficientStock;
                let e =
                    StockRefused { occasion, order, line: index, place, reason, requested, available, earliest: None };
                wrap(S::StockRefused(e), D::StockRefused(e))
            }
            "released" => {
                let e = ReservationReleased { occasion, order, line: index, place, custodian, picks: Vec::new() };
                wrap(S::ReservationReleased(e.clone()), D::ReservationReleased(e))
            }
            "stands" => {
                let e = CancelRefused { occasion, order, line: index, place };
                wrap(S::CancelRefused(e), D::CancelRefused(e))
            }
            "issued" => {
                self.requests += 1;
                let e = GoodsIssued {
                    occasion,
                    issue: IssueId(words::id(&self.requests.to_string())),
                    order,
                    line: index,
                    place,
                    custodian,
                    seller: self.party("COOP"),
                    buyer: BuyerRef { party: None, division: division("654224"), scope: Scope::County },
                    issued: line.get("of", "OWN:10kg").split(',').map(|text| self.stock_line(text)).collect(),
                    beyond: Vec::new(),
                    released: Vec::new(),
                };
                wrap(S::GoodsIssued(e.clone()), D::GoodsIssued(e))
            }
            other => panic!("no such operation: {other}"),
        }
    }

    /// `lot:quantity`; a lot that was not collected is the co-op's own.
    pub(super) fn stock_line(&self, text: &str) -> StockLine {
        let (lot, quantity) = text.split_once(':').unwrap();
        let lot = LotId(self.id(lot));
        let own = Title::Owned { owner: self.party("COOP") };
        StockLine {
            lot,
            pool: 0,
            product: self.product("pea"),
            title: self.titles.get(&lot).copied().unwrap_or(own),
            collected_on: day("2020-04-01"),
            quantity: measure(quantity).quantity,
        }
    }

    pub(super) fn collected(&mut self, line: &Line<'_>) -> station::GoodsCollected {
        let principal = self.party(line.get("with", "COOP"));
        let contract = line.find("contract").map(|name| ContractId(self.id(name)));
        let terms = match terms(line.get("terms", "outright:9.2/kg")) {
            ContractTerms::Outright { price } => Terms::Outright { buyer: principal, price, contract },
            ContractTerms::AgreedPrice { price } => Terms::AgreedPrice { consignee: principal, price, contract },
            ContractTerms::Commission { commission_bp, price_basis } => {
                Terms::Commission { consignee: principal, commission_bp, price_basis, contract }
            }
        };
        let lot = LotId(words::id(line.name));
        self.learn(line.name, lot.0);
        self.titles.insert(lot, terms.title());
        let net = measure(line.get("net", "98kg")).quantity;
        let producer = self.party(line.get("from", "H1"));
        let origin = origin_of(line.name, producer, terms, (net, net));
        station::GoodsCollected {
            occasion: line.occasion(),
            lot,
            origin,
            station: self.place(line.get("at", "S1")),
            custodian: principal.id,
            product: self.product(line.get("product", "pea")),
            member: None,
            receipt_number: line.get("number", line.name).into(),
            lot_label: String::new(),
            grade: String::new(),
            gross: net,
            tare: Quantity::ZERO,
            moisture: Quantity::ZERO,
            impurity: Quantity::ZERO,
            live_weight_grams: None,
            amount: None,
            same_number_as: None,
        }
    }

    /// A lot of several origins, as merging will make them: `consigned L terms=... origins=H1:5kg:6kg,H2:3kg:4kg:R1`.
    /// The receipt may be named, so that several lots can be of one.
    pub(super) fn consigned(&mut self, line: &Line<'_>) {
        let consignee = self.party("COOP");
        let (terms, mode) = match terms(line.get("terms", "commission:500")) {
            ContractTerms::Commission { commission_bp, price_basis } => (
                Terms::Commission { consignee, commission_bp, price_basis, contract: None },
                SettlementMode::Commission,
            ),
            ContractTerms::Outright { price } | ContractTerms::AgreedPrice { price } => {
                (Terms::AgreedPrice { consignee, price, contract: None }, SettlementMode::AgreedPrice)
            }
        };
        let lot = LotId(words::id(line.name));
        self.titles.insert(lot, terms.title());
        let origin = |(index, text): (usize, &str)| {
            let parts: Vec<&str> = text.split(':').collect();
            let quantities = (measure(parts[1]).quantity, measure(parts[2]).quantity);
            let receipt = parts.get(3).map_or_else(|| format!("{}{index}", line.name), ToString::to_string);
            origin_of(&receipt, self.party(parts[0]), terms, quantities)
        };
        let origins = line.list("origins").enumerate().map(origin).collect();
        let pools = Arc::new([ConsignedPool { pool: 0, consignee, mode, origins }]);
        let entity = Entity::Lot(Box::new(Lot { product: self.product("pea"), pools }));
        self.sales.state.entities.put_reference(Key::Lot(lot), entity);
    }

    pub(super) fn dispatched(&self, line: &Line<'_>) -> distribution::ShipmentDispatched {
        distribution::ShipmentDispatched {
            occasion: line.occasion(),
            shipment: ShipmentId(words::id(line.name)),
            from: self.place("D1"),
            custodian: self.party("COOP").id,
            to: self.place("S1"),
            direction: Direction::Local,
            carrier: self.party("CARR"),
            carrier_division: division("654201"),
            principal: self.party("COOP"),
            freight: fen(line.get("amount", "0")),
            lines: Vec::new(),
            handed_over: false,
        }
    }

    pub(super) fn bought_in(&self, line: &Line<'_>) -> GoodsBoughtIn {
        GoodsBoughtIn {
            occasion: line.occasion(),
            place: self.place(line.get("at", "S1")),
            custodian: self.party("COOP").id,
            line: self.stock_line("IN:10kg"),
            owner: self.party("COOP"),
            supplier: self.party("SUPP"),
            supplier_division: division("610102"),
            price: price("2/kg"),
            amount: fen(line.get("amount", "20")),
            lot_label: line.get("number", line.name).into(),
        }
    }
}

fn origin_of(
    name: &str,
    producer: PartyRef,
    terms: Terms,
    (quantity, source_quantity): (Quantity, Quantity),
) -> Origin {
    Origin {
        receipt: ReceiptId(words::id(name)),
        producer,
        division: division("654224202207"),
        terms,
        quantity,
        source_quantity,
    }
}
