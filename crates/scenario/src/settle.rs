//! The last Sunday of a month: consigned goods are settled, all payables are paid; in autumn, households are reviewed.

use loopledger_proto::common::v1::{HouseholdCategory, PaymentMethod, Relation};
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_proto::procurement::v1::{
    AddHouseholdMemberRequest, ChangeHouseholdCategoryRequest, FailPayoutRequest, MakePayoutRequest,
};
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_proto::sales::v1::{SettleConsignmentRequest, SettleLot};
use loopledger_types::{DivisionCode, PartyId, PayoutId, Service};

use super::script::stream;
use super::year::Year;

/// Lots in one settlement.
const LOTS_PER_SETTLEMENT: usize = 40;

impl Year {
    /// Settles every consigned lot that was sold since the last time.
    pub(crate) fn settle(&mut self) {
        for (consignee, lots) in std::mem::take(&mut self.sold) {
            let lots: Vec<_> = lots.into_iter().collect();
            for chunk in lots.chunks(LOTS_PER_SETTLEMENT) {
                let request = self.script.request();
                let command = SettleConsignmentRequest {
                    request_id: request.to_string(),
                    after: Vec::new(),
                    occasion: self.script.occasion(county()),
                    consignee_id: consignee.to_string(),
                    lots: chunk.iter().map(|lot| SettleLot { lot_id: lot.to_string(), charges: Vec::new() }).collect(),
                    county_code: String::new(),
                };
                self.script.sales(Sell::SettleConsignment(command));
            }
            for lot in lots {
                if let Some((_, producer)) = self.consigned.get(&lot) {
                    self.owed.insert((consignee, *producer));
                }
            }
        }
        self.script.barrier();
    }

    /// Pays out all that is owed; one payout in a hundred does not arrive and is made again.
    pub(crate) fn pay_out(&mut self) {
        for (payer, payee) in std::mem::take(&mut self.owed) {
            self.pay_out_one(payer, payee);
        }
        self.script.barrier();
    }

    /// In a large county a carrier's month has more obligations than one payout can name.
    pub(crate) fn pay_out_businesses(&mut self) {
        let (carrier, supplier) = (self.world.carrier, self.world.supplier);
        let due: Vec<_> =
            self.owed.iter().copied().filter(|(_, payee)| *payee == carrier || *payee == supplier).collect();
        for (payer, payee) in due {
            self.owed.remove(&(payer, payee));
            self.pay_out_one(payer, payee);
        }
        self.script.barrier();
    }

    fn pay_out_one(&mut self, payer: PartyId, payee: PartyId) {
        let household = self.world.households.iter().find(|household| household.id == payee);
        let (division, received_by) =
            household.map_or((county(), String::new()), |household| (household.division, household.head.to_string()));
        let is_household = household.is_some();
        let payout = self.make_payout(payer, payee, division, &received_by);
        if is_household && self.script.dice.chance(1) {
            let request = self.script.request();
            let command = FailPayoutRequest {
                request_id: request.to_string(),
                after: Vec::new(),
                occasion: self.script.occasion(division),
                payout_id: payout.to_string(),
                reason: "账户信息有误,银行退回".to_owned(),
                county_code: String::new(),
            };
            self.script.procurement(Procure::FailPayout(command));
            self.make_payout(payer, payee, division, &received_by);
        }
    }

    fn make_payout(&mut self, payer: PartyId, payee: PartyId, division: DivisionCode, received_by: &str) -> PayoutId {
        let request = self.script.request();
        let method = if received_by.is_empty() || self.script.dice.chance(80) {
            PaymentMethod::BankTransfer
        } else {
            PaymentMethod::Cash
        };
        let command = MakePayoutRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: self.script.occasion(division),
            payer_id: payer.to_string(),
            payee_id: payee.to_string(),
            amount_fen: None,
            payable_ids: Vec::new(),
            method: method.into(),
            proof_hash: Vec::new(),
            received_by: received_by.to_owned(),
            county_code: String::new(),
        };
        self.script.procurement(Procure::MakePayout(command));
        PayoutId::derive(request, stream(Service::Procurement), 0)
    }

    /// The yearly review: some households leave poverty, some grow.
    pub(crate) fn review_households(&mut self) {
        for household in self.world.households.clone() {
            if self.script.dice.chance(6) {
                let request = self.script.request();
                let command = ChangeHouseholdCategoryRequest {
                    request_id: request.to_string(),
                    after: Vec::new(),
                    occasion: self.script.occasion(household.division),
                    household_id: household.id.to_string(),
                    category: HouseholdCategory::Exited.into(),
                    county_code: String::new(),
                };
                self.script.procurement(Procure::ChangeHouseholdCategory(command));
            }
            if self.script.dice.chance(3) {
                let request = self.script.request();
                let command = AddHouseholdMemberRequest {
                    request_id: request.to_string(),
                    after: Vec::new(),
                    occasion: self.script.occasion(household.division),
                    household_id: household.id.to_string(),
                    relation: Relation::Child.into(),
                    county_code: String::new(),
                };
                self.script.procurement(Procure::AddHouseholdMember(command));
            }
        }
        self.script.barrier();
    }
}

fn county() -> DivisionCode {
    DivisionCode::parse("654224").expect("the county's code is well formed")
}
