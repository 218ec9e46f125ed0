//! The four services that take commands, as one kind of thing.

use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::Receipt;
use loopledger_proto::{distribution, procurement, sales, station};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// A command on its way, with what makes it the same command when it is sent again.
#[derive(Debug, Clone)]
pub(crate) struct Command<R> {
    pub(crate) request_id: String,
    pub(crate) request: R,
}

/// A service's bulk stream, and its memory.
pub(crate) trait Bulk: Send + 'static {
    const PROGRAM: &'static str;
    type Request: Clone + Send + 'static;
    type Response: Send + 'static;

    fn request(line: Line) -> Option<Self::Request>;

    async fn open(
        channel: Channel,
        requests: mpsc::Receiver<Self::Request>,
    ) -> Result<Streaming<Self::Response>, Status>;

    fn outcome(response: Self::Response) -> Result<Receipt, Status>;

    async fn receipt(channel: Channel, request_id: String) -> Result<Receipt, Status>;
}

macro_rules! bulk {
    ($name:ident, $module:ident, $client_module:ident :: $client:ident) => {
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Bulk for $name {
            const PROGRAM: &'static str = stringify!($module);
            type Request = $module::v1::RecordRequest;
            type Response = $module::v1::RecordResponse;

            fn request(line: Line) -> Option<Self::Request> {
                if let Line::$name(request) = line { Some(request) } else { None }
            }

            async fn open(
                channel: Channel,
                requests: mpsc::Receiver<Self::Request>,
            ) -> Result<Streaming<Self::Response>, Status> {
                let mut client = $module::v1::$client_module::$client::new(channel);
                Ok(client.record(ReceiverStream::new(requests)).await?.into_inner())
            }

            fn outcome(response: Self::Response) -> Result<Receipt, Status> {
                use $module::v1::record_response::Outcome;
                match response.outcome {
                    Some(Outcome::Receipt(receipt)) => Ok(receipt),
                    Some(Outcome::Status(status)) => Err(loopledger_wire::status_from_pb(&status)),
                    None => Err(Status::internal("an answer that says nothing")),
                }
            }

            async fn receipt(channel: Channel, request_id: String) -> Result<Receipt, Status> {
                let mut client = $module::v1::$client_module::$client::new(channel);
                let request =
                    $module::v1::GetReceiptRequest { at_least: Vec::new(), request_id, county_code: String::new() };
                let answer = client.get_receipt(request).await?.into_inner();
                answer.receipt.ok_or_else(|| Status::internal("an answer that says nothing"))
            }
        }
    };
}

bulk!(Procurement, procurement, procurement_service_client::ProcurementServiceClient);
bulk!(Station, station, station_service_client::StationServiceClient);
bulk!(Distribution, distribution, distribution_service_client::DistributionServiceClient);
bulk!(Sales, sales, sales_service_client::SalesServiceClient);
