//! The gRPC surface that all services share: deadlines, errors, unary writes and queries, the bulk stream,
//! health, reflection, and the server that carries them until it is stopped.
//!
//! It decides nothing about goods or money and holds no state of a service: a write is finished by the writer's
//! task, whatever becomes of the call that asked for it.

mod answered;
mod bulk;
mod calls;
mod county_calls;
mod deadline;
mod endpoint;
mod format;
mod frames;
mod guard;
mod health;
mod hosting;
mod known;
mod metered;
mod methods;
pub mod pages;
mod policy;
mod server;
mod status;
pub mod stock;
mod unreadable;

pub use bulk::RecordStream;
pub use calls::Calls;
pub use county_calls::{CountyCalls, duration_to_pb, log_status};
pub use deadline::{DEADLINE_DEFAULT, DEADLINE_MAX, deadline_of};
pub use endpoint::{Endpoint, EndpointError};
pub use hosting::Hosting;
pub use policy::{AllowAll, Policy};
pub use server::{Bound, DRAIN_MAX, ServeError, Server, ServerConfig};
pub use server::{CALLS_END_MAX, STOP_MAX};
pub use status::{failure_status, refused};

/// The largest message that a service writes, in bytes: what gRPC clients accept by default.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// The largest message that a service reads, in bytes. The largest legal one is a settlement of 200 lots with 16 charges
/// each, some 48,000 bytes; a test derives it from the contracts.
pub const REQUEST_BYTES_MAX: usize = 64 * 1_024;

/// When to try again while bytes are lacking: what lacks them waits for answers of milliseconds.
const LACKING_RETRY: core::time::Duration = core::time::Duration::from_millis(100);

/// The contracts of what every server serves besides its services.
const OWN_DESCRIPTORS: [&[u8]; 3] = [
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// What a method of a tonic service returns.
pub type Answering<'call, R> =
    core::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<R>, tonic::Status>> + Send + 'call>>;

/// Writes methods of a tonic service trait, in an `impl` without `#[tonic::async_trait]` (which does not look into
/// macros). `self.calls` is the service's [`Calls`]; a query is asked of the county that it names.
///
/// ```text
/// rpcs! {
///     record: RecordRequest;
///     status get_status: GetStatusRequest => GetStatusResponse;
///     write collect_goods: CollectGoodsRequest => CollectGoodsResponse;
///     ask list_stock: ListStockRequest => ListStockResponse, query::list_stock;
/// }
/// ```
#[macro_export]
macro_rules! rpcs {
    (
        record: $record:ty;
        status $status:ident: $status_request:ty => $status_response:ident;
        $(write $write:ident: $write_request:ty => $write_response:ty;)*
        $(ask $ask:ident: $ask_request:ty => $ask_response:ty, $with:path;)*
    ) => {
        type RecordStream = $crate::RecordStream<$record>;

        fn record<'life, 'call>(
            &'life self,
            request: ::tonic::Request<::tonic::Streaming<$record>>,
        ) -> $crate::Answering<'call, Self::RecordStream>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(::core::future::ready(Ok(self.calls.record(request))))
        }

        fn $status<'life, 'call>(
            &'life self,
            request: ::tonic::Request<$status_request>,
        ) -> $crate::Answering<'call, $status_response>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(async move {
                let deadline = $crate::deadline_of(request.metadata());
                let (status, heads) = self.calls.of(request.get_ref(), deadline).await?.status();
                Ok(::tonic::Response::new($status_response { heads, status: Some(status) }))
            })
        }

        $(fn $write<'life, 'call>(
            &'life self,
            request: ::tonic::Request<$write_request>,
        ) -> $crate::Answering<'call, $write_response>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(self.calls.write(request))
        })*

        $(fn $ask<'life, 'call>(
            &'life self,
            request: ::tonic::Request<$ask_request>,
        ) -> $crate::Answering<'call, $ask_response>
        where
            'life: 'call,
            Self: 'call,
        {
            Box::pin(async move {
                let deadline = $crate::deadline_of(request.metadata());
                let calls = self.calls.of(request.get_ref(), deadline).await?;
                let answer = $with(&calls, request.into_inner(), deadline).await?;
                Ok(::tonic::Response::new(answer))
            })
        })*
    };
}
