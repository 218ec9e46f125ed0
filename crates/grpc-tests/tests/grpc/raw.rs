//! A caller that speaks HTTP/2 itself, so that it can leave undone what a gRPC client always does.

use core::net::SocketAddr;

use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use prost::bytes::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::Status;
use tonic::codegen::http;

use crate::county::PATIENCE;
use crate::wire;

/// One connection.
pub(crate) struct Caller {
    send: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Caller {
    /// Takes `window` bytes of each answer before it reads.
    pub(crate) async fn connect(address: SocketAddr, window: u32) -> Self {
        let io = TcpStream::connect(address).await.unwrap();
        let mut builder = Builder::new();
        builder.initial_window_size(window).max_concurrent_streams(1_000);
        let (send, connection) = builder.handshake::<_, Bytes>(io).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self { send, driver }
    }

    /// Begins a call, and sends nothing yet.
    pub(crate) async fn begin(&mut self, service: &str, method: &str) -> (ResponseFuture, SendStream<Bytes>) {
        let uri = format!("http://loopledger{}", wire::path(service, method));
        let head = http::Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
        let mut send = self.send.clone().ready().await.unwrap();
        send.send_request(head.body(()).unwrap(), false).unwrap()
    }

    /// Waits until the server has ended the connection.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.driver).await.expect("the connection ends").unwrap();
    }
}

/// The head of a message of so many bytes, and some of its bytes.
pub(crate) fn part(length: u32, bytes: &[u8]) -> Bytes {
    let mut part = vec![0];
    part.extend(length.to_be_bytes());
    part.extend(bytes);
    part.into()
}

/// How a call ended, however much it answered before.
pub(crate) async fn status(answer: ResponseFuture) -> Status {
    let response = timeout(PATIENCE, answer).await.expect("an answer begins").unwrap();
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    let mut body: RecvStream = response.into_body();
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("it goes on") {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    let trailers = timeout(PATIENCE, body.trailers()).await.expect("it ends").unwrap().expect("trailers");
    Status::from_header_map(&trailers).expect("a status")
}
