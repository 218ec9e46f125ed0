//! Lines of text as facts of procurement and sales.

use loopledger_domain::procurement::{self, DeclineReason, MemberSince};
use loopledger_domain::sales::{CancellationRequested, OrderLine, OrderPlaced};
use loopledger_domain::{
    BuyerRef, Direction, Medium, PartyKind, PartyRef, ProductClass, Relation, SettlementMode, StockLine, Title,
    distribution, sales, station,
};
use loopledger_types::{
    ChannelId, ContractId, LotId, MemberId, Money, OrderId, PayableId, ProductId, Quantity, ReceiptId, Scope,
    ShipmentId,
};

use super::World;
use crate::words::{self, Line, day, division, measure, price};

impl World {
    pub(super) fn sales(&self, line: &Line<'_>) -> sales::Event {
        let place_line = |item: &str| {
            let parts: Vec<&str> = item.split(':').collect();
            OrderLine {
                place: self.place(parts[0]),
                holder: line.find("holder").map_or_else(|| self.holder(parts[0]), words::service),
                product: ProductId(self.id(parts[1])),
                quantity: measure(parts[2]).quantity,
                price: price(parts.get(3).unwrap_or(&"14.8/kg")),
                amount: Money(1),
            }
        };
        if line.operation == "cancel" {
            let (order, index) = words::order_line(line.name);
            let place = line.get("at", "S1");
            return sales::Event::CancellationRequested(CancellationRequested {
                occasion: line.occasion(),
                order,
                line: index,
                place: self.place(place),
                holder: self.holder(place),
            });
        }
        sales::Event::OrderPlaced(OrderPlaced {
            occasion: line.occasion(),
            order: OrderId(self.id(line.name)),
            number: line.name.into(),
            channel: ChannelId(words::id("channel")),
            medium: Medium::Online,
            seller: self.party(line.get("seller", "COOP")),
            buyer: BuyerRef { party: None, division: division("654224"), scope: Scope::County },
            lines: line.list("lines").map(place_line).collect(),
            same_number_as: None,
        })
    }

    pub(super) fn procurement(&self, line: &Line<'_>) -> procurement::Event {
        use procurement::Event as E;
        let occasion = line.occasion();
        let household = self.party(line.name).id;
        let member = |name: &str| MemberSince {
            member: MemberId(words::id(name)),
            relation: Relation::Other,
            from: occasion.business_date,
        };
        let division = division(line.get("division", "654224202207"));
        match line.operation {
            "household" => E::HouseholdRegistered(procurement::HouseholdRegistered {
                occasion,
                household,
                division,
                category: loopledger_domain::HouseholdCategory::General,
                from: occasion.business_date,
                members: line.list("members").map(member).collect(),
            }),
            "party" => E::PartyRegistered(procurement::PartyRegistered {
                occasion,
                party: self.party(line.name),
                division,
                label: line.name.into(),
            }),
            "product" => E::ProductRegistered(procurement::ProductRegistered {
                occasion,
                product: ProductId(words::id(line.name)),
                code: line.name.into(),
                name: line.name.into(),
                class: ProductClass::Speciality,
                base: measure(line.get("unit", "1g")).base,
            }),
            "joins" => E::MemberJoined(procurement::MemberJoined {
                occasion,
                household,
                member: member(line.get("member", "M2")),
            }),
            "leaves" => E::MemberLeft(procurement::MemberLeft {
                occasion,
                household,
                member: MemberId(words::id(line.get("member", "M2"))),
                from: occasion.business_date,
            }),
            "moves" => E::HouseholdRelocated(procurement::HouseholdRelocated {
                occasion,
                household,
                division,
                from: occasion.business_date,
            }),
            "contract" => E::LinkageContracted(self.contract(line)),
            "accept" | "decline" => self.answer(line),
            other => panic!("no such operation: {other}"),
        }
    }

    pub(super) fn contract(&self, line: &Line<'_>) -> procurement::LinkageContracted {
        let station::CollectTerms::Stated { principal, terms } = self.terms(line.get("terms", "outright:COOP:9.2/kg"))
        else {
            panic!("a contract states its terms")
        };
        procurement::LinkageContracted {
            occasion: line.occasion(),
            contract: ContractId(words::id(line.name)),
            firm: PartyRef { id: principal, kind: PartyKind::Cooperative },
            station: self.place(line.get("at", "S1")),
            producer: self.party(line.get("from", "H1")),
            product: ProductId(words::id(line.get("product", "pea"))),
            terms,
            valid_from: day("2020-03-01"),
            valid_to: day("2020-09-30"),
            quantity_max: line.find("max").map(|max| measure(max).quantity),
        }
    }

    pub(super) fn answer(&self, line: &Line<'_>) -> procurement::Event {
        let receipt = ReceiptId(self.id(&format!("receipt {}", line.name)));
        let (lot, station) = (LotId(self.id(line.name)), self.place("S1"));
        if line.operation == "decline" {
            return procurement::Event::PurchaseDeclined(procurement::PurchaseDeclined {
                occasion: line.occasion(),
                receipt,
                lot,
                station,
                reason: DeclineReason::QuantityExceeded,
                quantity_left: Some(Quantity(7)),
            });
        }
        procurement::Event::PurchaseAccepted(procurement::PurchaseAccepted {
            occasion: line.occasion(),
            receipt,
            lot,
            station,
            buyer: self.party("COOP"),
            producer: self.party("H1"),
            product: ProductId(words::id("pea")),
            contract: None,
            quantity: Quantity(1),
            price: price("9.2/kg"),
            amount: Money(1),
            payable: PayableId([9; 16]),
            receipt_number: String::new(),
        })
    }

    /// A delivery to a station of a lot of several pools, one for each `principal:quantity`; what comes after a `~` was
    /// consigned.
    pub(super) fn arrival(&self, line: &Line<'_>) -> distribution::Event {
        let pool = |(pool, item): (u16, &str)| {
            let (principal, quantity) = item.split_once(':').unwrap();
            let stock = StockLine {
                lot: LotId(words::id(line.name)),
                pool,
                product: ProductId(words::id("pea")),
                title: match principal.strip_prefix('~') {
                    Some(name) => Title::Consigned { consignee: self.party(name), mode: SettlementMode::Commission },
                    None => Title::Owned { owner: self.party(principal) },
                },
                collected_on: line.occasion().business_date,
                quantity: measure(quantity).quantity,
            };
            let received = stock.quantity;
            distribution::ReceivedLine { stock, received, damaged: Quantity::ZERO, missing: Quantity::ZERO }
        };
        distribution::Event::ShipmentReceived(distribution::ShipmentReceived {
            occasion: line.occasion(),
            shipment: ShipmentId(words::id(line.name)),
            from: self.place("D1"),
            place: self.place("S1"),
            at_station: true,
            direction: Direction::Down,
            carrier: self.party("CARR"),
            custodian: self.party("FIRM").id,
            lines: (0..).zip(line.list("pools")).map(pool).collect(),
        })
    }
}
