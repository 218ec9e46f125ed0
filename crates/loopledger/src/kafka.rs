//! How a Kafka cluster is reached, for every command that does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use loopledger_client::Failure;
use loopledger_kafka_log::{ConnectError, KafkaOptions};

/// How names of settings begin that say who we are and whom we trust. All others are not the operator's to choose: the
/// log rests on them.
const FAMILIES: [&str; 3] = ["security.", "sasl.", "ssl."];

/// Settings that name a way or a file, and no secret.
const PUBLIC: [&str; 4] =
    ["security.protocol", "sasl.mechanism", "sasl.mechanisms", "ssl.endpoint.identification.algorithm"];

const HIDDEN: &str = "(hidden)";

#[derive(Debug, Args)]
pub(crate) struct KafkaClient {
    /// File with what the cluster wants to know of its clients: lines of name=value, by librdkafka's names (security.…,
    /// sasl.…, ssl.…).
    // A file: arguments are visible to every user who can list processes.
    #[arg(long, value_name = "FILE", env = "LOOPLEDGER_KAFKA_CONFIG")]
    kafka_config: Option<PathBuf>,
}

impl KafkaClient {
    /// `None`: the log is not on Kafka.
    pub(crate) fn options_if(&self, brokers: Option<&str>) -> Result<Option<KafkaOptions>, Failure> {
        brokers.map(|brokers| self.options(brokers)).transpose()
    }

    pub(crate) fn options(&self, brokers: &str) -> Result<KafkaOptions, Failure> {
        let mut options = KafkaOptions::new(brokers);
        if let Some(path) = &self.kafka_config {
            let text = fs::read_to_string(path).map_err(|error| wrong(path, &error.to_string()))?;
            options.client_settings = settings(&text).map_err(|what| wrong(path, &what))?;
        }
        Ok(options)
    }
}

/// Why a command cannot use the cluster.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn not_connected(error: ConnectError) -> Failure {
    match error {
        ConnectError::Unreachable { .. } => Failure::Unreachable(error.to_string()),
        ConnectError::WrongTopics(_) | ConnectError::Refused { .. } | ConnectError::NoClient { .. } => {
            Failure::Refused(error.to_string())
        }
    }
}

/// The settings of a file as they may be shown: what could be a secret is hidden.
pub(crate) fn shown(path: &Path) -> Option<Vec<(String, String)>> {
    let settings = settings(&fs::read_to_string(path).ok()?).ok()?;
    Some(
        settings
            .into_iter()
            .map(|(name, value)| if is_public(&name) { (name, value) } else { (name, HIDDEN.to_owned()) })
            .collect(),
    )
}

/// Whether a setting's value is no secret, by its name. What is not known to be public is hidden.
fn is_public(name: &str) -> bool {
    let is_file = name.starts_with("ssl.") && name.ends_with(".location");
    is_file || PUBLIC.contains(&name)
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::Usage(format!("--kafka-config: {}: {what}", path.display()))
}

/// What is wrong is named without the value, which may be a password.
fn settings(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut settings = BTreeMap::new();
    let lines = text.lines().map(str::trim).zip(1_usize..);
    for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once('=').ok_or_else(|| format!("line {number} is not name=value"))?;
        let (name, value) = (name.trim(), value.trim());
        if !FAMILIES.iter().any(|family| name.starts_with(family)) {
            return Err(format!("line {number}: '{name}' is not among {}", FAMILIES.join("…, ") + "…"));
        }
        if settings.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("line {number}: '{name}' is there twice"));
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_settings_is_read_as_librdkafka_has_them() {
        let text = "# who we are\n\nsecurity.protocol = SASL_PLAINTEXT\nsasl.password=a=b # c\n";
        let expected = [("sasl.password", "a=b # c"), ("security.protocol", "SASL_PLAINTEXT")];
        assert_eq!(settings(text), Ok(expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()));
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "security.protocol=SASL_SSL\nsasl.username=ledger\nsasl.password=secret\nssl.key.pem=secret\n\
            ssl.ca.location=/etc/ca.pem\nssl.key.password=secret\nsasl.oauthbearer.client.secret=secret\n";
        fs::write(file.path(), text).unwrap();
        let shown = shown(file.path()).unwrap();
        assert_eq!(shown.len(), 7);
        let open: Vec<_> = shown.iter().filter(|(_, value)| value != HIDDEN).map(|(name, _)| name.as_str()).collect();
        assert_eq!(open, ["security.protocol", "ssl.ca.location"]);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for (text, named) in [
            ("sasl.password", "line 1 is not name=value"),
            ("\nacks=1", "line 2: 'acks' is not among security.…, sasl.…, ssl.…"),
            ("sasl.password=secret\nsasl.password=other", "line 2: 'sasl.password' is there twice"),
        ] {
            assert_eq!(settings(text), Err(named.to_owned()), "{text}");
        }
    }
}
