//! An independent model of the county: goods move between places, prices are multiplied and rounded
//! once. It shares no code with the ledger, and computes every amount that it can instead of reading it from an event.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::procurement::{ContractTerms, Event as P, LinkageContracted};
use loopledger_domain::station::GoodsCollected;
use loopledger_domain::{Event, StockLine, Terms, distribution, sales, station};
use loopledger_types::{BusinessDate, ContractId, LotId, PartyId, PlaceId, ProductId, Quantity, ShipmentId, UnitPrice};

/// Where goods are: the first four at a place, the others nowhere in particular.
pub(crate) const PENDING: usize = 0;
pub(crate) const ON_HAND: usize = 1;
pub(crate) const RESERVED: usize = 2;
pub(crate) const QUARANTINED: usize = 3;
pub(crate) const COLLECTED: usize = 4;
pub(crate) const BOUGHT_IN: usize = 5;
pub(crate) const ON_THE_WAY: usize = 6;
/// Received by distribution, and not yet in the station's books.
pub(crate) const ARRIVED: usize = 7;
pub(crate) const SOLD: usize = 8;
pub(crate) const RETURNED: usize = 9;

/// Of a household, in fen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Income {
    pub(crate) gross: i64,
    pub(crate) cost: i64,
    pub(crate) received: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// What places hold of each pool: pending, on hand, reserved, quarantined.
    pub(crate) cells: BTreeMap<(PlaceId, LotId, u16), [i64; 4]>,
    /// What there is of each product, by where it is; what came in counts negative.
    pub(crate) goods: BTreeMap<ProductId, [i64; 10]>,
    pub(crate) income: BTreeMap<PartyId, Income>,
    pub(crate) households: BTreeSet<PartyId>,
    /// Payer and payee → what the one still owes the other.
    pub(crate) owed: BTreeMap<(PartyId, PartyId), i64>,
    /// Collected lots.
    lots: BTreeMap<LotId, Lot>,
    /// Those that arrived.
    shipments: BTreeSet<ShipmentId>,
    /// What was collected on consignment under a contract.
    consigned: BTreeMap<ContractId, i64>,
    /// Contracts, with the quantity bought.
    contracts: BTreeMap<ContractId, (LinkageContracted, i64)>,
    /// The same cells, and what is owed, by business date.
    by_day: BTreeMap<(PlaceId, LotId, u16, usize), BTreeMap<BusinessDate, i64>>,
    owed_by_day: BTreeMap<(PartyId, PartyId), BTreeMap<BusinessDate, i64>>,
    pub(crate) wrong: Vec<String>,
}

/// A collected lot: what was sold of it in all, and what of that is settled, as quantity and amount.
#[derive(Debug)]
struct Lot {
    collected: GoodsCollected,
    sold: (i64, i64),
    settled: (i64, i64),
}

impl Model {
    /// Nothing is taken before it is there, and nothing paid before it is owed, whatever was recorded first.
    pub(crate) fn check_days(&mut self) {
        for ((place, lot, _, state), changes) in &self.by_day {
            if let Some((day, held)) = below_nothing(changes) {
                self.wrong.push(format!("{place} holds {held} of {lot} in state {state} on {day}"));
            }
        }
        for ((payer, payee), changes) in &self.owed_by_day {
            if let Some((day, owed)) = below_nothing(changes) {
                self.wrong.push(format!("{payer} owes {payee} {owed} fen on {day}"));
            }
        }
    }

    pub(crate) fn tell(&mut self, event: &Event) {
        use distribution::Event as D;
        use sales::Event as S;
        use station::Event as St;
        match event {
            Event::Station(St::GoodsCollected(e)) => self.collected(e),
            Event::Station(St::GoodsReleased(e)) => {
                self.moves((e.place, e.occasion.business_date), [&e.line], PENDING, ON_HAND);
            }
            Event::Station(St::GoodsReturned(e)) => {
                self.moves((e.place, e.occasion.business_date), [&e.line], PENDING, RETURNED);
            }
            Event::Station(St::GoodsHandedOver(e)) => {
                self.moves((e.from, e.occasion.business_date), &e.lines, ON_HAND, ON_THE_WAY);
            }
            Event::Station(St::GoodsTakenBack(e)) => {
                self.moves((e.from, e.occasion.business_date), &e.lines, ON_THE_WAY, ON_HAND);
            }
            Event::Station(St::StockTakenIn(e)) => {
                self.moves((e.place, e.occasion.business_date), &e.received, ARRIVED, ON_HAND);
                self.moves((e.place, e.occasion.business_date), &e.damaged, ARRIVED, QUARANTINED);
            }
            Event::Station(St::GoodsBoughtIn(e)) | Event::Distribution(D::GoodsBoughtIn(e)) => {
                self.moves((e.place, e.occasion.business_date), [&e.line], BOUGHT_IN, ON_HAND);
                self.owe(e.occasion.business_date, (e.owner.id, e.supplier.id), price(e.price, e.line.quantity.0));
            }
            Event::Station(St::StockReserved(e)) | Event::Distribution(D::StockReserved(e)) => {
                self.moves((e.place, e.occasion.business_date), &e.picks, ON_HAND, RESERVED);
            }
            Event::Station(St::ReservationReleased(e)) | Event::Distribution(D::ReservationReleased(e)) => {
                self.moves((e.place, e.occasion.business_date), &e.picks, RESERVED, ON_HAND);
            }
            Event::Station(St::GoodsIssued(e)) | Event::Distribution(D::GoodsIssued(e)) => {
                self.moves((e.place, e.occasion.business_date), &e.beyond, ON_HAND, RESERVED);
                self.moves((e.place, e.occasion.business_date), &e.issued, RESERVED, SOLD);
                self.moves((e.place, e.occasion.business_date), &e.released, RESERVED, ON_HAND);
            }
            Event::Distribution(D::ShipmentDispatched(e)) => {
                let own = e.lines.iter().filter(|_| !e.handed_over).map(|line| &line.stock);
                self.moves((e.from, e.occasion.business_date), own, ON_HAND, ON_THE_WAY);
                self.owe(e.occasion.business_date, (e.principal.id, e.carrier.id), e.freight.0);
            }
            Event::Distribution(D::ShipmentReceived(e)) => {
                let to = |state| if e.at_station { ARRIVED } else { state };
                if !self.shipments.insert(e.shipment) {
                    self.wrong.push(format!("{} arrived twice", e.shipment));
                }
                for line in &e.lines {
                    let part = |quantity: Quantity| StockLine { quantity, ..line.stock };
                    self.moves((e.place, e.occasion.business_date), [&part(line.received)], ON_THE_WAY, to(ON_HAND));
                    self.moves((e.place, e.occasion.business_date), [&part(line.damaged)], ON_THE_WAY, to(QUARANTINED));
                }
            }
            Event::Sales(S::OrderFulfilled(e)) => self.fulfilled(e),
            Event::Sales(S::ConsignmentSettled(e)) => {
                e.lines.iter().for_each(|line| self.settled((e.consignee.id, e.occasion.business_date), line));
            }
            Event::Procurement(P::HouseholdRegistered(e)) => drop(self.households.insert(e.household)),
            Event::Procurement(P::LinkageContracted(e)) => self.contracted(e),
            Event::Procurement(P::PurchaseAccepted(e)) => self.answered(e.lot, true),
            Event::Procurement(P::PurchaseDeclined(e)) => self.answered(e.lot, false),
            Event::Procurement(P::PayoutMade(e)) => {
                self.paid(e.occasion.business_date, (e.payer.id, e.payee.id), e.amount.0);
            }
            Event::Procurement(P::PayoutFailed(e)) => {
                let between = (e.original.payer.id, e.original.payee.id);
                self.paid(e.occasion.business_date, between, -e.original.amount.0);
            }
            // The payables that procurement opens are worked out from what they answer.
            Event::Procurement(_) | Event::Station(_) | Event::Distribution(_) | Event::Sales(_) => {}
        }
    }

    fn collected(&mut self, e: &GoodsCollected) {
        let title = e.origin.terms.title();
        let (lot, product, quantity) = (e.lot, e.product, e.origin.quantity);
        let line = StockLine { lot, pool: 0, product, title, collected_on: e.occasion.business_date, quantity };
        let outright = matches!(e.origin.terms, Terms::Outright { .. });
        self.moves((e.station, e.occasion.business_date), [&line], COLLECTED, if outright { PENDING } else { ON_HAND });
        self.lots.insert(lot, Lot { collected: e.clone(), sold: (0, 0), settled: (0, 0) });
        if let Some(contract) = e.origin.terms.contract().filter(|_| !outright) {
            *self.consigned.entry(contract).or_default() += quantity.0;
        }
    }

    /// What was consigned is known by now: station goes first.
    fn contracted(&mut self, e: &LinkageContracted) {
        let consigned = self.consigned.get(&e.contract).copied().unwrap_or(0);
        if e.quantity_max.is_some_and(|max| consigned > max.0) {
            self.wrong.push(format!("{consigned} were consigned under {} of {:?}", e.contract, e.quantity_max));
        }
        self.contracts.insert(e.contract, (*e, 0));
    }

    fn fulfilled(&mut self, e: &sales::OrderFulfilled) {
        let (mut quantity, mut amount) = (0, 0);
        for part in &e.parts {
            quantity += part.stock.quantity.0;
            amount += part.amount.0;
            if let Some(lot) = self.lots.get_mut(&part.stock.lot) {
                lot.sold = (lot.sold.0 + part.stock.quantity.0, lot.sold.1 + part.amount.0);
            }
        }
        if (quantity, amount) != (e.quantity.0, price(e.price, quantity)) {
            self.wrong.push(format!("{}/{} was sold for {amount} fen", e.order, e.line));
        }
    }

    fn settled(&mut self, (consignee, on): (PartyId, BusinessDate), line: &sales::SettledLine) {
        let Some(lot) = self.lots.get_mut(&line.lot) else {
            return self.wrong.push(format!("{} was settled and never collected", line.lot));
        };
        // What its producer earns by the first units of the lot, and what is kept of that: rounded once over all of them.
        let terms = lot.collected.origin.terms;
        let due = |(sold, gross): (i64, i64)| match terms {
            Terms::Commission { commission_bp, .. } => (gross, per_myriad(gross, commission_bp)),
            Terms::AgreedPrice { price: agreed, .. } | Terms::Outright { price: agreed, .. } => {
                (price(agreed, sold), 0)
            }
        };
        let (before, now) = (due(lot.settled), due(lot.sold));
        let (earned, kept) = (now.0 - before.0, now.1 - before.1);
        let (sold, gross) = (lot.sold.0 - lot.settled.0, lot.sold.1 - lot.settled.1);
        lot.settled = lot.sold;
        let producer = lot.collected.origin.producer.id;
        let charges: i64 = line.charges.iter().map(|charge| charge.amount.0).sum();
        if (line.quantity.0, line.gross.0, line.net.0) != (sold, gross, earned - kept - charges) {
            self.wrong.push(format!("{sold} of {} sold for {gross} fen were settled as {line:?}", line.lot));
        }
        self.earn(producer, earned, kept + charges);
        self.owe(on, (consignee, producer), earned - kept - charges);
    }

    /// A purchase is taken unless its contract has no room for it.
    fn answered(&mut self, lot: LotId, accepted: bool) {
        let Some(Lot { collected, .. }) = self.lots.get(&lot) else {
            return self.wrong.push(format!("{lot} was bought and never collected"));
        };
        let (quantity, producer) = (collected.origin.quantity.0, collected.origin.producer.id);
        let on = collected.occasion.business_date;
        let Terms::Outright { buyer, price: agreed, contract } = collected.origin.terms else { return };
        let contract = contract.and_then(|id| self.contracts.get_mut(&id));
        let fits = contract.is_none_or(|(contract, taken)| {
            let room = contract.quantity_max.is_none_or(|max| *taken + quantity <= max.0);
            *taken += if room { quantity } else { 0 };
            room && contract.terms == ContractTerms::Outright { price: agreed }
        });
        if fits != accepted {
            self.wrong.push(format!("{lot} was accepted: {accepted}"));
        }
        if accepted {
            self.earn(producer, price(agreed, quantity), 0);
            self.owe(on, (buyer.id, producer), price(agreed, quantity));
        }
    }

    fn paid(&mut self, on: BusinessDate, between: (PartyId, PartyId), fen: i64) {
        self.owe(on, between, -fen);
        self.income.entry(between.1).or_default().received += fen;
    }

    fn earn(&mut self, producer: PartyId, gross: i64, cost: i64) {
        let income = self.income.entry(producer).or_default();
        income.gross += gross;
        income.cost += cost;
    }

    fn owe(&mut self, on: BusinessDate, between: (PartyId, PartyId), fen: i64) {
        *self.owed.entry(between).or_default() += fen;
        *self.owed_by_day.entry(between).or_default().entry(on).or_default() += fen;
    }

    fn moves<'a>(
        &mut self,
        (at, on): (PlaceId, BusinessDate),
        lines: impl IntoIterator<Item = &'a StockLine>,
        from: usize,
        to: usize,
    ) {
        for line in lines {
            for (state, quantity) in [(from, -line.quantity.0), (to, line.quantity.0)] {
                self.goods.entry(line.product).or_default()[state] += quantity;
                let Some(held) = self.cells.entry((at, line.lot, line.pool)).or_default().get_mut(state) else {
                    continue;
                };
                *held += quantity;
                let by_day = self.by_day.entry((at, line.lot, line.pool, state)).or_default();
                *by_day.entry(on).or_default() += quantity;
                if *held < 0 {
                    self.wrong.push(format!("{at} holds {held} of {} in state {state}", line.lot));
                }
            }
        }
    }
}

/// The first day on which a sum of changes is less than nothing.
fn below_nothing(changes: &BTreeMap<BusinessDate, i64>) -> Option<(BusinessDate, i64)> {
    let mut sum = 0;
    changes.iter().find_map(|(day, change)| {
        sum += change;
        (sum < 0).then_some((*day, sum))
    })
}

/// Price × quantity in fen, half a fen rounded up.
fn price(price: UnitPrice, quantity: i64) -> i64 {
    let per_fen = 100 * price.per.factor();
    (price.e4 * quantity * 2 + per_fen).div_euclid(per_fen * 2)
}

fn per_myriad(fen: i64, basis_points: u32) -> i64 {
    (fen * i64::from(basis_points) * 2 + 10_000).div_euclid(20_000)
}
