//! What both holders do alike: picking, reserving, cancelling, issuing, buying in.

use core::fmt::Write;

use crate::harness::Manner;
use crate::holders::{World, check};

#[test]
fn the_oldest_lots_go_first_whatever_the_order_of_arrival() {
    check(
        "
        buyin B on=2020-03-02
        buyin A on=2020-03-03
        buyin C on=2020-03-01
        order O1 lines=S1:pea:150kg => reserved 0 C:100000 B:50000
        order O2 lines=S1:pea:60kg => reserved 0 B:50000 A:10000
        stock => S1 A on_hand 90000 reserved 10000, S1 B reserved 100000, S1 C reserved 100000
        ",
    );
}

#[test]
fn within_a_lot_pools_give_in_proportion() {
    check(
        "
        arrive L on=2020-03-01 pools=COOP:50g,FIRM:70g,~COOP:30g,COOP:20g
        order O1 lines=S1:pea:10g => reserved 0 L:5 L/2:3 L/3:2
        order O2 lines=S1:pea:11g => reserved 0 L:6 L/2:3 L/3:2
        order O3 seller=FIRM lines=S1:pea:70g => reserved 0 L/1:70
        order O4 lines=S1:pea:79g => reserved 0 L:39 L/2:24 L/3:16
        order O5 lines=S1:pea:1g => refused 0 InsufficientStock 0 of 1
        ",
    );
}

#[test]
fn lines_of_one_order_do_not_take_the_same_goods_twice() {
    check(
        "
        buyin A
        order O1 lines=S1:pea:60kg,S1:pea:60kg,S1:pea:40kg => reserved 0 A:60000; refused 1 InsufficientStock 40000 of 60000; reserved 2 A:40000
        hand X lines=pea:1g => ! INSUFFICIENT_STOCK requested=1 available=0
        buyin B
        hand X lines=pea:60kg,pea@B:40kg => handed over B:100000 Up; accepted B:100000 Up by CARR of 654201
        ",
    );
}

#[test]
fn each_holder_answers_for_its_own_lines() {
    check(
        "
        buyin A at=S1
        buyin B at=D1
        order O1 lines=S1:pea:1kg,D1:pea:2kg,S1:pea:3kg => reserved 0 A:1000; reserved 2 A:3000; reserved 1 B:2000
        order O2 lines=S9:pea:1kg holder=station => refused 0 PlaceUnknown 0 of 1000
        order O3 lines=S9:pea:1kg holder=distribution => refused 0 PlaceUnknown 0 of 1000
        order O4 lines=S1:sheep:1head => refused 0 InsufficientStock 0 of 1
        order O5 lines=S2:pea:1kg => refused 0 InsufficientStock 0 of 1000
        ",
    );
}

#[test]
fn pending_reserved_and_damaged_goods_are_not_free() {
    check(
        "
        collect P
        order O1 lines=S1:pea:1g => refused 0 InsufficientStock 0 of 1
        accept P => released P:100000
        order O2 lines=S1:pea:30kg => reserved 0 P:30000
        order O3 lines=S1:pea:71kg => refused 0 InsufficientStock 70000 of 71000
        dispatch X from=D1 to=S1 lines=pea:1g => ! INSUFFICIENT_STOCK requested=1 available=0
        buyin Q at=D1
        dispatch X from=D1 to=S1 lines=pea:100kg
        receive X at=S1 but=Q:100kg:0g => received Q:100000=0+100000+0 at a station; took in  damaged [Q:100000]
        order O4 lines=S1:pea:71kg => refused 0 InsufficientStock 70000 of 71000
        stock => S1 P on_hand 70000 reserved 30000, S1 Q quarantined 100000
        ",
    );
}

#[test]
fn a_cancelled_line_is_free_again_unless_it_was_issued() {
    for at in ["S1", "D1"] {
        check(&format!(
            "
            buyin A at={at}
            order O1 lines={at}:pea:60kg,{at}:pea:10kg
            cancel O1/0 at={at} => released 0 A:60000
            cancel O1/0 at={at} => cancel refused 0
            issue O1/0 at={at} => ! RESERVATION_NOT_OPEN
            issue O1/1 at={at} quantity=10kg
            cancel O1/1 at={at} => cancel refused 1
            cancel O9/0 at={at} => cancel refused 0
            stock => {at} A on_hand 90000
            "
        ));
    }
}

#[test]
fn goods_are_issued_at_their_actual_weight() {
    check(
        "
        arrive L on=2020-03-01 pools=COOP:60g,COOP:40g
        arrive M on=2020-03-02 pools=COOP:100g
        order O1 lines=S1:pea:50g,S1:pea:20g,S1:pea:40g
        stock => S1 L reserved 60, S1 L/1 reserved 40, S1 M on_hand 90 reserved 10
        issue O1/0 quantity=50g => issued L:30 L/1:20 beyond [] released []
        issue O1/1 quantity=5g => issued L:3 L/1:2 beyond [] released [L:9 L/1:6]
        issue O1/2 quantity=60g => issued L:27 L/1:18 M:15 beyond [L:9 L/1:6 M:5] released []
        issue O1/2 quantity=60g => ! RESERVATION_NOT_OPEN
        stock => S1 M on_hand 85
        ",
    );
}

#[test]
fn more_than_was_reserved_needs_free_stock_of_the_seller() {
    check(
        "
        buyin A
        buyin F owner=FIRM on=2020-03-01
        order O1 lines=S1:pea:60kg
        order O2 lines=S1:pea:30kg
        issue O1/0 quantity=71kg => ! INSUFFICIENT_STOCK requested=71000 reserved=60000 available=10000
        issue O1/0 quantity=70kg => issued A:70000 beyond [A:10000] released []
        issue O2/0 quantity=30kg => issued A:30000 beyond [] released []
        stock => S1 F on_hand 100000
        ",
    );
}

#[test]
fn beyond_a_reservation_its_own_lots_come_first() {
    check(
        "
        buyin B on=2020-03-02
        order O1 lines=S1:pea:60kg
        buyin A on=2020-03-01
        issue O1/0 quantity=110kg => issued B:100000 A:10000 beyond [B:40000 A:10000] released []
        ",
    );
}

#[test]
fn issuing_refuses_what_it_must() {
    for at in ["S1", "D1"] {
        check(&format!(
            "
            buyin A at={at}
            order O1 lines={at}:pea:60kg
            issue O1/1 at={at} => ! RESERVATION_NOT_OPEN
            issue O2/0 at={at} => ! RESERVATION_NOT_OPEN
            issue O1/0 at={at} quantity=60head => ! quantity WRONG_UNIT
            issue O1/0 at={at} on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
            issue O1/1 at={at} on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
            issue O1/0 at={at} on=2020-12-31 => issued A:60000 beyond [] released []
            "
        ));
    }
}

#[test]
fn buying_in_refuses_what_it_must() {
    for at in ["S1", "D2"] {
        check(&format!(
            "
            buyin A at={at} quantity=100kg price=2/kg => bought in 100000 for 200.00
            buyin B at={at} quantity=3jin price=2.5/kg => bought in 1500 for 3.75
            buyin C at={at} on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
            buyin C at={at} owner=ABSENT => ! no such party
            buyin C at={at} owner=H1 => ! PARTY_CANNOT_TRADE
            buyin C at={at} owner=CARR => ! PARTY_CANNOT_TRADE
            buyin C at={at} supplier=ABSENT => ! no such party
            buyin C at={at} supplier=BUYER => ! PARTY_NOT_A_SUPPLIER
            buyin C at={at} supplier=COOP => ! PARTY_NOT_A_SUPPLIER
            buyin C at={at} product=gold => ! no such product
            buyin C at={at} quantity=1head price=1/head => ! quantity WRONG_UNIT, price WRONG_UNIT
            buyin C at={at} quantity=1000000000kg price=100000000/g => ! price AMOUNT_TOO_LARGE
            buyin C at={at} product=sheep quantity=3head price=800/head => bought in 3 for 2400.00
            "
        ));
    }
    check("buyin A at=S9 => ! no such place");
}

#[test]
fn what_would_need_too_many_lots_says_how_much_fits() {
    let mut script = String::new();
    for lot in 0..210 {
        let (month, day) = (lot / 28 + 1, lot % 28 + 1);
        let _ = writeln!(script, "buyin L{lot:03} quantity=1g on=2020-{month:02}-{day:02}");
    }
    check(&format!(
        "{script}
        order O1 lines=S1:pea:210g on=2020-12-31 => refused 0 TooManyLots 200 of 210
        order O1 lines=S1:pea:211g on=2020-12-31 => refused 0 InsufficientStock 210 of 211
        hand X on=2020-12-31 lines=pea:201g => ! TOO_MANY_LOTS requested=201 available=210 lots_max=200 quantity_max=200
        hand X on=2020-12-31 lines=pea:150g,pea:51g => ! TOO_MANY_LOTS requested=51 available=60 lots_max=50 quantity_max=50
        dispatch X from=D1 lines=pea:1g => ! INSUFFICIENT_STOCK requested=1 available=0
        buyin Z quantity=10g on=2020-12-01
        order O2 lines=S1:pea:200g on=2020-12-31
        issue O2/0 on=2020-12-31 quantity=220g => issued {} beyond [{}] released []
        ",
        picks(0..210, true),
        picks(200..210, true)
    ));
}

#[test]
fn a_dispatch_of_too_many_lots_says_how_much_fits() {
    let mut world = World::new(Manner::default());
    for lot in 0..201 {
        world.run(&format!("buyin L{lot:03} at=D1 quantity=2g"));
    }
    let said = world.run("dispatch X from=D1 to=S1 lines=pea:402g");
    assert_eq!(said, "! TOO_MANY_LOTS requested=402 available=402 lots_max=200 quantity_max=400");
    // Lines that take from one lot are one line: 100 lots named, then 200 g of at most 100 others.
    let named: Vec<String> = (0..100).map(|lot| format!("pea@L{lot:03}:1g")).collect();
    let said = world.run(&format!("dispatch X from=D1 to=S1 lines={},pea:200g", named.join(",")));
    assert!(said.starts_with("dispatched"), "{said}");
}

#[test]
fn an_issue_of_too_many_lots_says_how_much_fits() {
    let mut world = World::new(Manner::default());
    for lot in 0..200 {
        world.run(&format!("buyin A{lot:03} quantity=1g on=2020-01-01"));
    }
    world.run("order O1 lines=S1:pea:200g");
    for lot in 0..60 {
        world.run(&format!("buyin B{lot:03} quantity=1g on=2020-01-02"));
    }
    let said = world.run("issue O1/0 quantity=251g");
    assert_eq!(said, "! TOO_MANY_LOTS requested=251 reserved=200 available=60 lots_max=250 quantity_max=250");
    assert!(world.run("issue O1/0 quantity=250g").starts_with("issued "));
}

#[test]
fn an_order_s_lines_all_find_room_for_one_lot_in_the_answer() {
    let mut world = World::new(Manner::default());
    for lot in 0..400 {
        world.run(&format!("buyin L{lot:03} quantity=1g"));
    }
    world.run("buyin Z at=S2");
    let order = |name: &str, line: &str| format!("order {name} lines={}", vec![line; 200].join(","));
    let answer = world.run(&order("O1", "S2:pea:1g"));
    assert_eq!((answer.matches("reserved").count(), answer.matches("refused").count()), (200, 0));
    let answer = world.run(&order("O2", "S1:pea:2g"));
    let refused = answer.matches("TooManyLots").count();
    assert!((1..=70).contains(&refused), "{refused}");
    assert_eq!(answer.matches("reserved").count() + refused, 200);
}

#[test]
fn only_the_line_of_too_many_lots_is_refused() {
    let mut world = World::new(Manner::default());
    for lot in 0..600 {
        world.run(&format!("buyin L{lot:03} quantity=1g"));
    }
    world.run("buyin Z at=S2");
    // Two lines over 380 small lots are reserved whole.
    let answer = world.run("order O1 lines=S1:pea:190g,S1:pea:190g");
    assert_eq!(answer.matches("reserved").count(), 2, "{answer}");
    world.run("cancel O1/0");
    world.run("cancel O1/1");
    // Three lines of 200 lots and 190 of one: those of one lot are reserved, however late they come.
    let lines: Vec<&str> = ["S1:pea:200g"; 3].into_iter().chain(["S2:pea:1g"; 190]).collect();
    let answer = world.run(&format!("order O2 lines={}", lines.join(",")));
    assert_eq!(answer.matches("reserved").count(), 190);
    for line in 0..3 {
        assert!(answer.contains(&format!("refused {line} TooManyLots")), "{answer}");
    }
}

#[test]
fn no_more_is_issued_than_an_amount_can_name() {
    for at in ["S1", "D1"] {
        check(&format!(
            "
            buyin A at={at} quantity=2kg
            order O1 lines={at}:pea:1000g:100000000/g => reserved 0 A:1000
            issue O1/0 at={at} quantity=1001g => ! quantity AMOUNT_TOO_LARGE
            issue O1/0 at={at} quantity=1000g => issued A:1000 beyond [] released []
            "
        ));
    }
}

/// One gram of each of the lots, and the ten of Z.
fn picks(lots: core::ops::Range<usize>, with_z: bool) -> String {
    let mut picks: Vec<String> = lots.map(|lot| format!("L{lot:03}:1")).collect();
    if with_z {
        picks.push("Z:10".into());
    }
    picks.join(" ")
}

#[test]
fn lots_of_one_day_go_by_instant_and_then_by_number_and_never_by_id() {
    // Request ids, and so lot ids, are of no order at all here.
    let mut orders = String::new();
    for (order, number) in (1..=12).enumerate() {
        let _ = writeln!(orders, "order O{order} lines=D1:pea:1kg => reserved 0 N{number}:1000");
    }
    let bought = [5, 11, 3, 12, 1, 8, 10, 2, 7, 9, 4, 6];
    let bought: Vec<String> = bought.iter().map(|n| format!("buyin N{n} at=D1 quantity=1kg number=B{n}")).collect();
    check(&format!("{}\n{orders}", bought.join("\n")));
    check(
        "
        collect LATE hour=15 number=1 terms=commission:COOP
        collect EARLY hour=9 number=7 terms=commission:COOP
        collect N10 number=10 terms=commission:COOP
        collect N9 number=9 terms=commission:COOP
        order O1 lines=S1:pea:400kg => reserved 0 EARLY:100000 LATE:100000 N9:100000 N10:100000
        ",
    );
}

#[test]
fn the_other_holder_picks_in_the_same_order() {
    check(
        "
        collect N10 number=R10 terms=commission:COOP
        collect N9 number=R9 terms=commission:COOP
        buyin M number=R11 on=2020-04-01
        hand X lines=pea:300kg => handed over N9:100000 N10:100000 M:100000 Up; accepted N9:100000 N10:100000 M:100000 Up by CARR of 654201
        receive X
        order O1 lines=D1:pea:150kg => reserved 0 N9:100000 N10:50000
        buyin I10 at=D1 number=10
        buyin I9 at=D1 number=9
        dispatch Y from=D1 to=S1 lines=pea@I9:1kg,pea@I10:1kg
        receive Y at=S1
        order O2 lines=S1:pea:1.5kg => reserved 0 I9:1000 I10:500
        ",
    );
}
