//! The workload: random commands over the main path of all four services, as gRPC requests, and callers' mistakes:
//! repeats, reused ids, wrong positions.
//!
//! It uses only what callers know: acknowledged commits.

mod founding;
mod known;
mod supply;
mod trade;

use std::collections::BTreeMap;

use loopledger_dice::Dice;
use loopledger_domain::{distribution, procurement, sales, station};
use loopledger_proto as pb;
use loopledger_proto::common::v1 as common;
use loopledger_types::{BusinessDate, CountyCode, Hash, Position, RequestId, Service, StreamId};
use loopledger_wire::{BulkRequest as _, Receipt, Write};

use known::Known;
pub(crate) use known::{Creates, Household};

pub(crate) const TUOLI: CountyCode = CountyCode::TUOLI;

/// A request of one of the services, checked.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Procurement(Write<procurement::Command>),
    Station(Write<station::Command>),
    Distribution(Write<distribution::Command>),
    Sales(Write<sales::Command>),
}

macro_rules! each {
    ($command:expr, $write:ident => $value:expr) => {
        match $command {
            Command::Procurement($write) => $value,
            Command::Station($write) => $value,
            Command::Distribution($write) => $value,
            Command::Sales($write) => $value,
        }
    };
}

impl Command {
    pub(crate) const fn service(&self) -> Service {
        match self {
            Self::Procurement(_) => Service::Procurement,
            Self::Station(_) => Service::Station,
            Self::Distribution(_) => Service::Distribution,
            Self::Sales(_) => Service::Sales,
        }
    }

    pub(crate) const fn request_id(&self) -> RequestId {
        each!(self, write => write.request_id)
    }

    pub(crate) const fn digest(&self) -> [u8; 32] {
        each!(self, write => write.digest)
    }

    pub(crate) fn after(&self) -> &[Position] {
        each!(self, write => &write.after)
    }

    /// The ids of what it creates, if it stands at `position`.
    pub(crate) fn created(&self, position: Position) -> Vec<String> {
        let (request_id, created) = each!(self, write => (write.request_id, write.created));
        let receipt = Receipt { position, request_id, repeated: false };
        receipt.to_pb(created).created.into_iter().map(|created| created.id).collect()
    }

    /// The same request under another's id.
    fn under(mut self, request_id: RequestId) -> Self {
        each!(&mut self, write => write.request_id = request_id);
        self
    }

    fn set_after(&mut self, after: Vec<Position>) {
        each!(self, write => write.after = after);
    }

    /// As it stands in the history.
    pub(crate) fn text(&self) -> String {
        let text = each!(self, write => format!("{:?}", write.command));
        // The kind says enough.
        text.split_once('(').map_or(text.clone(), |(kind, _)| kind.to_owned())
    }
}

/// What a caller wants done.
#[derive(Debug, Clone)]
pub(crate) struct WorkItem {
    pub(crate) command: Command,
    pub(crate) creates: Creates,
}

impl WorkItem {
    fn new(form: Form, creates: Creates) -> Self {
        let formed = "the workload's requests are well formed";
        let command = match form {
            Form::Procurement(command) => {
                let request = pb::procurement::v1::RecordRequest { command: Some(command) };
                Command::Procurement(request.into_write().expect(formed))
            }
            Form::Station(command) => {
                let request = pb::station::v1::RecordRequest { command: Some(command) };
                Command::Station(request.into_write().expect(formed))
            }
            Form::Distribution(command) => {
                let request = pb::distribution::v1::RecordRequest { command: Some(command) };
                Command::Distribution(request.into_write().expect(formed))
            }
            Form::Sales(command) => {
                let request = pb::sales::v1::RecordRequest { command: Some(command) };
                Command::Sales(request.into_write().expect(formed))
            }
        };
        Self { command, creates }
    }
}

/// A request before its form is checked.
enum Form {
    Procurement(pb::procurement::v1::record_request::Command),
    Station(pb::station::v1::record_request::Command),
    Distribution(pb::distribution::v1::record_request::Command),
    Sales(pb::sales::v1::record_request::Command),
}

pub(crate) struct Workload {
    dice: Dice,
    day: BusinessDate,
    serial: u64,
    known: Known,
    /// The newest acknowledged position of each stream.
    heads: BTreeMap<StreamId, Position>,
    /// Some of the items that were uttered, to be repeated.
    past: Vec<WorkItem>,
}

/// Before the first day of business, and the twenty days before it that late business falls on.
const FOUNDED_ON: &str = "2026-03-01";

#[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
impl Workload {
    pub(crate) fn new(dice: Dice) -> Self {
        let day = BusinessDate::from_ymd(2026, 4, 1).expect("a day");
        Self { dice, day, serial: 0, known: Known::default(), heads: BTreeMap::new(), past: Vec::new() }
    }

    /// The next things that a caller wants: one, or two that get in each other's way.
    pub(crate) fn next(&mut self) -> Vec<WorkItem> {
        self.day = self.day.plus_days(i32::try_from(self.dice.below(2)).unwrap_or(0));
        let item = match self.dice.below(100) {
            0..3 => self.repeat(),
            3..6 => self.reuse(),
            6..8 => return self.duel(),
            8..53 => self.supply(),
            _ => self.trade(),
        };
        self.utter(item).into_iter().collect()
    }

    /// Learns from an acknowledgement.
    pub(crate) fn acknowledged(&mut self, item: &WorkItem, position: Position) {
        let newest = self.heads.entry(position.stream).or_insert(position);
        if newest.sequence < position.sequence {
            *newest = position;
        }
        self.known.learn(item.creates.clone(), item.command.request_id());
    }

    pub(crate) fn households(&self) -> &[Household] {
        &self.known.households
    }

    /// Something newly thought of, with positions that it must be decided after, as careful callers send them; some
    /// send none, and some send wrong ones.
    fn utter(&mut self, item: Option<WorkItem>) -> Option<WorkItem> {
        let mut item = item?;
        let after = match self.dice.below(100) {
            0..70 => self.heads(),
            70..72 => self.heads().into_iter().map(|at| Position { hash: Hash([7; 32]), ..at }).take(1).collect(),
            72..73 => self.heads().into_iter().map(|at| Position { sequence: 1_000_000, ..at }).take(1).collect(),
            73..74 => {
                let stream = StreamId { service: Service::Ledger, county: TUOLI };
                vec![Position { stream, sequence: 1, hash: Hash([7; 32]) }]
            }
            _ => Vec::new(),
        };
        item.command.set_after(after);
        if self.past.len() < 40 || self.dice.chance(50) {
            self.past.push(item.clone());
        }
        Some(item)
    }

    pub(crate) fn heads(&self) -> Vec<Position> {
        self.heads.values().copied().collect()
    }

    /// What was asked before, once more.
    fn repeat(&mut self) -> Option<WorkItem> {
        self.dice.pick(&self.past).cloned()
    }

    /// Something new under an id that was used.
    fn reuse(&mut self) -> Option<WorkItem> {
        let id = self.dice.pick(&self.past)?.command.request_id();
        let item = if self.dice.chance(50) { self.supply() } else { self.trade() }?;
        // What it would create is named by the id: no later request uses it.
        Some(WorkItem { command: item.command.under(id), creates: Creates::Nothing })
    }

    /// Two requests with one id at the same time.
    fn duel(&mut self) -> Vec<WorkItem> {
        let items = [self.supply(), self.supply()];
        let mut items: Vec<WorkItem> = items.into_iter().filter_map(|item| self.utter(item)).collect();
        if let [first, second] = &mut *items {
            second.command = second.command.clone().under(first.command.request_id());
            second.creates = Creates::Nothing;
            first.creates = Creates::Nothing;
        }
        items
    }

    fn id(&mut self) -> String {
        RequestId(self.dice.uuid()).to_string()
    }

    /// People's number of something.
    fn label(&mut self) -> String {
        self.serial += 1;
        format!("N{}", self.serial)
    }

    /// What is founded is there before all business, also that which is recorded late.
    fn founding(division: &str) -> Option<common::Occasion> {
        Some(common::Occasion {
            business_date: FOUNDED_ON.to_owned(),
            occurred_at: None,
            device_utc_offset_min: Some(480),
            division_code: division.to_owned(),
        })
    }

    fn occasion(&mut self, division: &str) -> Option<common::Occasion> {
        let late = if self.dice.chance(10) { self.dice.between(1, 20) } else { 0 };
        Some(common::Occasion {
            business_date: self.day.plus_days(-i32::try_from(late).unwrap_or(0)).to_string(),
            occurred_at: None,
            device_utc_offset_min: Some(480),
            division_code: division.to_owned(),
        })
    }

    fn one<T: Copy>(&mut self, of: impl Fn(&Known) -> &[T]) -> Option<T> {
        self.dice.pick(of(&self.known)).copied()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
fn grams(value: i64) -> Option<common::Quantity> {
    Some(common::Quantity { value, unit: common::Unit::Gram.into() })
}

#[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
fn per_kilogram(fen: i64) -> Option<common::UnitPrice> {
    Some(common::UnitPrice { e4: fen * 100, per: common::Unit::Kilogram.into() })
}
