//! What an error of the Kafka client means for a reader: retry, report or damage.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The client sees to it, and nothing that is readable is missed: one broker of several, or a connection.
    Passing,
    /// The client sees to it, but nothing can be read until then.
    Outage,
    /// The client has stopped reading: what was asked for is not there.
    NotThere,
    /// A batch does not have the checksum that it was stored with; the client has gone on to the next.
    Damaged,
    /// The client has stopped reading, or may have.
    Stopped,
}

pub(super) fn trouble(error: &KafkaError) -> Trouble {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => Trouble::NotThere,
        Some(RDKafkaErrorCode::BadMessage) => Trouble::Damaged,
        Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) => {
            Trouble::Outage
        }
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::PartitionEOF
            // Of the group that is never joined.
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::GroupAuthorizationFailed,
        ) => Trouble::Passing,
        _ => Trouble::Stopped,
    }
}
