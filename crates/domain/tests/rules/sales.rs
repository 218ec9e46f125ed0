//! Channels, orders and what becomes of their lines, customers' money, and settlements.

use crate::market::check;

#[test]
fn a_channel_is_a_traders() {
    check(
        "
        channel C9 => Online by COOP
        channel C8 operator=ABSENT => ! no such party
        channel C8 operator=H1 => ! PARTY_CANNOT_TRADE
        channel C8 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        ",
    );
}

#[test]
fn an_order_names_its_holders_and_its_scope() {
    check(
        "
        order O1 => ordered 148.00 from station to Outside
        order O2 lines=S1:pea:10kg:14.8/kg,D1:sheep:2head:800/head division=654224 => ordered 148.00 from station, 1600.00 from distribution to County
        order O3 buyer=BUYER => ordered 148.00 from station to Outside
        order O4 division=654201 => ordered 148.00 from station to Prefecture
        order O5 division=650102 => ordered 148.00 from station to Region
        order O6 buyer=SUPP => ordered 148.00 from station to Outside
        ",
    );
}

#[test]
fn an_order_is_refused_for_what_is_wrong_with_it() {
    check(
        "
        order O1 channel=C9 => ! no such channel
        order O1 seller=ABSENT => ! no such party
        order O1 seller=H1 => ! PARTY_CANNOT_TRADE
        order O1 buyer=ABSENT => ! no such party
        order O1 buyer=COOP => ! SELLER_IS_BUYER
        order O1 buyer=FIRM => ! BUYER_IN_LOOP
        order O1 buyer=H1 => ! BUYER_IN_LOOP
        order O1 buyer=BUYER division=654224 => ! buyer_division_code NOT_THE_REGISTERED_DIVISION
        order O1 lines=S9:pea:10kg:14.8/kg => ! no such place
        order O1 lines=S1:cheese:10kg:14.8/kg => ! no such product
        order O1 lines=S1:pea:10kg:14.8/kg,S1:pea:2head:14.8/kg => ! lines[1].quantity WRONG_UNIT
        order O1 lines=S1:sheep:1head:14.8/kg,S1:pea:1kg:14.8/head => ! lines[0].price WRONG_UNIT, lines[1].price WRONG_UNIT
        order O1 lines=S1:pea:1000000000g:1000000/g on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE, lines[0].price AMOUNT_TOO_LARGE
        ",
    );
}

#[test]
fn an_order_number_is_a_sellers_own_within_the_year() {
    check(
        "
        order O1 number=DD-1
        order O2 number=dd-1 => ! NUMBER_TAKEN number=dd-1 business_date=2020-04-01 papers=1
        order O2 number=_DD-1_ => ! NUMBER_TAKEN number= DD-1  business_date=2020-04-01 papers=1
        order O2 number=ＤＤ－１ => ! NUMBER_TAKEN number=ＤＤ－１ business_date=2020-04-01 papers=1
        order O2 number=DD-1 as=O9 => ! same_number_as OTHER_NUMBER
        order O2 number=DD-2 as=O1 => ! same_number_as OTHER_NUMBER
        order O2 number=DD-1 seller=FIRM => ordered 148.00 from station to Outside
        order O4 number=DD-1 as=O1 => ordered 148.00 from station to Outside
        order O5 number=DD-1 => ! NUMBER_TAKEN number=DD-1 business_date=2020-04-01 papers=2
        order O6 number=_ => ordered 148.00 from station to Outside
        order O7 number=_ => ordered 148.00 from station to Outside
        ",
    );
}

#[test]
fn an_order_of_which_every_line_is_cancelled_frees_its_number() {
    check(
        "
        order O1 number=DD-1 lines=S1:pea:10kg:14.8/kg,D1:pea:10kg:14.8/kg
        refused O1/0
        order O2 number=DD-1 => ! NUMBER_TAKEN number=DD-1 business_date=2020-04-01 papers=1
        cancel O1/1
        order O2 number=DD-1 => ! NUMBER_TAKEN number=DD-1 business_date=2020-04-01 papers=1
        released O1/1 at=D1
        order O2 number=DD-1 => ordered 148.00 from station to Outside
        order O3 number=DD-1 => ! NUMBER_TAKEN number=DD-1 business_date=2020-04-01 papers=1
        ",
    );
}

#[test]
fn holders_decide_what_becomes_of_a_line() {
    check(
        "
        order O1 lines=S1:pea:10kg:14.8/kg,D1:pea:10kg:14.8/kg,S1:pea:10kg:14.8/kg
        refused O1/0 => 0 cancelled InsufficientStock
        cancel O1/0 => ! ORDER_LINE_NOT_OPEN
        cancel O1/1 => 1 to be released at D1
        cancel O1/1 => ! CANCELLATION_PENDING
        show O1 => refused InsufficientStock with 1, pending, open; owed 0.00 prepaid 0.00
        stands O1/1 at=D1 => 1 stands
        cancel O1/1 => 1 to be released at D1
        released O1/1 at=D1 => 1 cancelled
        issued O1/2 of=OWN:9.9kg => sold 9900 for 146.52 (0.00 prepaid): OWN 146.52
        cancel O1/2 => ! ORDER_LINE_NOT_OPEN
        show O1 => refused InsufficientStock with 1, cancelled, 9900 for 146.52; owed 146.52 prepaid 0.00
        cancel O1/3 => ! line OUT_OF_RANGE
        cancel O9/0 => ! no such order
        cancel O1/2 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        ",
    );
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    check(
        "
        order O1 lines=S1:pea:10kg:14.8/kg,S1:pea:10kg:14.8/kg
        cancel O1/0
        refused O1/0 => 0 cancelled InsufficientStock
        stands O1/0 => 0 stands
        cancel O1/1
        issued O1/1 => sold 10000 for 148.00 (0.00 prepaid): OWN 148.00
        stands O1/1 => 1 stands
        show O1 => refused InsufficientStock with 1, 10000 for 148.00; owed 148.00 prepaid 0.00
        ",
    );
}

#[test]
fn the_amount_is_rounded_once_and_split_over_the_lots() {
    check(
        "
        collected L1 terms=commission:500
        collected L2 terms=commission:500
        order O1 lines=S1:pea:1kg:10/kg,S1:pea:1kg:10/kg
        issued O1/0 of=L1:333g,L2:333g,OWN:334g => sold 1000 for 10.00 (0.00 prepaid): L1 3.33, L2 3.33, OWN 3.34
        issued O1/1 of=L1:1g,L2:1g,OWN:1g => sold 3 for 0.03 (0.00 prepaid): L1 0.01, L2 0.01, OWN 0.01
        ",
    );
}

#[test]
fn payments_settle_what_is_owed_and_then_run_ahead() {
    check(
        "
        order O1 lines=S1:pea:10kg:10/kg,S1:pea:10kg:10/kg
        payment O1 amount=200.01 => ! PAYMENT_EXCEEDS_ORDER payable_fen=20000 amount_fen=20001
        payment O1 amount=30 => 0.00 for goods, 30.00 ahead
        issued O1/0 of=OWN:9kg => sold 9000 for 90.00 (30.00 prepaid): OWN 90.00
        show O1 => 9000 for 90.00, open; owed 60.00 prepaid 0.00
        payment O1 amount=160.01 => ! PAYMENT_EXCEEDS_ORDER payable_fen=16000 amount_fen=16001
        payment O1 amount=100 => 60.00 for goods, 40.00 ahead
        payment O1 amount=60.01 => ! PAYMENT_EXCEEDS_ORDER payable_fen=6000 amount_fen=6001
        return O1 amount=0.01 => ! PREPAYMENT_EXCEEDED returnable_fen=0 amount_fen=1
        cancel O1/1
        return O1 amount=0.01 => ! PREPAYMENT_EXCEEDED returnable_fen=0 amount_fen=1
        released O1/1 => 1 cancelled
        payment O1 amount=1 => ! PAYMENT_EXCEEDS_ORDER payable_fen=0 amount_fen=100
        return O1 amount=40.01 => ! PREPAYMENT_EXCEEDED returnable_fen=4000 amount_fen=4001
        return O1 amount=15 => 15.00 given back
        return O1 amount=25 => 25.00 given back
        show O1 => 9000 for 90.00, cancelled; owed 0.00 prepaid 0.00
        payment O9 => ! no such order
        return O9 => ! no such order
        payment O1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        return O1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        ",
    );
}

#[test]
fn prepayment_beyond_what_open_lines_need_can_go_back() {
    check(
        "
        order O1 lines=S1:pea:10kg:10/kg,S1:pea:10kg:10/kg
        payment O1 amount=200
        issued O1/0 of=OWN:8kg => sold 8000 for 80.00 (80.00 prepaid): OWN 80.00
        return O1 amount=20.01 => ! PREPAYMENT_EXCEEDED returnable_fen=2000 amount_fen=2001
        return O1 amount=20 => 20.00 given back
        issued O1/1 of=OWN:11kg => sold 11000 for 110.00 (100.00 prepaid): OWN 110.00
        show O1 => 8000 for 80.00, 11000 for 110.00; owed 10.00 prepaid 0.00
        ",
    );
}

#[test]
fn an_issue_that_no_order_asked_for_is_ignored() {
    check(
        "
        order O1 lines=S1:pea:10kg:10/kg
        issued O9/0 => ignored NotAsked
        issued O1/1 => ignored NotAsked
        both issued O9/0 & issued O1/0 => ignored NotAsked; sold 10000 for 100.00 (0.00 prepaid): OWN 100.00
        show O1 => 10000 for 100.00; owed 100.00 prepaid 0.00
        ",
    );
}

#[test]
fn two_issues_of_one_commit_do_not_use_a_prepayment_twice() {
    check(
        "
        order O1 lines=S1:pea:10kg:10/kg,S1:pea:10kg:10/kg
        payment O1 amount=130
        both issued O1/0 & issued O1/1 => sold 10000 for 100.00 (100.00 prepaid): OWN 100.00; sold 10000 for 100.00 (30.00 prepaid): OWN 100.00
        show O1 => 10000 for 100.00, 10000 for 100.00; owed 70.00 prepaid 0.00
        ",
    );
}

#[test]
fn a_commission_settlement_pays_the_sale_less_commission_and_charges() {
    check(
        "
        collected L1 terms=commission:500
        order O1 lines=S1:pea:95kg:14.8/kg
        issued O1/0 of=L1:95kg => sold 95000 for 1406.00 (0.00 prepaid): L1 1406.00
        settle N1 lots=L1 => L1 H1 95000/95000: 1406.00 - 70.30 = 1335.70; 1335.70 owed to H1 of 654224202207 for settlement
        settle N2 lots=L1 => ! NOTHING_TO_SETTLE
        pay P1 => paid 1335.70 in 654224202207: @N1 1335.70
        order O2 lines=S1:pea:3kg:14.8/kg
        issued O2/0 of=L1:3kg
        settle N3 lots=L1:2:1.50 => L1 H1 3000/3000: 44.40 - 2.22 - 2.00 - 1.50 = 38.68; 38.68 owed to H1 of 654224202207 for settlement
        ",
    );
}

#[test]
fn an_agreed_price_is_paid_whatever_the_sale_came_to() {
    check(
        "
        collected L1 terms=agreed:8/kg net=10kg
        order O1 lines=S1:pea:4kg:14.8/kg,S1:pea:6kg:5/kg
        issued O1/0 of=L1:4kg
        settle N1 lots=L1 => L1 H1 4000/4000: 59.20 - 27.20 = 32.00; 32.00 owed to H1 of 654224202207 for settlement
        issued O1/1 of=L1:6kg
        settle N2 lots=L1 => L1 H1 6000/6000: 30.00 - -18.00 = 48.00; 48.00 owed to H1 of 654224202207 for settlement
        ",
    );
}

#[test]
fn roasted_goods_are_settled_by_their_source_quantity() {
    check(
        "
        consigned L1 terms=agreed:8/kg origins=H1:8.5kg:10kg
        order O1 lines=S1:pea:4kg:14.8/kg,S1:pea:4.5kg:14.8/kg
        issued O1/0 of=L1:4kg
        settle N1 lots=L1 => L1 H1 4000/4705: 59.20 - 21.56 = 37.64; 37.64 owed to H1 of 654224202207 for settlement
        issued O1/1 of=L1:4.5kg
        settle N2 lots=L1 => L1 H1 4500/5295: 66.60 - 24.24 = 42.36; 42.36 owed to H1 of 654224202207 for settlement
        ",
    );
}

#[test]
fn a_lot_of_several_producers_is_shared_by_what_they_brought() {
    check(
        "
        consigned L1 origins=H1:6kg:6kg,H2:3kg:3kg
        order O1 lines=S1:pea:3kg:10/kg,S1:pea:6kg:10/kg
        issued O1/0 of=L1:3kg
        settle N1 lots=L1:1 => L1 H1 2000/2000: 20.00 - 1.00 - 0.67 = 18.33; L1 H2 1000/1000: 10.00 - 0.50 - 0.33 = 9.17; 18.33 owed to H1 of 654224202207 for settlement; 9.17 owed to H2 of 654224202207 for settlement
        issued O1/1 of=L1:6kg
        settle N2 lots=L1 => L1 H1 4000/4000: 40.00 - 2.00 = 38.00; L1 H2 2000/2000: 20.00 - 1.00 = 19.00; 38.00 owed to H1 of 654224202207 for settlement; 19.00 owed to H2 of 654224202207 for settlement
        ",
    );
}

#[test]
fn settlements_are_refused_for_what_is_wrong_with_them() {
    check(
        "
        collected L1 terms=commission:500
        collected L2 terms=commission:500
        collected L3
        order O1 lines=S1:pea:1kg:10/kg
        settle N1 lots=L1 => ! NOTHING_TO_SETTLE
        issued O1/0 of=L1:1kg
        settle N1 lots=L1 consignee=FIRM => ! NOT_CONSIGNED
        settle N1 lots=L1 consignee=ABSENT => ! no such party
        settle N1 lots=L3 => ! NOT_CONSIGNED
        settle N1 lots=L9 => ! NOT_CONSIGNED
        settle N1 lots=L1,L2,L1 => ! lots[2].lot_id DUPLICATE
        settle N1 lots=L1:9.51 => ! CHARGES_EXCEED_SALE
        settle N1 lots=L1,L2:1 => ! CHARGES_EXCEED_SALE
        settle N1 lots=L1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        settle N1 lots=L1:9.50,L2 => L1 H1 1000/1000: 10.00 - 0.50 - 9.50 = 0.00; 0.00 owed to H1 of 654224202207 for settlement
        owed => @L3 901.60
        settle N2 lots=L1 => ! NOTHING_TO_SETTLE
        ",
    );
}
