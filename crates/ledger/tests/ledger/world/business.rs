//! What happens in the county: one method for each kind of business, with all facts that follow from it.

use loopledger_domain::distribution::{self, ReceivedLine, ShipmentDispatched, ShipmentLine, ShipmentReceived};
use loopledger_domain::procurement::{
    self, DeclineReason, PayableOpened, PayableSource, PayoutFailed, PayoutItem, PayoutMade, PurchaseAccepted,
    PurchaseDeclined,
};
use loopledger_domain::sales::{
    self, ConsignmentSettled, FulfilledPart, OrderFulfilled, OrderLine, OrderPlaced, PaymentReceived,
    PrepaymentReturned, SettledLine,
};
use loopledger_domain::station::{self, GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned};
use loopledger_domain::stock::{GoodsBoughtIn, GoodsIssued, StockReserved};
use loopledger_domain::*;
use loopledger_types::*;

use super::{FreeStock, HOME, LotInfo, Owed, World, division};

impl World {
    /// Collects goods; outright ones are accepted (or declined) and released (or returned).
    pub(crate) fn collect(
        &mut self,
        (producer, from): (PartyRef, DivisionCode),
        terms: Terms,
        product: ProductId,
        grams: i64,
        accept: bool,
    ) -> LotId {
        let (lot, receipt) = (LotId(self.id()), ReceiptId(self.id()));
        let (station, custodian) = (self.stations[0], self.firm.id);
        let q = Quantity(grams);
        let origin = Origin { receipt, producer, division: from, terms, quantity: q, source_quantity: q };
        let amount = match terms {
            Terms::Outright { price, .. } => price.amount(q),
            _ => None,
        };
        let occasion = self.occasion(from);
        let label = format!("L{}", self.next_id);
        let fact = GoodsCollected {
            occasion,
            lot,
            origin,
            station,
            custodian,
            product,
            member: None,
            receipt_number: format!("R{}", self.next_id),
            lot_label: label,
            grade: "1".into(),
            gross: q,
            tare: Quantity(0),
            moisture: Quantity(0),
            impurity: Quantity(0),
            live_weight_grams: None,
            amount,
            same_number_as: None,
        };
        let collected = self.station(station::Event::GoodsCollected(fact), None);
        let collected_on = occasion.business_date;
        let line = StockLine { lot, pool: 0, product, title: terms.title(), collected_on, quantity: q };
        self.lots.push(LotInfo { lot, origin, product, sold: 0, sold_value: 0, settled: 0, settled_value: 0 });
        if let Terms::Outright { buyer, price, contract } = terms {
            let place = station;
            if !accept {
                let reason = DeclineReason::ContractNotInForce;
                let declined = PurchaseDeclined { occasion, receipt, lot, station, reason, quantity_left: None };
                let cause = self.procurement(procurement::Event::PurchaseDeclined(declined), Some(collected));
                let returned = GoodsReturned { occasion, receipt, producer, place, custodian, line, reason };
                self.station(station::Event::GoodsReturned(returned), Some(cause));
                return lot;
            }
            let payable = PayableId(self.id());
            let amount = amount.unwrap();
            let accepted = PurchaseAccepted {
                occasion,
                receipt,
                lot,
                station,
                buyer,
                producer,
                product,
                contract,
                quantity: q,
                price,
                amount,
                payable,
                receipt_number: String::new(),
            };
            let cause = self.procurement(procurement::Event::PurchaseAccepted(accepted), Some(collected));
            let source = PayableSource::Purchase { receipt };
            self.owed.push(Owed { payable, payer: buyer, payee: producer, division: from, amount: amount.0, source });
            let released = GoodsReleased { occasion, receipt, producer, place, custodian, line };
            self.station(station::Event::GoodsReleased(released), Some(cause));
        }
        self.shelves.push(FreeStock { line, place: station, custodian, at_station: true });
        lot
    }

    /// Hands a shelf over to the centre, or sends it on to the outlet, or down to the second station.
    pub(crate) fn ship(&mut self, shelf: usize, freight: i64, missing: i64, damaged: i64) {
        let FreeStock { line, place: from, custodian, at_station } = self.shelves.remove(shelf);
        let down = !at_station && self.dice.between(0, 1) == 0;
        let to = if at_station {
            self.centre
        } else if down {
            self.stations[1]
        } else {
            self.outlet
        };
        let direction = if at_station {
            Direction::Up
        } else if down {
            Direction::Down
        } else {
            Direction::Local
        };
        let (shipment, carrier) = (ShipmentId(self.id()), self.carrier);
        let principal = line.title.principal();
        let occasion = self.occasion(HOME.into());
        let freight = Money(freight);
        let carrier_division = division("654201");
        let cause = at_station.then(|| {
            let lines = vec![line];
            let fact = GoodsHandedOver {
                occasion,
                shipment,
                from,
                custodian,
                to,
                direction,
                carrier,
                principal,
                freight,
                weights: Vec::new(),
                lines,
            };
            self.station(station::Event::GoodsHandedOver(fact), None)
        });
        let lines = vec![ShipmentLine { stock: line, freight }];
        let dispatched = ShipmentDispatched {
            occasion,
            shipment,
            from,
            custodian,
            to,
            direction,
            carrier,
            carrier_division,
            principal,
            freight,
            lines,
            handed_over: at_station,
        };
        let dispatched = self.distribution(distribution::Event::ShipmentDispatched(dispatched), cause);
        if freight.0 > 0 {
            let payable = PayableId(self.id());
            let source = PayableSource::Freight { shipment };
            self.open(payable, (principal, carrier, carrier_division), freight.0, source, dispatched);
        }
        self.day = self.day.plus_days(1);
        let occasion = self.occasion(HOME.into());
        let received = Quantity(line.quantity.0 - missing - damaged);
        let line_in = ReceivedLine { stock: line, received, damaged: Quantity(damaged), missing: Quantity(missing) };
        let custodian = self.firm.id;
        let fact = ShipmentReceived {
            occasion,
            shipment,
            from,
            place: to,
            at_station: down,
            direction,
            carrier,
            custodian,
            lines: vec![line_in],
        };
        self.distribution(distribution::Event::ShipmentReceived(fact), None);
        if received.0 > 0 {
            let line = StockLine { quantity: received, ..line };
            self.shelves.push(FreeStock { line, place: to, custodian, at_station: down });
        }
    }

    fn open(
        &mut self,
        payable: PayableId,
        (payer, payee, division): (PartyRef, PartyRef, DivisionCode),
        fen: i64,
        source: PayableSource,
        cause: Position,
    ) {
        let occasion = self.occasion(HOME.into());
        let amount = Money(fen);
        let fact = PayableOpened {
            occasion,
            payable,
            payer,
            payee,
            payee_division: division,
            amount,
            source,
            number: String::new(),
        };
        self.procurement(procurement::Event::PayableOpened(fact), Some(cause));
        if fen > 0 {
            self.owed.push(Owed { payable, payer, payee, division, amount: fen, source });
        }
    }

    pub(crate) fn buy_in(&mut self, grams: i64, price: UnitPrice) {
        let lot = LotId(self.id());
        let (place, custodian, owner) = (self.centre, self.firm.id, self.coop);
        let title = Title::Owned { owner };
        let line = StockLine {
            lot,
            pool: 0,
            product: self.products[1],
            title,
            collected_on: self.day,
            quantity: Quantity(grams),
        };
        let (occasion, supplier, supplier_division) = (self.occasion(HOME.into()), self.supplier, division("650102"));
        let amount = price.amount(line.quantity).unwrap();
        let lot_label = "外购".to_owned();
        let fact = GoodsBoughtIn {
            occasion,
            place,
            custodian,
            line,
            owner,
            supplier,
            supplier_division,
            price,
            amount,
            lot_label,
        };
        let cause = self.distribution(distribution::Event::GoodsBoughtIn(fact), None);
        let payable = PayableId(self.id());
        self.open(payable, (owner, supplier, supplier_division), amount.0, PayableSource::BoughtIn { lot }, cause);
        self.shelves.push(FreeStock { line, place, custodian, at_station: false });
    }

    /// Sells from a shelf: order, reservation, issue of `actual`, fulfilment, payment in part ahead and in part after.
    pub(crate) fn sell(
        &mut self,
        shelf: usize,
        ordered: i64,
        actual: i64,
        price: UnitPrice,
        buyer: BuyerRef,
        prepaid: i64,
    ) {
        let place = self.shelves[shelf].place;
        let FreeStock { line, custodian, at_station, .. } = self.shelves[shelf].clone();
        let (order, channel, issue) = (OrderId(self.id()), ChannelId(self.id()), IssueId(self.id()));
        let (seller, product) = (line.title.principal(), line.product);
        let holder = if at_station { Service::Station } else { Service::Distribution };
        let occasion = self.occasion(buyer.division);
        let of = |quantity: i64| StockLine { quantity: Quantity(quantity), ..line };
        let order_line = OrderLine {
            product,
            quantity: Quantity(ordered),
            price,
            amount: price.amount(Quantity(ordered)).unwrap(),
            place,
            holder,
        };
        let medium = self.dice.one_of(&[Medium::Online, Medium::Offline]);
        let number = "D1".to_owned();
        let placed = OrderPlaced {
            occasion,
            order,
            number,
            channel,
            medium,
            seller,
            buyer,
            lines: vec![order_line],
            same_number_as: None,
        };
        let cause = self.sales(sales::Event::OrderPlaced(placed), None);
        let amount = price.amount(Quantity(actual)).unwrap();
        let from_prepayment = Money(prepaid.min(amount.0));
        if prepaid > 0 {
            self.pay_in(order, seller, buyer, 0, prepaid);
        }
        let reserved = StockReserved {
            occasion,
            order,
            line: 0,
            place,
            custodian,
            seller,
            buyer,
            picks: vec![of(ordered)],
            price,
        };
        self.stock(at_station, StockFact::Reserved(reserved), Some(cause));
        let beyond = if actual > ordered { vec![of(actual - ordered)] } else { vec![] };
        let released = if actual < ordered { vec![of(ordered - actual)] } else { vec![] };
        let issued = GoodsIssued {
            occasion,
            issue,
            order,
            line: 0,
            place,
            custodian,
            seller,
            buyer,
            issued: vec![of(actual)],
            beyond,
            released,
        };
        let cause = self.stock(at_station, StockFact::Issued(issued), None);
        let parts = vec![FulfilledPart { stock: of(actual), amount, shared: false }];
        let fulfilled = OrderFulfilled {
            occasion,
            order,
            line: 0,
            issue,
            channel,
            medium,
            place,
            seller,
            buyer,
            product,
            quantity: Quantity(actual),
            price,
            amount,
            from_prepayment,
            parts,
        };
        self.sales(sales::Event::OrderFulfilled(fulfilled), Some(cause));
        let rest = amount.0 - from_prepayment.0;
        if rest > 0 && self.dice.between(0, 3) > 0 {
            self.pay_in(order, seller, buyer, rest, 0);
        }
        if prepaid > amount.0 {
            let payment = PaymentId(self.id());
            let (amount, method) = (Money(prepaid - amount.0), PaymentMethod::Mobile);
            let fact = PrepaymentReturned { occasion, payment, order, seller, buyer, amount, method };
            self.sales(sales::Event::PrepaymentReturned(fact), None);
        }
        self.shelves[shelf].line.quantity.0 -= actual;
        if self.shelves[shelf].line.quantity.0 == 0 {
            self.shelves.remove(shelf);
        }
        if let Some(info) = self.lots.iter_mut().find(|info| info.lot == line.lot) {
            info.sold += actual;
            info.sold_value += amount.0;
        }
    }

    fn pay_in(&mut self, order: OrderId, seller: PartyRef, buyer: BuyerRef, applied: i64, prepaid: i64) {
        let occasion = self.occasion(buyer.division);
        let payment = PaymentId(self.id());
        let (applied, prepaid, method) = (Money(applied), Money(prepaid), PaymentMethod::Mobile);
        let fact = PaymentReceived { occasion, payment, order, seller, buyer, applied, prepaid, method };
        self.sales(sales::Event::PaymentReceived(fact), None);
    }

    pub(crate) fn stock(&mut self, at_station: bool, fact: StockFact, cause: Option<Position>) -> Position {
        match (at_station, fact) {
            (true, StockFact::Reserved(fact)) => self.station(station::Event::StockReserved(fact), cause),
            (false, StockFact::Reserved(fact)) => self.distribution(distribution::Event::StockReserved(fact), cause),
            (true, StockFact::Issued(fact)) => self.station(station::Event::GoodsIssued(fact), cause),
            (false, StockFact::Issued(fact)) => self.distribution(distribution::Event::GoodsIssued(fact), cause),
        }
    }

    /// Settles what was sold of a consigned lot; `freight` is passed on.
    pub(crate) fn settle(&mut self, lot: LotId, freight: i64) {
        let info = self.lots.iter().find(|info| info.lot == lot).unwrap().clone();
        let (quantity, gross) = (info.sold - info.settled, info.sold_value - info.settled_value);
        let mut charges = vec![];
        let (mode, consignee, commission) = match info.origin.terms {
            Terms::Commission { consignee, commission_bp, .. } => {
                if freight > 0 {
                    charges.push(Charge { kind: ChargeKind::Freight, amount: Money(freight) });
                }
                (SettlementMode::Commission, consignee, Money(gross).basis_points(commission_bp).unwrap().0)
            }
            Terms::AgreedPrice { consignee, price, .. } => {
                (SettlementMode::AgreedPrice, consignee, gross - price.amount(Quantity(quantity)).unwrap().0)
            }
            Terms::Outright { .. } => return,
        };
        let net = gross - commission - charges.iter().map(|c| c.amount.0).sum::<i64>();
        if quantity == 0 || net < 0 {
            return;
        }
        let settlement = SettlementId(self.id());
        let occasion = self.occasion(HOME.into());
        let line = SettledLine {
            lot,
            pool: 0,
            receipt: info.origin.receipt,
            producer: info.origin.producer,
            producer_division: info.origin.division,
            product: info.product,
            mode,
            quantity: Quantity(quantity),
            source_quantity: Quantity(quantity),
            gross: Money(gross),
            commission: Money(commission),
            charges,
            net: Money(net),
        };
        let fact = ConsignmentSettled { occasion, settlement, consignee, lines: vec![line] };
        let cause = self.sales(sales::Event::ConsignmentSettled(fact), None);
        let source = PayableSource::Settlement { settlement, lot, mode };
        let payable = PayableId(self.id());
        self.open(payable, (consignee, info.origin.producer, info.origin.division), net, source, cause);
        let info = self.lots.iter_mut().find(|info| info.lot == lot).unwrap();
        info.settled = info.sold;
        info.settled_value = info.sold_value;
    }

    /// Pays an obligation in full.
    pub(crate) fn pay(&mut self, index: usize) {
        let owed = self.owed.remove(index);
        let amount = Money(owed.amount);
        let fact = PayoutMade {
            occasion: self.occasion(owed.division),
            payout: PayoutId(self.id()),
            payer: owed.payer,
            payee: owed.payee,
            payee_division: owed.division,
            amount,
            items: vec![PayoutItem { payable: owed.payable, source: owed.source, amount }],
            method: PaymentMethod::BankTransfer,
            proof_hash: None,
            received_by: None,
        };
        self.procurement(procurement::Event::PayoutMade(fact.clone()), None);
        self.paid.push(fact);
    }

    pub(crate) fn fail_payout(&mut self, index: usize) {
        let original = self.paid.remove(index);
        let (payer, payee, division) = (original.payer, original.payee, original.payee_division);
        for item in &original.items {
            let (payable, amount, source) = (item.payable, item.amount.0, item.source);
            self.owed.push(Owed { payable, payer, payee, division, amount, source });
        }
        let fact = PayoutFailed { occasion: self.occasion(division), reason: "退票".into(), original };
        self.procurement(procurement::Event::PayoutFailed(fact), None);
    }
}

pub(crate) enum StockFact {
    Reserved(StockReserved),
    Issued(GoodsIssued),
}
