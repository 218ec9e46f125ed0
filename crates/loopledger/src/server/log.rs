//! Opening the log that the programs share.

use std::path::Path;
use std::sync::Arc;

use loopledger_event_log::{EventLog, FileLog, FileLogOptions};
use loopledger_kafka_log::{ConnectError, KafkaLog, KafkaOptions};
use loopledger_service::metrics::Registry;
use loopledger_service::writer::PointHook;

use crate::exit::Failure;
use crate::output::note;

/// The log on Kafka, if it is there; else the embedded one in `data`.
pub(crate) async fn open(
    kafka: Option<KafkaOptions>,
    data: &Path,
    on_point: Option<PointHook>,
    metrics: Option<&Registry>,
) -> Result<Arc<dyn EventLog>, Failure> {
    match kafka {
        Some(options) => connect(options, metrics).await,
        None => open_file(data, on_point),
    }
}

/// The log on Kafka. Its topics are checked, never changed; what it counts is shown.
pub(super) async fn connect(options: KafkaOptions, metrics: Option<&Registry>) -> Result<Arc<dyn EventLog>, Failure> {
    match KafkaLog::connect(options).await {
        Ok(log) => {
            if let Some(metrics) = metrics {
                let counted = log.metrics();
                metrics.add_snapshot("kafka", Vec::new(), move || counted.snapshot());
            }
            Ok(Arc::new(log))
        }
        Err(error @ ConnectError::Unreachable { .. }) => Err(Failure::Unreachable(error.to_string())),
        Err(error) => Err(Failure::Refused(error.to_string())),
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
        note!("loopledger: a torn record was cut from the end of the log: {torn:?}");
    }
    Ok(Arc::new(log))
}
