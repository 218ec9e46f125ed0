//! Sites, dispatches, hand-overs and receipts of shipments.

use crate::holders::check;

#[test]
fn opening_a_site() {
    check(
        "
        site D9 => opened CountyCentre 654224100001
        site D8 kind=TownshipHub division=654224202 operator=CARR => opened TownshipHub 654224202
        site D7 kind=FrontWarehouse division=610102 operator=COOP => opened FrontWarehouse 610102
        site D6 kind=Outlet division=654201 => opened Outlet 654201
        site D5 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        site D5 kind=Station => ! PLACE_KIND_WRONG
        site D5 kind=Workshop => ! PLACE_KIND_WRONG
        site D5 division=654201 => ! division_code OUTSIDE_COUNTY
        site D5 kind=TownshipHub division=610102 => ! division_code OUTSIDE_COUNTY
        site D5 operator=ABSENT => ! no such party
        site D5 operator=H1 => ! PARTY_CANNOT_TRADE
        site D5 operator=BUYER => ! PARTY_CANNOT_TRADE
        ",
    );
}

#[test]
fn freight_is_split_by_quantity() {
    check(
        "
        buyin A at=D1 quantity=1kg on=2020-03-01
        buyin B at=D1 quantity=1kg on=2020-03-02
        buyin C at=D1 quantity=1kg on=2020-03-03
        dispatch X freight=1000 lines=pea:3kg => dispatched A:1000 (3.34) B:1000 (3.33) C:1000 (3.33) Up by CARR of 654201
        ",
    );
}

#[test]
fn freight_over_different_units_is_split_by_weight() {
    check(
        "
        buyin A at=D1 quantity=60kg on=2020-03-01
        buyin B at=D1 quantity=40kg on=2020-03-02
        buyin C at=D1 product=sheep price=20/head quantity=100head
        dispatch X freight=2000 lines=sheep:100head,pea:100kg => ! lines[0].weight_grams REQUIRED
        dispatch X freight=2000 lines=pea:100kg,sheep:100head => ! lines[1].weight_grams REQUIRED
        dispatch X freight=2000 lines=sheep:50head,sheep:50head:4000kg => ! lines[0].weight_grams REQUIRED
        dispatch X lines=sheep:1head,pea:1kg => dispatched C:1 A:1000 Up by CARR of 654201
        dispatch X freight=2000 lines=sheep:79head:4000kg,pea:99kg => dispatched C:79 (19.52) A:59000 (0.29) B:40000 (0.19) Up by CARR of 654201
        dispatch X freight=1000 lines=sheep:5head:300kg,sheep:15head:600kg => dispatched C:20 (10.00) Up by CARR of 654201
        ",
    );
}

#[test]
fn freight_of_a_hand_over_is_split_by_the_weights_that_the_station_stated() {
    check(
        "
        buyin A quantity=100kg
        buyin B product=sheep price=20/head quantity=100head
        hand X freight=2000 lines=sheep:100head,pea:100kg => ! lines[0].weight_grams REQUIRED
        hand X freight=2000 lines=sheep:100head:3900kg,pea:100kg => handed over B:100 A:100000 Up; accepted B:100 (19.50) A:100000 (0.50) Up by CARR of 654201
        ",
    );
}

#[test]
fn one_unit_with_stated_weights_is_split_by_them() {
    check(
        "
        buyin A at=D1 product=sheep price=20/head quantity=10head on=2020-03-01
        buyin B at=D1 product=lamb price=20/head quantity=10head
        dispatch X freight=1000 lines=sheep:10head,lamb:10head => dispatched A:10 (5.00) B:10 (5.00) Up by CARR of 654201
        buyin C at=D1 product=sheep price=20/head quantity=10head
        buyin D at=D1 product=lamb price=20/head quantity=10head
        dispatch X freight=1000 lines=sheep:10head:600kg,lamb:10head:200kg => dispatched C:10 (7.50) D:10 (2.50) Up by CARR of 654201
        ",
    );
}

#[test]
fn dispatching_refuses_what_it_must() {
    check(
        "
        buyin A at=D1
        dispatch X lines=pea:1kg on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        dispatch X lines=pea:1kg freight=-1 => ! freight_fen NEGATIVE
        dispatch X => ! lines REQUIRED
        dispatch X lines=pea:1kg from=S1 => ! no such place
        dispatch X lines=pea:1kg to=S9 => ! no such place
        dispatch X lines=pea:1kg to=D1 => ! SAME_PLACE
        dispatch X lines=pea:1kg of=ABSENT => ! no such party
        dispatch X lines=pea:1kg of=BUYER => ! PARTY_CANNOT_TRADE
        dispatch X lines=pea:1kg carrier=ABSENT => ! no such party
        dispatch X lines=pea:1kg carrier=COOP => ! PARTY_NOT_A_CARRIER
        dispatch X lines=gold:1kg => ! no such product
        dispatch X lines=pea:1head => ! lines[0].quantity WRONG_UNIT
        dispatch X lines=pea:101kg => ! INSUFFICIENT_STOCK requested=101000 available=100000
        dispatch X of=FIRM lines=pea@A:1kg => ! INSUFFICIENT_STOCK requested=1000 available=0
        ",
    );
}

#[test]
fn a_shipment_arrives_whole_or_in_part() {
    check(
        "
        buyin A on=2020-03-01
        buyin B on=2020-03-02
        hand X lines=pea:150kg
        shipment X => A 100000 in transit of 100000, B 50000 in transit of 50000
        receive X but=A:10kg:5kg => received A:100000=85000+10000+5000 B:50000=50000+0+0
        shipment X => A 5000 in transit of 100000, B 0 in transit of 50000
        receive X => ! SHIPMENT_NOT_OPEN
        stock => D1 A on_hand 85000 quarantined 10000, D1 B on_hand 50000, S1 B on_hand 50000
        hand Y from=S1 to=S2 lines=pea:50kg
        receive Y at=S2 but=B:1kg:2kg => received B:50000=47000+1000+2000 at a station; took in B:47000 damaged [B:1000]
        stock => D1 A on_hand 85000 quarantined 10000, D1 B on_hand 50000, S2 B on_hand 47000 quarantined 1000
        dispatch Z to=S1 lines=pea:135kg
        receive Z at=S1 but=A:0g:85kg => received A:85000=0+0+85000 B:50000=50000+0+0 at a station; took in B:50000 damaged []
        ",
    );
}

#[test]
fn receiving_refuses_what_it_must() {
    check(
        "
        buyin A
        buyin B
        hand X lines=pea@A:100kg
        receive X on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        receive Q => ! no such shipment
        receive X at=S9 => ! no such place
        receive X at=D2 => ! WRONG_DESTINATION destination=D1
        receive X at=S2 => ! WRONG_DESTINATION destination=D1
        receive X but=B:1kg:0g => ! SHIPMENT_LINE_UNKNOWN
        receive X but=A/1:1kg:0g => ! SHIPMENT_LINE_UNKNOWN
        receive X but=A:1kg:0g,A:1kg:0g => ! differences[1] DUPLICATE
        receive X but=A:1head:1head => ! differences[0].damaged WRONG_UNIT, differences[0].missing WRONG_UNIT
        receive X but=A:60kg:41kg => ! SHIPMENT_DOES_NOT_ADD_UP dispatched=100000 damaged=60000 missing=41000
        receive X but=A:60kg:40kg => received A:100000=0+60000+40000
        ",
    );
}

#[test]
fn a_destination_that_distribution_has_not_heard_of_is_refused() {
    check(
        "
        buyin A
        lonely S7
        hand X to=S7 lines=pea:60kg => handed over A:60000 Local; hand-over refused DestinationUnknown; took back A:60000
        ",
    );
}
