//! What the service is made of.

use loopledger_domain::sales::Sales;
use loopledger_proto::sales::v1::RecordRequest;
use loopledger_proto::sales::v1::sales_service_server::SalesServiceServer;
use loopledger_service::grpc::{MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX, Server};
use loopledger_service::program::Program;
use tonic::server::NamedService;

use crate::grpc::Grpc;

/// The running service; started with [`Program::start`].
pub type App = Program<Sales>;

/// The full name of the gRPC service.
pub const NAME: &str = <SalesServiceServer<Grpc> as NamedService>::NAME;

/// Offers the service on `server`, healthy while its writer serves.
pub fn serve(app: &App, server: &mut Server) {
    let calls = app.calls(server.stop_token());
    server.follow_health(NAME, app.handle().health());
    server.bulk::<Sales, RecordRequest>(NAME, calls.clone());
    let service = SalesServiceServer::new(Grpc::new(calls))
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    server.route(|routes| routes.add_service(service));
}
