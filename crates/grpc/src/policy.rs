//! Who may call what: the one place that every call passes, of writes and queries, of bulk streams, health and reflection.

use core::fmt::Debug;
use std::sync::Arc;

use axum::http::HeaderMap;
use loopledger_domain::Actor;
use tonic::Status;

/// Decides of a call, before anything of it is read, whether it may be made, and who makes it.
pub trait Policy: Debug + Send + Sync + 'static {
    /// The actor that stands in what the call records, if the caller has an identity.
    ///
    /// `path` is `/package.Service/Method`; `head` are the call's headers.
    ///
    /// # Errors
    /// The status that the call is refused with.
    fn admit(&self, path: &str, head: &HeaderMap) -> Result<Option<Arc<Actor>>, Box<Status>>;
}

/// Everybody may do everything, and has no identity.
#[derive(Debug, Clone, Copy)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn admit(&self, _: &str, _: &HeaderMap) -> Result<Option<Arc<Actor>>, Box<Status>> {
        Ok(None)
    }
}
