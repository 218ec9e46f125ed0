//! What the cluster reports about itself and our topics.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::select_ok;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use loopledger_types::{Service, Topic};
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ConfigSource, ResourceSpecifier};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::{MetadataBroker, MetadataTopic};
use tokio::time::{Instant, sleep};

use super::SETTLE_PAUSE;
use crate::denial::denial;
use crate::error::ConnectError;
use crate::lanes::topic_name;
use crate::log::unreachable;
use crate::metrics::Metrics;
use crate::question::QUESTION_MAX;
use crate::report::Context;
use crate::settings::KafkaOptions;

/// How long a question waits alone before another one is asked beside it.
const ASK_AGAIN_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    /// Brokers that are members now.
    pub(super) brokers: Vec<i32>,
    pub(super) eligible_leader_replicas: bool,
    /// All five, in the order of the services.
    pub(super) topics: Vec<TopicState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicState {
    pub(super) name: String,
    /// The number of replicas of each partition; empty: there is no such topic.
    pub(super) partitions: Vec<usize>,
    pub(super) settings: BTreeMap<String, String>,
}

impl TopicState {
    /// A topic that is there has settings.
    fn is_complete(&self) -> bool {
        self.partitions.is_empty() == self.settings.is_empty()
    }
}

pub(super) struct Admin<'a> {
    pub(super) options: &'a KafkaOptions,
    pub(super) client: Arc<AdminClient<Context>>,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Admin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("options", self.options).finish_non_exhaustive()
    }
}

impl<'a> Admin<'a> {
    pub(super) fn new(options: &'a KafkaOptions, metrics: &Arc<Metrics>) -> Result<Self, ConnectError> {
        let client = options
            .admin()
            .create_with_context(Context::new(Arc::clone(metrics)))
            .map_err(|error| ConnectError::NoClient { reason: error.to_string() })?;
        Ok(Self { options, client: Arc::new(client), metrics: Arc::clone(metrics) })
    }

    pub(super) fn ask(&self) -> AdminOptions {
        ask(self.options.answer_timeout)
    }

    /// The time of one question: whom the client asks may stand still.
    fn question(&self) -> Duration {
        self.options.answer_timeout.min(QUESTION_MAX)
    }

    /// What a failed request means for connecting.
    pub(super) fn failed(&self, action: &'static str, error: &KafkaError) -> ConnectError {
        // The client's own answer leaves out the code of an admin's question.
        let code = if let KafkaError::AdminOp(code) = error { Some(*code) } else { error.rdkafka_error_code() };
        match code {
            Some(
                RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve,
            ) => unreachable(self.options, error),
            _ => ConnectError::Refused { action, reason: error.to_string() },
        }
    }

    /// A topic that was just created is known to one broker sooner than to another: what only half of the answers know
    /// of is asked for again. So is a question without an answer: the cluster names some broker for such questions, another one
    /// each time, and for some seconds also one that stands still.
    pub(super) async fn describe(&self) -> Result<Cluster, ConnectError> {
        let answer = tokio::select! {
            answer = self.describe_settled() => answer,
            reason = denial(self.options, &self.metrics) => Err(ConnectError::Refused { action: "accept this client", reason }),
        };
        answer.map_err(|error| match error {
            ConnectError::Unreachable { brokers, reason } => {
                ConnectError::Unreachable { brokers, reason: self.metrics.last_cause.add_to(reason) }
            }
            other @ (ConnectError::WrongTopics(_) | ConnectError::Refused { .. } | ConnectError::NoClient { .. }) => {
                other
            }
        })
    }

    /// Every [`ASK_AGAIN_PAUSE`] without an answer the cluster is asked once more, beside the questions that wait: one
    /// broker of three that stands still is then named for all of them only once in ten thousand starts.
    async fn describe_settled(&self) -> Result<Cluster, ConnectError> {
        let started = Instant::now();
        let mut questions = FuturesUnordered::new();
        questions.push(self.describe_once().boxed());
        loop {
            let answer = tokio::select! {
                Some(answer) = questions.next() => answer,
                () = sleep(ASK_AGAIN_PAUSE), if started.elapsed() < self.options.answer_timeout => {
                    questions.push(self.describe_once().boxed());
                    continue;
                }
            };
            let settled = match &answer {
                Ok(cluster) => cluster.topics.iter().all(TopicState::is_complete),
                Err(error) => !matches!(error, ConnectError::Unreachable { .. }),
            };
            let is_last = started.elapsed() >= self.options.answer_timeout && questions.is_empty();
            if settled || is_last {
                return answer;
            }
            if questions.is_empty() {
                sleep(SETTLE_PAUSE).await;
                questions.push(self.describe_once().boxed());
            }
        }
    }

    async fn describe_once(&self) -> Result<Cluster, ConnectError> {
        let (brokers, mut topics) = self.members_and_topics().await?;
        let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
        let resources: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let action = "describe the topics";
        let answers = self.client.describe_configs(&resources, &ask(self.question())).await;
        for (topic, answer) in topics.iter_mut().zip(answers.map_err(|error| self.failed(action, &error))?) {
            // Of a topic that is not there the client says nothing, and calls it a success.
            let found = answer.map_err(|code| self.failed(action, &KafkaError::AdminOp(code)))?;
            topic.settings = found.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect();
        }
        let eligible_leader_replicas = self.has_eligible_leader_replicas(&brokers).await?;
        Ok(Cluster { brokers, eligible_leader_replicas, topics })
    }

    /// All topics are asked for: asking for one by name could create it, on a cluster that does so.
    async fn members_and_topics(&self) -> Result<(Vec<i32>, Vec<TopicState>), ConnectError> {
        let (client, timeout) = (Arc::clone(&self.client), self.question());
        let metadata = tokio::task::spawn_blocking(move || client.inner().fetch_metadata(None, timeout)).await;
        let metadata = metadata
            .map_err(|error| ConnectError::NoClient { reason: error.to_string() })?
            .map_err(|error| unreachable(self.options, &error))?;
        let state = |service| {
            let name = topic_name(&self.options.topic_prefix, Topic(service));
            let found = metadata.topics().iter().find(|topic| topic.name() == name);
            let partitions = found.map_or(&[][..], MetadataTopic::partitions);
            let partitions = partitions.iter().map(|partition| partition.replicas().len()).collect();
            TopicState { name, partitions, settings: BTreeMap::new() }
        };
        Ok((metadata.brokers().iter().map(MetadataBroker::id).collect(), Service::ALL.map(state).into()))
    }

    /// The client cannot ask for features. But a cluster that has eligible leader replicas keeps `min.insync.replicas`
    /// as a setting of all brokers, written when the feature is switched on; without it, it is a broker's own setting, or
    /// none. (It stays when the feature is switched off again: such a cluster looks like a good one.) The first
    /// broker that answers will do: one may have died a moment ago.
    async fn has_eligible_leader_replicas(&self, brokers: &[i32]) -> Result<bool, ConnectError> {
        let resources: Vec<_> = brokers.iter().map(|id| ResourceSpecifier::Broker(*id)).collect();
        let ask = ask(self.question());
        let questions: Vec<_> = resources
            .iter()
            .map(|resource| self.client.describe_configs([resource], &ask).map(one_resource).boxed())
            .collect();
        if questions.is_empty() {
            let error = KafkaError::AdminOp(RDKafkaErrorCode::AllBrokersDown);
            return Err(unreachable(self.options, &error));
        }
        let (broker, _) = select_ok(questions).await.map_err(|error| self.failed("describe the brokers", &error))?;
        let setting = broker.entries.iter().find(|entry| entry.name == "min.insync.replicas");
        Ok(setting.is_some_and(|entry| entry.source == ConfigSource::DynamicDefaultBroker))
    }
}

fn ask(timeout: Duration) -> AdminOptions {
    AdminOptions::new().request_timeout(Some(timeout))
}

fn one_resource(answer: KafkaResult<Vec<Result<ConfigResource, RDKafkaErrorCode>>>) -> KafkaResult<ConfigResource> {
    let first = answer?.into_iter().next();
    first.unwrap_or(Err(RDKafkaErrorCode::ResourceNotFound)).map_err(KafkaError::AdminOp)
}
