//! Random business in the hand-written county, and which facts its services answer.

use loopledger_domain::*;
use loopledger_domain::{distribution, procurement, sales, station};
use loopledger_types::*;

use crate::world::{World, division, per_kilogram};

impl World {
    /// A random step of business.
    pub(crate) fn step(&mut self) {
        self.day = self.day.plus_days(self.dice.between(0, 3) as i32);
        match self.dice.between(0, 10) {
            10 => self.random_people(),
            0..=2 => self.random_collection(),
            3 | 4 if !self.shelves.is_empty() => {
                let shelf = self.dice.between(0, self.shelves.len() as i64 - 1) as usize;
                let all = self.shelves[shelf].line.quantity.0;
                let missing = self.dice.between(0, all / 10);
                let damaged = self.dice.between(0, all / 10);
                let freight = self.dice.one_of(&[0, 1, 777, 12_345]);
                self.ship(shelf, freight, missing, damaged);
            }
            5 | 6 if !self.shelves.is_empty() => self.random_sale(),
            7 if !self.lots.is_empty() => {
                let lot = self.dice.one_of(&self.lots).lot;
                let freight = self.dice.one_of(&[0, 5]);
                self.settle(lot, freight);
            }
            8 if !self.owed.is_empty() => {
                let index = self.dice.between(0, self.owed.len() as i64 - 1) as usize;
                self.pay(index);
            }
            9 if !self.paid.is_empty() && self.dice.between(0, 3) == 0 => {
                let index = self.dice.between(0, self.paid.len() as i64 - 1) as usize;
                self.fail_payout(index);
            }
            9 => {
                let (grams, fen) = (self.dice.between(1, 500_000), self.dice.between(1, 3_000));
                self.buy_in(grams, per_kilogram(fen));
            }
            _ => {}
        }
    }

    fn random_collection(&mut self) {
        let mut producer = self.dice.one_of(&self.households.clone());
        let mut principal = self.coop;
        if self.dice.between(0, 9) == 0 {
            let stands = division(self.dice.one_of(&["654224202", "654224"]));
            (producer, principal) = ((self.coop, stands), self.firm);
        }
        let price = per_kilogram(self.dice.between(1, 2_000));
        let terms = match self.dice.between(0, 2) {
            0 => Terms::Outright { buyer: principal, price, contract: None },
            1 => Terms::AgreedPrice { consignee: principal, price, contract: None },
            _ => {
                let commission_bp = self.dice.between(0, 2_000) as u32;
                Terms::Commission { consignee: principal, commission_bp, price_basis: Some(price), contract: None }
            }
        };
        let product = self.dice.one_of(&self.products.clone());
        let grams = self.dice.between(1, 300_000);
        let accept = self.dice.between(0, 7) > 0;
        self.collect(producer, terms, product, grams, accept);
    }

    fn random_sale(&mut self) {
        let shelf = self.dice.between(0, self.shelves.len() as i64 - 1) as usize;
        let all = self.shelves[shelf].line.quantity.0;
        let ordered = self.dice.between(1, all);
        let actual = self.dice.between(1, all);
        let price = per_kilogram(self.dice.between(1, 4_000));
        let mut buyer = Self::consumer(self.dice.one_of(&["654224202207", "654201", "650102", "610102"]));
        if self.dice.between(0, 4) == 0 {
            buyer = BuyerRef { party: Some(self.buyer), ..Self::consumer("610102") };
        }
        let prepaid = self.dice.one_of(&[0, 0, 100, 1_000_000]);
        self.sell(shelf, ordered, actual, price, buyer, prepaid);
    }

    /// A household is registered, moves, changes its category, gains or loses a member.
    fn random_people(&mut self) {
        use procurement::{
            Event as P, HouseholdCategoryChanged, HouseholdRelocated, MemberJoined, MemberLeft, MemberSince,
        };
        let villages = ["654224202207", "654224202206", "654224100001", "654224201206", "654224103200", "654224100007"];
        let village = division(self.dice.one_of(&villages));
        let at = self.dice.between(0, self.households.len() as i64 - 1) as usize;
        let (household, from) = (self.households[at].0.id, self.day);
        let occasion = self.occasion(village);
        let event = match self.dice.between(0, 4) {
            0 => {
                let members = self.dice.between(1, 5) as u32;
                self.household(village, members);
                return;
            }
            1 => {
                self.households[at].1 = village;
                P::HouseholdRelocated(HouseholdRelocated { occasion, household, division: village, from })
            }
            2 => {
                let category = self.dice.one_of(&[HouseholdCategory::Exited, HouseholdCategory::AtRisk]);
                P::HouseholdCategoryChanged(HouseholdCategoryChanged { occasion, household, category, from })
            }
            3 if !self.joined.is_empty() => {
                let (household, member) = self.joined.remove(0);
                P::MemberLeft(MemberLeft { occasion, household, member, from })
            }
            _ => {
                let member = MemberId(self.id());
                self.joined.push((household, member));
                let member = MemberSince { member, relation: Relation::Child, from };
                P::MemberJoined(MemberJoined { occasion, household, member })
            }
        };
        self.procurement(event, None);
    }

    /// A history of `steps` random steps.
    pub(crate) fn random(seed: u64, steps: usize) -> Self {
        let mut world = Self::new(seed);
        for _ in 0..steps {
            world.step();
        }
        world
    }
}

/// Which events need which service's answer, on the main path: a table of the tests' own.
pub(crate) fn concerns() -> loopledger_ledger::Concerns {
    use procurement::Event as P;
    use station::Event as S;
    loopledger_ledger::Concerns([
        |event| match event {
            Event::Station(S::GoodsCollected(fact)) => matches!(fact.origin.terms, Terms::Outright { .. }),
            Event::Distribution(distribution::Event::ShipmentDispatched(fact)) => fact.freight.0 > 0,
            Event::Sales(sales::Event::ConsignmentSettled(_))
            | Event::Station(S::GoodsBoughtIn(_))
            | Event::Distribution(distribution::Event::GoodsBoughtIn(_)) => true,
            _ => false,
        },
        |event| match event {
            Event::Procurement(P::PurchaseAccepted(_) | P::PurchaseDeclined(_)) => true,
            Event::Sales(sales::Event::OrderPlaced(fact)) => fact.lines[0].holder == Service::Station,
            _ => false,
        },
        |event| match event {
            Event::Station(S::GoodsHandedOver(_)) => true,
            Event::Sales(sales::Event::OrderPlaced(fact)) => fact.lines[0].holder == Service::Distribution,
            _ => false,
        },
        |event| {
            matches!(
                event,
                Event::Station(S::GoodsIssued(_)) | Event::Distribution(distribution::Event::GoodsIssued(_))
            )
        },
    ])
}
