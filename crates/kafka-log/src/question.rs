//! Requests that a broker may leave unanswered.
//!
//! The client chooses the broker: a partition's leader as far as it knows, or the broker that it used last. A hung
//! broker answers nothing and closes nothing, and is asked again until the client gives up its connection
//! ([`SILENCE_MAX`]). So no single request may use up the whole timeout: after an unanswered one, the caller asks who
//! leads now and then asks again, and both requests reach a live broker.

use core::time::Duration;
use std::time::Instant;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;

use crate::settings::SILENCE_MAX;

/// How long one question may take: a second longer than the client needs to give up a connection, since it looks for
/// silent ones once a second.
pub(crate) const QUESTION_MAX: Duration = SILENCE_MAX.saturating_add(Duration::from_secs(1));

/// Until when an answer is wanted.
#[derive(Debug)]
pub(crate) struct Deadline {
    at: Option<Instant>,
}

impl Deadline {
    pub(crate) fn after(duration: Duration) -> Self {
        Self { at: Instant::now().checked_add(duration) }
    }

    pub(crate) fn remaining(&self) -> Duration {
        // A time beyond what the clock can say never comes.
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The time of one question.
    fn question(&self) -> Duration {
        self.remaining().min(QUESTION_MAX)
    }
}

/// Where a partition begins and ends, by who leads it as far as the client knows.
pub(crate) fn range<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    deadline: &Deadline,
) -> KafkaResult<(u64, u64)> {
    let (low, high) = consumer.fetch_watermarks(topic, partition, deadline.question())?;
    Ok((u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)))
}

/// Has the client learn who leads the topic's partitions now.
pub(crate) fn learn<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    deadline: &Deadline,
) -> KafkaResult<()> {
    consumer.fetch_metadata(Some(topic), deadline.question()).map(|_| ())
}

/// Whether the cluster knows the partition; None if no broker answers. What a broker said that had just come back may have
/// been incomplete, and the client would believe it for minutes without asking: asked for all topics, it learns anew.
pub(crate) fn is_there<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    deadline: &Deadline,
) -> Option<bool> {
    let metadata = consumer.fetch_metadata(None, deadline.question()).ok()?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    Some(found.is_some_and(|topic| topic.partitions().iter().any(|found| found.id() == partition)))
}
