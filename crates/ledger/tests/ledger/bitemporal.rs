//! Whatever is asked as of a day is answered as if the log had ended with it: of amounts, and of people.

use loopledger_domain::procurement::{
    Event as P, HouseholdCategoryChanged, HouseholdRelocated, MemberJoined, MemberSince,
};
use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::divisions::Edition;
use loopledger_types::*;

use crate::interleaving::apply_all;
use crate::world::{World, division, per_kilogram};

fn recorded_on(commit: &Commit) -> BusinessDate {
    BusinessDate::of(commit.recorded_at)
}

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

/// What is asked of income, by both editions, over some windows.
fn queries(last: BusinessDate, as_of: Option<BusinessDate>) -> impl Iterator<Item = IncomeQuery> {
    let windows = [(day("2020-04-01"), last), (day("2020-05-01"), day("2020-06-30")), (day("2000-01-01"), last)];
    windows
        .into_iter()
        .flat_map(move |(from, to)| Edition::all().map(move |edition| IncomeQuery { from, to, as_of, edition }))
}

const DIVISIONS: [&str; 9] = [
    "654224",
    "654224100",
    "654224201",
    "654224202",
    "654224103",
    "654224202207",
    "654224100001",
    "654224201206",
    "654224103200",
];

#[test]
fn a_household_that_changes_later_changes_no_earlier_answer() {
    let mut world = World::new(11);
    let (home, away) = (division("654224202207"), division("654224203205"));
    let household = world.household(home, 2);
    let terms = Terms::Outright { buyer: world.coop, price: per_kilogram(1_000), contract: None };
    world.collect((household, home), terms, world.products[0], 100_000, true);
    let as_of = recorded_on(world.all.last().unwrap());
    let query =
        IncomeQuery { from: day("2020-01-01"), to: day("2020-12-31"), as_of: Some(as_of), edition: Edition::FIRST };
    let answers = |world: &World| {
        let ledger = apply_all(&world.all);
        let income = ledger.household_income(household.id, query).unwrap();
        let of_category = Some(HouseholdCategory::RegisteredPoor);
        let of = |place| ledger.division_income(place, of_category, query);
        (income.net_per_head(), income.household.clone(), of(home), of(away))
    };
    let before = answers(&world);
    assert_eq!(before.0, Some(50_000), "1,000 yuan of two");
    // Recorded a day later, of a day within the window.
    let (occasion, from, household_id) = (world.occasion(home), world.day, household.id);
    let later = |world: &mut World, event| {
        world.procurement(event, None);
        let commit = world.all.last_mut().unwrap();
        commit.recorded_at.seconds += 86_400;
        let again = commit.clone();
        *world.streams[0].last_mut().unwrap() = again;
    };
    let member = MemberSince { member: MemberId([9; 16]), relation: Relation::Child, from };
    later(&mut world, P::MemberJoined(MemberJoined { occasion, household: household_id, member }));
    let moved = HouseholdRelocated { occasion, household: household_id, division: away, from };
    later(&mut world, P::HouseholdRelocated(moved));
    let category = HouseholdCategory::Exited;
    let changed = HouseholdCategoryChanged { occasion, household: household_id, category, from };
    later(&mut world, P::HouseholdCategoryChanged(changed));
    assert_eq!(answers(&world), before, "the same question, the same answer");
    let now = IncomeQuery { as_of: None, ..query };
    let income = apply_all(&world.all).household_income(household.id, now).unwrap();
    assert_eq!((income.net_per_head(), income.household.division), (Some(33_333), Some(away)));
}

#[test]
fn as_of_ends_that_day_in_official_time() {
    let mut world = World::new(12);
    let household = world.household(division("654224202207"), 2);
    for (seconds, known) in [(15 * 3_600 + 59 * 60 + 59, true), (16 * 3_600, false)] {
        // 2020-06-01 in UTC; the day ends at 16:00.
        let commit = world.all.last_mut().unwrap();
        commit.recorded_at = Timestamp { seconds: 1_590_969_600 + seconds, nanos: 999_999_999 };
        let ledger = apply_all(&world.all);
        assert_eq!(ledger.party(household.id, day("2020-06-01"), Some(day("2020-06-01"))).is_some(), known);
        assert!(ledger.party(household.id, day("2020-06-01"), Some(day("2020-06-02"))).is_some());
    }
}

/// Every query that takes `as_of`, and every dimension that such an answer shows.
#[test]
fn as_of_a_day_is_the_answer_of_the_log_cut_there() {
    let mut changes = 0;
    for seed in 200..208 {
        let world = World::random(seed, 220);
        let full = apply_all(&world.all);
        for part in [3, 5, 8, 10] {
            let as_of = recorded_on(&world.all[(world.all.len() - 1) * part / 10]);
            let known: Vec<Commit> = world.all.iter().filter(|c| recorded_on(c) <= as_of).cloned().collect();
            let cut = apply_all(&known);
            let context = format!("seed {seed} as of {as_of}");
            assert_eq!(full.days(Some(as_of)), cut.days(None), "{context}");
            for query in queries(world.day, Some(as_of)) {
                let plain = IncomeQuery { as_of: None, ..query };
                for (household, _) in &world.households {
                    let now = full.household_income(household.id, query);
                    assert_eq!(now, cut.household_income(household.id, query), "{context}");
                    let then = cut.household_income(household.id, plain);
                    assert_eq!(now.map(|of| HouseholdIncome { query: plain, ..of }), then, "{context}");
                    let lines =
                        |ledger: &Ledger, query| ledger.income_lines(household.id, query, &IncomeFilter::default());
                    assert_eq!(lines(&full, query), lines(&cut, plain), "{context}");
                }
                for place in DIVISIONS.map(division) {
                    for category in [None, Some(HouseholdCategory::Exited)] {
                        let now = full.division_income(place, category, query);
                        let then = cut.division_income(place, category, plain);
                        assert_eq!(DivisionIncome { query: plain, ..now.clone() }, then, "{context} {place}");
                        changes += usize::from(now.members != full.division_income(place, category, plain).members);
                    }
                }
            }
            check_books(&world, (&full, &cut), as_of, &context);
        }
    }
    assert!(changes > 100, "no division had other members later: {changes}");
}

fn check_books(world: &World, (full, cut): (&Ledger, &Ledger), as_of: BusinessDate, context: &str) {
    let day = world.day;
    assert_eq!(full.parties(None, day, Some(as_of)), cut.parties(None, day, None), "{context}");
    let commit = |at: &FactRef| &world.streams[at.service.index()][at.sequence as usize - 1];
    let parties = world.households.iter().map(|(household, _)| household.id);
    for party in parties.chain([world.coop.id, world.firm.id, world.carrier.id]) {
        for month in ["2020-04", "2020-06", "2020-09"].map(|month| Month::parse(month).unwrap()) {
            let statement = |commits: &StatementCommits| {
                let of_month = commits.month.iter().map(commit);
                statement_from(party, month, commits, of_month, commits.opening_too_new.iter().map(commit))
            };
            let now = full.statement_commits(party, month, Some(as_of));
            let then = cut.statement_commits(party, month, None);
            assert_eq!(now.as_ref().map(statement), then.as_ref().map(statement), "{context}");
        }
    }
    let query = ValuationQuery { book: None, lot: None, product: None, through: day, as_of: Some(as_of) };
    let then = ValuationQuery { as_of: None, ..query };
    assert_eq!(full.valuation_of(&query, |_| true), cut.valuation_of(&then, |_| true), "{context}");
    for lot in &world.lots {
        assert_eq!(full.knows_lot(lot.lot, Some(as_of)), cut.knows_lot(lot.lot, None), "{context}");
    }
    for place in full.places() {
        assert_eq!(place.recorded_on.unwrap() <= as_of, cut.place(place.id).is_some(), "{context}");
    }
    for product in full.products() {
        assert_eq!(product.recorded_on.unwrap() <= as_of, cut.product(product.id).is_some(), "{context}");
    }
}
