//! Stock by business date: what is taken on a day must be there on that day and on every later one.

use crate::holders::check;

#[test]
fn goods_are_taken_only_from_the_day_on_which_they_came() {
    check(
        "
        buyin A on=2020-04-10
        order O1 lines=S1:pea:60kg on=2020-04-09 => refused 0 InsufficientStock 0 of 60000, from 2020-04-10
        hand X lines=pea:60kg on=2020-04-09 => ! INSUFFICIENT_STOCK requested=60000 available=0 earliest=2020-04-10
        hand X lines=pea@A:60kg on=2020-04-09 => ! INSUFFICIENT_STOCK requested=60000 available=0 earliest=2020-04-10
        hand X lines=pea:200kg on=2020-04-09 => ! INSUFFICIENT_STOCK requested=200000 available=0
        issue O1/0 quantity=60kg on=2020-04-09 => ! RESERVATION_NOT_OPEN earliest=2020-04-10
        order O2 lines=S1:pea:60kg on=2020-04-10 => reserved 0 A:60000
        issue O2/0 quantity=60kg on=2020-04-09 => ! DATE_TOO_EARLY earliest=2020-04-10
        buyin B on=2020-04-20
        issue O2/0 quantity=120kg on=2020-04-19 => ! INSUFFICIENT_STOCK requested=120000 reserved=60000 available=40000 earliest=2020-04-20
        issue O2/0 quantity=120kg on=2020-04-20 => issued A:100000 B:20000 beyond [A:40000 B:20000] released []
        ",
    );
}

#[test]
fn what_is_taken_late_must_be_there_on_all_later_days() {
    check(
        "
        buyin A on=2020-04-01
        hand X lines=pea:70kg on=2020-04-20
        hand Y lines=pea:40kg on=2020-04-10 => ! INSUFFICIENT_STOCK requested=40000 available=30000
        buyin B on=2020-04-15 quantity=50kg
        hand Y lines=pea:40kg on=2020-04-10 => ! INSUFFICIENT_STOCK requested=40000 available=30000 earliest=2020-04-15
        hand Y lines=pea:40kg on=2020-04-16 => handed over A:30000 B:10000 Up; accepted A:30000 B:10000 Up by CARR of 654201
        ",
    );
}

#[test]
fn what_a_cancelled_order_kept_is_free_from_the_day_of_its_release() {
    check(
        "
        buyin A on=2020-04-01
        order O1 lines=S1:pea:60kg on=2020-04-05
        cancel O1/0 on=2020-04-08 => released 0 A:60000
        hand X lines=pea:50kg on=2020-04-07 => ! INSUFFICIENT_STOCK requested=50000 available=40000 earliest=2020-04-08
        order O2 lines=S1:pea:60kg on=2020-04-10
        cancel O2/0 on=2020-04-10
        hand X lines=pea:100kg on=2020-04-09 => handed over A:100000 Up; accepted A:100000 Up by CARR of 654201
        ",
    );
}

#[test]
fn goods_that_come_back_are_there_from_that_day_on_whatever_the_place_held_before() {
    check(
        "
        buyin A on=2020-04-01
        hand X carrier=CARR lines=pea:100kg on=2020-04-10
        receive X on=2020-04-11
        dispatch Y from=D1 to=S1 lines=pea:100kg on=2020-04-12
        receive Y at=S1 on=2020-04-13
        hand Z lines=pea:1kg on=2020-04-12 => ! INSUFFICIENT_STOCK requested=1000 available=0 earliest=2020-04-13
        hand Z lines=pea:1kg on=2020-04-13
        ",
    );
}
