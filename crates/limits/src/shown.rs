//! What the connections of a server hold.

use crate::connections::Connections;
use loopledger_observability::metrics::{Samples, Source};

impl Source for Connections {
    fn collect(&self, samples: &mut Samples) {
        let none = Vec::new();
        let open = u64::try_from(self.open()).unwrap_or(u64::MAX);
        samples.gauge("loopledger_grpc_connections", "Open connections of the gRPC server.", &none, open);
        let help = "Connections refused because the limit was reached and none was idle.";
        samples.counter("loopledger_grpc_connections_refused_total", help, &none, self.refused());
        let help = "Idle connections closed to make room for new ones.";
        samples.counter("loopledger_grpc_idle_connections_closed_total", help, &none, self.closed_idle());
        let help = "Bytes of requests that are being read or not answered yet.";
        samples.gauge("loopledger_grpc_request_bytes", help, &none, self.request_bytes());
        let help = "Bytes of answers that their callers have not read yet.";
        samples.gauge("loopledger_grpc_answer_bytes", help, &none, self.answer_bytes());
    }
}
