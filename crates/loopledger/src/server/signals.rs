//! Ctrl-C and SIGTERM.

use tokio_util::sync::CancellationToken;

use crate::output::note;

/// A token that is cancelled at the first signal to end. Listens from now on without a gap: a signal that comes while
/// nobody listens is lost, if a shell has started the program in the background. Must be called within a tokio runtime.
pub(super) fn stop_on_signals() -> CancellationToken {
    let (signalled, stop) = (signalled(), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = signalled => {
                note!("loopledger: ending");
                stop.cancel();
            }
            () = stop.cancelled() => {}
        }
    });
    stopped
}

#[cfg(unix)]
fn signalled() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            // The system's own way of ending it is left.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
