//! From the order to the payout: one method for each kind of business, with all facts that follow from it.

use loopledger_domain::distribution;
use loopledger_domain::procurement::{self, PayableSource, PayoutFailed, PayoutItem, PayoutMade};
use loopledger_domain::sales::{
    self, ConsignmentSettled, FulfilledPart, OrderFulfilled, OrderLine, OrderPlaced, PaymentReceived,
    PrepaymentReturned, SettledLine,
};
use loopledger_domain::station;
use loopledger_domain::stock::{GoodsIssued, StockReserved};
use loopledger_domain::*;
use loopledger_types::*;

use super::{FreeStock, HOME, Owed, World};

impl World {
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
