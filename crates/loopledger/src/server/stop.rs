//! Being asked to end.

use tokio_util::sync::CancellationToken;

/// Cancels `stop` at Ctrl-C or SIGTERM. One listener for the whole life of the process: a signal that comes while
/// nobody waits for it (during the start, or the demo) counts all the same.
pub(super) async fn cancel_when_asked(stop: CancellationToken) {
    let terminated = async {
        #[cfg(unix)]
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = stop.cancelled() => {}
    }
    stop.cancel();
}
