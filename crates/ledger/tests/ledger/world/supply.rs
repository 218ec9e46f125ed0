//! From the delivery to the warehouse: one method for each kind of business, with all facts that follow from it.

use loopledger_domain::distribution::{self, ReceivedLine, ShipmentDispatched, ShipmentLine, ShipmentReceived};
use loopledger_domain::procurement::{
    self, DeclineReason, PayableOpened, PayableSource, PurchaseAccepted, PurchaseDeclined,
};
use loopledger_domain::station::{self, GoodsCollected, GoodsHandedOver, GoodsReleased, GoodsReturned};
use loopledger_domain::stock::GoodsBoughtIn;
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

    pub(super) fn open(
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
}
