//! Households and their histories, contracts, purchases, and what is owed and paid.

use loopledger_domain::procurement::ProcurementState as _;
use loopledger_types::{ContractId, Quantity};

use crate::harness::Manner;
use crate::market::{Market, check};

#[test]
fn a_household_has_a_village_and_one_head() {
    check(
        "
        household H9 members=head,spouse,child => household in 654224202207 of 3 from 2020-04-01
        household H8 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        household H8 division=654224202 => ! division_code NOT_A_VILLAGE_OF_THE_COUNTY
        household H8 division=654201001001 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE, division_code NOT_A_VILLAGE_OF_THE_COUNTY
        household H8 members=spouse => ! HOUSEHOLD_NEEDS_ONE_HEAD
        household H8 members=head,head => ! HOUSEHOLD_NEEDS_ONE_HEAD
        ",
    );
}

#[test]
fn histories_only_grow_at_their_end() {
    check(
        "
        category H1 on=2019-12-31 => ! DATE_TOO_EARLY earliest=2020-01-01
        category H1 on=2020-04-01 => Exited from 2020-04-01
        category H1 on=2020-04-01 => Exited from 2020-04-01
        category H1 on=2020-03-31 => ! BACK_DATED earliest=2020-04-01
        category H1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        category ABSENT => ! no such party
        category COOP => ! NOT_A_HOUSEHOLD
        move H1 division=654224202208 on=2020-02-01 => in 654224202208 from 2020-02-01
        move H1 on=2020-01-31 => ! BACK_DATED earliest=2020-02-01
        move H1 division=654201001001 => ! division_code NOT_A_VILLAGE_OF_THE_COUNTY
        move COOP => ! NOT_A_HOUSEHOLD
        move ABSENT => ! no such party
        ",
    );
}

#[test]
fn members_join_and_leave_and_the_head_stays() {
    check(
        "
        join H1 on=2020-02-01 => Child joined on 2020-02-01
        join H1 as=head => ! HOUSEHOLD_NEEDS_ONE_HEAD
        join H1 on=2020-01-31 => ! BACK_DATED earliest=2020-02-01
        join H1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        join COOP => ! NOT_A_HOUSEHOLD
        join ABSENT => ! no such party
        leave H1 member=H1.0 => ! HOUSEHOLD_NEEDS_ONE_HEAD
        leave H1 member=H2.0 => ! MEMBER_NOT_IN_HOUSEHOLD
        leave H1 member=H1.2 on=2020-01-31 => ! DATE_TOO_EARLY earliest=2020-02-01
        leave H1 member=H1.1 on=2020-01-31 => ! BACK_DATED earliest=2020-02-01
        leave H1 member=H1.1 on=2020-03-01 => H1.1 left on 2020-03-01
        leave H1 member=H1.1 on=2020-03-02 => ! MEMBER_NOT_IN_HOUSEHOLD
        leave H1 member=H1.2 on=2020-02-15 => ! BACK_DATED earliest=2020-03-01
        leave H1 member=H1.2 on=2020-03-01 => H1.2 left on 2020-03-01
        leave H1 member=H1.0 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        leave COOP => ! NOT_A_HOUSEHOLD
        leave ABSENT => ! no such party
        ",
    );
}

#[test]
fn parties_and_products() {
    check(
        "
        party FIRM2 division=610102 => Firm in 610102
        party SUPP2 => Supplier in 654224
        party HOUSE => ! kind UNKNOWN_VALUE
        party FIRM3 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        product cheese => cheese by Gram
        product other code=cheese => ! product exists
        product other code=Cheese => ! product exists
        product other code=ｃheese => ! product exists
        product horse unit=1head on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        ",
    );
}

#[test]
fn a_contract_is_between_a_trader_and_a_producer() {
    check(
        "
        contract K9 => COOP takes pea of H1
        contract K9 firm=FIRM from=COOP terms=commission:500:9.2/kg max=196jin => FIRM takes pea of COOP
        contract K8 firm=ABSENT => ! no such party
        contract K8 from=ABSENT => ! no such party
        contract K8 at=S9 => ! no such place
        contract K8 at=D1 => ! no such place
        contract K8 product=cheese => ! no such product
        contract K8 firm=H2 => ! PARTY_CANNOT_TRADE
        contract K8 firm=CARR => ! PARTY_CANNOT_TRADE
        contract K8 from=FIRM => ! PARTY_NOT_A_PRODUCER
        contract K8 from=COOP => ! SELLER_IS_BUYER
        contract K8 first=2020-09-30 last=2020-09-30 => COOP takes pea of H1
        contract K8 first=2020-10-01 last=2020-09-30 => ! valid_to OUT_OF_RANGE
        contract K8 terms=outright:9.2/head => ! terms.outright.price WRONG_UNIT
        contract K8 terms=agreed:9.2/head max=3head => ! terms.agreed_price.price WRONG_UNIT, quantity_max WRONG_UNIT
        contract K8 terms=commission:500:800/head => ! terms.commission.price_basis WRONG_UNIT
        contract K8 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        ",
    );
}

#[test]
fn a_collection_is_bought_or_declined_for_one_reason() {
    check(
        "
        collected A => bought 98000 for 901.60
        owed => @A 901.60
        collected B terms=commission:500 =>
        collected B terms=agreed:8/kg =>
        collected C with=ABSENT => declined BuyerUnknown
        collected C with=CARR => declined BuyerUnknown
        collected C from=ABSENT => declined ProducerUnknown
        collected C from=FIRM => declined ProducerUnknown
        collected C from=COOP with=FIRM => bought 98000 for 901.60
        collected C contract=K9 => declined ContractUnknown
        collected C contract=K1 on=2020-02-29 => declined ContractNotInForce
        collected C contract=K1 on=2020-10-01 => declined ContractNotInForce
        collected C contract=K1 with=FIRM => declined ContractMismatch
        collected C contract=K1 from=H2 => declined ContractMismatch
        collected C contract=K1 at=S2 => declined ContractMismatch
        collected C contract=K1 product=sheep => declined ContractMismatch
        contract K2 terms=agreed:9.2/kg
        collected C contract=K2 => declined ContractMismatch
        collected C contract=K1 terms=outright:9.3/kg => declined PriceMismatch
        collected C contract=K1 terms=outright:18.4/kg => declined PriceMismatch
        collected C contract=K1 net=151kg => declined QuantityExceeded, 150000 left
        collected D contract=K1 net=98kg on=2020-03-01 => bought 98000 for 901.60
        collected E contract=K1 net=53kg => declined QuantityExceeded, 52000 left
        collected E contract=K1 net=52kg on=2020-09-30 => bought 52000 for 478.40
        collected F contract=K1 net=1g => declined QuantityExceeded, 0 left
        owed => @D 901.60, @A 901.60, @E 478.40
        ",
    );
}

#[test]
fn what_is_consigned_under_a_contract_is_counted_too() {
    let mut market = Market::new(Manner::default());
    market.run("contract K2 terms=agreed:9.2/kg max=150kg");
    market.run("collected A contract=K2 terms=agreed:9.2/kg net=100kg");
    market.run("collected B contract=K2 terms=agreed:9.2/kg net=50kg");
    market.run("collected C terms=agreed:9.2/kg net=7kg");
    let contract = ContractId(market.id("K2"));
    assert_eq!(market.procurement.state.consigned(contract), Quantity(150_000));
}

#[test]
fn two_collections_of_one_commit_see_each_other() {
    check(
        "
        both collected A contract=K1 net=98kg & collected B contract=K1 net=98kg => bought 98000 for 901.60; declined QuantityExceeded, 52000 left
        both collected C contract=K1 net=26kg & collected D contract=K1 net=26kg => bought 26000 for 239.20; bought 26000 for 239.20
        ",
    );
}

#[test]
fn what_others_decide_is_owed() {
    check(
        "
        freight T1 amount=45 => 45.00 owed to CARR of 654201 for freight
        freight T2 amount=0 =>
        boughtin IN1 amount=20 => 20.00 owed to SUPP of 610102 for goods
        boughtin IN2 amount=30 at=D1 => 30.00 owed to SUPP of 610102 for goods
        owed to=CARR => @T1 45.00
        owed to=SUPP => @IN1 20.00, @IN2 30.00
        pay P1 to=SUPP => paid 50.00 in 610102: @IN1 20.00, @IN2 30.00
        owed to=SUPP =>
        ",
    );
}

#[test]
fn payouts_take_the_oldest_first_or_what_is_named() {
    check(
        "
        collected A net=10kg
        collected B net=20kg
        collected C net=30kg
        owed => @A 92.00, @B 184.00, @C 276.00
        pay P1 amount=100 => paid 100.00 in 654224202207: @A 92.00, @B 8.00
        owed => @B 176.00, @C 276.00
        pay P2 amount=300 items=@C,@B => paid 300.00 in 654224202207: @C 276.00, @B 24.00
        pay P3 items=@A => ! NOTHING_OWED
        pay P3 items=@A,@B => paid 152.00 in 654224202207: @B 152.00
        owed =>
        pay P4 => ! NOTHING_OWED
        pay P4 amount=1 => ! NOTHING_OWED
        ",
    );
}

#[test]
fn payouts_are_refused_beyond_what_is_owed_and_to_strangers() {
    check(
        "
        collected A net=10kg
        collected B net=10kg from=H2
        move H1 division=654224202208 on=2020-05-01
        join H1 on=2020-03-01
        leave H1 member=H1.2 on=2020-05-01
        pay P1 amount=92.01 => ! PAYOUT_EXCEEDS_OWED owed_fen=9200 amount_fen=9201
        pay P1 amount=100 items=@A => ! PAYOUT_EXCEEDS_OWED owed_fen=9200 amount_fen=10000
        pay P1 by=ABSENT => ! no such party
        pay P1 to=ABSENT => ! no such party
        pay P1 by=FIRM => ! NOTHING_OWED
        pay P1 to=CARR => ! NOTHING_OWED
        pay P1 items=@Z => ! no such payable
        pay P1 items=@B,@A,@A => ! payable_ids[0] OTHER_ACCOUNT, payable_ids[2] DUPLICATE
        pay P1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        pay P1 member=H2.0 => ! MEMBER_NOT_IN_HOUSEHOLD
        pay P1 member=H1.2 on=2020-02-29 => ! DATE_TOO_EARLY earliest=2020-03-01
        pay P1 member=H1.2 on=2020-05-01 => ! MEMBER_NOT_IN_HOUSEHOLD
        pay P1 member=H1.2 on=2020-04-30 amount=1 => paid 1.00 in 654224202207: @A 1.00
        pay P2 member=H1.0 on=2020-05-01 => paid 91.00 in 654224202208: @A 91.00
        freight T1 amount=45
        pay P3 to=CARR member=H1.0 => ! MEMBER_NOT_IN_HOUSEHOLD
        ",
    );
}

#[test]
fn a_failed_payout_restores_its_very_items() {
    check(
        "
        collected A net=10kg
        collected B net=20kg
        pay P1 amount=100 on=2020-04-02
        collected C net=30kg
        fail P1 on=2020-04-01 => ! DATE_TOO_EARLY earliest=2020-04-02
        fail P1 on=2021-01-01 => ! occasion.business_date DATE_IN_FUTURE
        fail P9 => ! no such payout
        fail P1 on=2020-04-02 => 100.00 did not arrive
        owed => @A 92.00, @B 184.00, @C 276.00
        fail P1 on=2020-04-03 => ! PAYOUT_ALREADY_FAILED
        pay P2 => paid 552.00 in 654224202207: @A 92.00, @B 184.00, @C 276.00
        owed =>
        fail P2 => 552.00 did not arrive
        owed => @A 92.00, @B 184.00, @C 276.00
        ",
    );
}

#[test]
fn a_payout_of_too_many_obligations_is_refused_and_can_be_split() {
    use std::fmt::Write as _;
    let mut script = String::new();
    // The largest of one day goes last.
    for index in 0..301 {
        writeln!(script, "freight T{index} amount={}", 1 + index / 300).unwrap();
    }
    script.push_str("pay P1 to=CARR => ! TOO_LARGE items_max=300\npay P1 to=CARR amount=303 => ! PAYOUT_EXCEEDS_OWED owed_fen=30200 amount_fen=30300\n");
    script.push_str("pay P1 to=CARR amount=300\npay P2 to=CARR => paid 2.00 in 654201: @T300 2.00\nfail P1 => 300.00 did not arrive");
    check(&script);
}

#[test]
fn a_payout_never_comes_to_more_than_an_amount_can_name() {
    check(
        "
        freight A amount=100000000000 on=2020-03-31
        freight B amount=0.01
        pay P1 to=CARR => ! amount_fen AMOUNT_TOO_LARGE
        pay P1 to=CARR amount=100000000000 => paid 100000000000.00 in 654201: @A 100000000000.00
        pay P2 to=CARR => paid 0.01 in 654201: @B 0.01
        ",
    );
}

#[test]
fn only_what_was_owed_by_the_day_is_paid_then() {
    check(
        "
        collected A net=10kg on=2020-04-10
        collected B net=20kg on=2020-04-20
        pay P1 on=2020-04-09 => ! DATE_TOO_EARLY earliest=2020-04-10
        pay P1 amount=100 on=2020-04-10 => ! PAYOUT_EXCEEDS_OWED owed_fen=9200 amount_fen=10000 earliest=2020-04-20
        pay P1 items=@A,@B on=2020-04-19 => ! DATE_TOO_EARLY earliest=2020-04-20
        pay P1 on=2020-04-19 => paid 92.00 in 654224202207: @A 92.00
        pay P2 on=2020-04-19 => ! DATE_TOO_EARLY earliest=2020-04-20
        fail P1 on=2020-04-25
        pay P2 on=2020-04-24 => paid 184.00 in 654224202207: @B 184.00
        pay P3 on=2020-04-24 => ! DATE_TOO_EARLY earliest=2020-04-25
        pay P3 items=@A on=2020-04-24 => ! DATE_TOO_EARLY earliest=2020-04-25
        pay P3 on=2020-04-25 => paid 92.00 in 654224202207: @A 92.00
        pay P4 on=2020-04-25 => ! NOTHING_OWED
        ",
    );
}

#[test]
fn the_oldest_debt_is_that_of_the_earliest_day_instant_and_number() {
    check(
        "
        collected LATE net=1kg on=2020-04-02
        collected N10 net=1kg number=10
        collected N9 net=1kg number=9
        collected NOON net=1kg hour=12 number=99
        collected FIRST net=1kg on=2020-03-31
        owed => @FIRST 9.20, @NOON 9.20, @N9 9.20, @N10 9.20, @LATE 9.20
        pay P1 amount=20 on=2020-04-02 => paid 20.00 in 654224202207: @FIRST 9.20, @NOON 9.20, @N9 1.60
        boughtin IN10 amount=20 number=10
        boughtin IN9 amount=20 number=9
        owed to=SUPP => @IN9 20.00, @IN10 20.00
        ",
    );
}
