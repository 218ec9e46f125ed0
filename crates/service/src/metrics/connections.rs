//! What the connections of a server hold.

use super::registry::Source;
use super::samples::Samples;
use crate::limits::connections::Connections;

impl Source for Connections {
    fn collect(&self, samples: &mut Samples) {
        let none = Vec::new();
        let open = u64::try_from(self.open()).unwrap_or(u64::MAX);
        samples.gauge("loopledger_grpc_connections", "Open connections of the gRPC server.", &none, open);
        let help = "Connections that were closed at once, since all that are allowed were open and had calls.";
        samples.counter("loopledger_grpc_connections_refused_total", help, &none, self.refused());
        let help = "Idle connections that were closed for new ones.";
        samples.counter("loopledger_grpc_idle_connections_closed_total", help, &none, self.closed_idle());
        let help = "What requests hold that are being read, or are not answered.";
        samples.gauge("loopledger_grpc_request_bytes", help, &none, self.request_bytes());
        let help = "What answers hold that their callers have not taken.";
        samples.gauge("loopledger_grpc_answer_bytes", help, &none, self.answer_bytes());
    }
}
