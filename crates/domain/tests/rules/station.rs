//! Opening, collecting, the buyer's answer, and handing over.

use loopledger_domain::station::StationState as _;
use loopledger_types::{ContractId, Quantity};

use crate::harness::Manner;
use crate::holders::{World, check};
use crate::words;

#[test]
fn opening_a_station() {
    check(
        "
        open S9 => opened Station 654224202207
        open W9 kind=Workshop operator=COOP => opened Workshop 654224202207
        open S8 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        open S8 kind=CountyCentre => ! PLACE_KIND_WRONG
        open S8 kind=Outlet => ! PLACE_KIND_WRONG
        open S8 division=654224202 => ! STATION_NOT_IN_VILLAGE
        open S8 division=654201001001 => ! STATION_NOT_IN_VILLAGE
        open S8 operator=ABSENT => ! no such party
        open S8 operator=H1 => ! PARTY_CANNOT_TRADE
        open S8 operator=CARR => ! PARTY_CANNOT_TRADE
        ",
    );
}

#[test]
fn the_terms_decide_whose_goods_are_and_whether_they_wait() {
    check(
        "
        collect A gross=102.5kg tare=2.5kg impurity=2kg => collected 98000 bought by COOP for 901.60 from 654224202207
        collect B gross=196jin terms=commission:FIRM => collected 98000 Commission with FIRM from 654224202207
        collect C terms=agreed:COOP:9.2/kg => collected 100000 AgreedPrice with COOP from 654224202207
        collect D terms=contract:K1 => collected 100000 bought by COOP for 920.00 from 654224202207
        collect E terms=contract:K2 => collected 100000 Commission with COOP from 654224202207
        collect F from=H2 => collected 100000 bought by COOP for 920.00 from 654224202208
        collect G product=sheep gross=3head terms=outright:FIRM:800/head => collected 3 bought by FIRM for 2400.00 from 654224202207
        collect H from=COOP terms=outright:FIRM:9.2/kg => collected 100000 bought by FIRM for 920.00 from 654224202207
        stock => S1 A pending 98000, S1 B on_hand 98000, S1 C on_hand 100000, S1 D pending 100000, S1 E on_hand 100000, S1 F pending 100000, S1 G pending 3, S1 H pending 100000
        ",
    );
}

#[test]
fn origin_and_members_are_those_of_the_day() {
    check(
        "
        collect A on=2020-05-31 => collected 100000 bought by COOP for 920.00 from 654224202207
        collect B on=2020-06-01 => collected 100000 bought by COOP for 920.00 from 654224100001
        collect C on=2019-12-31 => ! DATE_TOO_EARLY earliest=2020-01-01
        collect D member=M1 => collected 100000 bought by COOP for 920.00 from 654224202207
        collect E member=M2 on=2020-02-29 => ! DATE_TOO_EARLY earliest=2020-03-01
        collect E member=M2 on=2020-03-01 => collected 100000 bought by COOP for 920.00 from 654224202207
        collect F member=M2 on=2020-04-30 => collected 100000 bought by COOP for 920.00 from 654224202207
        collect G member=M2 on=2020-05-01 => ! MEMBER_NOT_IN_HOUSEHOLD
        collect G member=M1 from=H2 => ! MEMBER_NOT_IN_HOUSEHOLD
        collect G member=M1 from=COOP terms=outright:FIRM:9.2/kg => ! NOT_A_HOUSEHOLD
        ",
    );
}

#[test]
fn collecting_refuses_what_it_must() {
    check(
        "
        collect X on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        collect X at=S9 => ! no such place
        collect X at=D1 => ! no such place
        collect X from=ABSENT => ! no such party
        collect X from=FIRM => ! PARTY_NOT_A_PRODUCER
        collect X from=CARR => ! PARTY_NOT_A_PRODUCER
        collect X product=gold => ! no such product
        collect X terms=contract:K9 => ! no such contract
        collect X terms=contract:K1 on=2020-02-29 => ! CONTRACT_NOT_IN_FORCE valid_from=2020-03-01 valid_to=2020-09-30
        collect X terms=contract:K1 on=2020-10-01 => ! CONTRACT_NOT_IN_FORCE valid_from=2020-03-01 valid_to=2020-09-30
        collect X terms=contract:K1 from=H2 => ! CONTRACT_MISMATCH
        collect X terms=contract:K3 from=H1 => ! CONTRACT_MISMATCH
        collect X terms=contract:K1 at=S2 => ! CONTRACT_MISMATCH
        collect X terms=contract:K1 product=sheep gross=3head => ! CONTRACT_MISMATCH
        collect X terms=outright:ABSENT:9.2/kg => ! no such party
        collect X terms=outright:H2:9.2/kg => ! PARTY_CANNOT_TRADE
        collect X terms=commission:BUYER => ! PARTY_CANNOT_TRADE
        collect X from=COOP terms=outright:COOP:9.2/kg => ! SELLER_IS_BUYER
        collect X gross=3head => ! gross WRONG_UNIT
        collect X gross=3head tare=1head moisture=1head impurity=1head terms=outright:COOP:800/head => ! gross WRONG_UNIT, tare WRONG_UNIT, moisture WRONG_UNIT, impurity WRONG_UNIT, stated.terms.outright.price WRONG_UNIT
        collect X terms=agreed:COOP:800/head => ! stated.terms.agreed_price.price WRONG_UNIT
        collect X terms=commission:COOP:800/head => ! stated.terms.commission.price_basis WRONG_UNIT
        collect X gross=10kg tare=4kg moisture=3kg impurity=3kg => ! DEDUCTIONS_EXCEED_GROSS gross=10000 deducted=10000
        collect X gross=10kg tare=11kg => ! DEDUCTIONS_EXCEED_GROSS gross=10000 deducted=11000
        collect X gross=1000000000kg terms=outright:COOP:100000000/g => ! stated.terms.outright.price AMOUNT_TOO_LARGE
        collect X gross=1000000000kg terms=agreed:COOP:100000000/g => ! stated.terms.agreed_price.price AMOUNT_TOO_LARGE
        collect X gross=1000000000kg terms=commission:COOP:100000000/g => ! stated.terms.commission.price_basis AMOUNT_TOO_LARGE
        stock =>
        ",
    );
}

/// For every kind of terms of consigned goods, and while no commit is confirmed.
#[test]
fn consigned_goods_are_taken_whole_or_not_beyond_the_contracts_quantity() {
    for terms in ["agreed:COOP:9.2/kg", "commission:COOP"] {
        let mut world = World::new(Manner { with_store: false, window: 100 });
        world.run(&format!("contract K5 terms={terms} max=150kg"));
        world.run(&format!("contract K6 terms={terms}"));
        world.station.confirm(0);
        let mut collect = |line: &str, expected: &str| {
            let outcome = world.run(line);
            assert!(outcome.starts_with(expected), "{terms}: {line}: {outcome}");
        };
        let used_up = "! CONTRACT_QUANTITY_EXCEEDED quantity_max=150000";
        collect("collect A terms=contract:K5 gross=151kg", &format!("{used_up} left=150000 quantity=151000"));
        collect("collect A terms=contract:K5 gross=101kg tare=1kg", "collected 100000");
        collect("collect B terms=contract:K5 gross=50.001kg", &format!("{used_up} left=50000 quantity=50001"));
        collect("collect B terms=contract:K5 gross=50kg", "collected 50000");
        collect("collect C terms=contract:K5 gross=1g", &format!("{used_up} left=0 quantity=1"));
        collect("collect D terms=contract:K6 gross=100000kg", "collected");
        // What is undone frees the quantity, and what is done again takes it.
        world.station.roll_back(|state| assert_eq!(state.collected(ContractId(words::id("K5"))), Quantity::ZERO));
        assert_eq!(world.station.state.collected(ContractId(words::id("K5"))), Quantity(150_000));
    }
}

#[test]
fn a_receipt_number_is_a_stations_own_within_the_year() {
    let taken = |number: &str, papers: usize| {
        format!("! NUMBER_TAKEN number={number} business_date=2020-04-01 papers={papers}")
    };
    let mut world = World::new(Manner { with_store: false, window: 100 });
    for (line, expected) in [
        ("collect A number=R-1", "collected"),
        ("collect B number=R-1 terms=agreed:COOP:9/kg", taken("R-1", 1).as_str()),
        ("collect B number=_ｒ－１_ on=2020-04-02", taken(" ｒ－１ ", 1).as_str()),
        ("collect B number=R-1 as=Z", "! same_number_as OTHER_NUMBER"),
        ("collect B number=R-2 as=A", "! same_number_as OTHER_NUMBER"),
        ("collect B number=R-1 at=S2", "collected"),
        ("collect D number=R-1 as=A", "collected"),
        ("collect E number=R-1", taken("R-1", 2).as_str()),
        ("collect E number=_", "collected"),
        ("collect F number=_", "collected"),
    ] {
        let outcome = world.run(line);
        assert!(outcome.starts_with(expected), "{line}: {outcome}");
    }
}

/// Also with a store, where numbers leave memory after every commit.
#[test]
fn goods_that_go_back_free_their_receipt_number() {
    for with_store in [false, true] {
        let mut world = World::new(Manner { with_store, window: 0 });
        for (line, expected) in [
            ("collect A number=R-1", "collected"),
            ("collect B number=R-1", "! NUMBER_TAKEN"),
            ("decline A", "returned"),
            ("collect B number=R-1", "collected"),
            ("collect C number=R-1 as=B", "collected"),
            ("decline B", "returned"),
            ("collect D number=R-1", "! NUMBER_TAKEN number=R-1 business_date=2020-04-01 papers=1"),
            ("accept C", "released"),
            ("collect D number=R-1", "! NUMBER_TAKEN"),
        ] {
            let outcome = world.run(line);
            assert!(outcome.starts_with(expected), "with a store: {with_store}: {line}: {outcome}");
        }
    }
}

#[test]
fn no_number_is_given_more_often_than_stated() {
    let mut world = World::new(Manner::default());
    world.run("collect A0 number=R");
    for paper in 1..loopledger_domain::SAME_NUMBER_MAX {
        let outcome = world.run(&format!("collect A{paper} number=R as=A0"));
        assert!(outcome.starts_with("collected"), "{paper}: {outcome}");
    }
    let outcome = world.run("collect B number=R as=A0");
    assert!(outcome.starts_with("! NUMBER_TAKEN number=R business_date=2020-04-01 papers=20"), "{outcome}");
}

#[test]
fn the_buyer_decides_on_the_quantity_of_an_outright_contract() {
    check(
        "
        contract K5 max=150kg
        collect A terms=contract:K5 gross=151kg => collected 151000 bought by COOP for 1389.20 from 654224202207
        ",
    );
}

#[test]
fn an_answer_frees_the_goods_or_sends_them_back_and_counts_once() {
    check(
        "
        collect A
        collect B
        accept A => released A:100000
        decline B => returned B:100000 QuantityExceeded
        stock => S1 A on_hand 100000
        ",
    );
}

#[test]
fn what_was_never_asked_or_was_answered_before_is_ignored() {
    check(
        "
        collect A
        collect B
        accept A => released A:100000
        decline B => returned B:100000 QuantityExceeded
        accept A => ignored AlreadyAnswered
        decline A => ignored AlreadyAnswered
        accept B => ignored AlreadyAnswered
        decline B => ignored AlreadyAnswered
        accept Z => ignored NotAsked
        decline Z => ignored NotAsked
        refuse Z => ignored NotAsked
        stock => S1 A on_hand 100000
        ",
    );
}

#[test]
fn handing_over_goes_up_down_or_stays_local() {
    check(
        "
        buyin A
        buyin B at=W1
        buyin C at=D1
        buyin D at=D2
        site D3 kind=TownshipHub
        hand X1 to=D1 lines=pea:1kg freight=1001 => handed over A:1000 Up; accepted A:1000 (10.01) Up by CARR of 654201
        hand X2 to=S2 lines=pea:1kg => handed over A:1000 Local; accepted A:1000 Local by CARR of 654201
        hand X3 to=W1 lines=pea:1kg => handed over A:1000 Local; accepted A:1000 Local by CARR of 654201
        hand X4 from=W1 to=D2 lines=pea:1kg => handed over B:1000 Up; accepted B:1000 Up by CARR of 654201
        dispatch X5 from=D1 to=S1 lines=pea:1kg => dispatched C:1000 Down by CARR of 654201
        dispatch X6 from=D1 to=D3 lines=pea:1kg => dispatched C:1000 Local by CARR of 654201
        dispatch X7 from=D1 to=D2 lines=pea:1kg => dispatched C:1000 Up by CARR of 654201
        dispatch X8 from=D2 to=D1 lines=pea:1kg => dispatched D:1000 Local by CARR of 654201
        stock => D1 C on_hand 97000, D2 D on_hand 99000, S1 A on_hand 97000, W1 B on_hand 99000
        ",
    );
}

#[test]
fn handing_over_refuses_what_it_must() {
    check(
        "
        buyin A
        collect P from=H1 on=2020-03-05
        buyin F owner=FIRM
        hand X lines=pea:1kg on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        hand X lines=pea:1kg freight=-1 => ! freight_fen NEGATIVE
        hand X => ! lines REQUIRED
        hand X lines=pea:1kg from=S9 => ! no such place
        hand X lines=pea:1kg from=D1 => ! no such place
        hand X lines=pea:1kg to=S9 => ! no such place
        hand X lines=pea:1kg to=S1 => ! SAME_PLACE
        hand X lines=pea:1kg of=ABSENT => ! no such party
        hand X lines=pea:1kg of=H1 => ! PARTY_CANNOT_TRADE
        hand X lines=pea:1kg carrier=ABSENT => ! no such party
        hand X lines=pea:1kg carrier=FIRM => ! PARTY_NOT_A_CARRIER
        hand X lines=gold:1kg => ! no such product
        hand X lines=pea:1kg,pea:1head => ! lines[1].quantity WRONG_UNIT
        hand X lines=pea:101kg => ! INSUFFICIENT_STOCK requested=101000 available=100000
        hand X lines=pea@A:101kg => ! INSUFFICIENT_STOCK requested=101000 available=100000
        hand X lines=pea@F:1kg => ! INSUFFICIENT_STOCK requested=1000 available=0
        hand X lines=sheep@A:1head => ! INSUFFICIENT_STOCK requested=1 available=0
        hand X lines=pea@Z:1kg => ! INSUFFICIENT_STOCK requested=1000 available=0
        hand X lines=pea@P:1kg => ! LOT_PENDING
        hand X lines=pea:60kg,pea:41kg => ! INSUFFICIENT_STOCK requested=41000 available=40000
        hand X lines=pea@A:60kg,pea@A:41kg => ! INSUFFICIENT_STOCK requested=41000 available=40000
        ",
    );
}

#[test]
fn what_distribution_refuses_comes_back() {
    check(
        "
        buyin A
        party CX to=station
        hand X carrier=CX lines=pea:60kg => handed over A:60000 Up; hand-over refused CarrierUnknown; took back A:60000
        stock => S1 A on_hand 100000
        ",
    );
}

#[test]
fn a_lot_is_inspected_where_it_lies_where_it_lay_and_where_it_is_heard_of() {
    check(
        "
        inspect L1 => ! LOT_NOT_HERE
        collect L1 terms=commission:FIRM on=2020-04-02
        inspect L1 at=S2 on=2020-04-02 => ! LOT_NOT_HERE
        inspect L1 on=2020-04-01 => ! DATE_TOO_EARLY earliest=2020-04-02
        inspect L1 on=2020-04-02 => inspected L1 passed
        inspect L1 passed=no on=2020-04-03 => inspected L1 failed
        inspect L1 at=D1 on=2020-04-03 => ! no such place
        hand X of=FIRM lines=pea@L1:100kg on=2020-04-03
        inspect L1 on=2020-04-04 => inspected L1 passed
        inspect L1 at=S2 on=2020-04-04 => inspected L1 passed
        buyin L2 at=D1 quantity=100kg on=2020-04-03
        inspect L2 on=2020-04-04 => inspected L2 passed
        ",
    );
}
