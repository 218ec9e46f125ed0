//! Every setting of the Kafka client that differs from its default, or that the log relies on, and why.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// The most bytes of one batch, before compression: topics must take as much. Far above one record.
pub(crate) const BATCH_BYTES_MAX: usize = 1_000_000;
/// What waits in the producer for all partitions together; each has its own bound in the port.
const PRODUCER_QUEUE_KBYTES: usize = 256 * 1_024;
/// What a reader has fetched and its consumer has not taken. There is a reader for every partition that is followed.
const READER_QUEUE_KBYTES: usize = 8 * 1_024;
/// What one fetch brings, compressed. With half of it a replay costs the broker a quarter more.
const FETCH_BYTES: usize = 2 * 1_024 * 1_024;
/// An answer of a broker that takes longer is given up, and asked for again, if need be of another broker. Longer than
/// a cluster needs to replace a dead leader or a dead follower (its session, 6 to 9 s).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for clients that read: what they ask for waits for no follower, and asking twice costs nothing. Shorter than
/// a cluster needs to replace a leader, so that the client is through with the old one when there is a new one; a reader
/// finds the new one within this time of its election.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(3);
/// A log that ends before what was read or confirmed is believed to do so once it has been said for this long. A broker
/// that stood still does not know at once that it is no leader any more, and until then it tells of a log that ends where
/// it stopped.
pub(crate) const DOUBT: Duration = Duration::from_secs(5);
/// How often a client asks who leads (5 minutes by default). It asks when a connection breaks, too; but one to a broker
/// that stands still is made anew at once, since the kernel takes it, and the next question would come when that breaks.
const LEADERS_INTERVAL: Duration = Duration::from_secs(2);
/// For how long a client believes what it knows of topics, as by default. Left out, it is three times the interval above:
/// some seconds without brokers, and the client would have forgotten its topics.
const LEADERS_AGE_MAX: Duration = Duration::from_mins(15);
/// The pause before a broker that was lost is tried again: what a restarted broker waits for its clients at most.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(500);
/// How often the client says how it is. Costs some milliseconds with hundreds of partitions.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(10);

/// How a cluster is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// `host:port` of some brokers, separated by commas.
    pub brokers: String,
    /// Put before the name of every topic, so that tests share a cluster. Empty in production.
    pub topic_prefix: String,
    /// What reaching the brokers takes besides (TLS, SASL), by librdkafka's names. What the log rests on cannot be
    /// changed here.
    pub client_settings: BTreeMap<String, String>,
    /// An append that is not confirmed within this time is reported as such. A cluster needs some 7 s to replace a
    /// leader that was killed, and the client some 12 s to leave one that stands still; until then appends wait.
    pub append_timeout: Duration,
    /// How long to wait for the cluster's answer when something is asked of it: at the start, and for the end.
    pub answer_timeout: Duration,
}

/// Without the values of client settings: passwords are among them.
impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaOptions")
            .field("brokers", &self.brokers)
            .field("topic_prefix", &self.topic_prefix)
            .field("client_settings", &self.client_settings.keys())
            .field("append_timeout", &self.append_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .finish()
    }
}

impl KafkaOptions {
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            topic_prefix: String::new(),
            client_settings: BTreeMap::new(),
            append_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(10),
        }
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.client_settings {
            config.set(name, value);
        }
        config
            .set("bootstrap.servers", &self.brokers)
            // Seen in the brokers' logs and quotas.
            .set("client.id", "loopledger")
            // 100 ms, doubled up to 10 s, by default: a broker that was restarted would wait that long for its clients.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", millis(RECONNECT_PAUSE_MAX))
            // How soon a moved leader is found (100 ms by default).
            .set("topic.metadata.refresh.fast.interval.ms", "50")
            .set("retry.backoff.ms", "50")
            // A broker that is paused, or behind a broken network, answers nothing and closes nothing (60 s by default).
            .set("socket.timeout.ms", millis(REQUEST_TIMEOUT))
            .set("socket.keepalive.enable", "true")
            // Brokers close idle connections; that is no error.
            .set("log.connection.close", "false")
            .set("statistics.interval.ms", millis(STATISTICS_INTERVAL))
            // Brokers may ask clients for figures (KIP-714, on by default). Ours are on /metrics; and a client that keeps
            // some ready for others adds to its histograms with every record.
            .set("enable.metrics.push", "false")
            .set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.common();
        asking_who_leads(&mut config)
            // The broker drops repeats of a batch and keeps batches in order: within one producer's life nothing is
            // doubled or overtakes. Implies acks=all, and at most 5 requests in flight.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // A commit does not wait for company (5 ms by default); under load batches fill by themselves.
            .set("linger.ms", "0")
            // Half the bytes on the network and the brokers' disks, and where those are the bound, more records a second.
            .set("compression.codec", "lz4")
            // Named for other producers' sake: we give the partition, by the same function.
            .set("partitioner", "murmur2")
            // 5 minutes by default. No caller's deadline is so long, and the same bytes can be appended again.
            .set("message.timeout.ms", millis(self.append_timeout))
            .set("request.timeout.ms", millis(REQUEST_TIMEOUT.min(self.append_timeout)))
            .set("message.max.bytes", BATCH_BYTES_MAX.to_string())
            .set("batch.size", BATCH_BYTES_MAX.to_string())
            // Bounded by bytes alone (100,000 records and 1 GiB by default): small records are many.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", PRODUCER_QUEUE_KBYTES.to_string());
        config
    }

    pub(crate) fn reader(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("socket.timeout.ms", millis(SILENCE_MAX))
            // The client asks for a name to assign partitions by hand. No group is joined, no offset stored: progress
            // is kept beside what was folded, and stored offsets expire after a week without readers.
            .set("group.id", "loopledger")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Admission sees every record. librdkafka would leave out those of aborted transactions by default, and wait
            // for open ones: readers that differ admit different records, and a foreigner could hold them all up.
            .set("isolation.level", "read_uncommitted")
            // What was altered on disk or on the way is not to be read (off by default).
            .set("check.crcs", "true")
            // An offset that is not there is an incident; anything else would skip or repeat records silently.
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("queued.max.messages.kbytes", READER_QUEUE_KBYTES.to_string())
            .set("fetch.message.max.bytes", FETCH_BYTES.to_string())
            // Once the queue is full the next fetch waits (1 s by default), and so would a replay.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.error.backoff.ms", "50");
        config
    }

    /// For finding the end: as a reader, but it reports where the partition ends, and looks at a few records at a time.
    pub(crate) fn prober(&self) -> ClientConfig {
        let mut config = self.reader();
        asking_who_leads(&mut config)
            .set("enable.partition.eof", "true")
            .set("queued.min.messages", "1000")
            // A broker answers a connection's questions in order: one for the watermark would wait behind a fetch at the
            // end, which may take 500 ms by default.
            .set("fetch.wait.max.ms", "5");
        config
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        self.common()
    }
}

/// For the few clients that speak with many brokers. Those that read one partition are many.
fn asking_who_leads(config: &mut ClientConfig) -> &mut ClientConfig {
    config
        .set("topic.metadata.refresh.interval.ms", millis(LEADERS_INTERVAL))
        .set("metadata.max.age.ms", millis(LEADERS_AGE_MAX))
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::BaseConsumer;

    use super::*;

    #[test]
    fn clusters_that_want_tls_and_scram_can_be_reached() {
        let mut options = KafkaOptions::new("127.0.0.1:1");
        let settings = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("sasl.username", "loopledger"),
            ("sasl.password", "a secret"),
        ];
        options.client_settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        options.reader().create::<BaseConsumer>().expect("a client with TLS and SCRAM");
        assert!(!format!("{options:?} {:?}", options.reader()).contains("a secret"));
    }
}
