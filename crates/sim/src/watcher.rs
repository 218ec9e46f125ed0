//! The node of a projection: its store outlives it.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use loopledger_projection::{Projection, ProjectionConfig, StoragePlace};
use loopledger_service::feed::Feed;
use loopledger_state_store::Memory;
use loopledger_types::{CountyCode, WithCauses};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;

use crate::history::History;
use crate::node::Store;

/// How long the supervisor waits before it starts it again.
const RESTART_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(crate) struct Watcher {
    memory: Memory,
    backup: Memory,
    running: Arc<Mutex<Option<Projection>>>,
    starting: Option<AbortOnDropHandle<()>>,
}

impl Watcher {
    /// Starts it, and again for as long as it cannot be started because the log cannot be read.
    pub(crate) fn start(&mut self, feed: Feed, history: History) {
        let mut config = ProjectionConfig::new(CountyCode::TUOLI, StoragePlace::Memory(self.memory.clone()));
        config.checkpoint_every = Duration::from_secs(2);
        config.checkpoint_commits = 60;
        self.running = Arc::default();
        let running = Arc::clone(&self.running);
        self.starting = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                match Projection::start(config.clone(), feed.clone(), CancellationToken::new()).await {
                    Ok(projection) => {
                        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(projection);
                        return;
                    }
                    Err(error) => history.note(format!("the projection did not start: {}", WithCauses(&error))),
                }
                sleep(RESTART_AFTER).await;
            }
        })));
    }

    pub(crate) fn crash(&mut self) {
        self.starting = None;
        drop(self.take());
    }

    pub(crate) async fn shut_down(&mut self) {
        self.starting = None;
        let projection = self.take();
        if let Some(projection) = projection {
            projection.shutdown().await;
        }
    }

    fn take(&mut self) -> Option<Projection> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn replace_store(&mut self, store: Store) {
        match store {
            Store::Kept => self.memory = self.memory.copy(),
            Store::Stale => self.memory = self.backup.copy(),
            Store::Deleted => self.memory = Memory::new(),
        }
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = self.memory.copy();
    }

    /// Another one, on a copy of this one's store.
    pub(crate) fn successor(&self) -> Self {
        Self { memory: self.memory.copy(), ..Self::default() }
    }

    /// Waits until it has started.
    pub(crate) async fn up(&self) -> Routes {
        loop {
            if let Some(routes) = self.routes() {
                return routes;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// The services of `ledger.v1`, as callers reach them; `None` while it is down.
    pub(crate) fn routes(&self) -> Option<Routes> {
        self.with(|projection| projection.add_services(Routes::default()))
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Projection) -> T) -> Option<T> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }
}
