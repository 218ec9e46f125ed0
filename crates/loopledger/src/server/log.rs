//! Opening the log that the programs share.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use loopledger_client::{Failure, note};
use loopledger_event_log::{EventLog, FileLog, FileLogOptions};
use loopledger_kafka_log::{ConnectError, KafkaLog, KafkaOptions};
use loopledger_service::metrics::Registry;
use loopledger_service::writer::PointHook;
use tokio::time::{Instant, sleep};

use crate::kafka::not_connected;

/// Between two attempts to find a cluster. Each waits for its answer, so this is only a pause.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The log on Kafka, if it is there; else the embedded one in `data`. A cluster that does not answer is an error.
pub(crate) async fn open(
    kafka: Option<KafkaOptions>,
    data: &Path,
    on_point: Option<PointHook>,
) -> Result<Arc<dyn EventLog>, Failure> {
    match kafka {
        Some(options) => Ok(Arc::new(KafkaLog::connect(options).await.map_err(not_connected)?)),
        None => open_file(data, on_point),
    }
}

/// The log on Kafka for a program that serves: a cluster that does not answer is waited for, and the process is not ready
/// meanwhile. Its topics are checked, never changed; what it counts is shown. Wrong topics and a denied login are refused
/// at once: waiting does not change them.
pub(super) async fn await_cluster(options: KafkaOptions, metrics: &Registry) -> Result<Arc<dyn EventLog>, Failure> {
    let mut waiting_since = None;
    loop {
        match KafkaLog::connect(options.clone()).await {
            Ok(log) => {
                if let Some(since) = waiting_since {
                    let since: Instant = since;
                    note!("loopledger: the Kafka cluster answers after {} s", since.elapsed().as_secs());
                }
                let counted = log.metrics();
                metrics.add_snapshot("kafka", Vec::new(), move || counted.snapshot());
                metrics.starting("reading the log");
                return Ok(Arc::new(log));
            }
            Err(error @ ConnectError::Unreachable { .. }) => {
                metrics.starting(&error.to_string());
                if waiting_since.is_none() {
                    note!("loopledger: {error}; waiting for it");
                    waiting_since = Some(Instant::now());
                }
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => return Err(Failure::Refused(error.to_string())),
        }
    }
}

/// The embedded log in `data`; a torn tail is cut, and said.
fn open_file(data: &Path, on_point: Option<PointHook>) -> Result<Arc<dyn EventLog>, Failure> {
    let directory = data.join("log");
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::Refused(format!("{}: {error}", directory.display())))?;
    let options = FileLogOptions { on_point, ..FileLogOptions::default() };
    let (log, report) = FileLog::open(&directory, options).map_err(|error| Failure::refused("open the log", &error))?;
    for torn in &report.torn_tails {
        note!("loopledger: truncated a torn tail of the log: {torn:?}");
    }
    Ok(Arc::new(log))
}
