//! Creating missing topics.

use std::sync::Arc;

use rdkafka::admin::{NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::time::{Instant, sleep};

use super::describe::{Admin, Cluster};
use super::rules::{Layout, REPLICAS, Wanted, judge, required_settings};
use super::{DEFAULT_PARTITIONS, Mend, SETTLE_PAUSE, WrongTopics};
use crate::error::ConnectError;
use crate::settings::KafkaOptions;

/// What creating the topics came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Those that were not there before.
    pub topics: Vec<String>,
    pub layout: Layout,
}

/// Creates the topics that are missing, and checks all of them. Those that exist are compared, never changed.
pub async fn create(options: &KafkaOptions, wanted: Wanted) -> Result<Created, ConnectError> {
    let admin = Admin::new(options, &Arc::default())?;
    let before = admin.describe().await?;
    let partitions = wanted.partitions.unwrap_or(DEFAULT_PARTITIONS);
    let replicas = replicas(&before, wanted)?;
    let wanted = Wanted { partitions: Some(partitions), replication_factor: Some(replicas) };
    let missing: Vec<&str> =
        before.topics.iter().filter(|topic| topic.partitions.is_empty()).map(|topic| topic.name.as_str()).collect();
    let mut topics = Vec::new();
    if !missing.is_empty() {
        let settings = required_settings(replicas);
        let new: Vec<NewTopic<'_>> =
            missing.iter().map(|name| new_topic(name, partitions, replicas, &settings)).collect();
        let action = "create the topics";
        let answers = admin.client.create_topics(&new, &admin.ask()).await;
        for answer in answers.map_err(|error| admin.failed(action, &error))? {
            match answer {
                Ok(name) => topics.push(name),
                // Another program was faster. It is compared with the others.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(admin.failed(action, &KafkaError::AdminOp(code))),
            }
        }
    }
    let layout = settled(&admin, wanted, !missing.is_empty()).await?;
    Ok(Created { topics, layout })
}

fn replicas(cluster: &Cluster, wanted: Wanted) -> Result<u32, ConnectError> {
    match (wanted.replication_factor, cluster.brokers.len()) {
        (Some(replicas), _) => Ok(replicas),
        (None, 1) => Ok(1),
        // One of three may be away just now: the topics would be weaker than they should for their whole life.
        (None, 2) => Err(ConnectError::Refused {
            action: "create the topics",
            reason: "2 brokers are members, neither one nor three: start the third, or say how many replicas there are to be"
                .to_owned(),
        }),
        (None, _) => Ok(REPLICAS),
    }
}

fn new_topic<'a>(
    name: &'a str,
    partitions: u32,
    replicas: u32,
    settings: &'a [(&'static str, String)],
) -> NewTopic<'a> {
    let number = |count| i32::try_from(count).unwrap_or(i32::MAX);
    let topic = NewTopic::new(name, number(partitions), TopicReplication::Fixed(number(replicas)));
    settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
}

/// Checks the topics; those just created are not known to every broker at once.
async fn settled(admin: &Admin<'_>, wanted: Wanted, created: bool) -> Result<Layout, ConnectError> {
    let started = Instant::now();
    loop {
        let verdict = judge(&admin.describe().await?, wanted, &admin.options.brokers);
        match verdict {
            Err(error) if created && is_missing(&error) && started.elapsed() < admin.options.answer_timeout => {
                sleep(SETTLE_PAUSE).await;
            }
            verdict => return Ok(verdict?),
        }
    }
}

fn is_missing(error: &WrongTopics) -> bool {
    error.wrong.iter().any(|wrong| wrong.mend == Mend::Create)
}
