//! What is folded, of the own stream and of upstream.

use loopledger_feed::Heads;
use loopledger_types::StreamId;

use super::own::Own;
use super::upstream::UpstreamSet;
use super::waiting::Recent;

/// The streams as far as they are folded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded<'a> {
    own: &'a Own,
    upstream: &'a UpstreamSet,
}

impl<'a> Folded<'a> {
    pub(super) const fn new(own: &'a Own, upstream: &'a UpstreamSet) -> Self {
        Self { own, upstream }
    }

    /// The newest commits of a stream; `None`: it is not read here.
    pub(super) fn recent(self, stream: StreamId) -> Option<&'a Recent> {
        if stream == self.own.stream() { Some(self.own.recent()) } else { self.upstream.recent(stream) }
    }

    /// Confirmed own head, and upstream as folded.
    pub(super) fn heads(self) -> Heads {
        let mut heads = Heads::new();
        heads.set(self.own.stream(), self.own.head());
        for (stream, head) in self.upstream.heads() {
            heads.set(stream, head);
        }
        heads
    }

    pub(super) fn upstream(self) -> impl Iterator<Item = StreamId> {
        self.upstream.heads().map(|(stream, _)| stream)
    }
}
