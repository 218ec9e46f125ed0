//! How far a program had read a partition, for all the counties in it together.
//!
//! A county whose streams are at rest has a checkpoint that may be old; the mark says that nothing of it came since. So a
//! start reads the partition from the mark on, however long a county has been at rest.

use loopledger_types::{CountyCode, Hash, Service};

use crate::checkpoint::{decode, encode};
use crate::{Backend, PageStore, PageStream, StoreError, StreamKey};

/// Under which key the mark stands: no stream has it.
const KEY: StreamKey = StreamKey(u32::MAX);

/// How far one topic was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicMark {
    pub service: Service,
    /// Everything before this offset was read.
    pub next: u64,
    /// The last record before it: where it stands, and the hash of its bytes.
    pub last: Option<(u64, Hash)>,
}

/// What holds of every county of a partition but those that are listed: its checkpoint has all that stands before the
/// offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    pub topics: Vec<TopicMark>,
    /// Counties of which more was read than their checkpoints hold.
    pub live: Vec<CountyCode>,
}

#[derive(bincode::Encode, bincode::Decode)]
struct StoredTopic {
    service: u8,
    next: u64,
    last: Option<(u64, [u8; 32])>,
}

#[derive(bincode::Encode, bincode::Decode)]
struct StoredMark {
    topics: Vec<StoredTopic>,
    live: Vec<u32>,
}

/// The mark of a partition's store.
#[derive(Debug)]
pub struct MarkStore(PageStream);

impl MarkStore {
    /// The mark that is kept in `store`.
    pub fn of(store: &PageStore) -> Self {
        Self(store.stream(KEY))
    }

    /// The newest mark. None: there is none, or it is of another version.
    pub fn read(&self) -> Result<Option<Mark>, StoreError> {
        Ok(self.0.meta()?.and_then(|bytes| decode_mark(&bytes)))
    }

    /// Queues a mark behind everything that was submitted before it, of whatever county: it is never on disk before that.
    /// Nothing is queued if the last one is not written yet.
    pub fn write(&self, mark: &Mark) -> Result<(), StoreError> {
        if !self.0.has_room() {
            return Ok(());
        }
        let mut batch = self.0.batch();
        batch.set_meta(encode_mark(mark));
        self.0.submit(Box::new(Some(batch)))
    }
}

fn encode_mark(mark: &Mark) -> Vec<u8> {
    let topics = mark.topics.iter().map(|topic| StoredTopic {
        service: u8::try_from(topic.service.index()).unwrap_or(u8::MAX),
        next: topic.next,
        last: topic.last.map(|(at, hash)| (at, hash.0)),
    });
    encode(&StoredMark { topics: topics.collect(), live: mark.live.iter().map(|county| county.get()).collect() })
}

fn decode_mark(bytes: &[u8]) -> Option<Mark> {
    let StoredMark { topics, live } = decode(bytes)?;
    let topics = topics.into_iter().map(|topic| {
        let service = Service::ALL.into_iter().nth(usize::from(topic.service))?;
        Some(TopicMark { service, next: topic.next, last: topic.last.map(|(at, hash)| (at, Hash(hash))) })
    });
    let live = live.into_iter().map(|code| CountyCode::parse(&format!("{code:06}")).ok());
    Some(Mark { topics: topics.collect::<Option<_>>()?, live: live.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use loopledger_types::hex::encode as hex;

    use super::*;

    /// A change of these bytes is a change of the layout.
    #[test]
    fn a_mark_comes_back_from_its_bytes() {
        let topic = |service, last| TopicMark { service, next: 300, last };
        let last = Some((290, Hash([3; 32])));
        let topics = vec![topic(Service::Station, last), topic(Service::Sales, None)];
        let mark = Mark { topics, live: vec![CountyCode::TUOLI] };
        let bytes = encode_mark(&mark);
        assert_eq!(hex(&bytes), format!("0201fb2c0101fb2201{}03fb2c010001fc90fb0900", "03".repeat(32)));
        assert_eq!(decode_mark(&bytes), Some(mark));
        assert_eq!(decode_mark(&bytes[1..]), None);
    }
}
