//! Lines of text as commands of procurement and sales.

use loopledger_domain::{
    Charge, ChargeKind, HouseholdCategory, Medium, PaymentMethod, ProductClass, procurement, sales,
};
use loopledger_types::{ChannelId, LotId, MemberId, OrderId, PayableId, PayoutId};

use super::{Market, fen, relation, terms};
use crate::words::{Line, day, division, kind_of, measure, price};

impl Market {
    pub(super) fn procurement_command(&self, line: &Line<'_>) -> procurement::Command {
        use procurement::Command as C;
        let occasion = line.occasion();
        let household = self.party(line.name).id;
        let village = division(line.get("division", "654224202207"));
        match line.operation {
            "household" => C::RegisterHousehold(procurement::RegisterHousehold {
                occasion,
                division: village,
                category: HouseholdCategory::RegisteredPoor,
                members: line.get("members", "head").split(',').map(relation).collect(),
            }),
            "category" => C::ChangeHouseholdCategory(procurement::ChangeHouseholdCategory {
                occasion,
                household,
                category: HouseholdCategory::Exited,
            }),
            "join" => C::AddHouseholdMember(procurement::AddHouseholdMember {
                occasion,
                household,
                relation: relation(line.get("as", "child")),
            }),
            "leave" => C::RemoveHouseholdMember(procurement::RemoveHouseholdMember {
                occasion,
                household,
                member: MemberId(self.id(line.get("member", "H1.1"))),
            }),
            "move" => C::RelocateHousehold(procurement::RelocateHousehold { occasion, household, division: village }),
            "party" => C::RegisterParty(procurement::RegisterParty {
                occasion,
                kind: kind_of(line.name),
                division: division(line.get("division", "654224")),
                label: line.name.into(),
            }),
            "product" => C::RegisterProduct(procurement::RegisterProduct {
                occasion,
                code: line.get("code", line.name).into(),
                name: line.name.into(),
                class: ProductClass::Speciality,
                base: measure(line.get("unit", "1g")).base,
            }),
            "contract" => C::ContractLinkage(procurement::ContractLinkage {
                occasion,
                firm: self.party(line.get("firm", "COOP")).id,
                station: self.place(line.get("at", "S1")),
                producer: self.party(line.get("from", "H1")).id,
                product: self.product(line.get("product", "pea")),
                terms: terms(line.get("terms", "outright:9.2/kg")),
                valid_from: day(line.get("first", "2020-03-01")),
                valid_to: day(line.get("last", "2020-09-30")),
                quantity_max: line.find("max").map(measure),
            }),
            "pay" => C::MakePayout(procurement::MakePayout {
                occasion,
                payer: self.party(line.get("by", "COOP")).id,
                payee: self.party(line.get("to", "H1")).id,
                amount: line.find("amount").map(fen),
                payables: line.list("items").map(|name| PayableId(self.id(name))).collect(),
                method: PaymentMethod::Cash,
                proof_hash: None,
                received_by: line.find("member").map(|name| MemberId(self.id(name))),
            }),
            "fail" => C::FailPayout(procurement::FailPayout {
                occasion,
                payout: PayoutId(self.id(line.name)),
                reason: "account closed".into(),
            }),
            other => panic!("no such operation: {other}"),
        }
    }

    pub(super) fn sales_command(&self, line: &Line<'_>) -> sales::Command {
        use sales::Command as C;
        let occasion = line.occasion();
        let (order, amount) = (OrderId(self.id(line.name)), fen(line.get("amount", "1")));
        let method = PaymentMethod::Mobile;
        match line.operation {
            "channel" => C::OpenChannel(sales::OpenChannel {
                occasion,
                medium: Medium::Online,
                operator: self.party(line.get("operator", "COOP")).id,
                label: line.name.into(),
            }),
            "order" => C::PlaceOrder(sales::PlaceOrder {
                occasion,
                number: line.get("number", line.name).replace('_', " "),
                same_number_as: line.find("as").map(|name| OrderId(self.id(name))),
                channel: ChannelId(self.id(line.get("channel", "CH"))),
                seller: self.party(line.get("seller", "COOP")).id,
                buyer: line.find("buyer").map(|name| self.party(name).id),
                buyer_division: division(line.get("division", "610102")),
                lines: line.get("lines", "S1:pea:10kg:14.8/kg").split(',').map(|text| self.order_line(text)).collect(),
            }),
            "cancel" => {
                let (order, index) = self.line_of(line.name);
                C::CancelOrderLine(sales::CancelOrderLine { occasion, order, line: index })
            }
            "payment" => C::RecordPayment(sales::RecordPayment { occasion, order, amount, method }),
            "return" => C::ReturnPrepayment(sales::ReturnPrepayment { occasion, order, amount, method }),
            "settle" => C::SettleConsignment(sales::SettleConsignment {
                occasion,
                consignee: self.party(line.get("consignee", "COOP")).id,
                lots: line.list("lots").map(|text| self.settle_lot(text)).collect(),
            }),
            other => panic!("no such operation: {other}"),
        }
    }

    /// `place:product:quantity:price`
    pub(super) fn order_line(&self, text: &str) -> sales::PlaceOrderLine {
        let parts: Vec<&str> = text.split(':').collect();
        sales::PlaceOrderLine {
            place: self.place(parts[0]),
            product: self.product(parts[1]),
            quantity: measure(parts[2]),
            price: price(parts[3]),
        }
    }

    /// `lot`, or `lot:freight`, or `lot:freight:platform`, in yuan.
    pub(super) fn settle_lot(&self, text: &str) -> sales::SettleLot {
        let mut parts = text.split(':');
        let lot = LotId(self.id(parts.next().unwrap()));
        let kinds = [ChargeKind::Freight, ChargeKind::Platform];
        let charges = kinds.into_iter().zip(parts).map(|(kind, amount)| Charge { kind, amount: fen(amount) }).collect();
        sales::SettleLot { lot, charges }
    }
}
