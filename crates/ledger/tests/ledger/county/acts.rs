//! The random commands of the county.

use loopledger_domain::distribution::{self, DispatchShipment, ReceiptDifference, ReceiveShipment};
use loopledger_domain::procurement::{self, ContractTerms, FailPayout, MakePayout};
use loopledger_domain::sales::{
    self, CancelOrderLine, PlaceOrder, PlaceOrderLine, RecordPayment, ReturnPrepayment, SettleConsignment, SettleLot,
};
use loopledger_domain::station::{self, CollectGoods, CollectTerms, HandOverGoods};
use loopledger_domain::stock::{IssueGoods, MoveLine};
use loopledger_domain::*;
use loopledger_types::*;

use super::County;
use crate::world::{division, per_kilogram};

impl County {
    pub(super) fn collection(&mut self) -> CollectGoods {
        let principal = self.dice.one_of(&[self.coop, self.coop, self.firm]);
        let price = per_kilogram(self.dice.between(1, 2_000));
        let terms = match self.dice.between(0, 2) {
            0 => ContractTerms::Outright { price },
            1 => ContractTerms::AgreedPrice { price },
            _ => ContractTerms::Commission { commission_bp: 500, price_basis: Some(price) },
        };
        let nothing = Measure { quantity: Quantity(0), base: BaseUnit::Gram };
        CollectGoods {
            occasion: self.occasion("654224202207"),
            station: self.dice.one_of(&self.stations.clone()),
            producer: self.dice.one_of(&self.households.clone()),
            member: None,
            product: self.products[0],
            terms: CollectTerms::Stated { principal, terms },
            receipt_number: String::new(),
            same_number_as: None,
            lot_label: "L".into(),
            grade: String::new(),
            gross: self.grams(100, 50_000),
            tare: nothing,
            moisture: nothing,
            impurity: nothing,
            live_weight_grams: None,
        }
    }

    pub(super) fn hand_over(&mut self) -> HandOverGoods {
        HandOverGoods {
            occasion: self.occasion("654224202207"),
            from: self.dice.one_of(&self.stations.clone()),
            to: self.sites[0],
            principal: self.dice.one_of(&[self.coop, self.firm]),
            carrier: self.carrier,
            freight: Money(self.dice.between(0, 999)),
            lines: vec![MoveLine {
                product: self.products[0],
                lot: None,
                quantity: self.grams(1, 60_000),
                weight: None,
            }],
        }
    }

    pub(super) fn dispatch(&mut self, request: RequestId, now: Timestamp) {
        let command = DispatchShipment {
            occasion: self.occasion("654224"),
            from: self.sites[0],
            to: self.dice.one_of(&[self.sites[1], self.stations[0], self.stations[1]]),
            principal: self.dice.one_of(&[self.coop, self.firm]),
            carrier: self.carrier,
            freight: Money(self.dice.between(0, 999)),
            lines: vec![MoveLine {
                product: self.dice.one_of(&self.products),
                lot: None,
                quantity: self.grams(1, 60_000),
                weight: None,
            }],
        };
        self.distribution.decide(request, &distribution::Command::DispatchShipment(command), now);
    }

    pub(super) fn receive(&mut self, request: RequestId, now: Timestamp) {
        let sent = self.distribution.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Distribution(distribution::Event::ShipmentDispatched(fact)) => Some(fact),
            _ => None,
        });
        let Some(fact) = sent.collect::<Vec<_>>().into_iter().rev().nth(self.dice.between(0, 3) as usize).cloned()
        else {
            return;
        };
        let line = fact.lines[0].stock;
        let part = Measure { quantity: Quantity(line.quantity.0 / 10), base: BaseUnit::Gram };
        let difference = ReceiptDifference { lot: line.lot, pool: line.pool, damaged: part, missing: part };
        let differences = if self.dice.between(0, 1) == 0 { vec![] } else { vec![difference] };
        let command =
            ReceiveShipment { occasion: self.occasion("654224"), shipment: fact.shipment, place: fact.to, differences };
        self.distribution.decide(request, &distribution::Command::ReceiveShipment(command), now);
    }

    pub(super) fn order(&mut self) -> PlaceOrder {
        let places: Vec<PlaceId> = self.stations.iter().chain(&self.sites).copied().collect();
        let lines = (0..self.dice.between(1, 3)).map(|_| PlaceOrderLine {
            product: self.dice.one_of(&self.products),
            quantity: self.grams(1, 40_000),
            price: per_kilogram(self.dice.between(1, 3_000)),
            place: self.dice.one_of(&places),
        });
        let lines = lines.collect();
        PlaceOrder {
            occasion: self.occasion("654224"),
            number: String::new(),
            same_number_as: None,
            channel: self.channel,
            seller: self.dice.one_of(&[self.coop, self.firm]),
            buyer: None,
            buyer_division: division(self.dice.one_of(&["654224202207", "610102"])),
            lines,
        }
    }

    pub(super) fn orders(&self) -> Vec<sales::OrderPlaced> {
        let events = self.sales.commits.iter().flat_map(|commit| &commit.events);
        let placed = events.filter_map(|event| match event {
            Event::Sales(sales::Event::OrderPlaced(fact)) => Some(fact.clone()),
            _ => None,
        });
        placed.collect::<Vec<_>>().into_iter().rev().take(6).collect()
    }

    pub(super) fn issue(&mut self, request: RequestId, now: Timestamp) {
        let orders = self.orders();
        if orders.is_empty() {
            return;
        }
        let placed = self.dice.one_of(&orders);
        let line = self.dice.between(0, placed.lines.len() as i64 - 1) as usize;
        let asked = placed.lines[line].quantity.0;
        let quantity = self.grams((asked - 5).max(1), asked + 5);
        let holder = placed.lines[line].holder;
        let command =
            IssueGoods { occasion: self.occasion("654224"), order: placed.order, line: line as u32, quantity };
        if holder == Service::Station {
            self.station.decide(request, &station::Command::IssueGoods(command), now);
        } else {
            self.distribution.decide(request, &distribution::Command::IssueGoods(command), now);
        }
    }

    pub(super) fn customer(&mut self, request: RequestId, now: Timestamp) {
        let orders = self.orders();
        if orders.is_empty() {
            return;
        }
        let (order, occasion) = (self.dice.one_of(&orders).order, self.occasion("654224"));
        let method = PaymentMethod::Mobile;
        if self.dice.between(0, 3) == 0 {
            let command = sales::Command::CancelOrderLine(CancelOrderLine { occasion, order, line: 0 });
            self.sales.decide(request, &command, now);
            self.spread();
            // Whatever the cancelled line had been paid ahead goes back, if nothing else can use it.
            let (request, amount) = (self.request(), Money(1));
            let command = sales::Command::ReturnPrepayment(ReturnPrepayment { occasion, order, amount, method });
            self.sales.decide(request, &command, now);
            return;
        }
        let amount = Money(self.dice.between(1, 20_000));
        let command = sales::Command::RecordPayment(RecordPayment { occasion, order, amount, method });
        self.sales.decide(request, &command, now);
    }

    pub(super) fn settle(&mut self, request: RequestId, now: Timestamp) {
        let consignee = self.dice.one_of(&[self.coop, self.firm]);
        let sold = self.sales.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Sales(sales::Event::OrderFulfilled(fact)) if fact.seller.id == consignee => Some(fact),
            _ => None,
        });
        let consigned =
            sold.flat_map(|fact| &fact.parts).filter(|part| matches!(part.stock.title, Title::Consigned { .. }));
        let lots: std::collections::BTreeSet<LotId> = consigned.map(|part| part.stock.lot).collect();
        let lots: Vec<LotId> = lots.into_iter().collect();
        if lots.is_empty() {
            return;
        }
        let lot = self.dice.one_of(&lots);
        let charges = if self.dice.between(0, 1) == 0 {
            vec![]
        } else {
            vec![Charge { kind: ChargeKind::Platform, amount: Money(1) }]
        };
        let command =
            SettleConsignment { occasion: self.occasion("654224"), consignee, lots: vec![SettleLot { lot, charges }] };
        self.sales.decide(request, &sales::Command::SettleConsignment(command), now);
    }

    pub(super) fn pay(&mut self, request: RequestId, now: Timestamp) {
        let occasion = self.occasion("654224");
        let paid = self.procurement.commits.iter().flat_map(|commit| &commit.events).filter_map(|event| match event {
            Event::Procurement(procurement::Event::PayoutMade(fact)) => Some(fact.payout),
            _ => None,
        });
        let paid: Vec<PayoutId> = paid.collect();
        if !paid.is_empty() && self.dice.between(0, 4) == 0 {
            let command = FailPayout { occasion, payout: self.dice.one_of(&paid), reason: "退票".into() };
            self.procurement.decide(request, &procurement::Command::FailPayout(command), now);
            return;
        }
        let mut payees = self.households.clone();
        payees.extend([self.carrier, self.supplier]);
        let amount = if self.dice.between(0, 2) == 0 { Some(Money(self.dice.between(1, 5_000))) } else { None };
        let command = MakePayout {
            occasion,
            payer: self.dice.one_of(&[self.coop, self.firm]),
            payee: self.dice.one_of(&payees),
            amount,
            payables: vec![],
            method: PaymentMethod::BankTransfer,
            proof_hash: None,
            received_by: None,
        };
        self.procurement.decide(request, &procurement::Command::MakePayout(command), now);
    }
}
