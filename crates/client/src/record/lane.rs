//! One bulk stream to one service and county: commands in, answers out, in order.

use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::Position;
use loopledger_proto::{distribution, procurement, sales, station};
use loopledger_types::{CountyCode, Service};
use loopledger_wire::BulkRequest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::answer::Answer;
use super::engine::IN_FLIGHT_MAX;
use crate::client::Client;
use crate::exit::Failure;

/// Whose stream a command goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) service: Service,
    /// `None`: the only county that the server hosts.
    pub(super) county: Option<CountyCode>,
}

impl Route {
    /// The route of a line that names its county, or is of `county`; `None` for a barrier. A code that is wrong in form names
    /// none: the server says so.
    pub(super) fn of(line: &Line, county: Option<CountyCode>) -> Option<Self> {
        let (service, code) = match line {
            Line::Procurement(request) => (Service::Procurement, request.county_code()),
            Line::Station(request) => (Service::Station, request.county_code()),
            Line::Distribution(request) => (Service::Distribution, request.county_code()),
            Line::Sales(request) => (Service::Sales, request.county_code()),
            Line::Await(_) => return None,
        };
        Some(Self { service, county: CountyCode::parse(code).ok().or(county) })
    }

    /// Whether two routes may lead to one stream although they differ: one that names no county may be of any.
    pub(super) fn may_be(self, other: Self) -> bool {
        self != other && self.service == other.service && (self.county.is_none() || other.county.is_none())
    }
}

/// What a lane hands on: on which route it answered, on which of its lanes, and what.
pub(super) type Reply = (Route, u64, Result<Answer, Status>);

/// The sending half of an open bulk stream.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) generation: u64,
    sender: Sender,
    /// Hands its answers on, up to the end.
    reader: JoinHandle<()>,
}

#[derive(Debug)]
enum Sender {
    Procurement(mpsc::Sender<procurement::v1::RecordRequest>),
    Station(mpsc::Sender<station::v1::RecordRequest>),
    Distribution(mpsc::Sender<distribution::v1::RecordRequest>),
    Sales(mpsc::Sender<sales::v1::RecordRequest>),
}

macro_rules! open_lane {
    ($client:expr, $variant:ident, $service:ident, $route:expr, $generation:expr, $replies:expr) => {{
        let (sender, receiver) = mpsc::channel(IN_FLIGHT_MAX);
        let mut answers = match $client.record(ReceiverStream::new(receiver)).await {
            Ok(answers) => answers.into_inner(),
            Err(status) => return Ok(Err(status)),
        };
        let (route, generation, replies) = ($route, $generation, $replies);
        let reader = tokio::spawn(async move {
            while let Some(message) = answers.next().await {
                let ended = message.is_err();
                let reply = message.and_then(|message| {
                    use loopledger_proto::$service::v1::record_response::Outcome;
                    match message.outcome {
                        Some(Outcome::Receipt(receipt)) => Ok(Answer::Recorded(receipt)),
                        Some(Outcome::Status(status)) => Ok(Answer::Refused(status)),
                        None => Err(Status::internal("the server answered with nothing")),
                    }
                });
                if replies.send((route, generation, reply)).is_err() || ended {
                    return;
                }
            }
            // The stream is over: if answers are still due, the reader must hear of it.
            let _ = replies.send((route, generation, Err(Status::unavailable("the server ended the stream"))));
        });
        Ok(Ok(Lane { generation, sender: Sender::$variant(sender), reader }))
    }};
}

impl Lane {
    /// Opens the stream of `route`; its answers go to `replies`. The inner error is the server's, or that of the way there.
    pub(super) async fn open(
        client: &Client,
        route: Route,
        generation: u64,
        replies: mpsc::UnboundedSender<Reply>,
    ) -> Result<Result<Self, Status>, Failure> {
        match route.service {
            Service::Procurement => {
                open_lane!(client.procurement()?, Procurement, procurement, route, generation, replies)
            }
            Service::Station => open_lane!(client.station()?, Station, station, route, generation, replies),
            Service::Distribution => {
                open_lane!(client.distribution()?, Distribution, distribution, route, generation, replies)
            }
            Service::Sales => open_lane!(client.sales()?, Sales, sales, route, generation, replies),
            Service::Ledger => Err(Failure::Usage("the ledger takes no commands".to_owned())),
        }
    }

    /// Ends the stream, which has answered all that was sent, and waits for the server's end of it.
    pub(super) async fn close(self) {
        drop(self.sender);
        // What it says last is about an end that was asked for.
        drop(self.reader.await);
    }

    /// Sends a line that belongs to this lane. A lane that is closed takes nothing: its last reply says why. It is never
    /// full, since it holds all that may be in flight.
    pub(super) fn send(&self, line: Line) {
        let _ = match (&self.sender, line) {
            (Sender::Procurement(sender), Line::Procurement(request)) => sender.try_send(request).is_ok(),
            (Sender::Station(sender), Line::Station(request)) => sender.try_send(request).is_ok(),
            (Sender::Distribution(sender), Line::Distribution(request)) => sender.try_send(request).is_ok(),
            (Sender::Sales(sender), Line::Sales(request)) => sender.try_send(request).is_ok(),
            _ => false,
        };
    }
}

/// Gives a command its county, and the heads of the last barrier there, unless it names such itself.
pub(super) fn complete(line: &mut Line, county: Option<CountyCode>, heads: &[Position]) {
    match line {
        Line::Procurement(request) => complete_request(request, county, heads),
        Line::Station(request) => complete_request(request, county, heads),
        Line::Distribution(request) => complete_request(request, county, heads),
        Line::Sales(request) => complete_request(request, county, heads),
        Line::Await(_) => {}
    }
}

fn complete_request(request: &mut impl BulkRequest, county: Option<CountyCode>, heads: &[Position]) {
    if let Some(after) = request.after().filter(|after| after.is_empty()) {
        after.extend_from_slice(heads);
    }
    if let Some(county) = county
        && let Some(code) = request.county_code_mut().filter(|code| code.is_empty())
    {
        *code = county.to_string();
    }
}
