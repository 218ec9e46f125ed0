//! Two small services that react to each other: accounts that must not be overdrawn, and questions that are answered.
//!
//! What a fact says stands in the label of an event that posts nothing: `add:3:50`, `ask:7`, `answer:7`, `done:7`.

use std::marker::PhantomData;

use loopledger_domain::{
    Commit, Context, Decider, Entity, Event, NoIndex, Occasion, PartyKind, PartyRef, PlaceKind, Rejection, Rule, State,
    Subject, distribution, station,
};
use loopledger_state_store::Mirror;
use loopledger_types::{BusinessDate, DivisionCode, PartyId, PlaceId, Service};

/// Which of the two services.
pub(crate) trait Side: core::fmt::Debug + Clone + PartialEq + Send + Sync + 'static {
    const OWN: Service;
    const UPSTREAM: &'static [Service];
    /// A build that answers [`BUG`] with nothing at all.
    const HAS_BUG: bool = false;
}

/// The question that a build with the bug trips over, and the one that it panics at.
pub(crate) const BUG: u64 = 13;
pub(crate) const PANIC: u64 = 14;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeftSide;
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RightSide;

impl Side for LeftSide {
    const OWN: Service = Service::Station;
    const UPSTREAM: &'static [Service] = &[Service::Distribution];
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BuggySide;

impl Side for BuggySide {
    const OWN: Service = Service::Distribution;
    const UPSTREAM: &'static [Service] = &[Service::Station];
    const HAS_BUG: bool = true;
}

impl Side for RightSide {
    const OWN: Service = Service::Distribution;
    const UPSTREAM: &'static [Service] = &[Service::Station];
}

#[derive(Debug)]
pub(crate) struct Peer<S>(PhantomData<S>);

pub(crate) type Left = Peer<LeftSide>;
pub(crate) type Right = Peer<RightSide>;
pub(crate) type Buggy = Peer<BuggySide>;

#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Changes a balance, which must not fall below zero; a balance of zero closes the account.
    Add { account: u64, amount: i64 },
    /// Asks the other service.
    Ask { number: u64 },
    /// Says something of this length.
    Talk { bytes: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Account(u64),
    /// Answers given to a question of the other side.
    Answered(u64),
    /// Answers got to an own question.
    Done(u64),
    /// What the other side was seen to ask.
    Seen(u64),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    pub value: i64,
    pub closed: bool,
}

impl Entity for Number {
    type Key = Key;

    fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Mirror for Number {
    const SCHEMA: u16 = 1;

    fn encode_key(key: &Key, out: &mut Vec<u8>) {
        let (kind, number) = match key {
            Key::Account(n) => (0, n),
            Key::Answered(n) => (1, n),
            Key::Done(n) => (2, n),
            Key::Seen(n) => (3, n),
        };
        out.push(kind);
        out.extend_from_slice(&number.to_be_bytes());
    }

    fn decode_key(bytes: &[u8]) -> Option<Key> {
        let (kind, number) = bytes.split_first()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        Some(match kind {
            0 => Key::Account(number),
            1 => Key::Answered(number),
            2 => Key::Done(number),
            3 => Key::Seen(number),
            _ => return None,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.value.to_be_bytes());
        out.push(u8::from(self.closed));
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (value, closed) = bytes.split_first_chunk()?;
        Some(Self { value: i64::from_be_bytes(*value), closed: closed == [1] })
    }
}

/// What a label says.
enum Said {
    Add(u64, i64),
    Ask(u64),
    Answer(u64),
    Done(u64),
    /// Nothing that matters, or a loss, or an answer that is repeated.
    Talk,
}

fn said(event: &Event) -> Said {
    let label = match event {
        Event::Station(station::Event::StationOpened(opened)) => &opened.label,
        Event::Distribution(distribution::Event::SiteOpened(opened)) => &opened.label,
        other if other.loss().is_some() || other.repeated().is_some() => return Said::Talk,
        other => panic!("not an event of these services: {other:?}"),
    };
    let parts: Vec<&str> = label.split(':').collect();
    let number = |index: usize| parts[index].parse::<u64>().unwrap();
    match parts[0] {
        "add" => Said::Add(number(1), parts[2].parse().unwrap()),
        "ask" => Said::Ask(number(1)),
        "answer" => Said::Answer(number(1)),
        "done" => Said::Done(number(1)),
        _ => Said::Talk,
    }
}

/// An event of a service that says `label`.
pub(crate) fn event(service: Service, context: &Context, label: String) -> Event {
    let division = DivisionCode::from(context.stream.county);
    let occasion = Occasion {
        business_date: BusinessDate::of(context.now),
        occurred_at: None,
        device_utc_offset_min: None,
        division,
    };
    let place = PlaceId::derive(context.request_id, context.stream, 0);
    let operator = PartyRef { id: PartyId([9; 16]), kind: PartyKind::Firm };
    if service == Service::Station {
        let kind = PlaceKind::Station;
        Event::Station(station::Event::StationOpened(station::StationOpened {
            occasion,
            station: place,
            kind,
            division,
            operator,
            label,
        }))
    } else {
        let kind = PlaceKind::CountyCentre;
        Event::Distribution(distribution::Event::SiteOpened(distribution::SiteOpened {
            occasion,
            site: place,
            kind,
            division,
            operator,
            label,
        }))
    }
}

impl<S: Side> Peer<S> {
    fn add_one(state: &mut State<Self>, key: Key) {
        let value = state.entities.get(&key).map_or(0, |number| number.value) + 1;
        state.entities.put(key, Number { value, closed: true });
    }
}

impl<S: Side> Decider for Peer<S> {
    const SERVICE: Service = S::OWN;
    const UPSTREAM: &'static [Service] = S::UPSTREAM;

    type Command = Command;
    type Entity = Number;
    type Index = NoIndex;

    fn keys(state: &State<Self>, subject: Subject<'_, Command>) -> Vec<Key> {
        let mut keys = Vec::new();
        match subject {
            Subject::Command(Command::Add { account, .. }) => keys.push(Key::Account(*account)),
            Subject::Command(_) => {}
            Subject::Own(commit) => {
                for event in &commit.events {
                    match said(event) {
                        Said::Add(account, _) => keys.push(Key::Account(account)),
                        Said::Answer(number) => keys.push(Key::Answered(number)),
                        Said::Done(number) => keys.push(Key::Done(number)),
                        Said::Ask(_) | Said::Talk => {}
                    }
                }
            }
            Subject::Upstream(commit) => {
                for event in commit.heard() {
                    match said(event) {
                        Said::Ask(number) => keys.extend([Key::Seen(number), Key::Answered(number)]),
                        Said::Answer(number) => keys.push(Key::Done(number)),
                        Said::Add(..) | Said::Done(_) | Said::Talk => {}
                    }
                }
            }
        }
        keys.retain(|key| !state.entities.is_known(key));
        keys
    }

    fn decide(state: &State<Self>, command: &Command, context: &Context) -> Result<Vec<Event>, Rejection> {
        let label = match command {
            Command::Add { account, amount } => {
                let balance = state.entities.get(&Key::Account(*account)).map_or(0, |number| number.value);
                if balance + amount < 0 {
                    return Err(Rejection::broken(Rule::InsufficientStock, account).with("balance", balance));
                }
                format!("add:{account}:{amount}")
            }
            Command::Ask { number } => format!("ask:{number}"),
            Command::Talk { bytes } => "t".repeat(*bytes),
        };
        Ok(vec![event(S::OWN, context, label)])
    }

    fn evolve(state: &mut State<Self>, event: &Event, _: &Commit) {
        match said(event) {
            Said::Add(account, amount) => {
                let key = Key::Account(account);
                let value = state.entities.get(&key).map_or(0, |number| number.value) + amount;
                state.entities.put(key, Number { value, closed: value == 0 });
            }
            Said::Answer(number) => Self::add_one(state, Key::Answered(number)),
            Said::Done(number) => Self::add_one(state, Key::Done(number)),
            Said::Ask(_) | Said::Talk => {}
        }
    }

    fn apply_upstream(state: &mut State<Self>, upstream: &Commit) {
        for event in upstream.heard() {
            if let Said::Ask(number) = said(event) {
                let key = Key::Seen(number);
                let value = state.entities.get(&key).map_or(0, |number| number.value) + 1;
                state.entities.put_reference(key, Number { value, closed: true });
            }
        }
    }

    fn concerns(event: &Event) -> bool {
        event.heard().iter().any(|event| matches!(said(event), Said::Ask(_) | Said::Answer(_)))
    }

    fn react(state: &State<Self>, upstream: &Commit, context: &Context) -> Vec<Event> {
        let label = match said(upstream.heard().next().unwrap()) {
            Said::Ask(BUG) if S::HAS_BUG => return Vec::new(),
            Said::Ask(PANIC) if S::HAS_BUG => panic!("planted"),
            Said::Ask(number) => {
                assert!(state.entities.get(&Key::Seen(number)).is_some(), "noted before it is reacted to");
                format!("answer:{number}")
            }
            Said::Answer(number) => format!("done:{number}"),
            _ => unreachable!("nothing else concerns anybody"),
        };
        vec![event(S::OWN, context, label)]
    }
}
