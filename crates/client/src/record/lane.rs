//! One bulk stream to one service: commands in, answers out, in order.

use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::Position;
use loopledger_proto::{distribution, procurement, sales, station};
use loopledger_types::Service;
use loopledger_wire::BulkRequest as _;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::answer::Answer;
use super::engine::IN_FLIGHT_MAX;
use crate::client::Client;
use crate::exit::Failure;

/// What a lane hands on: which service answered, on which of its lanes, and what.
pub(super) type Reply = (Service, u64, Result<Answer, Status>);

/// The sending half of an open bulk stream.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) generation: u64,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Procurement(mpsc::Sender<procurement::v1::RecordRequest>),
    Station(mpsc::Sender<station::v1::RecordRequest>),
    Distribution(mpsc::Sender<distribution::v1::RecordRequest>),
    Sales(mpsc::Sender<sales::v1::RecordRequest>),
}

macro_rules! open_lane {
    ($client:expr, $variant:ident, $service:ident, $generation:expr, $replies:expr) => {{
        let (sender, receiver) = mpsc::channel(IN_FLIGHT_MAX);
        let mut answers = match $client.record(ReceiverStream::new(receiver)).await {
            Ok(answers) => answers.into_inner(),
            Err(status) => return Ok(Err(status)),
        };
        let (generation, replies) = ($generation, $replies);
        tokio::spawn(async move {
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
                if replies.send((Service::$variant, generation, reply)).is_err() || ended {
                    return;
                }
            }
            // The stream is over: if answers are still due, the reader must hear of it.
            let _ =
                replies.send((Service::$variant, generation, Err(Status::unavailable("the server ended the stream"))));
        });
        Ok(Ok(Lane { generation, sender: Sender::$variant(sender) }))
    }};
}

impl Lane {
    /// Opens the stream of `service`; its answers go to `replies`. The inner error is the server's, or that of the way there.
    pub(super) async fn open(
        client: &Client,
        service: Service,
        generation: u64,
        replies: mpsc::UnboundedSender<Reply>,
    ) -> Result<Result<Self, Status>, Failure> {
        match service {
            Service::Procurement => open_lane!(client.procurement()?, Procurement, procurement, generation, replies),
            Service::Station => open_lane!(client.station()?, Station, station, generation, replies),
            Service::Distribution => {
                open_lane!(client.distribution()?, Distribution, distribution, generation, replies)
            }
            Service::Sales => open_lane!(client.sales()?, Sales, sales, generation, replies),
            Service::Ledger => Err(Failure::Usage("the ledger takes no commands".to_owned())),
        }
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

/// Which service a line is for; `None` for a barrier or an empty line.
pub(super) const fn service_of(line: &Line) -> Option<Service> {
    match line {
        Line::Procurement(_) => Some(Service::Procurement),
        Line::Station(_) => Some(Service::Station),
        Line::Distribution(_) => Some(Service::Distribution),
        Line::Sales(_) => Some(Service::Sales),
        Line::Await(_) => None,
    }
}

/// Gives a command the heads of the last barrier, unless it names positions of its own.
pub(super) fn rest_on(line: &mut Line, heads: &[Position]) {
    let after = match line {
        Line::Procurement(request) => request.after(),
        Line::Station(request) => request.after(),
        Line::Distribution(request) => request.after(),
        Line::Sales(request) => request.after(),
        Line::Await(_) => None,
    };
    if let Some(after) = after.filter(|after| after.is_empty()) {
        after.extend_from_slice(heads);
    }
}
