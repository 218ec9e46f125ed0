//! Set-up: parties, products and places, before the first delivery.

use loopledger_proto::common::v1 as common;
use loopledger_proto::distribution::v1::record_request::Command as AtSite;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_proto::{distribution as d, procurement as p, sales as s, station as st};

use super::known::Contract;
use super::{Creates, Form, WorkItem, Workload, grams, per_kilogram};

pub(super) const VILLAGES: [&str; 3] = ["654224202207", "654224202208", "654224100001"];
pub(super) const TOWN: &str = "654224";
pub(super) const URUMQI: &str = "650102";

impl Workload {
    /// Rounds of items, each resting on the ones before.
    pub(crate) fn found(&mut self, round: usize) -> Vec<WorkItem> {
        let mut items = match round {
            0 => self.parties(),
            1 => self.places(),
            2 => (0..4).filter_map(|_| self.contract()).collect(),
            _ => return Vec::new(),
        };
        // Nothing goes wrong in the founding but what the faults do.
        let after = self.heads();
        for item in &mut items {
            item.command.set_after(after.clone());
        }
        items
    }

    fn parties(&mut self) -> Vec<WorkItem> {
        use common::PartyKind as Kind;
        let mut items = vec![
            self.party(Kind::Cooperative, "654224202", Creates::Trader),
            self.party(Kind::Firm, TOWN, Creates::Trader),
            self.party(Kind::Carrier, TOWN, Creates::Carrier),
            self.party(Kind::Supplier, URUMQI, Creates::Supplier),
            self.party(Kind::Buyer, URUMQI, Creates::Buyer),
        ];
        items.extend((0..5).map(|_| self.household()));
        items.extend(["chickpea", "safflower"].map(|code| self.product(code)));
        items
    }

    fn party(&mut self, kind: common::PartyKind, division: &str, creates: Creates) -> WorkItem {
        let request = p::v1::RegisterPartyRequest {
            request_id: self.id(),
            occasion: Self::founding(division),
            kind: kind.into(),
            division_code: division.to_owned(),
            label: self.label(),
            ..Default::default()
        };
        WorkItem::new(Form::Procurement(Procure::RegisterParty(request)), creates)
    }

    pub(super) fn household(&mut self) -> WorkItem {
        use common::Relation as R;
        let village = *self.dice.pick(&VILLAGES).expect("there are villages");
        let members = [R::Head, R::Spouse, R::Child].into_iter().take(1 + usize::from(self.dice.chance(70)));
        let request = p::v1::RegisterHouseholdRequest {
            request_id: self.id(),
            occasion: Self::founding(village),
            division_code: village.to_owned(),
            category: common::HouseholdCategory::RegisteredPoor.into(),
            members: members.map(Into::into).collect(),
            ..Default::default()
        };
        WorkItem::new(Form::Procurement(Procure::RegisterHousehold(request)), Creates::Household)
    }

    fn product(&mut self, code: &str) -> WorkItem {
        let request = p::v1::RegisterProductRequest {
            request_id: self.id(),
            occasion: Self::founding(TOWN),
            code: code.to_owned(),
            name: code.to_owned(),
            product_class: common::ProductClass::Speciality.into(),
            base_unit: common::BaseUnit::Gram.into(),
            ..Default::default()
        };
        WorkItem::new(Form::Procurement(Procure::RegisterProduct(request)), Creates::Product)
    }

    fn places(&mut self) -> Vec<WorkItem> {
        let mut items = Vec::new();
        let operator = self.known.traders.first().map(ToString::to_string).unwrap_or_default();
        for village in [VILLAGES[0], VILLAGES[1]] {
            let request = st::v1::OpenStationRequest {
                request_id: self.id(),
                occasion: Self::founding(village),
                kind: common::PlaceKind::Station.into(),
                division_code: village.to_owned(),
                operator_id: operator.clone(),
                label: self.label(),
                ..Default::default()
            };
            items.push(WorkItem::new(Form::Station(AtStation::OpenStation(request)), Creates::Station));
        }
        for (kind, division) in [(common::PlaceKind::CountyCentre, TOWN), (common::PlaceKind::Outlet, URUMQI)] {
            let request = d::v1::OpenSiteRequest {
                request_id: self.id(),
                occasion: Self::founding(division),
                kind: kind.into(),
                division_code: division.to_owned(),
                operator_id: operator.clone(),
                label: self.label(),
                ..Default::default()
            };
            items.push(WorkItem::new(Form::Distribution(AtSite::OpenSite(request)), Creates::Site));
        }
        let request = s::v1::OpenChannelRequest {
            request_id: self.id(),
            occasion: Self::founding(TOWN),
            medium: common::Medium::Online.into(),
            operator_id: operator,
            label: self.label(),
            ..Default::default()
        };
        items.push(WorkItem::new(Form::Sales(Sell::OpenChannel(request)), Creates::Channel));
        items
    }

    /// A linkage contract; some take only so much.
    pub(super) fn contract(&mut self) -> Option<WorkItem> {
        let (household, station) = (self.one(|known| &known.households)?.id, self.one(|known| &known.stations)?);
        let (product, firm) = (self.one(|known| &known.products)?, self.one(|known| &known.traders)?);
        let request = p::v1::ContractLinkageRequest {
            request_id: self.id(),
            occasion: Self::founding(TOWN),
            firm_id: firm.to_string(),
            station_id: station.to_string(),
            producer_id: household.to_string(),
            product_id: product.to_string(),
            terms: self.terms(),
            valid_from: "2026-04-01".to_owned(),
            valid_to: if self.dice.chance(80) { "2026-12-31" } else { "2026-06-30" }.to_owned(),
            quantity_max: if self.dice.chance(50) { grams(self.dice.between(20_000, 90_000)) } else { None },
            ..Default::default()
        };
        // Its id follows from the request.
        let id = loopledger_types::ContractId([0; 16]);
        let creates = Creates::Contract(Contract { id, household, station, product, firm });
        Some(WorkItem::new(Form::Procurement(Procure::ContractLinkage(request)), creates))
    }

    /// One of the three modes.
    #[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
    pub(super) fn terms(&mut self) -> Option<common::ContractTerms> {
        use common::contract_terms::Terms;
        let price = per_kilogram(self.dice.between(1, 2_000));
        let terms = match self.dice.below(3) {
            0 => Terms::Outright(common::OutrightTerms { price }),
            1 => Terms::AgreedPrice(common::AgreedPriceTerms { price }),
            _ => {
                let commission_bp = u32::try_from(self.dice.below(1_500)).unwrap_or(0);
                Terms::Commission(common::CommissionTerms { commission_bp, price_basis: price })
            }
        };
        Some(common::ContractTerms { terms: Some(terms) })
    }
}
