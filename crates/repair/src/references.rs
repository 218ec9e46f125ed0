//! What the streams in the log say of each other: a commit names only what was in the log before it.

use loopledger_chain::Envelope;
use loopledger_types::{Hash, Head, StreamId};

use super::RepairError;
use super::examine::Look;
use loopledger_feed::{Feed, walk};

/// The newest commit of a stream that another one names, and that is neither in the log nor known to be lost.
pub(super) struct Reference {
    pub(super) from: StreamId,
    pub(super) to: StreamId,
    /// Its hash is zero if it is only named as an upstream head.
    pub(super) newest: Head,
}

pub(super) async fn missing(feed: &Feed, looks: &[Look<'_>]) -> Result<Vec<Reference>, RepairError> {
    let mut all = Vec::new();
    for from in looks.iter().filter(|look| look.log.head != Head::EMPTY) {
        let mut found: Vec<Reference> = Vec::new();
        walk(feed, from.stream, |record, _| {
            let Ok(commit) = Envelope::decode(&record.value) else { return Ok(()) };
            let causes = commit.cause.map(|cause| (cause.stream, cause.sequence, Some(cause.hash)));
            let heads = commit.upstream.iter().map(|head| (head.stream, head.sequence, None));
            for (stream, sequence, hash) in causes.into_iter().chain(heads) {
                let named = looks.iter().find(|look| look.stream == stream);
                if named.is_some_and(|named| !named.log.explains(sequence, hash)) {
                    note(&mut found, from.stream, stream, Head { sequence, hash: hash.unwrap_or(Hash::ZERO) });
                }
            }
            Ok(())
        })
        .await?;
        all.append(&mut found);
    }
    Ok(all)
}

fn note(found: &mut Vec<Reference>, from: StreamId, to: StreamId, head: Head) {
    match found.iter_mut().find(|reference| reference.to == to) {
        Some(reference) => reference.newest = reference.newest.max(head),
        None => found.push(Reference { from, to, newest: head }),
    }
}
