//! Procurement and sales together, driven by lines of text: what is asked, and what comes of it.
//!
//! Station and distribution are played by the test. What one service decides the other hears at once. A line is
//! `operation name key=value ...`; what is not said has a default that is valid, so that a case states only what it is
//! about. Obligations get the name of the line that they come of, with `@` before it.

mod commands;
mod holders;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use loopledger_domain::procurement::ProcurementState as _;
use loopledger_domain::procurement::{self, ContractTerms, Procurement};
use loopledger_domain::sales::SalesState as _;
use loopledger_domain::sales::{self, LineState, Sales};
use loopledger_domain::{Commit, Event, PartyKind, PartyRef, Rejection, Relation, Title};
use loopledger_types::{LotId, Money, OrderId, PartyId, PayableId, PlaceId, ProductId, Service};

use crate::harness::{Manner, Under, commit};
use crate::words::{self, Line, kind_of, price};

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

    fn ask_sales(&mut self, line: &Line<'_>) -> Result<Vec<String>, Rejection> {
        let command = self.sales_command(line);
        self.requests += 1;
        let commit = self.sales.ask(self.requests, &command)?;
        Ok(self.spread(&commit, line.name))
    }

    fn line_of(&self, text: &str) -> (OrderId, u32) {
        let (order, line) = text.split_once('/').unwrap();
        (OrderId(self.id(order)), line.parse().unwrap())
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
        "commission" => ContractTerms::Commission {
            commission_bp: parts[1].parse().unwrap(),
            price_basis: parts.get(2).map(|text| price(text)),
        },
        other => panic!("no such terms: {other}"),
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
