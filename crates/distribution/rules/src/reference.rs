//! What distribution needs to know of producers' goods and households before they come to a site.

use loopledger_facts::Age;
use loopledger_facts::procurement::HouseholdRegistered;
use loopledger_facts::station::GoodsCollected;
use loopledger_rules::stock::{note_household, note_lot};
use loopledger_rules::{ApplyUpstream, Missing, State};

use crate::Distribution;

impl ApplyUpstream<Distribution> for HouseholdRegistered {
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn apply_upstream(&self, state: &mut State<Distribution>) {
        note_household(state, self);
    }
}

/// How old the lot is, should it come here.
impl ApplyUpstream<Distribution> for GoodsCollected {
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn apply_upstream(&self, state: &mut State<Distribution>) {
        note_lot(state, self.lot, Age::new(&self.occasion, &self.receipt_number));
    }
}
