//! A village that got another code: the parties there follow it without a fact, and either code names it.

use std::sync::Arc;

use loopledger_domain::PartyKind;
use loopledger_domain::procurement::{self, Household, ResidenceAt};
use loopledger_domain::stock::{self, Move};
use loopledger_types::{BusinessDate, DivisionCode};

use crate::market;

/// 喀拉苏村 by its code of 2019 and by that of 2023.
const OLD: &str = "654224201206";
const NEW: &str = "654224103200";

fn code(text: &str) -> DivisionCode {
    DivisionCode::parse(text).unwrap()
}

fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

#[test]
fn a_party_stands_in_the_successor_from_the_day_of_the_list() {
    let (division, from) = (code(OLD), day("2020-01-05"));
    let away = Move { from: day("2024-01-01"), division: code("654224202207") };
    let at_a_holder = stock::Party { kind: PartyKind::Household, since: from, division, moves: Box::new([away]) };
    let residences =
        Arc::new([ResidenceAt { division, from }, ResidenceAt { division: away.division, from: away.from }]);
    let household = Household { categories: Arc::new([]), residences, members: Arc::new([]) };
    let (kind, label, household) = (PartyKind::Household, Box::default(), Some(household));
    let at_procurement = procurement::Party { kind, since: from, division, label, household };
    for (on, expected) in [
        ("2019-01-01", OLD),
        ("2020-01-05", OLD),
        ("2023-06-29", OLD),
        ("2023-06-30", NEW),
        ("2023-12-31", NEW),
        ("2024-01-01", "654224202207"),
    ] {
        let stands = (at_a_holder.division_on(day(on)), at_procurement.division_on(day(on)));
        assert_eq!(stands, (code(expected), code(expected)), "{on}");
    }
}

#[test]
fn a_buyer_of_a_village_with_another_code_is_named_by_either() {
    market::check(
        "
        party BOLD division=654224201206
        party BNEW division=654224103200
        order O1 buyer=BOLD division=654224201206 => ordered 148.00 from station to County
        order O2 buyer=BOLD division=654224103200 => ordered 148.00 from station to County
        order O3 buyer=BNEW division=654224201206 => ordered 148.00 from station to County
        order O4 buyer=BNEW division=654224103200 => ordered 148.00 from station to County
        order O5 buyer=BOLD division=654224200213 => ! buyer_division_code NOT_THE_REGISTERED_DIVISION
        order O6 buyer=BOLD division=654224201 => ! buyer_division_code NOT_THE_REGISTERED_DIVISION
        ",
    );
}
