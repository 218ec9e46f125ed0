//! Whose streams a process writes.

use core::fmt;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use loopledger_domain::Decider;
use loopledger_types::CountyCode;
use loopledger_wire::Failure;
use loopledger_writer::WriterHandle;

/// The counties whose streams this process writes.
pub trait Hosting<D: Decider>: fmt::Debug + Send + Sync + 'static {
    /// The county meant by a request that names none: the only one hosted.
    fn only(&self) -> Option<CountyCode>;

    /// The county's writer, brought to life if it is parked.
    fn writer(&self, county: CountyCode) -> BoxFuture<'_, Result<WriterHandle<D>, Failure>>;
}

/// One county, and no other.
impl<D: Decider> Hosting<D> for WriterHandle<D> {
    fn only(&self) -> Option<CountyCode> {
        Some(self.stream().county)
    }

    fn writer(&self, county: CountyCode) -> BoxFuture<'_, Result<Self, Failure>> {
        let is_own = county == self.stream().county;
        ready(if is_own { Ok(self.clone()) } else { Err(Failure::CountyNotHosted { county, owner: None }) }).boxed()
    }
}
