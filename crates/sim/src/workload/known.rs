//! What the callers know from acknowledgements, as far as they need it to choose the next command.

use loopledger_types::{
    ChannelId, ContractId, LotId, MemberId, OrderId, PartyId, PayoutId, PlaceId, ProductId, RequestId, Service,
    ShipmentId, StreamId,
};

use super::TUOLI;

#[derive(Debug, Default)]
pub(crate) struct Known {
    /// A co-op and a firm: they buy, take on consignment, sell.
    pub(crate) traders: Vec<PartyId>,
    pub(crate) carriers: Vec<PartyId>,
    pub(crate) suppliers: Vec<PartyId>,
    pub(crate) buyers: Vec<PartyId>,
    pub(crate) households: Vec<Household>,
    pub(crate) products: Vec<ProductId>,
    pub(crate) stations: Vec<PlaceId>,
    pub(crate) sites: Vec<PlaceId>,
    pub(crate) channels: Vec<ChannelId>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) shipments: Vec<Shipment>,
    pub(crate) orders: Vec<Order>,
    pub(crate) payouts: Vec<PayoutId>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Household {
    pub(crate) id: PartyId,
    pub(crate) head: MemberId,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract {
    pub(crate) id: ContractId,
    pub(crate) household: PartyId,
    pub(crate) station: PlaceId,
    pub(crate) product: ProductId,
    pub(crate) firm: PartyId,
}

/// Goods that were seen somewhere; by now they may be elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lot {
    pub(crate) id: LotId,
    pub(crate) product: ProductId,
    pub(crate) place: PlaceId,
    pub(crate) principal: PartyId,
    pub(crate) quantity: i64,
    pub(crate) consigned: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Shipment {
    pub(crate) id: ShipmentId,
    pub(crate) to: PlaceId,
    pub(crate) goods: Lot,
}

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    /// Who holds the goods, and how much was ordered.
    pub(crate) lines: Vec<(Service, i64)>,
}

/// What a command creates if it is acknowledged, with ids that follow from the request.
#[derive(Debug, Clone)]
pub(crate) enum Creates {
    Nothing,
    Trader,
    Carrier,
    Supplier,
    Buyer,
    Household,
    Product,
    Station,
    Site,
    Channel,
    /// The id is still to be derived.
    Contract(Contract),
    Lot(Service, Lot),
    Shipment(Service, Shipment),
    /// A shipment arrives.
    Arrival(Shipment),
    Order(Order),
    Payout,
}

impl Known {
    /// A command that creates this was acknowledged.
    pub(crate) fn learn(&mut self, creates: Creates, request: RequestId) {
        let stream = |service| StreamId { service, county: TUOLI };
        let party = || PartyId::derive(request, stream(Service::Procurement), 0);
        match creates {
            Creates::Nothing => {}
            Creates::Trader => self.traders.push(party()),
            Creates::Carrier => self.carriers.push(party()),
            Creates::Supplier => self.suppliers.push(party()),
            Creates::Buyer => self.buyers.push(party()),
            Creates::Household => {
                let head = MemberId::derive(request, stream(Service::Procurement), 0);
                self.households.push(Household { id: party(), head });
            }
            Creates::Product => self.products.push(ProductId::derive(request, stream(Service::Procurement), 0)),
            Creates::Station => self.stations.push(PlaceId::derive(request, stream(Service::Station), 0)),
            Creates::Site => self.sites.push(PlaceId::derive(request, stream(Service::Distribution), 0)),
            Creates::Channel => self.channels.push(ChannelId::derive(request, stream(Service::Sales), 0)),
            Creates::Contract(contract) => {
                let id = ContractId::derive(request, stream(Service::Procurement), 0);
                self.contracts.push(Contract { id, ..contract });
            }
            Creates::Lot(service, lot) => self.lots.push(Lot { id: LotId::derive(request, stream(service), 0), ..lot }),
            Creates::Shipment(service, shipment) => {
                self.shipments.push(Shipment { id: ShipmentId::derive(request, stream(service), 0), ..shipment });
            }
            Creates::Arrival(shipment) => {
                self.shipments.retain(|known| known.id != shipment.id);
                self.lots.push(Lot { place: shipment.to, ..shipment.goods });
            }
            Creates::Order(order) => {
                self.orders.push(Order { id: OrderId::derive(request, stream(Service::Sales), 0), ..order });
            }
            Creates::Payout => self.payouts.push(PayoutId::derive(request, stream(Service::Procurement), 0)),
        }
    }
}
