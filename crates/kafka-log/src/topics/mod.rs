//! The five topics: their required settings, creation, and the check at every start.
//!
//! Deliberately not here: changing an existing topic. A wrong setting is reported with the command that fixes it, and
//! an operator decides.

mod create;
mod describe;
mod rules;
mod wrong;

use std::sync::Arc;

pub use create::{Created, create};
pub use rules::{Layout, Wanted, required_settings};
pub use wrong::{Mend, Wrong, WrongTopics};

use crate::error::ConnectError;
use crate::metrics::Metrics;
use crate::settings::KafkaOptions;

/// How many partitions a topic is created with: a county needs one, and the number is fixed for the topic's life.
pub const DEFAULT_PARTITIONS: u32 = 64;

/// The pause before the brokers are asked again whether they know of a topic that was just created.
const SETTLE_PAUSE: core::time::Duration = core::time::Duration::from_millis(50);

/// Checks every topic. Refuses with everything that is wrong.
pub async fn check(options: &KafkaOptions, wanted: Wanted) -> Result<Layout, ConnectError> {
    check_with(options, wanted, &Arc::default()).await
}

pub(crate) async fn check_with(
    options: &KafkaOptions,
    wanted: Wanted,
    metrics: &Arc<Metrics>,
) -> Result<Layout, ConnectError> {
    let cluster = describe::Admin::new(options, metrics)?.describe().await?;
    Ok(rules::judge(&cluster, wanted, &options.brokers)?)
}
