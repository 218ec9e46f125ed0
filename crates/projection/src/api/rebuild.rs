//! The rebuild on request.

use std::sync::Arc;

use loopledger_wire::Failure;
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use super::{Query, QueryError, Reader};
use crate::rebuild::{RebuildReport, rebuild};

/// Reports of a rebuild that wait for a slow listener; it misses the others, but not the last.
const REPORTS_AHEAD: usize = 1;

/// Folds the log anew from zero and compares.
#[derive(Debug, Clone, Copy)]
pub struct Rebuild;

/// Progress while it runs; the last report says what came of it, or an error why it ended. Dropping it ends the rebuild.
pub type RebuildReports = mpsc::Receiver<Result<RebuildReport, Failure>>;

impl Query for Rebuild {
    type Answer = RebuildReports;

    async fn answer(self, reader: Reader<'_>) -> Result<Self::Answer, QueryError> {
        let caller = reader.terms.asking.caller;
        let turn = timeout_at(reader.terms.deadline, reader.shared.rebuilds.take(caller)).await;
        let turn = turn.map_err(|_| Failure::DeadlineExceeded)?;
        let (reports, listener) = mpsc::channel(REPORTS_AHEAD);
        let shared = Arc::clone(reader.shared);
        tokio::spawn(async move {
            let rebuilt = rebuild(&shared, caller, &reports).await;
            // Others need not wait until its caller takes the last report.
            drop(turn);
            let last = match rebuilt {
                Ok(None) => return,
                Ok(Some(last)) => Ok(last),
                Err(error) => {
                    tracing::error!(reason = error.reason(), "a rebuild failed: {}", error.english());
                    Err(error)
                }
            };
            drop(reports.send(last).await);
        });
        Ok(listener)
    }
}
