//! Why a cluster cannot be used as the log.

use crate::topics::WrongTopics;

/// Why no log could be had of a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Worth another try.
    #[error("no Kafka broker answers at {brokers}: {reason}")]
    Unreachable { brokers: String, reason: String },
    /// Nothing changes until an operator corrects the topics.
    #[error(transparent)]
    WrongTopics(#[from] WrongTopics),
    /// The cluster answered, and the answer was no.
    #[error("the Kafka cluster refused to {action}: {reason}")]
    Refused { action: &'static str, reason: String },
    /// The client settings make no sense, or the machine gives it no threads.
    #[error("could not create a Kafka client: {reason}")]
    NoClient { reason: String },
}
