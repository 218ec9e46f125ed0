//! The required settings of the topics.

use std::collections::BTreeMap;

use super::describe::{Cluster, TopicState};
use super::wrong::{Mend, Wrong, WrongTopics};

/// What a topic must take: one batch of the producer, and what Kafka puts around it. Kafka's own default.
const MESSAGE_BYTES: u64 = 1_048_588;
const _: () = assert!(1_048_588 > crate::settings::BATCH_BYTES_MAX);

/// Replicas of a topic where there are brokers for them: one may fail, and what is acknowledged is on two.
pub(super) const REPLICAS: u32 = 3;

const ELIGIBLE_LEADER_REPLICAS: &str = "eligible.leader.replicas.version";

/// Settings that are the same wherever a topic lives, and why.
const FIXED: [(&str, &str); 4] = [
    // Compaction keeps the last record of a key: of a county, that is, and its chain would be gone.
    ("cleanup.policy", "delete"),
    // The log is the truth and is kept; Kafka deletes after seven days by default.
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    // A replica that lacks acknowledged records never becomes the leader.
    ("unclean.leader.election.enable", "false"),
];

/// What is asked of the topics besides the rules.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// `None`: any number, if all topics have the same.
    pub partitions: Option<u32>,
    /// `None`: three or more, or one where there are fewer brokers.
    pub replication_factor: Option<u32>,
}

/// What the topics have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub partition_count: u32,
    /// Of the topic that has the fewest.
    pub replication_factor: u32,
    pub min_insync_replicas: u32,
    /// Whether every record is on the broker's disk before it is confirmed.
    pub flushes_every_record: bool,
}

impl Layout {
    /// What "durable" means on these topics.
    pub fn durability(&self) -> String {
        let Self { replication_factor, min_insync_replicas, .. } = self;
        let replicas = if *replication_factor > 1 {
            format!("rf={replication_factor} min.insync.replicas={min_insync_replicas}")
        } else {
            "rf=1".to_owned()
        };
        let flush = if self.flushes_every_record { " flush.messages=1" } else { "" };
        format!("kafka {replicas}{flush}")
    }
}

/// How many replicas must have a record before it is confirmed: a majority.
const fn min_insync_replicas(replication_factor: u32) -> u32 {
    (replication_factor / 2).saturating_add(1)
}

/// The settings of a new topic with so many replicas: what every start of a program accepts.
pub fn required_settings(replicas: u32) -> Vec<(&'static str, String)> {
    let mut settings: Vec<_> = FIXED.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    settings.push(("min.insync.replicas", min_insync_replicas(replicas).to_string()));
    settings.push(("max.message.bytes", MESSAGE_BYTES.to_string()));
    if replicas == 1 {
        settings.push(("flush.messages", "1".to_owned()));
    }
    settings
}

/// Says what the topics have in common, or everything that is wrong with them.
pub(super) fn judge(cluster: &Cluster, wanted: Wanted, brokers: &str) -> Result<Layout, WrongTopics> {
    let partitions = wanted.partitions.unwrap_or_else(|| usual_partitions(&cluster.topics));
    let mut wrong = Vec::new();
    let mut layout: Option<Layout> = None;
    for topic in &cluster.topics {
        let found = judge_topic(topic, partitions, wanted.replication_factor, cluster.brokers.len(), &mut wrong);
        layout = match (layout, found) {
            (Some(one), Some(other)) => Some(weaker(one, other)),
            (one, other) => one.or(other),
        };
    }
    let replicated = layout.is_some_and(|layout| layout.replication_factor > 1);
    if replicated && !cluster.eligible_leader_replicas {
        wrong.push(Wrong {
            of: "the cluster".to_owned(),
            setting: ELIGIBLE_LEADER_REPLICAS,
            found: "0".to_owned(),
            must_be: "1".to_owned(),
            mend: Mend::Feature { feature: ELIGIBLE_LEADER_REPLICAS },
        });
    }
    match layout {
        Some(layout) if wrong.is_empty() => Ok(layout),
        _ => Err(WrongTopics { brokers: brokers.to_owned(), wrong }),
    }
}

/// The number of partitions that most topics have; of several such numbers the largest.
fn usual_partitions(topics: &[TopicState]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let count = counts.entry(narrow(topic.partitions.len())).or_default();
        *count = count.saturating_add(1);
    }
    counts.into_iter().max_by_key(|(number, count)| (*count, *number)).map_or(0, |(number, _)| number)
}

fn weaker(one: Layout, other: Layout) -> Layout {
    Layout {
        partition_count: one.partition_count,
        replication_factor: one.replication_factor.min(other.replication_factor),
        min_insync_replicas: one.min_insync_replicas.min(other.min_insync_replicas),
        flushes_every_record: one.flushes_every_record && other.flushes_every_record,
    }
}

fn judge_topic(
    topic: &TopicState,
    partitions: u32,
    replicas: Option<u32>,
    brokers: usize,
    wrong: &mut Vec<Wrong>,
) -> Option<Layout> {
    let mut find = |setting, found: String, must_be: String, mend| {
        wrong.push(Wrong { of: topic.name.clone(), setting, found, must_be, mend });
    };
    if topic.partitions.is_empty() {
        find("the topic", "missing".to_owned(), "there".to_owned(), Mend::Create);
        return None;
    }
    let partition_count = narrow(topic.partitions.len());
    if partition_count != partitions {
        find("the number of partitions", partition_count.to_string(), partitions.to_string(), Mend::MakeAnew);
    }
    let has = topic.partitions.iter().copied().min().map_or(0, narrow);
    let needs = replicas_needed(has, replicas, brokers);
    if has != needs {
        find("the replication factor", has.to_string(), needs.to_string(), Mend::Reassign);
    }
    let mut require = |setting: &'static str, must_be: &str, value: u64, holds: &dyn Fn(&str) -> bool| {
        let found = topic.settings.get(setting).map_or("not known", String::as_str);
        if !holds(found) {
            find(setting, found.to_owned(), must_be.to_owned(), Mend::Configure { value: value.to_string() });
        }
    };
    let number = |found: &str| found.parse::<u64>().ok();
    let bytes = format!("at least {MESSAGE_BYTES}");
    require("max.message.bytes", &bytes, MESSAGE_BYTES, &|found| number(found) >= Some(MESSAGE_BYTES));
    let least = min_insync_replicas(needs);
    // As many as there are replicas would mean that one that fails stops all appends.
    let most = if needs > 2 { needs.saturating_sub(1) } else { needs };
    require("min.insync.replicas", &least.to_string(), least.into(), &|found| {
        number(found).is_some_and(|found| (u64::from(least)..=u64::from(most)).contains(&found))
    });
    if needs == 1 {
        // One broker confirms what its disk does not have yet, unless every record is flushed.
        require("flush.messages", "1", 1, &|found| found == "1");
    }
    for (setting, must_be) in FIXED {
        let found = topic.settings.get(setting).map_or("not known", String::as_str);
        if found != must_be {
            let mend = Mend::Configure { value: must_be.to_owned() };
            find(setting, found.to_owned(), must_be.to_owned(), mend);
        }
    }
    let min_insync = topic.settings.get("min.insync.replicas").and_then(|found| found.parse().ok()).unwrap_or(0);
    let flushes_every_record = topic.settings.get("flush.messages").is_some_and(|found| found == "1");
    Some(Layout { partition_count, replication_factor: has, min_insync_replicas: min_insync, flushes_every_record })
}

/// What the replication factor should be, given what it is. Brokers that are away are not counted, so few brokers are
/// no reason to find fault with many replicas.
fn replicas_needed(has: u32, wanted: Option<u32>, brokers: usize) -> u32 {
    match wanted {
        Some(wanted) => wanted,
        None if has >= REPLICAS => has,
        None if has == 1 && narrow(brokers) < REPLICAS => 1,
        None => REPLICAS,
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
