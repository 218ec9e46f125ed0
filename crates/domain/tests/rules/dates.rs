//! Nothing is dated before what it rests on: every command is refused with the earliest possible day, and every reaction
//! that can refuse declines.

use std::collections::BTreeSet;

use crate::{holders, market};

macro_rules! every_command {
    ($($service:ident { $($command:ident),* $(,)? })*) => {
        // A command that is missing here does not compile.
        $(const _: fn(&loopledger_domain::$service::Command) = |command| match command {
            $(loopledger_domain::$service::Command::$command(_) => {})*
        };)*

        /// Every command there is.
        const COMMANDS: &[&str] = &[$($(concat!(stringify!($service), " ", stringify!($command)),)*)*];
    };
}

every_command! {
    procurement {
        RegisterHousehold, ChangeHouseholdCategory, AddHouseholdMember, RemoveHouseholdMember, RelocateHousehold,
        RegisterParty, RegisterProduct, ContractLinkage, MakePayout, FailPayout,
    }
    station { OpenStation, CollectGoods, HandOverGoods, BuyInGoods, IssueGoods, InspectGoods }
    distribution { OpenSite, DispatchShipment, ReceiveShipment, BuyInGoods, IssueGoods }
    sales { OpenChannel, PlaceOrder, CancelOrderLine, RecordPayment, ReturnPrepayment, SettleConsignment }
}

/// These begin something, and rest on nothing else.
const REST_ON_NOTHING: [&str; 3] =
    ["procurement RegisterHousehold", "procurement RegisterParty", "procurement RegisterProduct"];

/// What there is from June on.
const JUNE_HOLDERS: &str = "
    household HJ on=2020-06-01
    party FIRMJ on=2020-06-01
    party CARRJ on=2020-06-01
    party SUPPJ on=2020-06-01
    product hay unit=1g on=2020-06-01
    open SJ on=2020-06-01
    site DJ on=2020-06-01
    contract KJ terms=outright:FIRMJ:9.2/kg
";

const JUNE_MARKET: &str = "
    household HJ on=2020-06-01
    party FIRMJ on=2020-06-01
    party CARRJ on=2020-06-01
    party BUYERJ on=2020-06-01 division=610102
    product hay on=2020-06-01
    station SJ on=2020-06-01
    site DJ on=2020-06-01
    channel CHJ on=2020-06-01
";

/// Each line is refused on the last day of May for the first of June, and passes then.
const HOLDERS: &str = "
    open S9 operator=FIRMJ
    site D9 operator=FIRMJ
    collect A at=SJ
    collect A from=HJ
    collect A product=hay
    collect A terms=outright:FIRMJ:9.2/kg
    collect A terms=contract:KJ
    buyin A at=SJ
    buyin A at=DJ
    buyin A at=S1 owner=FIRMJ
    buyin A at=D1 supplier=SUPPJ
    buyin A at=D1 product=hay
    hand X to=DJ lines=pea:1g
    hand X carrier=CARRJ lines=pea:1g
    dispatch X to=SJ lines=pea:1g
    dispatch X carrier=CARRJ lines=pea:1g
    receive AWAY at=D2
    inspect JUNE
    issue ATS1/0 quantity=1kg
    issue ATD1/0 at=D1 quantity=1kg
";

const MARKET: &str = "
    category HJ
    join HJ
    leave H1 member=H1.2
    move HJ
    contract K9 firm=FIRMJ
    contract K9 from=HJ
    contract K9 at=SJ
    contract K9 product=hay
    pay P9
    pay P9 by=FIRM items=@JUNE
    pay P9 by=FIRM to=HJ
    fail PJ
    channel C9 operator=FIRMJ
    order O9 channel=CHJ
    order O9 seller=FIRMJ
    order O9 buyer=BUYERJ
    order O9 lines=SJ:pea:10kg:14.8/kg
    order O9 lines=S1:hay:10kg:14.8/kg
    cancel OJ/0
    payment OJ
    settle N9 lots=L1 consignee=COOP
";

#[test]
fn every_command_is_refused_before_what_it_rests_on_and_passes_on_the_day() {
    let mut seen: BTreeSet<String> = REST_ON_NOTHING.iter().map(|name| (*name).to_owned()).collect();
    let script = |setting: &str, line: &str| {
        format!("{setting}\n{line} on=2020-05-31 => ! DATE_TOO_EARLY earliest=2020-06-01\n{line} on=2020-06-01\n")
    };
    let lines = |text: &'static str| text.lines().map(str::trim).filter(|line| !line.is_empty());
    let setting = format!(
        "{JUNE_HOLDERS}
        buyin IN at=S1 quantity=100kg
        buyin INTO at=D1 quantity=100kg
        buyin JUNE at=S1 quantity=1kg on=2020-06-01
        dispatch AWAY to=D2 lines=pea:1kg on=2020-06-01
        order ATS1 lines=S1:pea:1kg on=2020-06-01
        order ATD1 lines=D1:pea:1kg on=2020-06-01"
    );
    for line in lines(HOLDERS) {
        let world = holders::check(&script(&setting, line));
        seen.extend(world.station.too_early);
        seen.extend(world.distribution.too_early);
    }
    let setting = format!(
        "{JUNE_MARKET}
        join H1 on=2020-06-01
        collected DEBT on=2020-06-01
        collected JUNE with=FIRM on=2020-06-01
        collected OLD with=FIRM from=H2
        pay PJ by=FIRM to=H2 on=2020-06-01
        collected HJDEBT with=FIRM from=HJ on=2020-06-01
        order OJ on=2020-06-01
        collected L1 terms=commission:500
        order SOLD
        issued SOLD/0 of=L1:10kg on=2020-06-01"
    );
    for line in lines(MARKET) {
        let market = market::check(&script(&setting, line));
        seen.extend(market.procurement.too_early);
        seen.extend(market.sales.too_early);
    }
    // What was paid ahead goes back when the order has no use for it any more.
    let market = market::check(
        "
        order O1
        payment O1 amount=148 on=2020-04-02
        cancel O1/0 on=2020-04-03
        released O1/0 on=2020-04-05
        return O1 amount=148 on=2020-03-31 => ! DATE_TOO_EARLY earliest=2020-04-01
        return O1 amount=148 on=2020-04-01 => ! PREPAYMENT_EXCEEDED returnable_fen=0 amount_fen=14800 earliest=2020-04-05
        return O1 amount=148 on=2020-04-04 => ! PREPAYMENT_EXCEEDED returnable_fen=0 amount_fen=14800 earliest=2020-04-05
        return O1 amount=148 on=2020-04-05 => 148.00 given back
        ",
    );
    seen.extend(market.sales.too_early);
    let all: BTreeSet<String> = COMMANDS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, all, "a command has no line in this table");
}

#[test]
fn a_fact_may_be_recorded_late() {
    holders::check(
        "
        household H9 on=2020-02-01
        collect A from=H9 on=2020-02-01
        accept A on=2020-02-01 => released A:100000
        hand X lines=pea:100kg on=2020-02-02
        receive X on=2020-02-02 => received A:100000=100000+0+0
        ",
    );
}

#[test]
fn the_earliest_day_is_that_of_the_latest_thing_it_rests_on() {
    holders::check(
        "
        household H9 on=2020-05-01
        open S9 on=2020-07-01
        party FIRM9 on=2020-06-01
        collect A at=S9 from=H9 terms=outright:FIRM9:9/kg on=2020-04-30 => ! DATE_TOO_EARLY earliest=2020-07-01
        ",
    );
}

#[test]
fn reactions_that_can_refuse_decline_what_is_dated_before_what_it_rests_on() {
    // No correct upstream asks for such a thing: it would have refused it itself.
    holders::check(
        "
        site D9 on=2020-06-01
        buyin A at=D1
        order O1 lines=D9:pea:1kg on=2020-05-31 => refused 0 DateTooEarly 0 of 1000, from 2020-06-01
        ",
    );
    market::check(
        "
        household H9 on=2020-06-01
        party FIRM9 on=2020-06-01
        collected A from=H9 on=2020-05-31 => declined DateTooEarly
        collected B with=FIRM9 on=2020-05-31 => declined DateTooEarly
        collected C with=FIRM9 from=H9 on=2020-06-01 => bought 98000 for 901.60
        ",
    );
}
