//! The writer: one task per stream that decides, appends, and answers once it has read its own commit back.
//!
//! The hash chain is the lock (docs/design.md §1): a commit is chained on the speculative head, and if a foreign commit gets in
//! first, the own one is void and decided again on the new state. Nothing else keeps two writers apart, and nothing
//! else needs to.
//!
//! The task (`task`) is one loop over parts, each with its own data: the queue of what callers ask (`intake`), the state
//! that decisions are made on (`speculation`), what is decided and not answered (`pipeline`), the streams that are read
//! (`own`, `upstream`), the watch for commits that are lost (`loss_watch`), the `clock`, and the `store`.
//! What does not live here: rules (they are the [`Decider`]'s), and the wire.

mod beginning;
mod checkpoint;
mod clock;
mod error;
mod folded;
mod freshness;
mod halting;
mod handle;
mod headers;
mod health;
mod intake;
mod job;
mod loss_watch;
mod measured;
mod ordered;
mod outcome;
mod own;
mod pipeline;
mod reporting;
mod seal;
mod shown;
mod speculation;
mod start;
mod store;
mod task;
mod upstream;
mod waiting;

use core::fmt;
use core::time::Duration;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use loopledger_domain::Decider;
use loopledger_state_store::ServiceStore;
use loopledger_types::{CountyCode, StreamId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use clock::ClockFault;
pub use error::{Halt, WriteError};
pub use handle::WriterHandle;
pub use health::{Gauge, Health, Metrics};
pub use job::{Answer, EntityKey};
pub use loopledger_feed::CatchUp;
pub(crate) use measured::Measured;
pub use ordered::{Answers, Ordered};
pub use pipeline::AFTER_APPEND;
pub use shown::{Counted, show};

use beginning::Beginning;
use loopledger_feed::Feed;
use loopledger_feed::Heads;
use loopledger_feed::clock::Clock;
use loopledger_limits::Permits;

/// Called at named points, so that a test can end the process there.
pub type PointHook = Arc<dyn Fn(&'static str) + Send + Sync>;

/// The bounds of a writer.
#[derive(Clone)]
pub struct WriterConfig {
    /// What callers asked and the writer has not taken; beyond it they are told to come back.
    pub queue_max: usize,
    /// Commits in flight. A commit of 400 bytes: 3 MiB.
    pub window_max: usize,
    /// Writes of one connection that wait for positions, and besides them its questions that do. What is folded
    /// already needs no place.
    pub waiting_max: usize,
    /// How long an upstream commit must have gone unanswered before this writer reacts: nothing where it serves the
    /// county, 5 s on a standby.
    pub reaction_delay: Duration,
    /// The clock is right, although the stream's head is later, or everything that was recorded is long ago.
    pub accept_clock: bool,
    pub on_point: Option<PointHook>,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            window_max: 8_192,
            waiting_max: 128,
            reaction_delay: Duration::ZERO,
            accept_clock: false,
            on_point: None,
        }
    }
}

impl fmt::Debug for WriterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterConfig")
            .field("queue_max", &self.queue_max)
            .field("window_max", &self.window_max)
            .field("waiting_max", &self.waiting_max)
            .field("reaction_delay", &self.reaction_delay)
            .field("accept_clock", &self.accept_clock)
            .finish_non_exhaustive()
    }
}

/// A running writer. Dropping it is what a crash is: what was appended stands, everything else is gone.
#[derive(Debug)]
pub struct Writer<D: Decider> {
    handle: WriterHandle<D>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl<D: Decider> Writer<D> {
    /// Starts the writer of `D::SERVICE` in `county`. Its health says when it serves.
    pub fn start(
        county: CountyCode,
        feed: Feed,
        store: Arc<dyn ServiceStore<D::Entity>>,
        clock: Arc<dyn Clock>,
        config: WriterConfig,
    ) -> Self {
        let stream = StreamId { service: D::SERVICE, county };
        let (inputs_in, inputs) = mpsc::channel(config.queue_max);
        let (health, health_out) = watch::channel(Health::CatchingUp(CatchUp::default()));
        let (heads, heads_out) = watch::channel(Arc::new(Heads::new()));
        let metrics = Arc::new(Metrics::default());
        let upstream = upstream_of::<D>(county);
        let measured = Arc::new(Measured::new(&upstream));
        let stop = CancellationToken::new();
        let handle = WriterHandle {
            stream,
            inputs: inputs_in,
            health: health_out,
            heads: heads_out,
            metrics: Arc::clone(&metrics),
            measured: Arc::clone(&measured),
            contact: Arc::clone(feed.contact()),
            writes: Arc::new(Permits::new(config.waiting_max)),
            reads: Arc::new(Permits::new(config.waiting_max)),
        };
        // An earlier writer of the process may have been halted.
        feed.set_halted(stream, None);
        // From now on, not from when the task first runs: others may begin to serve meanwhile.
        let opening = feed.opening(county);
        let (after, shown) = (feed.clone(), health.clone());
        let beginning =
            Beginning::<D> { stream, upstream, feed, store, clock, config, metrics, measured, health, heads, inputs };
        let (running, seen) = (beginning.run(stop.clone(), opening), handle.heads.clone());
        let task = tokio::spawn(async move {
            // What a panic leaves behind is dropped; only what others see of it is written.
            if AssertUnwindSafe(running).catch_unwind().await.is_err() {
                let head = seen.borrow().get(stream).sequence;
                halting::report(stream, &Halt::Stopped, head, &after, &shown);
            }
        });
        Self { handle, stop, task }
    }

    pub const fn handle(&self) -> &WriterHandle<D> {
        &self.handle
    }

    /// Finishes what was queued, writes a last checkpoint, and ends. A log that takes nothing makes it wait: the caller
    /// sets the limit, and dropping the future ends the writer as a crash would.
    pub async fn shut_down(mut self) -> Health {
        self.stop.cancel();
        if (&mut self.task).await.is_err() {
            return Health::Halted(Halt::Stopped);
        }
        self.handle.health.borrow().clone()
    }
}

impl<D: Decider> Drop for Writer<D> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The upstream streams, in the order in which commits name their heads.
fn upstream_of<D: Decider>(county: CountyCode) -> Vec<StreamId> {
    let mut upstream: Vec<StreamId> =
        D::UPSTREAM.iter().map(|service| StreamId { service: *service, county }).collect();
    upstream.sort_by_key(ToString::to_string);
    upstream
}
