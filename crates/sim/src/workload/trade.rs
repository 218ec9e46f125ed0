//! Goods and money go out: orders, issues, payments, settlements, payouts; and households change.

use loopledger_proto::common::v1 as common;
use loopledger_proto::distribution::v1 as d;
use loopledger_proto::distribution::v1::record_request::Command as AtSite;
use loopledger_proto::procurement::v1 as p;
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_proto::sales::v1 as s;
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_proto::station::v1 as st;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_types::{OrderId, Service};

use super::founding::{TOWN, URUMQI, VILLAGES};
use super::known::{Lot, Order};
use super::{Creates, Form, WorkItem, Workload, grams, per_kilogram};

impl Workload {
    pub(super) fn trade(&mut self) -> Option<WorkItem> {
        match self.dice.below(100) {
            0..26 => self.order(),
            26..31 => self.cancel(),
            31..55 => self.issue(),
            55..63 => self.payment(),
            63..66 => self.give_back(),
            66..78 => self.settle(),
            78..90 => self.pay(),
            90..93 => self.fail_payout(),
            93..95 => Some(self.household()),
            95..96 => self.contract(),
            _ => self.change(),
        }
    }

    fn order(&mut self) -> Option<WorkItem> {
        let first = self.one(|known| &known.lots)?;
        let more = self.one(|known| &known.lots).filter(|lot| lot.principal == first.principal);
        let goods: Vec<Lot> =
            if self.dice.chance(70) { vec![first] } else { [Some(first), more].into_iter().flatten().collect() };
        let mut order = Order { id: OrderId([0; 16]), lines: Vec::new() };
        let mut lines = Vec::new();
        for lot in goods {
            let quantity = self.dice.between(1, lot.quantity);
            lines.push(s::PlaceOrderLine {
                product_id: lot.product.to_string(),
                quantity: grams(quantity),
                price: per_kilogram(self.dice.between(1_500, 4_000)),
                place_id: lot.place.to_string(),
            });
            let holder =
                if self.known.stations.contains(&lot.place) { Service::Station } else { Service::Distribution };
            order.lines.push((holder, quantity));
        }
        let registered = self.dice.chance(20);
        let buyer = if registered { self.one(|known| &known.buyers) } else { None };
        let division =
            if buyer.is_some() { URUMQI } else { *self.dice.pick(&[VILLAGES[0], "654201", URUMQI, "610102"])? };
        let request = s::PlaceOrderRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            number: self.label(),
            channel_id: self.one(|known| &known.channels)?.to_string(),
            seller_id: first.principal.to_string(),
            buyer_id: buyer.map(|buyer| buyer.to_string()).unwrap_or_default(),
            buyer_division_code: division.to_owned(),
            lines,
            ..Default::default()
        };
        Some(WorkItem::new(Form::Sales(Sell::PlaceOrder(request)), Creates::Order(order)))
    }

    /// A line of a recent order, with its holder and quantity.
    fn line(&mut self) -> Option<(OrderId, u32, Service, i64)> {
        let recent = self.known.orders.iter().rev().take(12).cloned().collect::<Vec<_>>();
        let order = self.dice.pick(&recent)?;
        let numbered: Vec<_> = (0_u32..).zip(&order.lines).collect();
        let (line, (holder, quantity)) = *self.dice.pick(&numbered)?;
        Some((order.id, line, *holder, *quantity))
    }

    fn cancel(&mut self) -> Option<WorkItem> {
        let (order, line, ..) = self.line()?;
        let request = s::CancelOrderLineRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            order_id: order.to_string(),
            line,
            ..Default::default()
        };
        Some(WorkItem::new(Form::Sales(Sell::CancelOrderLine(request)), Creates::Nothing))
    }

    /// At about the weight that was ordered.
    fn issue(&mut self) -> Option<WorkItem> {
        let (order, line, holder, asked) = self.line()?;
        let quantity =
            if self.dice.chance(50) { asked } else { self.dice.between(asked * 4 / 5, asked * 6 / 5).max(1) };
        let (request_id, order_id, quantity) = (self.id(), order.to_string(), grams(quantity));
        let (occasion, after) = (self.occasion(TOWN), Vec::new());
        let form = if holder == Service::Station {
            Form::Station(AtStation::IssueGoods(st::IssueGoodsRequest {
                request_id,
                after,
                occasion,
                order_id,
                line,
                quantity,
                county_code: String::new(),
            }))
        } else {
            Form::Distribution(AtSite::IssueGoods(d::IssueGoodsRequest {
                request_id,
                after,
                occasion,
                order_id,
                line,
                quantity,
                county_code: String::new(),
            }))
        };
        Some(WorkItem::new(form, Creates::Nothing))
    }

    fn payment(&mut self) -> Option<WorkItem> {
        let (order, ..) = self.line()?;
        let request = s::RecordPaymentRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            order_id: order.to_string(),
            amount_fen: self.dice.between(1, 40_000),
            method: common::PaymentMethod::Mobile.into(),
            ..Default::default()
        };
        Some(WorkItem::new(Form::Sales(Sell::RecordPayment(request)), Creates::Nothing))
    }

    fn give_back(&mut self) -> Option<WorkItem> {
        let (order, ..) = self.line()?;
        let request = s::ReturnPrepaymentRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            order_id: order.to_string(),
            amount_fen: self.dice.between(1, 200),
            method: common::PaymentMethod::Mobile.into(),
            ..Default::default()
        };
        Some(WorkItem::new(Form::Sales(Sell::ReturnPrepayment(request)), Creates::Nothing))
    }

    fn settle(&mut self) -> Option<WorkItem> {
        let consigned: Vec<Lot> = self.known.lots.iter().copied().filter(|lot| lot.consigned).collect();
        let first = *self.dice.pick(&consigned)?;
        let mut lots = vec![first.id];
        lots.extend(consigned.iter().filter(|lot| lot.principal == first.principal).map(|lot| lot.id).take(3));
        lots.sort_unstable();
        lots.dedup();
        let charged = self.dice.chance(20);
        let charge = |kind: common::ChargeKind| s::Charge { kind: kind.into(), amount_fen: 3 };
        let lots = lots.into_iter().map(|lot| s::SettleLot {
            lot_id: lot.to_string(),
            charges: if charged { vec![charge(common::ChargeKind::Platform)] } else { Vec::new() },
        });
        let request = s::SettleConsignmentRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            consignee_id: first.principal.to_string(),
            lots: if self.dice.chance(60) { lots.take(1).collect() } else { lots.collect() },
            ..Default::default()
        };
        Some(WorkItem::new(Form::Sales(Sell::SettleConsignment(request)), Creates::Nothing))
    }

    fn pay(&mut self) -> Option<WorkItem> {
        let household = self.one(|known| &known.households)?.id;
        let (carrier, supplier) = (self.one(|known| &known.carriers)?, self.one(|known| &known.suppliers)?);
        let payee = *self.dice.pick(&[household, household, household, household, carrier, supplier])?;
        let amount_fen = self.dice.chance(40).then(|| self.dice.between(1, 20_000));
        let request = p::MakePayoutRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            payer_id: self.one(|known| &known.traders)?.to_string(),
            payee_id: payee.to_string(),
            amount_fen,
            method: common::PaymentMethod::BankTransfer.into(),
            ..Default::default()
        };
        Some(WorkItem::new(Form::Procurement(Procure::MakePayout(request)), Creates::Payout))
    }

    fn fail_payout(&mut self) -> Option<WorkItem> {
        let payout = self.one(|known| &known.payouts)?;
        let request = p::FailPayoutRequest {
            request_id: self.id(),
            occasion: self.occasion(TOWN),
            payout_id: payout.to_string(),
            reason: "account closed".to_owned(),
            ..Default::default()
        };
        Some(WorkItem::new(Form::Procurement(Procure::FailPayout(request)), Creates::Nothing))
    }

    /// A household changes.
    fn change(&mut self) -> Option<WorkItem> {
        let household_id = self.one(|known| &known.households)?.id.to_string();
        let (request_id, occasion) = (self.id(), self.occasion(VILLAGES[2]));
        let form = match self.dice.below(3) {
            0 => Procure::ChangeHouseholdCategory(p::ChangeHouseholdCategoryRequest {
                request_id,
                occasion,
                household_id,
                category: common::HouseholdCategory::Exited.into(),
                ..Default::default()
            }),
            1 => Procure::AddHouseholdMember(p::AddHouseholdMemberRequest {
                request_id,
                occasion,
                household_id,
                relation: common::Relation::Child.into(),
                ..Default::default()
            }),
            _ => Procure::RelocateHousehold(p::RelocateHouseholdRequest {
                request_id,
                occasion,
                household_id,
                division_code: VILLAGES[2].to_owned(),
                ..Default::default()
            }),
        };
        Some(WorkItem::new(Form::Procurement(form), Creates::Nothing))
    }
}
