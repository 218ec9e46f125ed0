//! Positions of commits: stream, sequence and hash.

use core::fmt;

use crate::{CountyCode, DivisionError, Topic, hex};

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first commit of a stream names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// Parses 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode_array(text).map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The five writers of a county.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Procurement,
    Station,
    Distribution,
    Sales,
    Ledger,
}

impl Service {
    /// Every service, in the order of their topics.
    pub const ALL: [Self; 5] = [Self::Procurement, Self::Station, Self::Distribution, Self::Sales, Self::Ledger];

    /// The stable lower-case name: in stream names, topics and packages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Procurement => "procurement",
            Self::Station => "station",
            Self::Distribution => "distribution",
            Self::Sales => "sales",
            Self::Ledger => "ledger",
        }
    }

    /// The topic that this service alone writes.
    pub const fn topic(self) -> Topic {
        Topic(self)
    }

    /// Dense index, 0..5.
    pub const fn index(self) -> usize {
        match self {
            Self::Procurement => 0,
            Self::Station => 1,
            Self::Distribution => 2,
            Self::Sales => 3,
            Self::Ledger => 4,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not the name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    #[error("a stream is named service/county")]
    Form,
    #[error("no such service")]
    Service,
    #[error("not a county code")]
    County(#[source] DivisionError),
}

/// One service in one county, e.g. `station/654224`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub service: Service,
    pub county: CountyCode,
}

impl StreamId {
    /// Parses `service/county`.
    pub fn parse(text: &str) -> Result<Self, StreamError> {
        let (service, county) = text.split_once('/').ok_or(StreamError::Form)?;
        let service = Service::ALL.into_iter().find(|s| s.as_str() == service).ok_or(StreamError::Service)?;
        let county = CountyCode::parse(county).map_err(StreamError::County)?;
        Ok(Self { service, county })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.county)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The newest admitted commit of a stream, as seen by a reader. Sequence 0 with the zero hash: none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    pub sequence: u64,
    pub hash: Hash,
}

impl Head {
    /// The head of an empty stream.
    pub const EMPTY: Self = Self { sequence: 0, hash: Hash::ZERO };
}

/// A commit, named so that a reader can tell whether it has the same one: the receipt of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub stream: StreamId,
    pub sequence: u64,
    pub hash: Hash,
}

/// An upstream head as a commit names it: `{stream, sequence}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamSequence {
    pub stream: StreamId,
    pub sequence: u64,
}

/// What a reaction reacts to.
pub type Cause = Position;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_names_round_trip() {
        let stream = StreamId::parse("station/654224").unwrap();
        assert_eq!(stream.to_string(), "station/654224");
        assert_eq!(StreamId::parse("station"), Err(StreamError::Form));
        assert_eq!(StreamId::parse("stations/654224"), Err(StreamError::Service));
        assert!(StreamId::parse("station/65422").is_err());
        assert!(StreamId::parse("station/065422").is_err());
    }

    #[test]
    fn hashes_print_and_parse() {
        let hash = Hash([0xa7; 32]);
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash::parse("zz"), None);
    }
}
