//! Goods come in and move: collection, inspection, buying in, hand-over, dispatch, receipt.

use loopledger_proto::common::v1 as common;
use loopledger_proto::distribution::v1 as d;
use loopledger_proto::distribution::v1::record_request::Command as AtSite;
use loopledger_proto::station::v1 as st;
use loopledger_proto::station::v1::collect_goods_request::Basis;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_types::{LotId, Service, ShipmentId};

use super::founding::{TOWN, VILLAGES};
use super::known::{Lot, Shipment};
use super::{Creates, Form, WorkItem, Workload, grams, per_kilogram};

impl Workload {
    pub(super) fn supply(&mut self) -> Option<WorkItem> {
        match self.dice.below(100) {
            0..50 => self.collect(),
            50..55 => self.buy_in(),
            55..57 => self.inspect(),
            57..73 => self.hand_over(),
            73..80 => self.dispatch(),
            _ => self.receive(),
        }
    }

    fn collect(&mut self) -> Option<WorkItem> {
        let mut household = self.one(|known| &known.households)?;
        let (mut station, mut product) = (self.one(|known| &known.stations)?, self.one(|known| &known.products)?);
        let mut principal = self.one(|known| &known.traders)?;
        let contract = if self.dice.chance(35) { self.one(|known| &known.contracts) } else { None };
        let basis = if let Some(contract) = contract {
            household.id = contract.household;
            (station, product, principal) = (contract.station, contract.product, contract.firm);
            Basis::ContractId(contract.id.to_string())
        } else {
            Basis::Stated(st::StatedTerms { principal_id: principal.to_string(), terms: self.terms() })
        };
        // Of contracts the callers do not remember the mode: settling such a lot may be refused.
        let consigned = match &basis {
            Basis::Stated(stated) => {
                let terms = stated.terms.and_then(|terms| terms.terms);
                !matches!(terms, Some(common::contract_terms::Terms::Outright(_)))
            }
            Basis::ContractId(_) => self.dice.chance(50),
        };
        let gross = self.dice.between(1_000, 60_000);
        let tare = if self.dice.chance(30) { self.dice.between(0, 900) } else { 0 };
        let moisture = if self.dice.chance(20) { self.dice.between(0, 200) } else { 0 };
        let by_head = contract.is_none() && self.dice.chance(20);
        let request = st::CollectGoodsRequest {
            request_id: self.id(),
            occasion: self.occasion(VILLAGES[0]),
            station_id: station.to_string(),
            producer_id: household.id.to_string(),
            member_id: if by_head { household.head.to_string() } else { String::new() },
            product_id: product.to_string(),
            basis: Some(basis),
            receipt_number: self.label(),
            lot_label: self.label(),
            gross: grams(gross),
            tare: grams(tare),
            moisture: grams(moisture),
            ..Default::default()
        };
        let quantity = gross - tare - moisture;
        let lot = Lot { id: LotId([0; 16]), product, place: station, principal, quantity, consigned };
        Some(WorkItem::new(Form::Station(AtStation::CollectGoods(request)), Creates::Lot(Service::Station, lot)))
    }

    /// A lot wherever it is; some that no station has heard of yet.
    fn inspect(&mut self) -> Option<WorkItem> {
        let (station, lot) = (self.one(|known| &known.stations)?, self.one(|known| &known.lots)?);
        let request = st::InspectGoodsRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            station_id: station.to_string(),
            lot_id: lot.id.to_string(),
            test: "residues".to_owned(),
            passed: Some(self.dice.chance(90)),
            laboratory_code: "LAB".to_owned(),
            ..Default::default()
        };
        Some(WorkItem::new(Form::Station(AtStation::InspectGoods(request)), Creates::Nothing))
    }

    fn buy_in(&mut self) -> Option<WorkItem> {
        let at_station = self.dice.chance(30);
        let place = self.one(|known| if at_station { &known.stations } else { &known.sites })?;
        let (owner, supplier) = (self.one(|known| &known.traders)?, self.one(|known| &known.suppliers)?);
        let (product, quantity) = (self.one(|known| &known.products)?, self.dice.between(1, 90_000));
        let lot =
            Lot { id: LotId([0; 16]), product, place, principal: owner, quantity, consigned: self.dice.chance(5) };
        let (request_id, occasion) = (self.id(), self.occasion(TOWN));
        let (place_id, owner_id) = (place.to_string(), owner.to_string());
        let (supplier_id, product_id) = (supplier.to_string(), product.to_string());
        let (price, lot_label) = (per_kilogram(self.dice.between(1, 900)), self.label());
        let (quantity, after) = (grams(quantity), Vec::new());
        Some(if at_station {
            let request = st::BuyInGoodsRequest {
                request_id,
                after,
                occasion,
                place_id,
                owner_id,
                supplier_id,
                product_id,
                quantity,
                price,
                lot_label,
                county_code: String::new(),
            };
            WorkItem::new(Form::Station(AtStation::BuyInGoods(request)), Creates::Lot(Service::Station, lot))
        } else {
            let request = d::BuyInGoodsRequest {
                request_id,
                after,
                occasion,
                place_id,
                owner_id,
                supplier_id,
                product_id,
                quantity,
                price,
                lot_label,
                county_code: String::new(),
            };
            WorkItem::new(Form::Distribution(AtSite::BuyInGoods(request)), Creates::Lot(Service::Distribution, lot))
        })
    }

    /// Goods to move away from a place of that service: a lot that was seen there, some or all of it.
    fn load(&mut self, service: Service) -> Option<(Lot, common::MoveLine)> {
        let places = if service == Service::Station { &self.known.stations } else { &self.known.sites };
        let lots: Vec<Lot> = self.known.lots.iter().copied().filter(|lot| places.contains(&lot.place)).collect();
        let lot = *self.dice.pick(&lots)?;
        let quantity = if self.dice.chance(40) { lot.quantity } else { self.dice.between(1, lot.quantity) };
        let named = self.dice.chance(75);
        let line = common::MoveLine {
            product_id: lot.product.to_string(),
            lot_id: if named { lot.id.to_string() } else { String::new() },
            quantity: grams(quantity),
            weight_grams: None,
        };
        Some((Lot { quantity, ..lot }, line))
    }

    fn freight(&mut self) -> i64 {
        if self.dice.chance(50) { self.dice.between(1, 2_000) } else { 0 }
    }

    fn hand_over(&mut self) -> Option<WorkItem> {
        let (goods, line) = self.load(Service::Station)?;
        let to = if self.dice.chance(80) { *self.known.sites.first()? } else { self.one(|known| &known.stations)? };
        let request = st::HandOverGoodsRequest {
            request_id: self.id(),
            occasion: self.occasion(VILLAGES[0]),
            from_place_id: goods.place.to_string(),
            to_place_id: to.to_string(),
            principal_id: goods.principal.to_string(),
            carrier_id: self.one(|known| &known.carriers)?.to_string(),
            freight_fen: self.freight(),
            lines: vec![line],
            ..Default::default()
        };
        let shipment = Shipment { id: ShipmentId([0; 16]), to, goods };
        let creates = Creates::Shipment(Service::Station, shipment);
        Some(WorkItem::new(Form::Station(AtStation::HandOverGoods(request)), creates))
    }

    fn dispatch(&mut self) -> Option<WorkItem> {
        let (goods, line) = self.load(Service::Distribution)?;
        let to = if self.dice.chance(60) { *self.known.sites.last()? } else { self.one(|known| &known.stations)? };
        let request = d::DispatchShipmentRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            from_place_id: goods.place.to_string(),
            to_place_id: to.to_string(),
            principal_id: goods.principal.to_string(),
            carrier_id: self.one(|known| &known.carriers)?.to_string(),
            freight_fen: self.freight(),
            lines: vec![line],
            ..Default::default()
        };
        let shipment = Shipment { id: ShipmentId([0; 16]), to, goods };
        let creates = Creates::Shipment(Service::Distribution, shipment);
        Some(WorkItem::new(Form::Distribution(AtSite::DispatchShipment(request)), creates))
    }

    /// A shipment arrives, whole or not.
    fn receive(&mut self) -> Option<WorkItem> {
        let shipment = self.one(|known| &known.shipments)?;
        let (quantity, mut differences) = (shipment.goods.quantity, Vec::new());
        let mut arrived = quantity;
        if self.dice.chance(45) {
            let damaged = self.dice.between(0, quantity / 4);
            let missing = self.dice.between(0, quantity / 4);
            arrived -= damaged + missing;
            let lot_id = shipment.goods.id.to_string();
            let difference = d::ReceiptDifference { lot_id, pool: 0, damaged: grams(damaged), missing: grams(missing) };
            differences.push(difference);
        }
        let request = d::ReceiveShipmentRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            shipment_id: shipment.id.to_string(),
            place_id: shipment.to.to_string(),
            differences,
            ..Default::default()
        };
        let goods = Lot { quantity: arrived.max(1), ..shipment.goods };
        let creates = Creates::Arrival(Shipment { goods, ..shipment });
        Some(WorkItem::new(Form::Distribution(AtSite::ReceiveShipment(request)), creates))
    }
}
