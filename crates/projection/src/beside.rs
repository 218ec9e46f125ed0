//! Where work runs that takes long or waits for a disk.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Runs `work`, which may block, beside everything else; like `tokio::spawn`, at once and whether or not it is awaited.
///
/// A runtime of one thread is chosen for being deterministic (that is how the simulation replays a seed): a second
/// thread would bring its own pace into the order in which things happen, so there the work is one more task.
pub(crate) fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        tokio::spawn(work)
    } else {
        tokio::task::spawn_blocking(move || runtime.block_on(work))
    }
}
