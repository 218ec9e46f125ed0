//! The first Monday of a month: industrial goods are bought in, and every station is supplied.

use loopledger_proto::common::v1::MoveLine;
use loopledger_proto::distribution::v1::record_request::Command as Distribute;
use loopledger_proto::distribution::v1::{BuyInGoodsRequest, DispatchShipmentRequest};
use loopledger_types::{LotId, Service, ShipmentId, Unit, UnitPrice};

use super::script::{price, quantity, stream};
use super::season::INDUSTRIAL;
use super::shelf::{Batch, Heap};
use super::ship::Load;
use super::trade::town;
use super::year::Year;

/// Pieces of each industrial product bought in a month, and sent to each station.
const BOUGHT_IN: i64 = 1_600;
const SENT_DOWN: i64 = 20;

impl Year {
    /// The operating company buys industrial goods for the county.
    pub(crate) fn buy_in(&mut self) {
        let (centre, brand, supplier) = (self.world.centre, self.world.brand, self.world.supplier);
        let bought = BOUGHT_IN.saturating_mul(self.scale);
        for (index, (code, _, cost_e4, _)) in INDUSTRIAL.iter().enumerate() {
            let Some(goods) = self.world.industrial.get(index).copied() else { continue };
            let request = self.script.request();
            let command = BuyInGoodsRequest {
                request_id: request.to_string(),
                after: Vec::new(),
                occasion: self.script.occasion(town()),
                place_id: centre.to_string(),
                owner_id: brand.to_string(),
                supplier_id: supplier.to_string(),
                product_id: goods.id.to_string(),
                quantity: quantity(bought, Unit::Piece),
                price: price(UnitPrice { e4: *cost_e4, per: Unit::Piece }),
                lot_label: format!("{}-{}", code, self.script.today()),
                county_code: String::new(),
            };
            self.script.distribution(Distribute::BuyInGoods(command));
            self.owed.insert((brand, supplier));
            let lot = LotId::derive(request, stream(Service::Distribution), 0);
            let heap = Heap { place: centre, principal: brand, product: goods.id };
            self.shelves.put(heap, Batch { collected_on: self.script.today(), serial: 0, lot, quantity: bought });
        }
        self.script.barrier();
    }

    /// The centre supplies every station.
    pub(crate) fn send_down(&mut self) -> Vec<Load> {
        let (centre, brand) = (self.world.centre, self.world.brand);
        let sent = SENT_DOWN.saturating_mul(self.scale);
        let mut loads = Vec::new();
        for station in self.world.stations.clone() {
            let request = self.script.request();
            let mut lines = Vec::new();
            let mut goods = Vec::new();
            for product in self.world.industrial.clone() {
                let heap = Heap { place: centre, principal: brand, product: product.id };
                lines.push(MoveLine {
                    product_id: product.id.to_string(),
                    lot_id: String::new(),
                    quantity: quantity(sent, Unit::Piece),
                    weight_grams: None,
                });
                goods.push((heap, self.shelves.take(&heap, sent, usize::MAX)));
            }
            let command = DispatchShipmentRequest {
                request_id: request.to_string(),
                after: Vec::new(),
                occasion: self.script.occasion(station.division),
                from_place_id: centre.to_string(),
                to_place_id: station.id.to_string(),
                principal_id: brand.to_string(),
                carrier_id: self.world.carrier.to_string(),
                freight_fen: 1_500,
                lines,
                county_code: String::new(),
            };
            self.script.distribution(Distribute::DispatchShipment(command));
            self.owes_freight(brand);
            let shipment = ShipmentId::derive(request, stream(Service::Distribution), 0);
            loads.push(Load::new(shipment, station.id, station.division, brand, goods));
        }
        loads
    }
}
