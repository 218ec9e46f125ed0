//! Procurement and sales together, driven by lines of text: what is asked, and what comes of it.
//!
//! Station and distribution are played by the test. What one service decides the other hears at once. A line is
//! `operation name key=value ...`; what is not said has a default that is valid, so that a case states only what it is
//! about. Obligations get the name of the line that they come of, with `@` before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use loopledger_domain::procurement::ProcurementState as _;
use loopledger_domain::procurement::{self, ContractTerms, Procurement};
use loopledger_domain::sales::SalesState as _;
use loopledger_domain::sales::{self, ConsignedPool, Entity, Key, LineState, Lot, Sales};
use loopledger_domain::stock::{
    CancelRefused, GoodsBoughtIn, GoodsIssued, ReservationReleased, StockRefusal, StockRefused,
};
use loopledger_domain::{
    BuyerRef, Charge, ChargeKind, Commit, Direction, Event, HouseholdCategory, Medium, Origin, PartyKind, PartyRef,
    PaymentMethod, PlaceKind, ProductClass, Rejection, Relation, SettlementMode, StockLine, Terms, Title, distribution,
    station,
};
use loopledger_types::{
    ChannelId, ContractId, IssueId, LotId, MemberId, Money, OrderId, PartyId, PayableId, PayoutId, PlaceId, ProductId,
    Quantity, ReceiptId, Scope, Service, ShipmentId,
};

use crate::harness::{Manner, Under, commit};
use crate::words::{self, Line, day, division, kind_of, measure, price};

const SETTING: &str = "
    household H1 members=head,spouse on=2020-01-01
    household H2 division=654224202208 on=2020-01-01
    party COOP on=2020-01-01
    party FIRM on=2020-01-01
    party CARR on=2020-01-01 division=654201
    party BUYER on=2020-01-01 division=610102
    party SUPP on=2020-01-01 division=610102
    product pea on=2020-01-01
    product sheep on=2020-01-01 unit=1head
    station S1 on=2020-01-01
    site D1 on=2020-01-01
    contract K1 on=2020-01-01 max=150kg
    channel CH on=2020-01-01
";

#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) procurement: Under<Procurement>,
    pub(crate) sales: Under<Sales>,
    names: BTreeMap<[u8; 16], String>,
    ids: BTreeMap<String, [u8; 16]>,
    /// What the lots that were collected are: needed to play the holder that issues them.
    titles: BTreeMap<LotId, Title>,
    requests: u64,
    /// Commits so far of station and distribution.
    upstream: [u64; 2],
}

/// Runs lines `what is asked => what comes of it` (`=>` may be left out of lines that only prepare).
pub(crate) fn check(script: &str) -> Market {
    let mut market = Market::new(Manner::default());
    let mut got = String::new();
    let mut wrong = false;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (asked, expected) = match line.split_once("=>") {
            Some((asked, expected)) => (asked.trim(), Some(expected.trim())),
            None => (line, None),
        };
        let outcome = market.run(asked);
        wrong |= expected.map_or(outcome.starts_with('!'), |expected| expected != outcome);
        writeln!(got, "{asked} => {outcome}").unwrap();
    }
    assert!(!wrong, "this is what came of it:\n{got}\nand not:\n{script}");
    market
}

impl Market {
    pub(crate) fn new(manner: Manner) -> Self {
        let mut market = Self {
            procurement: Under::new(manner),
            sales: Under::new(manner),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            titles: BTreeMap::new(),
            requests: 0,
            upstream: [0; 2],
        };
        for line in SETTING.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let outcome = market.run(line);
            assert!(!outcome.starts_with('!'), "{line}: {outcome}");
        }
        market
    }

    /// Does what the line says, delivers what follows from it, and says what happened.
    pub(crate) fn run(&mut self, text: &str) -> String {
        if text.starts_with("both ") {
            return self.both(text).join("; ");
        }
        let line = &Line::parse(text);
        let outcome = match line.operation {
            "household" | "category" | "join" | "leave" | "move" | "party" | "product" | "contract" | "pay"
            | "fail" => self.ask_procurement(line),
            "channel" | "order" | "cancel" | "payment" | "return" | "settle" => self.ask_sales(line),
            "owed" => return self.owed(line),
            "show" => return self.order(line.name),
            "consigned" => {
                self.consigned(line);
                return String::new();
            }
            _ => {
                let (service, event) = self.played(line);
                Ok(self.tell(service, vec![event], line.name))
            }
        };
        match outcome {
            Ok(said) => said.join("; "),
            Err(rejection) => words::refusal(&rejection, |id| self.name(id)),
        }
    }

    /// `both a ... & b ...`: two events in one commit.
    fn both(&mut self, text: &str) -> Vec<String> {
        let (first, second) = text.strip_prefix("both ").unwrap().split_once(" & ").unwrap();
        let (first, second) = (Line::parse(first), Line::parse(second));
        let (service, one) = self.played(&first);
        let (_, other) = self.played(&second);
        self.tell(service, vec![one, other], first.name)
    }

    fn tell(&mut self, service: Service, events: Vec<Event>, name: &str) -> Vec<String> {
        let count = &mut self.upstream[usize::from(service == Service::Distribution)];
        *count += 1;
        let commit = commit(service, *count, 2_000_000 + *count, events, None);
        let mut said = Vec::new();
        if let Some(answer) = self.procurement.hear(&commit) {
            said.extend(self.spread(&answer, name));
        }
        if let Some(answer) = self.sales.hear(&commit) {
            said.extend(self.spread(&answer, name));
        }
        said
    }

    /// Learns the names of what was created, lets the other service hear it, and says what happened.
    fn spread(&mut self, commit: &Commit, name: &str) -> Vec<String> {
        let mut payables = 0;
        for event in &commit.events {
            for (kind, id) in created(event) {
                let known = match kind {
                    'o' if payables > 0 => format!("@{name}.{payables}"),
                    'o' => format!("@{name}"),
                    'm' => {
                        format!("{name}.{}", self.names.values().filter(|n| n.starts_with(&format!("{name}."))).count())
                    }
                    _ => name.to_owned(),
                };
                payables += u32::from(kind == 'o');
                self.learn(&known, id);
            }
        }
        let mut said: Vec<String> = commit.events.iter().map(|event| self.describe(event)).collect();
        let answer = match commit.stream.service {
            Service::Procurement => self.sales.hear(commit),
            _ => self.procurement.hear(commit),
        };
        if let Some(answer) = answer {
            said.extend(self.spread(&answer, name));
        }
        said
    }

    fn learn(&mut self, name: &str, id: [u8; 16]) {
        self.names.insert(id, name.to_owned());
        self.ids.insert(name.to_owned(), id);
    }

    pub(crate) fn id(&self, name: &str) -> [u8; 16] {
        self.ids.get(name).copied().unwrap_or_else(|| words::id(name))
    }

    pub(crate) fn name(&self, id: [u8; 16]) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| words::name(id))
    }

    fn party(&self, name: &str) -> PartyRef {
        PartyRef { id: PartyId(self.id(name)), kind: kind_of(name) }
    }

    fn place(&self, name: &str) -> PlaceId {
        PlaceId(self.id(name))
    }

    fn product(&self, name: &str) -> ProductId {
        ProductId(self.id(name))
    }

    fn ask_procurement(&mut self, line: &Line<'_>) -> Result<Vec<String>, Rejection> {
        let command = self.procurement_command(line);
        self.requests += 1;
        let commit = self.procurement.ask(self.requests, &command)?;
        Ok(self.spread(&commit, line.name))
    }

    fn procurement_command(&self, line: &Line<'_>) -> procurement::Command {
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
            _ => C::FailPayout(procurement::FailPayout {
                occasion,
                payout: PayoutId(self.id(line.name)),
                reason: "account closed".into(),
            }),
        }
    }

    fn ask_sales(&mut self, line: &Line<'_>) -> Result<Vec<String>, Rejection> {
        let command = self.sales_command(line);
        self.requests += 1;
        let commit = self.sales.ask(self.requests, &command)?;
        Ok(self.spread(&commit, line.name))
    }

    fn sales_command(&self, line: &Line<'_>) -> sales::Command {
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
            _ => C::SettleConsignment(sales::SettleConsignment {
                occasion,
                consignee: self.party(line.get("consignee", "COOP")).id,
                lots: line.list("lots").map(|text| self.settle_lot(text)).collect(),
            }),
        }
    }

    /// `place:product:quantity:price`
    fn order_line(&self, text: &str) -> sales::PlaceOrderLine {
        let parts: Vec<&str> = text.split(':').collect();
        sales::PlaceOrderLine {
            place: self.place(parts[0]),
            product: self.product(parts[1]),
            quantity: measure(parts[2]),
            price: price(parts[3]),
        }
    }

    /// `lot`, or `lot:freight`, or `lot:freight:platform`, in yuan.
    fn settle_lot(&self, text: &str) -> sales::SettleLot {
        let mut parts = text.split(':');
        let lot = LotId(self.id(parts.next().unwrap()));
        let kinds = [ChargeKind::Freight, ChargeKind::Platform];
        let charges = kinds.into_iter().zip(parts).map(|(kind, amount)| Charge { kind, amount: fen(amount) }).collect();
        sales::SettleLot { lot, charges }
    }

    fn line_of(&self, text: &str) -> (OrderId, u32) {
        let (order, line) = text.split_once('/').unwrap();
        (OrderId(self.id(order)), line.parse().unwrap())
    }

    /// What a holder is made to say.
    fn played(&mut self, line: &Line<'_>) -> (Service, Event) {
        use distribution::Event as D;
        use station::Event as S;
        let occasion = line.occasion();
        match line.operation {
            "station" => (
                Service::Station,
                Event::Station(S::StationOpened(station::StationOpened {
                    occasion,
                    station: self.place(line.name),
                    kind: PlaceKind::Station,
                    division: occasion.division,
                    operator: self.party("COOP"),
                    label: line.name.into(),
                })),
            ),
            "site" => (
                Service::Distribution,
                Event::Distribution(D::SiteOpened(distribution::SiteOpened {
                    occasion,
                    site: self.place(line.name),
                    kind: PlaceKind::CountyCentre,
                    division: occasion.division,
                    operator: self.party("COOP"),
                    label: line.name.into(),
                })),
            ),
            "collected" => (Service::Station, Event::Station(S::GoodsCollected(self.collected(line)))),
            "freight" => (Service::Distribution, Event::Distribution(D::ShipmentDispatched(self.dispatched(line)))),
            "boughtin" => {
                let bought = self.bought_in(line);
                if line.get("at", "S1") == "S1" {
                    (Service::Station, Event::Station(S::GoodsBoughtIn(bought)))
                } else {
                    (Service::Distribution, Event::Distribution(D::GoodsBoughtIn(bought)))
                }
            }
            _ => self.answered(line),
        }
    }

    fn answered(&mut self, line: &Line<'_>) -> (Service, Event) {
        use distribution::Event as D;
        use station::Event as S;
        let occasion = line.occasion();
        let (order, index) = self.line_of(line.name);
        let at_station = line.get("at", "S1") == "S1";
        let (place, custodian) = (self.place(line.get("at", "S1")), self.party("COOP").id);
        let wrap = |station: S, distribution: D| {
            if at_station {
                (Service::Station, Event::Station(station))
            } else {
                (Service::Distribution, Event::Distribution(distribution))
            }
        };
        match line.operation {
            "refused" => {
                let (requested, available) = (Quantity(2), Quantity(1));
                let reason = StockRefusal::InsufficientStock;
                let e =
                    StockRefused { occasion, order, line: index, place, reason, requested, available, earliest: None };
                wrap(S::StockRefused(e), D::StockRefused(e))
            }
            "released" => {
                let e = ReservationReleased { occasion, order, line: index, place, custodian, picks: Vec::new() };
                wrap(S::ReservationReleased(e.clone()), D::ReservationReleased(e))
            }
            "stands" => {
                let e = CancelRefused { occasion, order, line: index, place };
                wrap(S::CancelRefused(e), D::CancelRefused(e))
            }
            "issued" => {
                self.requests += 1;
                let e = GoodsIssued {
                    occasion,
                    issue: IssueId(words::id(&self.requests.to_string())),
                    order,
                    line: index,
                    place,
                    custodian,
                    seller: self.party("COOP"),
                    buyer: BuyerRef { party: None, division: division("654224"), scope: Scope::County },
                    issued: line.get("of", "OWN:10kg").split(',').map(|text| self.stock_line(text)).collect(),
                    beyond: Vec::new(),
                    released: Vec::new(),
                };
                wrap(S::GoodsIssued(e.clone()), D::GoodsIssued(e))
            }
            other => panic!("no such operation: {other}"),
        }
    }

    /// `lot:quantity`; a lot that was not collected is the co-op's own.
    fn stock_line(&self, text: &str) -> StockLine {
        let (lot, quantity) = text.split_once(':').unwrap();
        let lot = LotId(self.id(lot));
        let own = Title::Owned { owner: self.party("COOP") };
        StockLine {
            lot,
            pool: 0,
            product: self.product("pea"),
            title: self.titles.get(&lot).copied().unwrap_or(own),
            collected_on: day("2020-04-01"),
            quantity: measure(quantity).quantity,
        }
    }

    fn collected(&mut self, line: &Line<'_>) -> station::GoodsCollected {
        let principal = self.party(line.get("with", "COOP"));
        let contract = line.find("contract").map(|name| ContractId(self.id(name)));
        let terms = match terms(line.get("terms", "outright:9.2/kg")) {
            ContractTerms::Outright { price } => Terms::Outright { buyer: principal, price, contract },
            ContractTerms::AgreedPrice { price } => Terms::AgreedPrice { consignee: principal, price, contract },
            ContractTerms::Commission { commission_bp, price_basis } => {
                Terms::Commission { consignee: principal, commission_bp, price_basis, contract }
            }
        };
        let lot = LotId(words::id(line.name));
        self.learn(line.name, lot.0);
        self.titles.insert(lot, terms.title());
        let net = measure(line.get("net", "98kg")).quantity;
        let producer = self.party(line.get("from", "H1"));
        let origin = origin_of(line.name, producer, terms, (net, net));
        station::GoodsCollected {
            occasion: line.occasion(),
            lot,
            origin,
            station: self.place(line.get("at", "S1")),
            custodian: principal.id,
            product: self.product(line.get("product", "pea")),
            member: None,
            receipt_number: line.get("number", line.name).into(),
            lot_label: String::new(),
            grade: String::new(),
            gross: net,
            tare: Quantity::ZERO,
            moisture: Quantity::ZERO,
            impurity: Quantity::ZERO,
            live_weight_grams: None,
            amount: None,
            same_number_as: None,
        }
    }

    /// A lot of several origins, as merging will make them: `consigned L terms=... origins=H1:5kg:6kg,H2:3kg:4kg:R1`.
    /// The receipt may be named, so that several lots can be of one.
    fn consigned(&mut self, line: &Line<'_>) {
        let consignee = self.party("COOP");
        let (terms, mode) = match terms(line.get("terms", "commission:500")) {
            ContractTerms::Commission { commission_bp, price_basis } => (
                Terms::Commission { consignee, commission_bp, price_basis, contract: None },
                SettlementMode::Commission,
            ),
            ContractTerms::Outright { price } | ContractTerms::AgreedPrice { price } => {
                (Terms::AgreedPrice { consignee, price, contract: None }, SettlementMode::AgreedPrice)
            }
        };
        let lot = LotId(words::id(line.name));
        self.titles.insert(lot, terms.title());
        let origin = |(index, text): (usize, &str)| {
            let parts: Vec<&str> = text.split(':').collect();
            let quantities = (measure(parts[1]).quantity, measure(parts[2]).quantity);
            let receipt = parts.get(3).map_or_else(|| format!("{}{index}", line.name), ToString::to_string);
            origin_of(&receipt, self.party(parts[0]), terms, quantities)
        };
        let origins = line.list("origins").enumerate().map(origin).collect();
        let pools = Arc::new([ConsignedPool { pool: 0, consignee, mode, origins }]);
        let entity = Entity::Lot(Box::new(Lot { product: self.product("pea"), pools }));
        self.sales.state.entities.put_reference(Key::Lot(lot), entity);
    }

    fn dispatched(&self, line: &Line<'_>) -> distribution::ShipmentDispatched {
        distribution::ShipmentDispatched {
            occasion: line.occasion(),
            shipment: ShipmentId(words::id(line.name)),
            from: self.place("D1"),
            custodian: self.party("COOP").id,
            to: self.place("S1"),
            direction: Direction::Local,
            carrier: self.party("CARR"),
            carrier_division: division("654201"),
            principal: self.party("COOP"),
            freight: fen(line.get("amount", "0")),
            lines: Vec::new(),
            handed_over: false,
        }
    }

    fn bought_in(&self, line: &Line<'_>) -> GoodsBoughtIn {
        GoodsBoughtIn {
            occasion: line.occasion(),
            place: self.place(line.get("at", "S1")),
            custodian: self.party("COOP").id,
            line: self.stock_line("IN:10kg"),
            owner: self.party("COOP"),
            supplier: self.party("SUPP"),
            supplier_division: division("610102"),
            price: price("2/kg"),
            amount: fen(line.get("amount", "20")),
            lot_label: line.get("number", line.name).into(),
        }
    }

    /// What is open between two, oldest first.
    fn owed(&self, line: &Line<'_>) -> String {
        let (by, to) = (self.party(line.get("by", "COOP")).id, self.party(line.get("to", "H1")).id);
        let state = &self.procurement.state;
        let account = state.entities.index().account(by, to);
        let item = |id: PayableId| format!("{} {}", self.name(id.0), state.payable(id).unwrap().owed());
        account.map_or_else(String::new, |account| account.items().map(item).collect::<Vec<_>>().join(", "))
    }

    fn order(&self, name: &str) -> String {
        let Some(order) = self.sales.state.order(OrderId(self.id(name))) else { return "gone".into() };
        let state = |state: &LineState| match state {
            LineState::Open => "open".into(),
            LineState::CancellationPending => "pending".into(),
            LineState::Cancelled { refusal: None, .. } => "cancelled".into(),
            LineState::Cancelled { refusal: Some(why), available, .. } => {
                format!("refused {why:?} with {}", available.unwrap())
            }
            LineState::Fulfilled { quantity, amount, .. } => format!("{quantity} for {amount}"),
        };
        let states: Vec<String> = order.states.iter().map(state).collect();
        format!("{}; owed {} prepaid {}", states.join(", "), order.owed, order.prepaid())
    }
}

/// What an event creates: its sort (`o` obligation, `m` member) and id.
fn created(event: &Event) -> Vec<(char, [u8; 16])> {
    use procurement::Event as P;
    use sales::Event as S;
    match event {
        Event::Procurement(P::HouseholdRegistered(e)) => {
            let members = e.members.iter().map(|member| ('m', member.member.0));
            std::iter::once(('p', e.household.0)).chain(members).collect()
        }
        Event::Procurement(P::MemberJoined(e)) => vec![('m', e.member.member.0)],
        Event::Procurement(P::PartyRegistered(e)) => vec![('p', e.party.id.0)],
        Event::Procurement(P::ProductRegistered(e)) => vec![('g', e.product.0)],
        Event::Procurement(P::LinkageContracted(e)) => vec![('c', e.contract.0)],
        Event::Procurement(P::PurchaseAccepted(e)) => vec![('o', e.payable.0)],
        Event::Procurement(P::PayableOpened(e)) => vec![('o', e.payable.0)],
        Event::Procurement(P::PayoutMade(e)) => vec![('y', e.payout.0)],
        Event::Sales(S::ChannelOpened(e)) => vec![('h', e.channel.0)],
        Event::Sales(S::OrderPlaced(e)) => vec![('r', e.order.0)],
        _ => Vec::new(),
    }
}

fn terms(text: &str) -> ContractTerms {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[0] {
        "outright" => ContractTerms::Outright { price: price(parts[1]) },
        "agreed" => ContractTerms::AgreedPrice { price: price(parts[1]) },
        _ => ContractTerms::Commission {
            commission_bp: parts[1].parse().unwrap(),
            price_basis: parts.get(2).map(|text| price(text)),
        },
    }
}

fn origin_of(
    name: &str,
    producer: PartyRef,
    terms: Terms,
    (quantity, source_quantity): (Quantity, Quantity),
) -> Origin {
    Origin {
        receipt: ReceiptId(words::id(name)),
        producer,
        division: division("654224202207"),
        terms,
        quantity,
        source_quantity,
    }
}

fn relation(text: &str) -> Relation {
    match text {
        "head" => Relation::Head,
        "spouse" => Relation::Spouse,
        _ => Relation::Child,
    }
}

/// Yuan, with or without two decimals.
fn fen(text: &str) -> Money {
    let (yuan, fen) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(fen.len(), 2, "{text}");
    Money(yuan.parse::<i64>().unwrap() * 100 + fen.parse::<i64>().unwrap())
}

/// So that a kind that a test forgot is seen.
#[test]
fn the_setting_stands() {
    let market = Market::new(Manner { with_store: true, window: 0 });
    assert_eq!(market.party("COOP").kind, PartyKind::Cooperative);
    assert_eq!(market.procurement.state.entities.index().parties().len(), 7);
    assert_eq!(market.sales.state.entities.index().ids().len(), 1);
}
