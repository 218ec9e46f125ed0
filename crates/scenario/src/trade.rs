//! Friday to Sunday: orders, cancellations, issues at actual weight, payments.

use loopledger_proto::common::v1::PaymentMethod;
use loopledger_proto::distribution::v1::IssueGoodsRequest;
use loopledger_proto::distribution::v1::record_request::Command as Distribute;
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_proto::sales::v1::{
    CancelOrderLineRequest, PlaceOrderLine, PlaceOrderRequest, RecordPaymentRequest, ReturnPrepaymentRequest,
};
use loopledger_proto::station;
use loopledger_types::{
    ChannelId, DivisionCode, Money, OrderId, PartyId, PlaceId, ProductId, Quantity, Service, Unit, UnitPrice,
};

use super::script::{price, quantity, stream};
use super::season::{INDUSTRIAL, PRODUCE};
use super::shelf::{Batch, Heap};
use super::world::Shop;
use super::year::Year;

/// Lots in one order line: as many as the commit that reserves them has room for.
const LOTS_PER_LINE: usize = 200;

/// An order as the script remembers it.
#[derive(Debug)]
struct Order {
    id: OrderId,
    division: DivisionCode,
    at_station: bool,
    lines: Vec<Line>,
    /// Fen paid ahead.
    prepaid: i64,
    cancelled: bool,
}

#[derive(Debug)]
struct Line {
    heap: Heap,
    price: UnitPrice,
    ordered: i64,
    picks: Vec<Batch>,
}

/// What is ordered together: who sells to whom, by which channel.
#[derive(Debug, Clone, Copy)]
struct Deal {
    channel: ChannelId,
    seller: PartyId,
    buyer: Option<PartyId>,
    division: DivisionCode,
    online: bool,
    at_station: bool,
}

impl Year {
    /// A week's trade, all orders before all issues.
    pub(crate) fn sell(&mut self, one_too_large: bool) {
        let mut orders = Vec::new();
        for shop in self.world.shops.clone() {
            let count = self.script.dice.between(shop.orders.0, shop.orders.1).saturating_mul(self.scale);
            for _ in 0..count {
                orders.extend(self.order_at(shop));
            }
        }
        for station in self.world.stations.clone() {
            for _ in 0..self.scale {
                if self.script.dice.chance(60) {
                    orders.extend(self.order_at_station(station.id, station.division));
                }
            }
        }
        if one_too_large {
            self.order_too_much();
        }
        self.script.barrier();
        self.cancel_some(&mut orders);
        self.issue(&mut orders);
        self.script.set_day(self.script.today().plus_days(1));
        self.collect_payments(&orders);
        self.script.barrier();
    }

    fn order_at(&mut self, shop: Shop) -> Option<Order> {
        let heaps: Vec<Heap> = self
            .shelves
            .heaps()
            .into_iter()
            .filter(|heap| heap.place == shop.place && !self.is_industrial(heap.product))
            .collect();
        if heaps.is_empty() {
            return None;
        }
        let first = self.script.dice.one_of(&heaps);
        let mut wanted = vec![first];
        wanted.extend(heaps.into_iter().filter(|heap| heap.principal == first.principal && *heap != first).take(2));
        let channel = if shop.online { self.world.online } else { self.world.offline };
        let deal = Deal {
            channel,
            seller: first.principal,
            buyer: shop.buyer,
            division: shop.customers,
            online: shop.online,
            at_station: false,
        };
        let lines = wanted.into_iter().filter_map(|heap| self.order_line(heap)).collect();
        self.place(deal, lines)
    }

    fn order_at_station(&mut self, place: PlaceId, division: DivisionCode) -> Option<Order> {
        let brand = self.world.brand;
        let heaps: Vec<Heap> = self
            .shelves
            .heaps()
            .into_iter()
            .filter(|heap| heap.place == place && self.is_industrial(heap.product))
            .collect();
        let lines = heaps.into_iter().filter_map(|heap| self.order_line(heap)).collect();
        let deal =
            Deal { channel: self.world.offline, seller: brand, buyer: None, division, online: false, at_station: true };
        self.place(deal, lines)
    }

    /// Between a thirtieth and a sixth of what lies there, in whole steps.
    fn order_line(&mut self, heap: Heap) -> Option<Line> {
        let total = self.shelves.total(&heap);
        let step = if self.base_unit(heap.product) == Unit::Gram { 500 } else { 1 };
        let wanted = total.saturating_mul(self.script.dice.between(33, 160)) / 1_000;
        let ordered = wanted.checked_div(step).unwrap_or(0).max(1).saturating_mul(step);
        if ordered > total {
            return None;
        }
        let picks = self.shelves.take(&heap, ordered, LOTS_PER_LINE);
        let ordered = picks.iter().fold(0_i64, |sum, batch| sum.saturating_add(batch.quantity));
        Some(Line { heap, price: self.shop_price(heap.product), ordered, picks })
    }

    fn shop_price(&mut self, product: ProductId) -> UnitPrice {
        let percent = self.script.dice.between(96, 105);
        let listed =
            self.world.produce.iter().position(|goods| goods.id == product).and_then(|index| PRODUCE.get(index));
        let (e4, per) = if let Some(product) = listed {
            (product.shop_price_e4, product.unit)
        } else {
            let index = self.world.industrial.iter().position(|goods| goods.id == product).unwrap_or(0);
            (INDUSTRIAL.get(index).map_or(0, |(_, _, _, e4)| *e4), Unit::Piece)
        };
        UnitPrice { e4: e4.saturating_mul(percent) / 100, per }
    }

    fn place(&mut self, deal: Deal, lines: Vec<Line>) -> Option<Order> {
        if lines.is_empty() {
            return None;
        }
        let request = self.script.request();
        self.serial = self.serial.saturating_add(1);
        let id = OrderId::derive(request, stream(Service::Sales), 0);
        let command = PlaceOrderRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(deal.division),
            number: format!("DD{:06}", self.serial),
            same_number_as: String::new(),
            channel_id: deal.channel.to_string(),
            seller_id: deal.seller.to_string(),
            buyer_id: deal.buyer.map(|buyer| buyer.to_string()).unwrap_or_default(),
            buyer_division_code: deal.division.to_string(),
            lines: lines.iter().map(|line| self.order_line_request(line)).collect(),
            county_code: String::new(),
        };
        self.script.sales(Sell::PlaceOrder(command));
        let prepaid = if deal.online {
            lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.worth(line.ordered)))
        } else {
            0
        };
        if prepaid > 0 {
            self.pay(id, deal.division, prepaid);
        }
        Some(Order { id, division: deal.division, at_station: deal.at_station, lines, prepaid, cancelled: false })
    }

    fn order_line_request(&self, line: &Line) -> PlaceOrderLine {
        PlaceOrderLine {
            product_id: line.heap.product.to_string(),
            quantity: quantity(line.ordered, self.base_unit(line.heap.product)),
            price: price(line.price),
            place_id: line.heap.place.to_string(),
        }
    }

    /// More than there is: the holder refuses, and the line is cancelled.
    fn order_too_much(&mut self) {
        let centre = self.world.centre;
        let Some(heap) =
            self.shelves.heaps().into_iter().find(|heap| heap.place == centre && !self.is_industrial(heap.product))
        else {
            return;
        };
        let ordered = self.shelves.total(&heap).saturating_mul(2).saturating_add(1_000);
        let line = Line { heap, price: self.shop_price(heap.product), ordered, picks: Vec::new() };
        let deal = Deal {
            channel: self.world.offline,
            seller: heap.principal,
            buyer: None,
            division: town(),
            online: false,
            at_station: false,
        };
        self.place(deal, vec![line]);
    }

    /// A few customers change their minds while their goods still lie there.
    fn cancel_some(&mut self, orders: &mut [Order]) {
        for order in orders.iter_mut() {
            if order.lines.len() != 1 || order.at_station || !self.script.dice.chance(4) {
                continue;
            }
            let request = self.script.request();
            let command = CancelOrderLineRequest {
                request_id: request.to_string(),
                after: Vec::new(),
                occasion: self.script.occasion(order.division),
                order_id: order.id.to_string(),
                line: 0,
                county_code: String::new(),
            };
            self.script.sales(Sell::CancelOrderLine(command));
            order.cancelled = true;
            for line in &mut order.lines {
                for batch in line.picks.drain(..) {
                    self.shelves.put(line.heap, batch);
                }
            }
        }
        self.script.barrier();
    }

    /// Goods leave, weighed again: up to three percent less than ordered.
    fn issue(&mut self, orders: &mut [Order]) {
        for order in orders.iter_mut().filter(|order| !order.cancelled) {
            for (number, line) in (0_u32..).zip(order.lines.iter_mut()) {
                let request = self.script.request();
                let unit = self.base_unit(line.heap.product);
                let percent = if unit == Unit::Gram { self.script.dice.between(97, 100) } else { 100 };
                let actual = (line.ordered.saturating_mul(percent) / 100).max(1);
                let (request_id, order_id) = (request.to_string(), order.id.to_string());
                let occasion = self.script.occasion(order.division);
                let weighed = quantity(actual, unit);
                if order.at_station {
                    let command = station::v1::IssueGoodsRequest {
                        request_id,
                        after: Vec::new(),
                        occasion,
                        order_id,
                        line: number,
                        quantity: weighed,
                        county_code: String::new(),
                    };
                    self.script.station(station::v1::record_request::Command::IssueGoods(command));
                } else {
                    let command = IssueGoodsRequest {
                        request_id,
                        after: Vec::new(),
                        occasion,
                        order_id,
                        line: number,
                        quantity: weighed,
                        county_code: String::new(),
                    };
                    self.script.distribution(Distribute::IssueGoods(command));
                }
                self.leave_behind(line, actual);
            }
        }
        self.script.barrier();
    }

    /// What was ordered and not issued lies there again; the rest is sold.
    fn leave_behind(&mut self, line: &mut Line, actual: i64) {
        let mut left = line.ordered.saturating_sub(actual);
        line.ordered = actual;
        while left > 0 {
            let Some(last) = line.picks.last_mut() else { break };
            let back = left.min(last.quantity);
            self.shelves.put(line.heap, Batch { quantity: back, ..*last });
            last.quantity = last.quantity.saturating_sub(back);
            left = left.saturating_sub(back);
            if last.quantity == 0 {
                line.picks.pop();
            }
        }
        for batch in &line.picks {
            if let Some((consignee, _)) = self.consigned.get(&batch.lot) {
                self.sold.entry(*consignee).or_default().insert(batch.lot);
            }
        }
    }

    /// Customers pay what they owe, most at once, some in two parts, a few not yet; what was prepaid too much goes back.
    fn collect_payments(&mut self, orders: &[Order]) {
        for order in orders {
            let due = if order.cancelled {
                0
            } else {
                order.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.worth(line.ordered)))
            };
            if order.prepaid > due {
                self.pay_back(order, order.prepaid.saturating_sub(due));
            } else if due > order.prepaid {
                let open = due.saturating_sub(order.prepaid);
                match self.script.dice.between(1, 20) {
                    1 => {}
                    2..=4 if open > 1 => {
                        self.pay(order.id, order.division, open / 2);
                        self.pay(order.id, order.division, open.saturating_sub(open / 2));
                    }
                    _ => self.pay(order.id, order.division, open),
                }
            }
        }
    }

    fn pay(&mut self, order: OrderId, division: DivisionCode, amount_fen: i64) {
        let request = self.script.request();
        let method = self.script.dice.one_of(&[
            PaymentMethod::Mobile,
            PaymentMethod::Mobile,
            PaymentMethod::BankTransfer,
            PaymentMethod::Cash,
        ]);
        let command = RecordPaymentRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(division),
            order_id: order.to_string(),
            amount_fen,
            method: method.into(),
            county_code: String::new(),
        };
        self.script.sales(Sell::RecordPayment(command));
    }

    fn pay_back(&mut self, order: &Order, amount_fen: i64) {
        let request = self.script.request();
        let command = ReturnPrepaymentRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(order.division),
            order_id: order.id.to_string(),
            amount_fen,
            method: PaymentMethod::Mobile.into(),
            county_code: String::new(),
        };
        self.script.sales(Sell::ReturnPrepayment(command));
    }
}

impl Line {
    /// What `quantity` of it costs, in fen.
    fn worth(&self, quantity: i64) -> i64 {
        self.price.amount(Quantity(quantity)).unwrap_or(Money::ZERO).0
    }
}

pub(crate) fn town() -> DivisionCode {
    DivisionCode::parse("654224100").expect("the town's code is well formed")
}
