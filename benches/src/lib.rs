//! The records that benches run on: the demo's own business, at the size asked for.

use loopledger_domain::Decider;
use loopledger_domain::distribution::Distribution;
use loopledger_domain::procurement::Procurement;
use loopledger_domain::sales::Sales;
use loopledger_domain::station::Station;
use loopledger_ledger::Concerns;
use loopledger_scenario::{DEMO_WEEKS, play};
use loopledger_testkit::County;
use loopledger_types::Service;

/// Who answers what, as in production.
pub const CONCERNS: Concerns =
    Concerns([Procurement::concerns, Station::concerns, Distribution::concerns, Sales::concerns]);

/// Every record of the demo with `households`, in the order in which it was made.
pub fn demo_records(households: u32) -> Vec<(Service, Vec<u8>)> {
    let mut county = County::new();
    for line in play(2020, households, DEMO_WEEKS) {
        if let Some(Err(refused)) = county.record(line) {
            panic!("the demo refuses nothing: {refused:?}");
        }
    }
    county.take_records()
}
