//! All wrong settings of the topics in one message: each value, its required value, and the command that fixes it.

use core::fmt;
use std::collections::BTreeMap;

/// Everything that is wrong. Its display is the message for the operator, of several lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct WrongTopics {
    /// Where the cluster was reached: part of the commands.
    pub brokers: String,
    pub wrong: Vec<Wrong>,
}

/// One value that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// A topic, or "the cluster".
    pub of: String,
    pub setting: &'static str,
    pub found: String,
    pub must_be: String,
    pub mend: Mend,
}

/// How a wrong value is corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// By setting the topic's configuration to this.
    Configure { value: String },
    /// By creating the topic.
    Create,
    /// Not while the topic exists: keys would move to other partitions, away from the chain that they extend.
    MakeAnew,
    /// By giving partitions more replicas, or by making the topic anew.
    Reassign,
    /// By switching the feature on, for the whole cluster and for ever.
    Feature { feature: &'static str },
}

impl fmt::Display for WrongTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the Kafka topics have wrong settings:")?;
        for wrong in &self.wrong {
            let Wrong { of, setting, found, must_be, .. } = wrong;
            writeln!(f, "  {of}: {setting} is {found} and must be {must_be}")?;
        }
        write!(f, "nothing was changed; to fix it, run:")?;
        for command in self.commands() {
            write!(f, "\n  {command}")?;
        }
        Ok(())
    }
}

impl WrongTopics {
    /// The commands that mend it, of Kafka's own tools and ours, each once.
    pub fn commands(&self) -> Vec<String> {
        let brokers = &self.brokers;
        let mut settings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut commands = Vec::new();
        for Wrong { of, setting, mend, .. } in &self.wrong {
            let command = match mend {
                Mend::Configure { value } => {
                    settings.entry(of).or_default().push(format!("{setting}={value}"));
                    continue;
                }
                Mend::Create => format!("loopledger topics create --kafka {brokers}"),
                Mend::MakeAnew => format!(
                    "kafka-topics.sh --bootstrap-server {brokers} --delete --topic {of}   # only while it is empty; then \
                     loopledger topics create"
                ),
                Mend::Reassign => format!(
                    "kafka-reassign-partitions.sh --bootstrap-server {brokers} --execute --reassignment-json-file FILE   \
                     # FILE gives every partition of {of} its replicas"
                ),
                Mend::Feature { feature } => {
                    format!("kafka-features.sh --bootstrap-server {brokers} upgrade --feature {feature}=1")
                }
            };
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        commands.extend(settings.into_iter().map(|(topic, values)| {
            let values = values.join(",");
            format!(
                "kafka-configs.sh --bootstrap-server {brokers} --alter --entity-type topics --entity-name {topic} \
                 --add-config {values}"
            )
        }));
        commands
    }
}
