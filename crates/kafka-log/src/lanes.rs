//! The partitions of the five topics, and this process's state of each.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use loopledger_event_log::{APPEND_QUEUE_BYTES_MAX, Offset};
use loopledger_types::{Partition, Service, Topic};

#[derive(Debug)]
pub(crate) struct Lanes {
    partition_count: u32,
    /// The names of the topics on the cluster, by service.
    names: [String; Service::ALL.len()],
    /// By topic, then partition.
    all: Vec<Lane>,
}

/// A partition that exists, and where its lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaneId {
    pub(crate) topic: Topic,
    index: usize,
    /// As the Kafka client counts.
    pub(crate) partition: i32,
}

#[derive(Debug, Default)]
pub(crate) struct Lane {
    waiting_bytes: AtomicUsize,
    /// The offset after the newest record that was confirmed or read; 0 if none was.
    seen: AtomicU64,
    end: Mutex<Option<KnownEnd>>,
}

/// Where the last record before a watermark ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KnownEnd {
    watermark: u64,
    end: u64,
}

impl Lanes {
    pub(crate) fn new(prefix: &str, partition_count: u32) -> Self {
        let count = usize::try_from(partition_count).unwrap_or(usize::MAX).saturating_mul(Service::ALL.len());
        Self {
            partition_count,
            names: Service::ALL.map(|service| topic_name(prefix, Topic(service))),
            all: std::iter::repeat_with(Lane::default).take(count).collect(),
        }
    }

    pub(crate) const fn partition_count(&self) -> u32 {
        self.partition_count
    }

    pub(crate) fn find(&self, topic: Topic, partition: Partition) -> Option<LaneId> {
        if partition.0 >= self.partition_count {
            return None;
        }
        let count = usize::try_from(self.partition_count).ok()?;
        let index = topic.0.index().checked_mul(count)?.checked_add(usize::try_from(partition.0).ok()?)?;
        Some(LaneId { topic, index, partition: i32::try_from(partition.0).ok()? })
    }

    pub(crate) fn lane(&self, lane_id: LaneId) -> &Lane {
        self.all.get(lane_id.index).expect("an id is made by the lanes that have it")
    }

    /// The topic's name on the cluster.
    pub(crate) fn topic_name(&self, lane_id: LaneId) -> &str {
        self.names.get(lane_id.topic.0.index()).expect("every service has a topic")
    }
}

/// The name on the cluster: the topic's own, unless a test keeps its topics apart with a prefix.
pub(crate) fn topic_name(prefix: &str, topic: Topic) -> String {
    format!("{prefix}{topic}")
}

impl Lane {
    /// Makes room for a record of so many bytes. False: too many wait already.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= APPEND_QUEUE_BYTES_MAX;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A record ends at `next`.
    pub(crate) fn saw(&self, next: u64) {
        self.seen.fetch_max(next, Ordering::Relaxed);
    }

    /// Whether a record was seen that lies behind the watermark: the log is shorter than it was, or is said to be.
    pub(crate) fn saw_beyond(&self, watermark: u64) -> bool {
        self.seen.load(Ordering::Relaxed) > watermark
    }

    /// The offset after the last record before the watermark, if that is known without asking.
    pub(crate) fn end_at(&self, watermark: u64) -> Option<Offset> {
        let seen = self.seen.load(Ordering::Relaxed);
        if seen == watermark {
            return Some(Offset(watermark));
        }
        if seen > watermark {
            // What was seen before does not describe the present log.
            self.seen.store(0, Ordering::Relaxed);
        }
        let known = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|known| known.watermark == watermark).map(|known| Offset(known.end))
    }

    pub(crate) fn found_end(&self, watermark: u64, end: Offset) {
        let known = KnownEnd { watermark, end: end.0 };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_lane() {
        let lanes = Lanes::new("", 3);
        let mut indices = Vec::new();
        for service in Service::ALL {
            for number in 0..3 {
                let lane_id = lanes.find(Topic(service), Partition(number)).unwrap();
                assert_eq!(lanes.topic_name(lane_id), Topic(service).to_string());
                indices.push(lane_id.index);
            }
            assert_eq!(lanes.find(Topic(service), Partition(3)), None);
        }
        assert_eq!(indices, (0..15).collect::<Vec<_>>());
    }

    #[test]
    fn the_end_is_known_from_what_was_seen_at_the_watermark_alone() {
        let lane = Lane::default();
        assert_eq!(lane.end_at(7), None, "nothing was seen");
        lane.saw(7);
        lane.saw(5);
        assert_eq!(lane.end_at(7), Some(Offset(7)));
        assert_eq!(lane.end_at(8), None, "what lies between may be no record");
        lane.found_end(8, Offset(7));
        assert_eq!(lane.end_at(8), Some(Offset(7)));
        assert_eq!(lane.end_at(9), None);
        assert_eq!(lane.end_at(6), None, "the log came back shorter");
        assert_eq!(lane.end_at(7), None, "and what was seen at 7 was another record");
    }

    #[test]
    fn the_queue_of_a_partition_is_bounded() {
        let lane = Lane::default();
        assert!(lane.reserve(APPEND_QUEUE_BYTES_MAX - 10));
        assert!(!lane.reserve(11));
        assert!(lane.reserve(10));
        lane.release(10);
        assert!(lane.reserve(10));
    }
}
