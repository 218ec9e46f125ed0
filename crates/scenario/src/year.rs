//! The year, week by week: what the script knows of the state of things, and the order of its parts.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_proto::client::v1::RecordLine;
use loopledger_types::{BusinessDate, LotId, PartyId, ProductId, Unit};

use super::script::Script;
use super::season::{Deal, PRODUCE};
use super::setup::open_world;
use super::shelf::Shelves;
use super::world::World;

/// Weeks of the demo: from the first Monday of April to the week before the end of December 2020.
pub const DEMO_WEEKS: i32 = 38;

/// The state of the play.
#[derive(Debug)]
pub(crate) struct Year {
    pub(crate) script: Script,
    pub(crate) world: World,
    pub(crate) shelves: Shelves,
    /// Running number of receipts, orders and the like.
    pub(crate) serial: u64,
    /// Grams taken under a limited contract, by household.
    pub(crate) taken_under_contract: BTreeMap<usize, i64>,
    /// How many counties of 400 households this one is: its trade grows with it.
    pub(crate) scale: i64,
    /// Who is owed by whom since the last payday.
    pub(crate) owed: BTreeSet<(PartyId, PartyId)>,
    /// Of consigned lots: the consignee and the producer.
    pub(crate) consigned: BTreeMap<LotId, (PartyId, PartyId)>,
    /// Consigned lots sold since the last settlement, by consignee.
    pub(crate) sold: BTreeMap<PartyId, BTreeSet<LotId>>,
}

/// The scenario, written as it is read: a pure function of its arguments, a week at a time.
#[derive(Debug)]
pub struct Play {
    year: Year,
    week: i32,
    weeks: i32,
    written: std::vec::IntoIter<RecordLine>,
}

/// The scenario with `households` over `weeks` from April 2020 on; the demo has [`DEMO_WEEKS`], a load test more.
pub fn play(seed: u64, households: u32, weeks: i32) -> Play {
    let first_day = BusinessDate::from_ymd(2020, 4, 1).expect("a day");
    let mut script = Script::new(seed, households, first_day);
    let world = open_world(&mut script, households, last_day(weeks));
    let year = Year {
        script,
        world,
        shelves: Shelves::default(),
        serial: 0,
        taken_under_contract: BTreeMap::new(),
        scale: i64::from(households / 400).max(1),
        owed: BTreeSet::new(),
        consigned: BTreeMap::new(),
        sold: BTreeMap::new(),
    };
    Play { year, week: 0, weeks, written: Vec::new().into_iter() }
}

/// The last day of the scenario's last month.
pub fn last_day(weeks: i32) -> BusinessDate {
    first_monday().plus_days(weeks.saturating_mul(7)).month().last_day()
}

impl Iterator for Play {
    type Item = RecordLine;

    fn next(&mut self) -> Option<RecordLine> {
        loop {
            if let Some(line) = self.written.next() {
                return Some(line);
            }
            let lines = self.year.script.take_lines();
            if !lines.is_empty() {
                self.written = lines.into_iter();
            } else if self.week < self.weeks {
                self.year.week(first_monday().plus_days(self.week.saturating_mul(7)), self.week);
                self.week = self.week.saturating_add(1);
            } else {
                return None;
            }
        }
    }
}

fn first_monday() -> BusinessDate {
    BusinessDate::from_ymd(2020, 4, 6).expect("a day")
}

impl Year {
    fn week(&mut self, monday: BusinessDate, week: i32) {
        let month = usize::try_from(monday.ymd().1.saturating_sub(4)).unwrap_or(0);
        let first_of_month = monday.ymd().2 <= 7;
        let last_of_month = monday.plus_days(7).month() != monday.month();

        self.script.set_day(monday);
        if first_of_month {
            self.buy_in();
        }
        self.collect(month);
        self.script.set_day(monday.plus_days(1));
        let mut loads = self.hand_over();
        if first_of_month {
            loads.extend(self.send_down());
            self.script.barrier();
        }
        self.script.set_day(monday.plus_days(2));
        self.receive(loads);
        self.script.set_day(monday.plus_days(3));
        let mut onward = self.send_on(self.world.outlet, 18);
        if week % 2 == 0 {
            onward.extend(self.send_on(self.world.warehouse, 15));
        }
        self.script.barrier();
        self.script.set_day(monday.plus_days(4));
        self.receive(onward);
        self.sell(last_of_month);
        self.script.set_day(monday.plus_days(6));
        if last_of_month {
            self.settle();
            self.pay_out();
        } else if self.scale > 1 {
            self.pay_out_businesses();
        }
        if month == 6 && first_of_month {
            self.review_households();
        }
    }

    /// Remembers who will be owed for a lot.
    pub(crate) fn note_producer(&mut self, lot: LotId, principal: PartyId, producer: PartyId, deal: Deal) {
        match deal {
            Deal::Outright | Deal::Contract => {
                self.owed.insert((principal, producer));
            }
            Deal::AgreedPrice | Deal::Commission { .. } => {
                self.consigned.insert(lot, (principal, producer));
            }
        }
    }

    pub(crate) fn owes_freight(&mut self, principal: PartyId) {
        self.owed.insert((principal, self.world.carrier));
    }

    pub(crate) fn is_industrial(&self, product: ProductId) -> bool {
        self.world.industrial.iter().any(|goods| goods.id == product)
    }

    /// The unit that a product's quantities are kept in.
    pub(crate) fn base_unit(&self, product: ProductId) -> Unit {
        let index = self.world.produce.iter().position(|goods| goods.id == product);
        match index.and_then(|index| PRODUCE.get(index)) {
            Some(product) if product.unit.factor() > 1 => Unit::Gram,
            Some(product) => product.unit,
            None => Unit::Piece,
        }
    }

    /// What produce weighs that is not counted in grams: 45 kg a sheep, 800 g a piece of embroidery.
    pub(crate) fn weight_grams(&self, product: ProductId, quantity: i64) -> Option<u64> {
        let each = match self.base_unit(product) {
            Unit::Head => 45_000,
            Unit::Piece => 800,
            Unit::Gram | Unit::Liang | Unit::Jin | Unit::Kilogram | Unit::Tonne | Unit::Millilitre | Unit::Litre => {
                return None;
            }
        };
        u64::try_from(quantity.saturating_mul(each)).ok()
    }
}

#[cfg(test)]
mod tests {
    use loopledger_proto::client::v1::record_line::Line;

    use super::*;

    #[test]
    fn the_same_seed_plays_the_same_year() {
        let year: Vec<RecordLine> = play(1, 80, DEMO_WEEKS).collect();
        assert!(year.iter().cloned().eq(play(1, 80, DEMO_WEEKS)));
        assert!(!year.iter().cloned().eq(play(2, 80, DEMO_WEEKS)));
    }

    #[test]
    fn a_year_of_several_hundred_households_is_a_real_load() {
        let lines: Vec<RecordLine> = play(1, 400, DEMO_WEEKS).collect();
        let of = |which: fn(&Line) -> bool| {
            lines.iter().filter_map(|line| line.line.as_ref()).filter(|line| which(line)).count()
        };
        assert!(of(|line| matches!(line, Line::Station(_))) > 5_000);
        assert!(of(|line| matches!(line, Line::Distribution(_))) > 3_000);
        assert!(of(|line| matches!(line, Line::Sales(_))) > 3_000);
        assert!(of(|line| matches!(line, Line::Procurement(_))) > 2_000);
        assert!(of(|line| matches!(line, Line::Await(_))) > 200);
    }
}
