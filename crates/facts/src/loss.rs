//! What a stream says after commits of it, or of another stream, were lost from the log and an operator accepted the loss.
//!
//! A lost commit takes nothing with it that stands elsewhere: answers to it stand in their own streams, and name a cause
//! that is not there. The request that was lost can be sent again, because no store knows it any more; the answer that
//! stands is then repeated and not given anew, so that nothing is bought, reserved or owed twice.

use loopledger_types::{Hash, Service};

use crate::{Commit, Event, distribution, procurement, sales, station};

/// Commits of this stream that were acknowledged, and are not in the log: the loss is accepted.
///
/// Every service can say it. It changes no state, posts nothing and needs no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailLost {
    /// Sequence of the first lost commit. This commit, and those after it, take the lost ones' sequences.
    pub first: u64,
    /// Sequence of the last one that anybody had seen.
    pub last: u64,
    /// Its hash; zeros if it is not known.
    pub head: Hash,
}

/// The whole answer to a commit whose request was answered before, when it stood in a commit that is lost: what was
/// answered then, for those who hear it.
///
/// Every service can say it. It changes no state and posts nothing: the first answer did, and stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRepeated {
    /// Sequence of the first answer, in this stream.
    pub first: u64,
    /// Its events. None of them repeats an answer itself.
    pub answers: Vec<Event>,
}

impl Event {
    /// The event as other streams hear it: one that repeats an answer says what the answer said.
    pub fn heard(&self) -> &[Self] {
        self.repeated().map_or_else(|| core::slice::from_ref(self), |repeated| &repeated.answers)
    }

    /// The answer that the event repeats, if it repeats one.
    pub const fn repeated(&self) -> Option<&AnswerRepeated> {
        match self {
            Self::Procurement(procurement::Event::AnswerRepeated(repeated))
            | Self::Station(station::Event::AnswerRepeated(repeated))
            | Self::Distribution(distribution::Event::AnswerRepeated(repeated))
            | Self::Sales(sales::Event::AnswerRepeated(repeated)) => Some(repeated),
            Self::Procurement(_) | Self::Station(_) | Self::Distribution(_) | Self::Sales(_) => None,
        }
    }

    /// The loss, if the event says one.
    pub const fn loss(&self) -> Option<TailLost> {
        match self {
            Self::Procurement(procurement::Event::TailLost(loss))
            | Self::Station(station::Event::TailLost(loss))
            | Self::Distribution(distribution::Event::TailLost(loss))
            | Self::Sales(sales::Event::TailLost(loss)) => Some(*loss),
            Self::Procurement(_) | Self::Station(_) | Self::Distribution(_) | Self::Sales(_) => None,
        }
    }
}

impl Commit {
    /// The events as other streams hear them.
    pub fn heard(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().flat_map(Event::heard)
    }
}

impl TailLost {
    /// The event of a stream of `service`; the ledger's has no such event.
    pub const fn of(self, service: Service) -> Option<Event> {
        Some(match service {
            Service::Procurement => Event::Procurement(procurement::Event::TailLost(self)),
            Service::Station => Event::Station(station::Event::TailLost(self)),
            Service::Distribution => Event::Distribution(distribution::Event::TailLost(self)),
            Service::Sales => Event::Sales(sales::Event::TailLost(self)),
            Service::Ledger => return None,
        })
    }

    /// Whether a commit with this sequence may be among those that are lost.
    pub const fn covers(&self, sequence: u64) -> bool {
        self.first <= sequence && sequence <= self.last
    }
}

impl AnswerRepeated {
    /// Says again what `first` answered.
    pub fn to(first: &Commit) -> Self {
        Self { first: first.sequence, answers: first.heard().cloned().collect() }
    }

    /// The event of a stream of `service`; the ledger writes no answers.
    pub fn of(self, service: Service) -> Option<Event> {
        Some(match service {
            Service::Procurement => Event::Procurement(procurement::Event::AnswerRepeated(self)),
            Service::Station => Event::Station(station::Event::AnswerRepeated(self)),
            Service::Distribution => Event::Distribution(distribution::Event::AnswerRepeated(self)),
            Service::Sales => Event::Sales(sales::Event::AnswerRepeated(self)),
            Service::Ledger => return None,
        })
    }
}
