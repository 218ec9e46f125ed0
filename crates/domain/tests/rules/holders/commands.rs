//! Lines of text as commands of station and distribution.

use loopledger_domain::procurement::ContractTerms;
use loopledger_domain::stock::{BuyIn, IssueGoods, LineWeight, MoveLine};
use loopledger_domain::{distribution, station};
use loopledger_types::{ContractId, LotId, MemberId, Money, ProductId, ReceiptId, ShipmentId};

use super::World;
use crate::words::{self, Line, division, measure, price};

impl World {
    pub(super) fn station_command(&self, line: &Line<'_>) -> station::Command {
        let occasion = line.occasion();
        match line.operation {
            "open" => station::Command::OpenStation(station::OpenStation {
                occasion,
                kind: words::place_kind(line.get("kind", "Station")),
                division: division(line.get("division", "654224202207")),
                operator: self.party(line.get("operator", "FIRM")).id,
                label: line.name.into(),
            }),
            "collect" => station::Command::CollectGoods(station::CollectGoods {
                occasion,
                station: self.place(line.get("at", "S1")),
                producer: self.party(line.get("from", "H1")).id,
                member: line.find("member").map(|name| MemberId(self.id(name))),
                product: ProductId(self.id(line.get("product", "pea"))),
                terms: self.terms(line.get("terms", "outright:COOP:9.2/kg")),
                receipt_number: line.get("number", line.name).replace('_', " "),
                same_number_as: line.find("as").map(|name| ReceiptId(self.id(&format!("receipt {name}")))),
                lot_label: line.name.into(),
                grade: String::new(),
                gross: measure(line.get("gross", "100kg")),
                tare: measure(line.get("tare", "0g")),
                moisture: measure(line.get("moisture", "0g")),
                impurity: measure(line.get("impurity", "0g")),
                live_weight_grams: None,
            }),
            "inspect" => station::Command::InspectGoods(station::InspectGoods {
                occasion,
                station: self.place(line.get("at", "S1")),
                lot: LotId(self.id(line.name)),
                test: "residues".into(),
                passed: line.get("passed", "yes") == "yes",
                finding: String::new(),
                laboratory_code: "LAB".into(),
                report_hash: None,
            }),
            "hand" => station::Command::HandOverGoods(station::HandOverGoods {
                occasion,
                from: self.place(line.get("from", "S1")),
                to: self.place(line.get("to", "D1")),
                principal: self.party(line.get("of", "COOP")).id,
                carrier: self.party(line.get("carrier", "CARR")).id,
                freight: Money(line.number("freight", 0)),
                lines: self.move_lines(line),
            }),
            other => panic!("no such operation: {other}"),
        }
    }

    pub(super) fn distribution_command(&self, line: &Line<'_>) -> distribution::Command {
        let occasion = line.occasion();
        match line.operation {
            "site" => distribution::Command::OpenSite(distribution::OpenSite {
                occasion,
                kind: words::place_kind(line.get("kind", "CountyCentre")),
                division: division(line.get("division", "654224100001")),
                operator: self.party(line.get("operator", "FIRM")).id,
                label: line.name.into(),
            }),
            "dispatch" => distribution::Command::DispatchShipment(distribution::DispatchShipment {
                occasion,
                from: self.place(line.get("from", "D1")),
                to: self.place(line.get("to", "D2")),
                principal: self.party(line.get("of", "COOP")).id,
                carrier: self.party(line.get("carrier", "CARR")).id,
                freight: Money(line.number("freight", 0)),
                lines: self.move_lines(line),
            }),
            "receive" => distribution::Command::ReceiveShipment(distribution::ReceiveShipment {
                occasion,
                shipment: ShipmentId(self.id(line.name)),
                place: self.place(line.get("at", "D1")),
                differences: line.list("but").map(|item| self.difference(item)).collect(),
            }),
            other => panic!("no such operation: {other}"),
        }
    }

    /// `lot:damaged:missing`, or `lot/pool:...`
    pub(super) fn difference(&self, item: &str) -> distribution::ReceiptDifference {
        let parts: Vec<&str> = item.split(':').collect();
        let (lot, pool) = parts[0].split_once('/').unwrap_or((parts[0], "0"));
        distribution::ReceiptDifference {
            lot: LotId(self.id(lot)),
            pool: pool.parse().unwrap(),
            damaged: measure(parts[1]),
            missing: measure(parts[2]),
        }
    }

    /// `product:quantity` or `product@lot:quantity`, and `:weight` if it is stated
    pub(super) fn move_lines(&self, line: &Line<'_>) -> Vec<MoveLine> {
        let parse = |item: &str| {
            let mut parts = item.split(':');
            let (what, quantity, weight) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
            let (product, lot) = what.split_once('@').map_or((what, None), |(product, lot)| (product, Some(lot)));
            MoveLine {
                product: ProductId(self.id(product)),
                lot: lot.map(|lot| LotId(self.id(lot))),
                quantity: measure(quantity),
                weight: weight.map(|weight| LineWeight { grams: measure(weight).quantity.0 }),
            }
        };
        line.list("lines").map(parse).collect()
    }

    pub(super) fn terms(&self, text: &str) -> station::CollectTerms {
        let parts: Vec<&str> = text.split(':').collect();
        let principal = self.party(parts[1]).id;
        let terms = match parts[0] {
            "contract" => return station::CollectTerms::Contract(ContractId(self.id(parts[1]))),
            "outright" => ContractTerms::Outright { price: price(parts[2]) },
            "agreed" => ContractTerms::AgreedPrice { price: price(parts[2]) },
            "commission" => {
                ContractTerms::Commission { commission_bp: 500, price_basis: parts.get(2).map(|text| price(text)) }
            }
            other => panic!("no such terms: {other}"),
        };
        station::CollectTerms::Stated { principal, terms }
    }

    pub(super) fn buy_in(&self, line: &Line<'_>) -> BuyIn {
        BuyIn {
            occasion: line.occasion(),
            place: self.place(line.get("at", "S1")),
            owner: self.party(line.get("owner", "COOP")).id,
            supplier: self.party(line.get("supplier", "SUPP")).id,
            product: ProductId(self.id(line.get("product", "pea"))),
            quantity: measure(line.get("quantity", "100kg")),
            price: price(line.get("price", "2/kg")),
            lot_label: line.get("number", line.name).into(),
        }
    }

    pub(super) fn issue(line: &Line<'_>) -> IssueGoods {
        let (order, index) = words::order_line(line.name);
        IssueGoods { occasion: line.occasion(), order, line: index, quantity: measure(line.get("quantity", "60kg")) }
    }
}
