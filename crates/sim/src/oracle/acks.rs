//! Acknowledgements against the streams: everything acknowledged is recorded once, nothing refused is recorded.

use core::time::Duration;
use std::collections::BTreeMap;

use loopledger_domain::{Commit, Event, distribution, procurement, sales, station, stock};
use loopledger_types::{EntityKind, Position, RequestId, Service};
use tokio::time::Instant;

use super::SERVICES;
use super::chain::Streams;
use crate::client::{Missing, Said, Verdict};
use crate::faults::CUT_MS_MAX;
use crate::workload::Command;

/// One request of one caller, and what became of it.
#[derive(Debug)]
pub(crate) struct Uttered {
    pub(crate) command: Command,
    pub(crate) said: Option<Said>,
}

/// A writer that has read nothing for a second looks at the log's end before it refuses; but what it has read may have
/// been under way for as long as a line is cut.
const STALE_MAX: Duration = Duration::from_millis(1_100 + CUT_MS_MAX);

/// What exists, by the acknowledgements heard so far.
#[derive(Debug, Default)]
pub(crate) struct Existing(BTreeMap<String, (Position, Instant)>);

impl Existing {
    /// The command created something, as its caller heard at this time.
    pub(crate) fn acknowledged(&mut self, command: &Command, position: Position, at: Instant) {
        for id in command.created(position) {
            self.0.entry(id).or_insert((position, at));
        }
    }

    /// Whether an answer at this time said that something does not exist of which the service had to know: it had
    /// acknowledged it itself, or the request named a position that includes it.
    pub(crate) fn is_denied(&self, command: &Command, missing: &Missing, at: Instant) -> bool {
        self.0.get(&missing.id).is_some_and(|(position, heard_at)| {
            let own =
                position.stream.service == command.service() && at.saturating_duration_since(*heard_at) > STALE_MAX;
            let includes = |after: &Position| after.stream == position.stream && after.sequence >= position.sequence;
            // To distribution a station's shipment exists once it has answered the hand-over, which `after` does not name.
            own || missing.kind != EntityKind::Shipment && command.after().iter().any(includes)
        })
    }
}

/// What all callers with one id and one content know together.
#[derive(Debug, Default)]
struct Heard {
    acknowledged: bool,
    /// Some attempt may have taken effect without anybody's knowing.
    doubtful: bool,
}

pub(crate) fn check(uttered: &[Uttered], streams: &Streams) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_request: BTreeMap<(Service, RequestId), Vec<&Commit>> = BTreeMap::new();
    for commit in SERVICES.into_iter().flat_map(|service| streams.of(service)).filter(|commit| commit.cause.is_none()) {
        by_request.entry((commit.stream.service, commit.request_id)).or_default().push(commit);
    }
    let mut heard: BTreeMap<(Service, RequestId, [u8; 32]), Heard> = BTreeMap::new();
    for Uttered { command, said } in uttered {
        let (service, id) = (command.service(), command.request_id());
        let heard = heard.entry((service, id, command.digest())).or_default();
        let Some(said) = said else {
            wrong.push(format!("{id} was never answered"));
            continue;
        };
        heard.doubtful |= said.doubtful;
        match &said.verdict {
            Verdict::Acknowledged(position) => {
                heard.acknowledged = true;
                match streams.at(*position) {
                    Some(commit) if commit.request_id == id && commit.request_digest == command.digest() => {
                        if !fits(command, commit) {
                            wrong.push(format!("{position:?} does not do what {id} asked"));
                        }
                    }
                    Some(_) => wrong.push(format!("{id} was acknowledged with {position:?}, which is another's")),
                    None => wrong.push(format!("{id} was acknowledged with {position:?}, which is not there")),
                }
            }
            Verdict::Reused(first) => {
                if streams.at(*first).is_none_or(|commit| commit.request_id != id) {
                    wrong.push(format!("{id} is said to be used by {first:?}, which is another's or not there"));
                }
            }
            Verdict::Refused(_) | Verdict::GaveUp => {}
        }
    }
    for ((service, id), commits) in &by_request {
        if commits.len() > 1 {
            wrong.push(format!("{id} took effect {} times", commits.len()));
        }
        for commit in commits {
            match heard.get(&(*service, *id, commit.request_digest)) {
                None => wrong.push(format!("{:?} was never asked for", commit.position())),
                Some(heard) if !heard.acknowledged && !heard.doubtful => {
                    wrong.push(format!("{:?} was refused to its caller", commit.position()));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

/// Whether the commit says what was asked, as far as the callers' own numbers go.
fn fits(command: &Command, commit: &Commit) -> bool {
    let [event] = &*commit.events else { return false };
    match (command, event) {
        (Command::Station(write), Event::Station(event)) => match (&write.command, event) {
            (station::Command::CollectGoods(asked), station::Event::GoodsCollected(done)) => {
                let deducted = asked.tare.quantity.0 + asked.moisture.quantity.0 + asked.impurity.quantity.0;
                done.origin.quantity.0 == asked.gross.quantity.0 - deducted
                    && done.origin.producer.id == asked.producer
                    && done.station == asked.station
            }
            (station::Command::HandOverGoods(asked), station::Event::GoodsHandedOver(done)) => {
                moved(&asked.lines, &mut done.lines.iter().map(|line| line.quantity.0)) && done.to == asked.to
            }
            (station::Command::BuyInGoods(asked), station::Event::GoodsBoughtIn(done)) => bought(asked, done),
            (station::Command::IssueGoods(asked), station::Event::GoodsIssued(done)) => issued(asked, done),
            (station::Command::OpenStation(asked), station::Event::StationOpened(done)) => done.label == asked.label,
            (station::Command::InspectGoods(asked), station::Event::GoodsInspected(done)) => {
                done.lot == asked.lot && done.passed == asked.passed
            }
            _ => false,
        },
        (Command::Distribution(write), Event::Distribution(event)) => match (&write.command, event) {
            (distribution::Command::DispatchShipment(asked), distribution::Event::ShipmentDispatched(done)) => {
                moved(&asked.lines, &mut done.lines.iter().map(|line| line.stock.quantity.0)) && done.to == asked.to
            }
            (distribution::Command::ReceiveShipment(asked), distribution::Event::ShipmentReceived(done)) => {
                let heard = |lost: i64, line: &distribution::ReceiptDifference| lost + line.missing.quantity.0;
                asked.differences.iter().fold(0, heard) == done.lines.iter().map(|line| line.missing.0).sum::<i64>()
            }
            (distribution::Command::BuyInGoods(asked), distribution::Event::GoodsBoughtIn(done)) => bought(asked, done),
            (distribution::Command::IssueGoods(asked), distribution::Event::GoodsIssued(done)) => issued(asked, done),
            (distribution::Command::OpenSite(asked), distribution::Event::SiteOpened(done)) => {
                done.label == asked.label
            }
            _ => false,
        },
        (Command::Sales(write), Event::Sales(event)) => match (&write.command, event) {
            (sales::Command::PlaceOrder(asked), sales::Event::OrderPlaced(done)) => done.number == asked.number,
            (sales::Command::CancelOrderLine(asked), sales::Event::CancellationRequested(done)) => {
                (done.order, done.line) == (asked.order, asked.line)
            }
            (sales::Command::RecordPayment(asked), sales::Event::PaymentReceived(done)) => {
                done.applied.0 + done.prepaid.0 == asked.amount.0
            }
            (sales::Command::ReturnPrepayment(asked), sales::Event::PrepaymentReturned(done)) => {
                done.amount == asked.amount
            }
            (sales::Command::SettleConsignment(asked), sales::Event::ConsignmentSettled(done)) => {
                done.lines.iter().all(|line| asked.lots.iter().any(|lot| lot.lot == line.lot))
            }
            (sales::Command::OpenChannel(asked), sales::Event::ChannelOpened(done)) => done.label == asked.label,
            _ => false,
        },
        (Command::Procurement(write), Event::Procurement(event)) => match (&write.command, event) {
            (procurement::Command::MakePayout(asked), procurement::Event::PayoutMade(done)) => {
                done.payee.id == asked.payee && asked.amount.is_none_or(|amount| amount == done.amount)
            }
            (procurement::Command::FailPayout(asked), procurement::Event::PayoutFailed(done)) => {
                done.original.payout == asked.payout
            }
            (procurement::Command::RegisterParty(asked), procurement::Event::PartyRegistered(done)) => {
                done.label == asked.label
            }
            // The others say nothing that the model counts.
            (_, event) => !matches!(event, procurement::Event::UpstreamIgnored(_)),
        },
        _ => false,
    }
}

fn moved(asked: &[stock::MoveLine], done: &mut dyn Iterator<Item = i64>) -> bool {
    asked.iter().map(|line| line.quantity.quantity.0).sum::<i64>() == done.sum::<i64>()
}

fn bought(asked: &stock::BuyIn, done: &stock::GoodsBoughtIn) -> bool {
    (done.line.quantity, done.price, done.supplier.id) == (asked.quantity.quantity, asked.price, asked.supplier)
}

fn issued(asked: &stock::IssueGoods, done: &stock::GoodsIssued) -> bool {
    let left = done.issued.iter().map(|line| line.quantity.0).sum::<i64>();
    (done.order, done.line, left) == (asked.order, asked.line, asked.quantity.quantity.0)
}
