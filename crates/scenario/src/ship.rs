//! Monday to Thursday: producers deliver, stations hand over, the county centre receives and sends on.

use loopledger_proto::common::v1::{
    AgreedPriceTerms, CommissionTerms, ContractTerms, MoveLine, OutrightTerms, contract_terms,
};
use loopledger_proto::distribution::v1::record_request::Command as Distribute;
use loopledger_proto::distribution::v1::{DispatchShipmentRequest, ReceiptDifference, ReceiveShipmentRequest};
use loopledger_proto::station::v1::collect_goods_request::Basis;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_proto::station::v1::{CollectGoodsRequest, HandOverGoodsRequest, StatedTerms};
use loopledger_types::{
    BaseUnit, DivisionCode, LotId, PartyId, PlaceId, Quantity, Service, ShipmentId, Unit, UnitPrice,
};

use super::script::{price, quantity, stream};
use super::season::{Deal, PRODUCE, Product};
use super::setup::CONTRACT_MAX_GRAMS;
use super::shelf::{Batch, Heap};
use super::world::{Household, Station};
use super::year::Year;

/// Lots on one consignment note: as many as a commit has room for.
const LOTS_PER_NOTE: usize = 200;

/// What goes on one consignment note.
#[derive(Debug, Default)]
struct Note {
    lines: Vec<MoveLine>,
    goods: Vec<(Heap, Vec<Batch>)>,
    lots: usize,
}

/// A shipment under way, as the script knows it.
#[derive(Debug)]
pub(crate) struct Load {
    shipment: ShipmentId,
    to: PlaceId,
    division: DivisionCode,
    heap_principal: PartyId,
    goods: Vec<(Heap, Vec<Batch>)>,
}

impl Load {
    pub(crate) const fn new(
        shipment: ShipmentId,
        to: PlaceId,
        division: DivisionCode,
        heap_principal: PartyId,
        goods: Vec<(Heap, Vec<Batch>)>,
    ) -> Self {
        Self { shipment, to, division, heap_principal, goods }
    }
}

impl Year {
    /// Producers bring what the season gives.
    pub(crate) fn collect(&mut self, month: usize) {
        for index in 0..self.world.households.len() {
            let Some(household) = self.world.households.get(index).cloned() else { continue };
            for product_index in household.products.clone() {
                let Some(product) = PRODUCE.get(product_index) else { continue };
                let percent = product.weekly_percent.get(month).copied().unwrap_or(0);
                if self.script.dice.chance(percent) {
                    self.deliver(index, &household, product_index, product);
                }
            }
        }
        self.script.barrier();
    }

    fn deliver(&mut self, index: usize, household: &Household, product_index: usize, product: &Product) {
        let (Some(station), Some(goods)) =
            (self.world.stations.get(household.station).cloned(), self.world.produce.get(product_index).copied())
        else {
            return;
        };
        let request = self.script.request();
        let principal = self.world.principal(product.principal);
        let units = self.script.dice.between(product.delivery.0, product.delivery.1);
        let gross = units.saturating_mul(product.unit.factor());
        let (tare, moisture, impurity) = if product.cleaned {
            (
                gross / 50,
                gross.saturating_mul(self.script.dice.between(0, 12)) / 1_000,
                gross.saturating_mul(self.script.dice.between(0, 20)) / 1_000,
            )
        } else {
            (0, 0, 0)
        };
        let net = gross.saturating_sub(tare).saturating_sub(moisture).saturating_sub(impurity);
        let unit_price = self.farm_price(product);
        let base = base_of(product.base);
        self.serial = self.serial.saturating_add(1);
        let day = self.script.today();
        let command = CollectGoodsRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(station.division),
            station_id: station.id.to_string(),
            producer_id: household.id.to_string(),
            member_id: household.head.to_string(),
            product_id: goods.id.to_string(),
            basis: Some(basis(household, product, principal, unit_price)),
            receipt_number: format!("GB{:06}", self.serial),
            same_number_as: String::new(),
            lot_label: format!(
                "{}-{}-{}-{:06}",
                station.division,
                product.code,
                day.to_string().replace('-', ""),
                self.serial
            ),
            grade: self.script.dice.one_of(&["一级", "二级", "二级", "三级"]).to_string(),
            gross: quantity(units, product.unit),
            tare: quantity(tare, base),
            moisture: quantity(moisture, base),
            impurity: quantity(impurity, base),
            live_weight_grams: (product.base == BaseUnit::Head)
                .then(|| u64::try_from(units.saturating_mul(38_000)).unwrap_or(0)),
            county_code: String::new(),
        };
        self.script.station(AtStation::CollectGoods(command));
        if self.is_taken(index, household, product, net) {
            let lot = LotId::derive(request, stream(Service::Station), 0);
            let heap = Heap { place: station.id, principal, product: goods.id };
            self.shelves.put(heap, Batch { collected_on: day, serial: self.serial, lot, quantity: net });
            self.note_producer(lot, principal, household.id, product.deal);
        }
    }

    /// Whether the buyer takes it: a limited contract is used up at some point.
    fn is_taken(&mut self, index: usize, household: &Household, product: &Product, net: i64) -> bool {
        if product.deal != Deal::Contract || !household.limited {
            return true;
        }
        let taken = self.taken_under_contract.entry(index).or_default();
        let after = taken.saturating_add(net);
        if after <= CONTRACT_MAX_GRAMS {
            *taken = after;
        }
        after <= CONTRACT_MAX_GRAMS
    }

    /// Contracts have their price; the rest follows the market a little.
    fn farm_price(&mut self, product: &Product) -> UnitPrice {
        let percent = match product.deal {
            Deal::Contract => 100,
            Deal::Outright | Deal::AgreedPrice | Deal::Commission { .. } => self.script.dice.between(95, 106),
        };
        UnitPrice { e4: product.farm_price_e4.saturating_mul(percent) / 100, per: product.unit }
    }

    /// Every station hands over what it has gathered, one consignment note per principal.
    pub(crate) fn hand_over(&mut self) -> Vec<Load> {
        let mut loads = Vec::new();
        let stations = self.world.stations.clone();
        for station in &stations {
            for principal in self.principals_with_goods_at(station.id) {
                for note in self.load_up(station.id, principal, 100) {
                    loads.push(self.hand_over_one(station, principal, note));
                }
            }
        }
        self.script.barrier();
        loads
    }

    fn hand_over_one(&mut self, station: &Station, principal: PartyId, note: Note) -> Load {
        let Note { lines, goods, .. } = note;
        let (request, centre) = (self.script.request(), self.world.centre);
        let command = HandOverGoodsRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(station.division),
            from_place_id: station.id.to_string(),
            to_place_id: centre.to_string(),
            principal_id: principal.to_string(),
            carrier_id: self.world.carrier.to_string(),
            freight_fen: freight(&goods),
            lines,
            county_code: String::new(),
        };
        self.script.station(AtStation::HandOverGoods(command));
        self.owes_freight(principal);
        let shipment = ShipmentId::derive(request, stream(Service::Station), 0);
        Load { shipment, to: centre, division: station.division, heap_principal: principal, goods }
    }

    /// The centre sends part of what it holds to a place outside.
    pub(crate) fn send_on(&mut self, to: PlaceId, percent: i64) -> Vec<Load> {
        let centre = self.world.centre;
        let mut loads = Vec::new();
        for principal in self.principals_with_goods_at(centre) {
            for note in self.load_up(centre, principal, percent) {
                loads.push(self.dispatch_one(to, principal, note));
            }
        }
        loads
    }

    fn dispatch_one(&mut self, to: PlaceId, principal: PartyId, note: Note) -> Load {
        let Note { lines, goods, .. } = note;
        let request = self.script.request();
        let division = DivisionCode::parse("654224100").expect("the town's code is well formed");
        let command = DispatchShipmentRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(division),
            from_place_id: self.world.centre.to_string(),
            to_place_id: to.to_string(),
            principal_id: principal.to_string(),
            carrier_id: self.world.carrier.to_string(),
            freight_fen: freight(&goods).saturating_mul(3),
            lines,
            county_code: String::new(),
        };
        self.script.distribution(Distribute::DispatchShipment(command));
        self.owes_freight(principal);
        let shipment = ShipmentId::derive(request, stream(Service::Distribution), 0);
        Load { shipment, to, division, heap_principal: principal, goods }
    }

    /// Loads arrive; now and then something is damaged or missing.
    pub(crate) fn receive(&mut self, loads: Vec<Load>) {
        for load in loads {
            let request = self.script.request();
            let mut differences = Vec::new();
            if self.script.dice.chance(4) {
                differences.extend(self.spoil_first(&load));
            }
            let command = ReceiveShipmentRequest {
                request_id: request.to_string(),
                after: Vec::new(),
                occasion: self.script.occasion(load.division),
                shipment_id: load.shipment.to_string(),
                place_id: load.to.to_string(),
                differences: differences.iter().map(|(difference, _)| difference.clone()).collect(),
                county_code: String::new(),
            };
            self.script.distribution(Distribute::ReceiveShipment(command));
            let lost = differences.first().map_or(0, |(_, lost)| *lost);
            for (number, (heap, batches)) in load.goods.into_iter().enumerate() {
                let arrived = Heap { place: load.to, principal: load.heap_principal, product: heap.product };
                for (index, batch) in batches.into_iter().enumerate() {
                    let gone = if number == 0 && index == 0 { lost } else { 0 };
                    self.shelves.put(arrived, Batch { quantity: batch.quantity.saturating_sub(gone), ..batch });
                }
            }
        }
        self.script.barrier();
    }

    /// A tenth of the first lot is damaged, a twentieth is missing.
    fn spoil_first(&mut self, load: &Load) -> Option<(ReceiptDifference, i64)> {
        let (heap, batches) = load.goods.first()?;
        let batch = batches.first()?;
        let unit = self.base_unit(heap.product);
        let (damaged, missing) = (batch.quantity / 10, batch.quantity / 20);
        let difference = ReceiptDifference {
            lot_id: batch.lot.to_string(),
            pool: 0,
            damaged: quantity(damaged, unit),
            missing: quantity(missing, unit),
        };
        (damaged > 0).then_some((difference, damaged.saturating_add(missing)))
    }

    fn principals_with_goods_at(&self, place: PlaceId) -> Vec<PartyId> {
        let mut principals: Vec<PartyId> = self
            .shelves
            .heaps()
            .into_iter()
            .filter(|heap| heap.place == place && !self.is_industrial(heap.product))
            .map(|heap| heap.principal)
            .collect();
        principals.sort_unstable();
        principals.dedup();
        principals
    }

    /// Takes `percent` of a principal's produce at a place, on as many consignment notes as its lots need.
    fn load_up(&mut self, place: PlaceId, principal: PartyId, percent: i64) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = Note::default();
        for heap in self.shelves.heaps() {
            if heap.place != place || heap.principal != principal || self.is_industrial(heap.product) {
                continue;
            }
            let mut wanted = self.shelves.total(&heap).saturating_mul(percent) / 100;
            while wanted > 0 {
                let batches = self.shelves.take(&heap, wanted, LOTS_PER_NOTE.saturating_sub(note.lots));
                let taken = batches.iter().fold(0_i64, |sum, batch| sum.saturating_add(batch.quantity));
                wanted = wanted.saturating_sub(taken);
                note.lots = note.lots.saturating_add(batches.len());
                note.lines.push(MoveLine {
                    product_id: heap.product.to_string(),
                    lot_id: String::new(),
                    quantity: quantity(taken, self.base_unit(heap.product)),
                    weight_grams: self.weight_grams(heap.product, taken),
                });
                note.goods.push((heap, batches));
                if note.lots >= LOTS_PER_NOTE {
                    notes.push(std::mem::take(&mut note));
                }
            }
        }
        notes.extend((note.lots > 0).then_some(note));
        notes
    }
}

/// 20 yuan a journey, and 3 fen a kilogram (or 2 yuan a head or piece counts as its thousandth part).
fn freight(goods: &[(Heap, Vec<Batch>)]) -> i64 {
    let quantity =
        goods.iter().flat_map(|(_, batches)| batches).fold(0_i64, |sum, batch| sum.saturating_add(batch.quantity));
    2_000_i64.saturating_add((Quantity(quantity).0 / 1_000).saturating_mul(3))
}

const fn base_of(base: BaseUnit) -> Unit {
    match base {
        BaseUnit::Gram => Unit::Gram,
        BaseUnit::Millilitre => Unit::Millilitre,
        BaseUnit::Head => Unit::Head,
        BaseUnit::Piece => Unit::Piece,
    }
}

fn basis(household: &Household, product: &Product, principal: PartyId, unit_price: UnitPrice) -> Basis {
    let terms = match (product.deal, household.contract) {
        (Deal::Contract, Some(contract)) => return Basis::ContractId(contract.to_string()),
        (Deal::Contract | Deal::Outright, _) => {
            contract_terms::Terms::Outright(OutrightTerms { price: price(unit_price) })
        }
        (Deal::AgreedPrice, _) => contract_terms::Terms::AgreedPrice(AgreedPriceTerms { price: price(unit_price) }),
        (Deal::Commission { commission_bp }, _) => {
            contract_terms::Terms::Commission(CommissionTerms { commission_bp, price_basis: price(unit_price) })
        }
    };
    Basis::Stated(StatedTerms {
        principal_id: principal.to_string(),
        terms: Some(ContractTerms { terms: Some(terms) }),
    })
}
